"""Brings a database to the tables of this version of the code, whole or not at all."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect

from storage.errors import StorageError

SCRIPTS = Path(__file__).parent / "migrations"
_one_at_a_time = threading.Lock()  # Alembic's `op` and `context` are global to the process


def migrate(connection: Connection, *, scripts: Path = SCRIPTS, before: Callable[[str], None]) -> bool:
    """Upgrade within the transaction of `connection`, a writer's; the caller commits. False: it was up to date.

    before(revision) is called first when there is something to upgrade, not for a new database. Raises StorageError
    for a database of a newer version or of another program.
    """
    config = _config(connection, scripts)
    with _one_at_a_time:
        directory = ScriptDirectory.from_config(config)
        known = {script.revision for script in directory.walk_revisions()}
        found = MigrationContext.configure(connection).get_current_heads()
        if set(found) == set(directory.get_heads()):
            return False
        if not set(found) <= known:
            raise StorageError(
                f"The database was written by a newer version of this tool (it is at {', '.join(found)}, this version "
                f"knows up to {directory.get_current_head()}). Update the tool, or put back a copy from backups/."
            )
        if found:
            before(found[0])
        elif tables := inspect(connection).get_table_names():
            raise StorageError(
                f"The database belongs to another program: it has tables of its own ({', '.join(tables[:5])}). "
                "Name an empty or new database."
            )
        command.upgrade(config, "head")
        return True


def write_migration(connection: Connection, message: str, *, scripts: Path = SCRIPTS) -> None:
    """Write the next script: what storage/schema.py has and the database, at the newest revision, has not."""
    config = _config(connection, scripts)
    with _one_at_a_time:
        number = 1 + len(list(ScriptDirectory.from_config(config).walk_revisions()))
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")


def _config(connection: Connection, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _main() -> None:
    """`python -m storage.migration MESSAGE`: write_migration for a fresh database. Read the script before using it."""
    if len(sys.argv) < 2:
        sys.exit("Say what changes: python -m storage.migration MESSAGE")
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/new.db")
        with engine.begin() as connection:
            migrate(connection, before=lambda revision: None)
            write_migration(connection, " ".join(sys.argv[1:]))
        engine.dispose()


if __name__ == "__main__":
    _main()
