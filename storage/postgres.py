"""How PostgreSQL is set up so that several processes write one database, and what its refusals mean.

The driver is psycopg 3. It is not among the requirements: who works alone never needs it, and who runs a server for a
class can install one package more.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import StorageError

DRIVER = "postgresql+psycopg"
PACKAGE = "psycopg[binary]"
KEPT, MOST = 5, 20  # connections of one process; five such processes fit into the 100 that a server gives by default
POOL: dict[str, Any] = {
    "pool_size": KEPT,
    "max_overflow": MOST - KEPT,
    "pool_pre_ping": True,  # a server that was started again is not noticed by the first who asks
    "pool_recycle": 1800,  # seconds; routers forget connections that are silent for longer
}
# A server that is gone without a word is noticed within a minute, not in the two hours that systems wait by themselves.
_CONNECT = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4}
_WRITER = "annotator_writer"
_LOCK = 74755  # any number that no other program takes in this database

_GONE = "cannot be reached: see that the server runs and that the address is right, then try again"
_ENDED = "ended the connection, its server was stopped or started again: try again in a moment"
_NOBODY = "lets nobody in with this name and password: check both in the address"
_FULL = "has no connection left: end a process that uses it, or raise max_connections of the server"
_BY_STATE = {  # SQLSTATE, or how it begins; the first that fits
    "08": _GONE,
    "57P03": "is starting or stopping: try again in a moment",
    "57P": _ENDED,
    "28": _NOBODY,
    "3D000": "does not exist on that server: make it there first (createdb)",
    "53100": "cannot grow, the server's disk is full: free some space there, then try again",
    "53200": "has too little memory: give its server more, or lower its settings",
    "53300": _FULL,
    "55P03": "is busy with other writing: try again in a moment",
    "25P03": "took the change back, it had come to a halt half-way: try again",
    "40": "took the change back, for another got in its way: try again",
    "57014": "stopped a question that took too long: try again",
    "25006": "is read-only: name the server that may be written to, not its copy",
    "42501": "does not let this user do that: grant the rights to its tables",
    "58": "cannot be read or written, its server's disk reports an error: look at the server's log",
    "XX": "is damaged: look at the server's log, and put back a backup",
    "54": "cannot store such a value",
}
# What is said before there is a connection has no SQLSTATE, only its text (in English, unless the server was set so).
_BY_TEXT = {
    "password": _NOBODY,
    "authentication": _NOBODY,
    "pg_hba.conf": _NOBODY,
    "role ": _NOBODY,
    "does not exist": _BY_STATE["3D000"],
    "starting up": _BY_STATE["57P03"],
    "shutting down": _BY_STATE["57P03"],
}


def usual_url(url: URL) -> URL:
    """The address with the driver written out. Raises StorageError for another driver, and for half a password."""
    if url.drivername not in ("postgres", "postgresql", DRIVER):
        raise StorageError(f"PostgreSQL is reached through psycopg: begin the address with {DRIVER}://.")
    if "@" in (url.host or ""):
        raise StorageError("The database's address has more than one @: write %40 for one in the password.")
    return url.set(drivername=DRIVER)


def name_of(url: URL) -> str:
    """What it is called in messages; a password is nowhere in it."""
    return f"{url.database or 'of the user'} at {url.host or url.query.get('host') or 'this machine'}"


def connect_args(url: URL) -> dict[str, Any]:
    """How to connect, but for what the address says itself."""
    # Prepared statements gain little here, and break behind a pooler (PgBouncer) and after another process's upgrade.
    return {"prepare_threshold": None} | {name: value for name, value in _CONNECT.items() if name not in url.query}


def prepare(engine: Engine, *, wait_s: float) -> tuple[Engine, Engine]:
    """Two engines on the pool of `engine`: one for readers, one for writers, who wait for each other at most wait_s.

    Readers see one moment throughout (REPEATABLE READ). Writers go one after another, in whatever process they are: the
    first thing each does is to take one lock of the database's (and schema's), kept to the end of its transaction. That
    is what BEGIN IMMEDIATE gives on SQLite, so what is right there is right here: what a writer reads, nobody changes
    before it has written. The price is that two writers are never at work at once; each is for some milliseconds, and
    forty labelers take twenty steps a second.

    SERIALIZABLE would let writers go side by side, but each would have to be ready to do all of it again, and what was
    written later could be seen earlier: whoever asks for the changes after the last one that they saw would miss some.
    Locks per picture have that fault too, and categories belong to no picture.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: ConnectionPoolEntry) -> None:
        # The lock of a writer whose machine has lost its power or its network must not stay for hours.
        before, connection.autocommit = connection.autocommit, True
        connection.execute("SET tcp_keepalives_idle=20; SET tcp_keepalives_interval=5; SET tcp_keepalives_count=4")
        connection.autocommit = before

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITER):
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout={int(wait_s * 1000)};"
                "SET LOCAL idle_in_transaction_session_timeout='5min';"
                f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(coalesce(current_schema(), '')))"
            )

    # A writer looks at each moment anew: what it sees after the lock is what was committed before.
    writers = engine.execution_options(**{_WRITER: True, "isolation_level": "READ COMMITTED"})
    return engine.execution_options(isolation_level="REPEATABLE READ"), writers


def reason(error: BaseException | None) -> str | None:
    """What an error of the driver's means and what to do about it; None where nothing more can be said."""
    state = getattr(error, "sqlstate", None)
    if state:
        return next((text for begins, text in _BY_STATE.items() if state.startswith(begins)), None)
    if type(error).__name__ != "OperationalError" or not type(error).__module__.startswith("psycopg"):
        return None
    said = str(error)
    if "too many" in said or "connection slots" in said:
        return _FULL
    if "closed" in said or "terminat" in said or "connection is lost" in said:
        return _ENDED
    if "FATAL" in said:
        return next((text for words, text in _BY_TEXT.items() if words in said), _GONE)
    return _GONE
