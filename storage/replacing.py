"""Putting another database file in the place of one: the one is there whole or the other, whatever happens."""

import logging
import os
import secrets
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from storage.errors import StorageError

log = logging.getLogger(__name__)

BESIDE = ("-wal", "-shm", "-journal")  # files of a database that is in use; another's would ruin it


def generation_of(path: Path) -> int:
    """What tells the data of a database from those that were there before a restore; 0 where none was restored.

    It stands in the file itself, so that it comes and goes with the data in one step.
    """
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def begin_generation(path: Path) -> None:
    """Give a database that nobody uses a generation that none had before: ids of another mean nothing in it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}")


def carry_over(tables: Iterable[str], old: Path, new: Path) -> None:
    """Make the rows of these tables in `new` those of `old`. Both have the same tables. Raises sqlite3.Error."""
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as target, target:
        for table in tables:
            cursor = source.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            target.execute(f"DELETE FROM {table}")
            target.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", cursor.fetchall()
            )


def put_in_place(new: Path, path: Path) -> None:
    """Move `new` to `path`, all of whose connections are closed.

    Raises OSError, StorageError; `path` is the old one then.
    """
    for one in (new, path):
        if left := [suffix for suffix in BESIDE if one.with_name(one.name + suffix).exists()]:
            raise StorageError(
                f"The database {one} could not be closed whole ({left[0]} stays), another program has it."
            )
    with new.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(new, path)
    if os.name == "posix":
        try:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:  # it is in place; a loss of power in the next seconds might bring the old one back
            log.warning("%s may not be on the disk yet: %s", path, error)
