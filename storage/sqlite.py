"""How SQLite is set up so that every acknowledged step survives a crash and a loss of power, and how it is copied."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 10.0  # how long a writer waits for another one
_FIXED_WAL = (3, 51, 3)  # before it, and but for the two below, two connections can lose a commit when the WAL restarts
_BACKPORTED = ((3, 50, 7), (3, 44, 6))
_BEGIN = "annotator_begin"
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


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """WAL where this SQLite is free of the WAL reset bug, else DELETE, the rollback journal."""
    is_fixed = version >= _FIXED_WAL or any(version[:2] == fix[:2] and version >= fix for fix in _BACKPORTED)
    return "WAL" if is_fixed else "DELETE"


def prepare(engine: Engine, *, foreign_keys: bool = True) -> Engine:
    """Set up the connections of `engine`, which begin deferred. Returns an engine on the same pool for writers.

    A writer takes the write lock at its BEGIN. One that begins as a reader and writes later fails at once when another
    was quicker, however long it would be ready to wait.
    """
    # In WAL mode FULL syncs each commit; the rollback journal needs EXTRA, which also syncs the journal's removal.
    synchronous = "FULL" if journal_mode() == "WAL" else "EXTRA"

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver would begin by itself, and only ever deferred
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(_BEGIN, 'DEFERRED')}")

    return engine.execution_options(**{_BEGIN: "IMMEDIATE"})


def reason(error: BaseException | None) -> str | None:
    """What an error of the driver's means and what to do about it; None where nothing more can be said."""
    code = getattr(error, "sqlite_errorname", "") or ""
    return next((text for known, text in _CAUSES.items() if code.startswith(known)), None)


def set_journal_mode(path: Path) -> None:
    """Bring the file to `journal_mode()`. Raises sqlite3.Error, also when `path` is no SQLite database."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        wanted = journal_mode().lower()
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            connection.execute(f"PRAGMA journal_mode={wanted}")


def copy(source: Path, to: Path) -> None:
    """A consistent copy of a database that may be in use; under the name `to` only when it is whole and on disk.

    Raises sqlite3.Error, OSError.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished = to.with_name(f".{to.name}.{os.getpid()}.tmp")
    try:
        # Not opened read-only: a journal that a killed writer left has to be played back first.
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as reader,
            closing(sqlite3.connect(unfinished)) as writer,
        ):
            reader.backup(writer)  # in one go: writers wait, instead of making it start again and again
            writer.execute("PRAGMA journal_mode=DELETE")  # the copy is one file, whatever the source was
            found = writer.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(f"the copy is damaged, so the database is: {found}")
        _sync(unfinished)
        os.replace(unfinished, to)
        _sync(to.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Force a file's contents, or a folder's names, onto the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder, and writes names through
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
