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

from storage import replacing, sqlite
from storage.doorway import Doorway
from storage.errors import StorageError
from storage.migration import SCRIPTS, migrate

THREADS = 40  # that may hold a connection at once; Gradio runs as many

_CAUSES = {
    "SQLITE_BUSY": "is in use by another program that does not let go of it: close that program, then try again",
    "SQLITE_LOCKED": "is in use by another program that does not let go of it: close that program, then try again",
    "SQLITE_FULL": "cannot grow, the disk is full: free some space, then try again",
    "SQLITE_IOERR": "cannot be read or written, the disk reports an error: check the disk and its free space",
    "SQLITE_READONLY": "is read-only: allow writing to the file and to its folder",
    "SQLITE_PERM": "may not be opened: allow reading and writing of the file and its folder",
    "SQLITE_CANTOPEN": "cannot be opened: check that its folder exists and may be written to",
    "SQLITE_NOTADB": "is not a database: name another file, or put back a copy from backups/",
    "SQLITE_CORRUPT": "is damaged: put back a copy from backups/",
    "SQLITE_TOOBIG": "cannot take a value as big as that",
}


class Database:
    """A pool of connections to one database. Safe to share between threads; a transaction belongs to one."""

    def __init__(self, readers: Engine, writers: Engine, *, path: Path | None) -> None:
        self._readers = readers
        self._writers = writers
        self.path = path  # of the SQLite file; None for another kind of database
        self._writing = threading.Lock()
        self._doorway = Doorway()
        self.generation = _generation(path)  # of the data: another one after each restore

    @classmethod
    def open(cls, url: str, *, backup_dir: Path | None = None, scripts: Path = SCRIPTS) -> "Database":
        """Open the database at a SQLAlchemy URL, creating and upgrading it as needed.

        An SQLite file that is to be upgraded is copied first: backup_dir (default: backups/ beside the file) /
        annotator-<revision>-<time>.db. Two processes may do this at once: one upgrades, the other waits.
        Raises StorageError.
        """
        try:
            parsed = make_url(url)
        except exc.ArgumentError as e:
            raise StorageError(f"No database can be opened by the address {url!r}: {e}.") from e
        path = _sqlite_path(parsed)
        try:
            readers = create_engine(
                parsed, pool_size=THREADS, max_overflow=0, pool_pre_ping=path is None, json_serializer=_to_json
            )
            with _clear_file_errors(path), _clear_errors(path):
                if path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    sqlite.set_journal_mode(path)
                _bring_up_to_date(parsed, path, backup_dir, scripts)
        except exc.NoSuchModuleError as e:
            raise StorageError(f"No database can be opened by the address {parsed}: {e}.") from e
        except ImportError as e:
            raise StorageError(f"The driver for {parsed.drivername} is not installed ({e}): pip install it.") from e
        return cls(readers, sqlite.prepare(readers) if path is not None else readers, path=path)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database throughout; what it changes is not kept."""
        with self._in_use(), _clear_errors(self.path), Session(self._readers) as db_session:
            yield db_session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed, and on disk, at the end of the block; rolled back by an exception."""
        if self.path is None:
            with _clear_errors(self.path), Session(self._writers) as db_session, db_session.begin():
                yield db_session
            return
        # Threads queue here, not at the file: SQLite's way of waiting is to sleep and look again, and is unfair.
        if not self._writing.acquire(timeout=sqlite.BUSY_SECONDS):
            raise StorageError(f"The database {self.path} is busy with other writing: try again in a moment.")
        try:
            with self._in_use(), _clear_errors(self.path), Session(self._writers) as db_session, db_session.begin():
                yield db_session
        finally:
            self._writing.release()

    def backup(self, to: Path) -> Path:
        """Copy the database as it is now, while it is in use. Raises StorageError."""
        if self.path is None:
            raise StorageError("Only an SQLite database is copied by this tool: use the server's own (pg_dump, ...).")
        with self._in_use(), _clear_file_errors(self.path):
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
        with _clear_file_errors(self.path), self._doorway.shut(wait_s=sqlite.BUSY_SECONDS):
            self._readers.dispose()  # and the writers: they share the pool
            replacing.carry_over(keeping, self.path, by)
            generation = replacing.generation_of(by)
            replacing.put_in_place(by, self.path)
            self.generation = generation

    def _in_use(self) -> AbstractContextManager[None]:
        return self._doorway.inside(wait_s=sqlite.BUSY_SECONDS)

    def close(self) -> None:
        """Close all connections. The database must not be used afterwards."""
        self._readers.dispose()


def _generation(path: Path | None) -> int:
    if path is None:
        return 0
    with _clear_file_errors(path):
        return replacing.generation_of(path)


def _to_json(value: object) -> str:
    """JSON that every reader takes: Python's own would write NaN and Infinity."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _sqlite_path(url: URL) -> Path | None:
    """The file an SQLite URL names, None for another kind. Raises StorageError for one in memory."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StorageError(
            f"The address {url} names no plain file, and threads could not share it: use sqlite:////folder/file.db."
        )
    return Path(url.database)


def _bring_up_to_date(url: URL, path: Path | None, backup_dir: Path | None, scripts: Path) -> None:
    engine = create_engine(url, poolclass=NullPool)
    if path is not None:
        # A table that is made anew is dropped in between, and with foreign keys on that would empty those that refer
        # to it; they are checked at the end instead.
        engine = sqlite.prepare(engine, foreign_keys=False)

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
def _clear_errors(path: Path | None) -> Iterator[None]:
    """What SQLAlchemy and the driver report, as a StorageError that says what to do."""
    name = _name(path)
    try:
        yield
    except exc.IntegrityError as e:
        raise StorageError(f"{name} refused the change: {e.orig}.") from e
    except exc.TimeoutError as e:
        raise StorageError(f"{name} is busy: all {THREADS} connections are in use. Try again in a moment.") from e
    except exc.DBAPIError as e:
        raise StorageError(_explain(name, e.orig)) from e
    except exc.StatementError as e:
        raise StorageError(f"{name} cannot store such a value: {e.orig}.") from e
    except (UnicodeEncodeError, OverflowError) as e:
        raise StorageError(f"{name} cannot store such a value: {e}.") from e


@contextmanager
def _clear_file_errors(path: Path | None) -> Iterator[None]:
    """The same for what goes past SQLAlchemy."""
    name = _name(path)
    try:
        yield
    except sqlite3.Error as e:
        raise StorageError(_explain(name, e)) from e
    except OSError as e:
        raise StorageError(f"{name} cannot be reached: {e}.") from e


def _name(path: Path | None) -> str:
    return "The database" if path is None else f"The database {path}"


def _explain(name: str, error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorname", "") or ""
    for known, text in _CAUSES.items():
        if code.startswith(known):
            return f"{name} {text} ({error})."
    return f"{name} reports: {error}."
