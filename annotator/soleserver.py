"""One process serves an SQLite file; more take a PostgreSQL.

What processes tell each other they tell through the database, some of it every half second. An SQLite file would wait
for that at each step, and on a network's folder its locks cannot be trusted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from annotator.errors import SettingsError


@contextmanager
def sole_server(database: Path | None) -> Iterator[None]:
    """Serve that file for the length of the block; None: another kind of database, where several may.

    Commands may go on using the file meanwhile. Raises SettingsError where another process serves it.
    """
    if database is None:
        yield
        return
    lock = FileLock(database.with_name(f".{database.name}.serving"))
    try:
        lock.acquire(timeout=0)
    except Timeout as busy:
        raise SettingsError(
            f"Another process serves {database} already: use that one, or end it. For several processes on one "
            "database take a PostgreSQL, by --database."
        ) from busy
    except OSError as error:
        raise SettingsError(
            f"Cannot write beside {database}: {error.strerror}. Allow writing to its folder."
        ) from error
    try:
        yield
    finally:
        lock.release()
