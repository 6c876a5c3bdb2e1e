"""The database: opened and brought up to date, then read and written in transactions."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from storage import postgres, replacing, sqlite
from storage.doorway import Doorway
from storage.errors import StorageError
from storage.migration import SCRIPTS, migrate

THREADS = 40  # that may hold a connection at once; Gradio runs as many
WAIT_TO_OPEN_S = 120.0  # for another process that upgrades the same database


class Database:
    """A pool of connections to one database. Safe to share between threads; a transaction belongs to one."""

    def __init__(
        self, readers: Engine, writers: Engine, *, path: Path | None, name: str, wait_s: float = sqlite.BUSY_SECONDS
    ) -> None:
        self._readers = readers
        self._writers = writers
        self.path = path  # of the SQLite file; None for PostgreSQL
        self._name = name  # as messages begin
        self._wait_s = wait_s
        self._writing = threading.Lock()
        self._doorway = Doorway()
        self.generation = 0  # of the data: another one after each restore
        if path is not None:
            with _clear_file_errors(name):
                self.generation = replacing.generation_of(path)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        backup_dir: Path | None = None,
        scripts: Path = SCRIPTS,
        wait_s: float = sqlite.BUSY_SECONDS,
    ) -> "Database":
        """Open the SQLite or PostgreSQL database at a SQLAlchemy URL, creating (its tables) and upgrading it as needed.

        An SQLite file that is to be upgraded is copied first: backup_dir (default: backups/ beside the file) /
        annotator-<revision>-<time>.db. Two processes may do this at once: one upgrades, the other waits.
        wait_s: how long a writer waits for others. Raises StorageError, in whose text no password is.
        """
        parsed = _parsed(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        path = _sqlite_path(parsed) if is_sqlite else None
        name = f"The database {postgres.name_of(parsed) if path is None else path}"
        given = {"connect_args": postgres.connect_args(parsed)} if path is None else {}
        pool = postgres.POOL if path is None else {"pool_size": THREADS, "max_overflow": 0}
        try:
            engine = create_engine(parsed, json_serializer=_to_json, **given, **pool)
            with _clear_file_errors(name), _clear_errors(name):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    sqlite.set_journal_mode(path)
                _bring_up_to_date(create_engine(parsed, poolclass=NullPool, **given), path, backup_dir, scripts)
        except exc.NoSuchModuleError as e:
            raise StorageError(f"No database can be opened by the address {parsed.drivername}://: {e}.") from e
        except ImportError as e:
            package = parsed.get_driver_name() if is_sqlite else postgres.PACKAGE
            raise StorageError(
                f"The driver for {parsed.drivername} is not installed ({e}): pip install '{package}'."
            ) from e
        if path is not None:
            return cls(engine, sqlite.prepare(engine), path=path, name=name, wait_s=wait_s)
        return cls(*postgres.prepare(engine, wait_s=wait_s), path=None, name=name, wait_s=wait_s)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database throughout; what it changes is not kept."""
        with self._in_use(), _clear_errors(self._name), Session(self._readers) as db_session:
            yield db_session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed, and on disk, at the end of the block; rolled back by an exception."""
        # Threads queue here, not at the database: SQLite's way of waiting is to sleep and look again, and is unfair;
        # PostgreSQL's takes a connection for each that waits.
        if not self._writing.acquire(timeout=self._wait_s):
            raise StorageError(f"{self._name} is busy with other writing: try again in a moment.")
        try:
            with self._in_use(), _clear_errors(self._name), Session(self._writers) as db_session, db_session.begin():
                yield db_session
        finally:
            self._writing.release()

    def backup(self, to: Path) -> Path:
        """Copy the database as it is now, while it is in use. Raises StorageError."""
        if self.path is None:
            raise StorageError("Only an SQLite database is copied by this tool: use the server's own (pg_dump, ...).")
        with self._in_use(), _clear_file_errors(self._name):
            sqlite.copy(self.path, to)
        return to

    def replace(self, by: Path, *, keeping: Sequence[str] = ()) -> None:
        """Put another database of this version in place of this one, and go on with it; the file `by` is gone then.

        Who reads or writes comes to the end first, who comes meanwhile waits. keeping: tables whose rows stay those of
        now. Raises StorageError, and all is as it was: no other program may have either file open.
        """
        if self.path is None:
            raise StorageError(
                "Only an SQLite database is replaced by this tool: use the server's own (pg_restore, ...)."
            )
        with _clear_file_errors(self._name), self._doorway.shut(wait_s=self._wait_s):
            self._readers.dispose()  # and the writers: they share the pool
            replacing.carry_over(keeping, self.path, by)
            generation = replacing.generation_of(by)
            replacing.put_in_place(by, self.path)
            self.generation = generation

    def _in_use(self) -> AbstractContextManager[None]:
        return self._doorway.inside(wait_s=self._wait_s)

    def close(self) -> None:
        """Close all connections. The database must not be used afterwards."""
        self._readers.dispose()


class _Unstorable(ValueError):
    """A value that JSON has no word for."""


def _to_json(value: object) -> str:
    """JSON that every reader takes: Python's own would write NaN and Infinity."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError as e:
        raise _Unstorable(str(e)) from e


