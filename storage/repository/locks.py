"""Locks: what labelers may not change for now."""

from datetime import UTC, datetime

from sqlalchemy import select

from storage.database import Database
from storage.records import LockRecord
from storage.schema_class import LockRow


class Locks:
    """The part of the Repository that knows what is locked. It holds nobody off: that is its reader's to do."""

    _database: Database

    def locks(self) -> dict[str, LockRecord]:
        """name -> lock, of all there are."""
        with self._database.read() as db_session:
            return {row.name: _record(row) for row in db_session.scalars(select(LockRow))}

    def set_lock(self, name: str, *, locked: bool, labeler: str) -> None:
        """Lock or unlock. What is locked already stays as it was."""
        with self._database.write() as db_session:
            row = db_session.get(LockRow, name)
            if locked and row is None:
                db_session.add(LockRow(name=name, labeler=labeler, at=datetime.now(UTC)))
            elif not locked and row is not None:
                db_session.delete(row)


def _record(row: LockRow) -> LockRecord:
    return LockRecord(name=row.name, labeler=row.labeler, at=row.at)
