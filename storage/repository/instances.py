"""Instances: saved masks."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFound, StorageError
from storage.records import ChangeKind, InstanceRecord, InstanceVersion, Origin
from storage.repository.categoryrows import living_category
from storage.repository.images import image_row
from storage.repository.instancevalues import VALUE_KEYS
from storage.repository.masks import assign_mask, mask_of
from storage.repository.notes import Watch
from storage.repository.proposals import IDS_AT_ONCE, recount
from storage.schema import ImageRow, InstanceRow
from storage.schema_together import ChangeRow

Values = Mapping[str, Any]  # what a caller says about an instance, in plain JSON; VALUE_KEYS are its keys
_REQUIRED = ("category_id", "rle", "origin")


class Instances:
    """The instance part of the Repository. Deleted instances are never given out."""

    _database: Database
    _duplicate_iou: float

    def instances(self, image_id: int) -> list[InstanceRecord]:
        """Those of one picture, oldest first; [] also where there is no such picture."""
        query = (
            select(InstanceRow)
            .where(InstanceRow.image_id == image_id, InstanceRow.deleted_at.is_(None))
            .order_by(InstanceRow.id)
        )
        with self._database.read() as db_session:
            return [_record(row) for row in db_session.scalars(query)]

    def instance(self, instance_id: int) -> InstanceRecord:
        """Raises RecordNotFound."""
        with self._database.read() as db_session:
            row = db_session.get(InstanceRow, instance_id)
            if row is None or row.deleted_at is not None:
                raise _not_found(instance_id)
            return _record(row)

    def instance_versions(self, instance_ids: Collection[int]) -> dict[int, InstanceVersion]:
        """Each as it is now, deleted or not, with who changed it last; ids that never were are not in it."""
        query = select(InstanceRow, ChangeRow).outerjoin(ChangeRow, ChangeRow.id == InstanceRow.version)
        with self._database.read() as db_session:
            return {
                row.id: InstanceVersion(
                    instance=_record(row),
                    deleted=row.deleted_at is not None,
                    labeler="" if last is None else last.labeler,
                    at=None if last is None else last.at,
                    kind=None if last is None else ChangeKind(last.kind),
                )
                for row, last in db_session.execute(query.where(InstanceRow.id.in_(list(instance_ids))))
            }

    def labelers_of(self, instance_ids: Collection[int]) -> dict[int, str]:
        """id -> who saved it, of deleted ones too; ids that never were are not in it."""
        found: dict[int, str] = {}
        ids = list(instance_ids)
        with self._database.read() as db_session:
            for start in range(0, len(ids), IDS_AT_ONCE):
                query = select(InstanceRow.id, InstanceRow.labeler)
                query = query.where(InstanceRow.id.in_(ids[start : start + IDS_AT_ONCE]))
                found |= {int(instance_id): str(labeler) for instance_id, labeler in db_session.execute(query)}
        return found

    def labelers_on(self, *, image_id: int | None = None, category_id: int | None = None) -> set[str]:
        """Whose instances are on a picture, or have a category."""
        query = select(InstanceRow.labeler).distinct().where(InstanceRow.deleted_at.is_(None))
        if image_id is not None:
            query = query.where(InstanceRow.image_id == image_id)
        if category_id is not None:
            query = query.where(InstanceRow.category_id == category_id)
        with self._database.read() as db_session:
            return set(db_session.scalars(query))

    def add_instances(self, image_id: int, values: Sequence[Values], *, labeler: str) -> list[InstanceRecord]:
        """Add instances outside any session (imports, automatic masks): all of them or none.

        values: dicts with category_id, rle {"size", "counts"} and origin, and where known predicted_iou,
        stability_score, model, prompt, is_crowd. Raises RecordNotFound, StorageError.
        """
        with self._database.write() as db_session:
            image = image_row(db_session, image_id)
            rows = [insert_instance(db_session, image, each, labeler=labeler) for each in values]
            watch = Watch()
            for row in rows:
                watch.see_made(row)
            watch.note(db_session, labeler=labeler)
            recount(db_session, image_id, duplicate_iou=self._duplicate_iou)
            return [_record(row) for row in rows]


def insert_instance(db_session: Session, image: ImageRow, values: Values, *, labeler: str) -> InstanceRow:
    """A new row with its id. Raises StorageError for values that are not whole or not sound."""
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise StorageError(f"A new instance needs {', '.join(missing)}.")
    now = datetime.now(UTC)
    row = InstanceRow(image_id=image.id, labeler=labeler, prompt=[], is_crowd=False, created_at=now)
    assign_values(db_session, image, row, values)
    db_session.add(row)
    db_session.flush()
    return row


def assign_values(db_session: Session, image: ImageRow, row: InstanceRow, values: Values) -> None:
    """Give a row these values, box and area with the mask. Raises StorageError, RecordNotFound (its category)."""
    unknown = set(values) - set(VALUE_KEYS)
    if unknown:
        raise StorageError(f"An instance has {', '.join(VALUE_KEYS)}; got {', '.join(sorted(map(str, unknown)))}.")
    for key, value in values.items():
        if key == "category_id":
            row.category_id = living_category(db_session, value)
        elif key == "rle":
            assign_mask(image, row, value)
        elif key == "origin":
            row.origin = Origin(value).value if value in list(Origin) else _refuse(key, value)
        elif key in ("predicted_iou", "stability_score"):
            is_sound = value is None or (isinstance(value, int | float) and math.isfinite(value))
            setattr(row, key, value if is_sound else _refuse(key, value))
        elif key == "prompt":
            row.prompt = list(value) if isinstance(value, list | tuple) else _refuse(key, value)
        else:
            setattr(row, key, value)
    row.updated_at = datetime.now(UTC)


def instance_row(db_session: Session, image: ImageRow, instance_id: object) -> InstanceRow:
    """The row, deleted or not. Raises RecordNotFound, also for an instance of another picture."""
    row = db_session.get(InstanceRow, instance_id) if isinstance(instance_id, int) else None
    if row is None or row.image_id != image.id:
        raise _not_found(instance_id)
    return row


def live_instance_row(db_session: Session, image: ImageRow, instance_id: object) -> InstanceRow:
    """The same for one that is not deleted."""
    row = instance_row(db_session, image, instance_id)
    if row.deleted_at is not None:
        raise _not_found(instance_id)
    return row


def _not_found(instance_id: object) -> RecordNotFound:
    return RecordNotFound(f"There is no instance with the id {instance_id} on this picture (any more): reload it.")


def _refuse(key: str, value: object) -> Any:
    raise StorageError(f"An instance's {key} cannot be {value!r}.")


def _record(row: InstanceRow) -> InstanceRecord:
    return InstanceRecord(
        id=row.id,
        image_id=row.image_id,
        category_id=row.category_id,
        rle=mask_of(row),
        bbox_xywh=(row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height),
        area=row.area,
        predicted_iou=row.predicted_iou,
        stability_score=row.stability_score,
        model=row.model,
        origin=Origin(row.origin),
        labeler=row.labeler,
        prompt=row.prompt,
        is_crowd=row.is_crowd,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )
