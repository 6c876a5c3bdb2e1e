"""What a step does to instances, forwards and, for undo, backwards.

A change is {"id", "before", "after"}. before None: the step makes the instance. after None: the step deletes it.
Neither None: the step changes the values in `after`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from storage.errors import StorageError
from storage.repository.instances import (
    assign_values,
    insert_instance,
    instance_row,
    live_instance_row,
    values_of,
)
from storage.schema import ImageRow

Change = dict[str, Any]


def take(db_session: Session, image: ImageRow, changes: object, *, labeler: str) -> list[Change]:
    """Apply the changes of a new step. Returns them as they are to be kept.

    Kept are the ids of new instances, and as `before` what the instance really held: another labeler may have changed
    it since the caller looked, and undo must give that back. Raises RecordNotFound, StorageError.
    """
    if not isinstance(changes, list | tuple):
        raise StorageError(f"The changes of a step are a list; got {changes!r}.")
    return [_take_one(db_session, image, change, labeler=labeler) for change in changes]


def play(db_session: Session, image: ImageRow, changes: Sequence[Change], *, backwards: bool) -> None:
    """Undo (backwards) or redo the kept changes of a step.

    An instance that someone deleted meanwhile is changed, and stays deleted.
    """
    for change in reversed(changes) if backwards else changes:
        row = instance_row(db_session, image, change["id"])
        source, target = ("after", "before") if backwards else ("before", "after")
        if change[target] is None:
            row.deleted_at = row.updated_at = datetime.now(UTC)
            continue
        if change[source] is None:
            row.deleted_at = None
        assign_values(db_session, image, row, change[target])


def _take_one(db_session: Session, image: ImageRow, change: Any, *, labeler: str) -> Change:
    if not isinstance(change, dict):
        raise StorageError(f"A change is a dict of id, before and after; got {change!r}.")
    if not all(isinstance(change.get(side), dict | None) for side in ("before", "after")):
        raise StorageError(f"The before and after of a change are a dict of values or None; got {change!r}.")
    instance_id, before, after = change.get("id"), change.get("before"), change.get("after")
    if instance_id is None and before is None and after is not None:
        row = insert_instance(db_session, image, after, labeler=labeler)
        return {"id": row.id, "before": None, "after": values_of(row)}
    if instance_id is None or before is None:
        raise StorageError("A change makes a new instance (no id, no before) or names one by id and says its before.")
    row = live_instance_row(db_session, image, instance_id)
    if after is None:
        row.deleted_at = row.updated_at = datetime.now(UTC)
        return {"id": row.id, "before": values_of(row), "after": None}
    held = values_of(row, after)
    assign_values(db_session, image, row, after)
    return {"id": row.id, "before": held, "after": values_of(row, after)}
