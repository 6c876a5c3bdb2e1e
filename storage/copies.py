"""What a copy of the database holds, read without changing it: before a backup is made, and before one is trusted."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StorageError


@dataclass(frozen=True, kw_only=True)
class CopyFacts:
    """Of a copy that is sound."""

    revision: str  # of its tables
    stored_names: tuple[str, ...]  # of its pictures
    instances: int  # that are not deleted


def facts_of(path: Path) -> CopyFacts:
    """Check a copy from end to end. Raises StorageError where it is damaged, or no database of this tool."""
    try:
        # immutable: it is nobody's yet, so there is nothing to lock, and no file appears beside it
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise StorageError(f"The database {path.name} is damaged: {found}. Use another backup.")
            # The tool makes none of these, and they would run with whatever it does.
            if foreign := connection.execute(
                "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
            ).fetchone():
                raise StorageError(
                    f"The database {path.name} has a {foreign[0]} that this tool never made ({foreign[1]!r}): it is "
                    "not used. Use another backup."
                )
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            names = tuple(name for (name,) in connection.execute("SELECT stored_name FROM images ORDER BY id"))
            live = connection.execute("SELECT count(*) FROM instances WHERE deleted_at IS NULL").fetchone()[0]
            return CopyFacts(revision=str(revision), stored_names=names, instances=int(live))
    except (sqlite3.Error, TypeError) as error:
        raise StorageError(
            f"The database {path.name} cannot be read: {error}. It is damaged, or none of this tool's."
        ) from error
