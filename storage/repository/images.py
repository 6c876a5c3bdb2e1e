"""Pictures."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFound
from storage.records import ChangeKind, ImageRecord, ImageStatus
from storage.repository.notes import note, note_difference
from storage.schema import ImageRow, InstanceRow
from storage.schema_together import AssignmentRow, ChangeRow

_TABLE = ImageRow.__table__
_SHOWN = tuple(column.name for column in _TABLE.columns if column.name != "team")


class Images:
    """The picture part of the Repository."""

    _database: Database

    def add_image(
        self, *, sha256: str, stored_name: str, original_name: str, width: int, height: int, exif_orientation: int
    ) -> tuple[ImageRecord, bool]:
        """Add a picture at the end of the list. False: it was there already (the same sha256), and stays as it was."""
        with self._database.write() as db_session:
            known = db_session.execute(select(_TABLE).where(ImageRow.sha256 == sha256)).one_or_none()
            if known is not None:
                return _record(known._mapping), False
            last = db_session.scalar(select(func.max(ImageRow.position)))
            row = ImageRow(
                sha256=sha256,
                stored_name=stored_name,
                # A file name that is not UTF-8 comes with lone surrogates, which no database takes.
                original_name=original_name.encode("utf-8", "replace").decode("utf-8"),
                width=width,
                height=height,
                exif_orientation=exif_orientation,
                position=0 if last is None else last + 1,
                status=ImageStatus.NEW.value,
                review_comment="",
                team="",
                created_at=datetime.now(UTC),
            )
            db_session.add(row)
            db_session.flush()
            return image_record(row), True

    def find_image(self, sha256: str) -> ImageRecord | None:
        """The picture whose given file had this hash."""
        with self._database.read() as db_session:
            found = db_session.execute(select(_TABLE).where(ImageRow.sha256 == sha256)).one_or_none()
            return None if found is None else _record(found._mapping)

    def image(self, image_id: int) -> ImageRecord:
        """Raises RecordNotFound."""
        with self._database.read() as db_session:
            return image_record(image_row(db_session, image_id))

    def images(self, *, status: ImageStatus | None = None) -> list[ImageRecord]:
        """All pictures, or those of one status, in the list's order."""
        query = select(_TABLE).order_by(ImageRow.position, ImageRow.id)
        if status is not None:
            query = query.where(ImageRow.status == ImageStatus(status).value)
        with self._database.read() as db_session:
            return [_record(row) for row in db_session.execute(query).mappings()]

    def image_count(self) -> int:
        """Number of pictures."""
        with self._database.read() as db_session:
            return db_session.scalar(select(func.count()).select_from(ImageRow)) or 0

    def set_image_status(self, image_id: int, status: ImageStatus, *, labeler: str = "") -> ImageRecord:
        """Raises RecordNotFound."""
        with self._database.write() as db_session:
            row = image_row(db_session, image_id)
            set_status(db_session, row, ImageStatus(status), labeler=labeler)
            return image_record(row)

    def remove_image(self, image_id: int, *, labeler: str = "") -> None:
        """Remove a picture with its sessions and instances, for good; its files are the caller's. RecordNotFound.

        Of its history, with the masks that it holds, one line stays: that it was there, and who removed it.
        """
        with self._database.write() as db_session:
            row = image_row(db_session, image_id)
            count = _instances_of(db_session, image_id)
            db_session.execute(delete(ChangeRow).where(ChangeRow.image_id == image_id))
            note(
                db_session,
                ChangeKind.PICTURE_REMOVED,
                labeler=labeler,
                image_id=image_id,
                instances=count,
                before={"name": row.original_name, "status": row.status},
                after={},
            )
            db_session.execute(delete(ImageRow).where(ImageRow.id == image_id))

    def image_after(self, image: ImageRecord) -> ImageRecord | None:
        """The next one in the list, None at its end."""
        query = select(_TABLE).where(ImageRow.position > image.position).order_by(ImageRow.position, ImageRow.id)
        with self._database.read() as db_session:
            found = db_session.execute(query.limit(1)).one_or_none()
            return None if found is None else _record(found._mapping)

    def instance_count(self, image_id: int) -> int:
        """Number of its instances."""
        with self._database.read() as db_session:
            return _instances_of(db_session, image_id)

    def instance_counts(self) -> dict[int, int]:
        """image_id -> number of its instances; pictures without any are not in it."""
        query = (
            select(InstanceRow.image_id, func.count())
            .where(InstanceRow.deleted_at.is_(None))
            .group_by(InstanceRow.image_id)
        )
        with self._database.read() as db_session:
            return {image_id: int(count) for image_id, count in db_session.execute(query)}


def image_row(db_session: Session, image_id: int) -> ImageRow:
    """Raises RecordNotFound."""
    row = db_session.get(ImageRow, image_id)
    if row is None:
        raise RecordNotFound(f"There is no picture with the id {image_id} (any more): reload the list.")
    return row


def set_status(
    db_session: Session, row: ImageRow, status: ImageStatus, *, labeler: str, comment: str | None = None
) -> None:
    """Give a picture a status, and a review's comment where there is one; the history is told what is another now.

    Who has a picture that needs no labeler any more has it no longer; when it needs one again, it is theirs again.
    """
    before = status_of(row)
    assign_status(db_session, row, status, comment=row.review_comment if comment is None else comment)
    note_difference(db_session, ChangeKind.STATUS, before, status_of(row), labeler=labeler, image_id=row.id)


def assign_status(db_session: Session, row: ImageRow, status: ImageStatus, *, comment: str) -> None:
    """The same without telling the history."""
    if ImageStatus(row.status).is_open is not status.is_open:
        those = update(AssignmentRow).where(AssignmentRow.image_id == row.id)
        db_session.execute(those.values(submitted=not status.is_open, until=None))
    row.status, row.review_comment = status.value, comment


def status_of(row: ImageRow) -> dict[str, str]:
    """As the history keeps it."""
    return {"status": row.status, "comment": row.review_comment}


def _instances_of(db_session: Session, image_id: int) -> int:
    query = select(func.count()).where(InstanceRow.image_id == image_id, InstanceRow.deleted_at.is_(None))
    return db_session.scalar(query) or 0


def image_record(row: ImageRow) -> ImageRecord:
    return _record({name: getattr(row, name) for name in _SHOWN})


def _record(values: Mapping[Any, Any]) -> ImageRecord:
    shown = {name: values[name] for name in _SHOWN}
    return ImageRecord(**{**shown, "status": ImageStatus(shown["status"])})
