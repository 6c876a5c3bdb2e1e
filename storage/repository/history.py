"""The history: what was changed, by whom and when; and one change taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFound
from storage.records import ChangeKind, ChangeRecord
from storage.repository.undoing import last_of, undo
from storage.schema_together import ChangeRow

MOST_CHANGES = 200  # of one answer


@dataclass(frozen=True, kw_only=True)
class ChangeFilter:
    """Which changes are meant; None: whichever. since and until: from the one moment on, and before the other."""

    image_id: int | None = None
    labeler: str | None = None
    kind: ChangeKind | None = None
    since: datetime | None = None
    until: datetime | None = None


class History:
    """The part of the Repository that knows what was changed. Other parts write it (storage/repository/notes.py)."""

    _database: Database
    _duplicate_iou: float

    def changes(
        self, chosen: ChangeFilter | None = None, *, before_id: int | None = None, most: int = 50
    ) -> list[ChangeRecord]:
        """The newest first, at most so many (and MOST_CHANGES). before_id: of an earlier answer's last, to go on."""
        chosen = chosen or ChangeFilter()
        query = select(ChangeRow).order_by(ChangeRow.id.desc()).limit(max(1, min(most, MOST_CHANGES)))
        if chosen.image_id is not None:
            query = query.where(ChangeRow.image_id == chosen.image_id)
        if chosen.labeler is not None:
            query = query.where(ChangeRow.labeler == chosen.labeler)
        if chosen.kind is not None:
            query = query.where(ChangeRow.kind == chosen.kind.value)
        if before_id is not None:
            query = query.where(ChangeRow.id < before_id)
        with self._database.read() as db_session:
            # Ids grow with time, so moments are looked up once and the list is read along the ids alone.
            if chosen.since is not None:
                first = db_session.scalar(_first_from(chosen.since))
                if first is None:
                    return []
                query = query.where(ChangeRow.id >= first)
            if chosen.until is not None:
                end = db_session.scalar(_first_from(chosen.until))
                query = query if end is None else query.where(ChangeRow.id < end)
            rows = list(db_session.scalars(query))
            return _records(db_session, rows)

    def change(self, change_id: int) -> ChangeRecord:
        """Raises RecordNotFound."""
        with self._database.read() as db_session:
            return _records(db_session, [_row(db_session, change_id)])[0]

    def change_count(self) -> int:
        """How many there are of all."""
        with self._database.read() as db_session:
            return db_session.scalar(select(func.count()).select_from(ChangeRow)) or 0

    def undo_change(self, change_id: int, *, labeler: str) -> ChangeRecord:
        """Take a change back, which is itself a change, by that labeler; to undo that takes the first one again.

        Raises RecordNotFound, ChangedSince where what it was about was changed after it, StorageError where it cannot
        be taken back; then nothing was written.
        """
        with self._database.write() as db_session:
            row = undo(db_session, _row(db_session, change_id), labeler=labeler, duplicate_iou=self._duplicate_iou)
            return _records(db_session, [row])[0]


def _first_from(moment: datetime) -> Select:
    return select(ChangeRow.id).where(ChangeRow.at >= moment).order_by(ChangeRow.at, ChangeRow.id).limit(1)


def _row(db_session: Session, change_id: int) -> ChangeRow:
    row = db_session.get(ChangeRow, change_id)
    if row is None:
        raise RecordNotFound(f"There is no change with the id {change_id} (any more): load the history again.")
    return row


def _records(db_session: Session, rows: Sequence[ChangeRow]) -> list[ChangeRecord]:
    return [
        ChangeRecord(
            id=row.id,
            at=row.at,
            labeler=row.labeler,
            kind=ChangeKind(row.kind),
            image_id=row.image_id,
            instance_id=row.instance_id,
            category_id=row.category_id,
            instances=row.instances,
            before=row.before,
            after=row.after,
            undoes=row.undoes,
            undone=not last_of(db_session, row).stands,
        )
        for row in rows
    ]