def _parsed(url: str) -> URL:
    """Raises StorageError for what is no address of a database, or one of a kind that this tool does not know."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as e:
        hidden = f"***@{url.rpartition('@')[2]}" if "@" in url else url
        raise StorageError(
            f"No database can be opened by the address {hidden!r}: write sqlite:////folder/file.db or "
            f"{postgres.DRIVER}://user:password@host/database."
        ) from e
    kind = parsed.drivername.partition("+")[0]
    if kind == "sqlite":
        return parsed
    if kind in ("postgres", "postgresql"):
        return postgres.usual_url(parsed)
    raise StorageError(
        f"No database can be opened by the address {parsed.drivername}://: this tool knows SQLite and PostgreSQL."
    )


def _sqlite_path(url: URL) -> Path:
    """The file an SQLite URL names. Raises StorageError for one in memory."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StorageError(
            f"The address {url} names no plain file, and threads could not share it: use sqlite:////folder/file.db."
        )
    return Path(url.database)


def _bring_up_to_date(plain: Engine, path: Path | None, backup_dir: Path | None, scripts: Path) -> None:
    if path is None:
        _, engine = postgres.prepare(plain, wait_s=WAIT_TO_OPEN_S)
    else:
        # A table that is made anew is dropped in between, and with foreign keys on that would empty those that refer
        # to it; they are checked at the end instead.
        engine = sqlite.prepare(plain, foreign_keys=False)

    def keep_copy(revision: str) -> None:
        if path is not None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            sqlite.copy(path, (backup_dir or path.parent / "backups") / f"annotator-{revision}-{stamp}.db")

    with engine.begin() as connection:
        if migrate(connection, scripts=scripts, before=keep_copy) and path is not None:
            _check_foreign_keys(connection)
        # A database that can only be read would otherwise be found out at the first click.
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StorageError(
            f"The upgrade was taken back: row {broken[1]} of {broken[0]} would refer to a row of {broken[2]} that is "
            "not there. Nothing was changed; please report this."
        )


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """What SQLAlchemy and the driver report, as a StorageError that says what to do."""
    try:
        yield
    except exc.IntegrityError as e:
        raise StorageError(f"{name} refused the change: {_first_line(e.orig)}.") from e
    except exc.TimeoutError as e:
        raise StorageError(f"{name} is busy: all connections to it are in use. Try again in a moment.") from e
    except exc.StatementError as e:
        if isinstance(e, exc.DBAPIError) and not isinstance(e, exc.DataError):
            raise StorageError(_explain(name, e.orig)) from e
        raise StorageError(f"{name} cannot store such a value: {_first_line(e.orig)}.") from e
    except (_Unstorable, UnicodeEncodeError, OverflowError) as e:  # from a driver that makes text of values itself
        raise StorageError(f"{name} cannot store such a value: {e}.") from e


@contextmanager
def _clear_file_errors(name: str) -> Iterator[None]:
    """The same for what goes past SQLAlchemy."""
    try:
        yield
    except sqlite3.Error as e:
        raise StorageError(_explain(name, e)) from e
    except OSError as e:
        raise StorageError(f"{name} cannot be reached: {e}.") from e


def _explain(name: str, error: BaseException | None) -> str:
    text = sqlite.reason(error) or postgres.reason(error)
    return f"{name} {text} ({_first_line(error)})." if text else f"{name} reports: {_first_line(error)}."


def _first_line(error: BaseException | None) -> str:
    """PostgreSQL tells details in lines of their own: the statement, and with it what was to be stored."""
    return str(error).partition("\n")[0]
