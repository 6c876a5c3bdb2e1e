"""What a step does to instances and proposals, forwards and, for undo, backwards.

Its payload may hold "changes", those of instances, and "rejected", the ids of the proposals that it rejects.
A change is {"id", "before", "after"}. before None: the step makes the instance. after None: the step deletes it.
Neither None: the step changes the values in `after`. A new one may also hold
"seen", see storage/repository/standing.py.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from storage.errors import StorageError
from storage.repository.instances import (
    assign_values,
    insert_instance,
    instance_row,
    live_instance_row,
)
from storage.repository.instancevalues import values_of
from storage.repository.notes import Watch
from storage.repository.proposals import mark_rejected, open_proposal_rows, recount
from storage.repository.standing import SEEN, check_left, check_seen
from storage.schema import ImageRow

Change = dict[str, Any]


def take(
    db_session: Session, image: ImageRow, payload: Mapping[str, Any], *, labeler: str, duplicate_iou: float
) -> dict[str, Any]:
    """Do what the payload of a new step says. Returns the payload as it is to be kept.

    Kept are the ids of new instances, and as `before` what the instance really held: another labeler may have changed
    it since the caller looked, and undo must give that back. Raises RecordNotFound, InstanceChanged, StorageError.
    """
    kept = dict(payload)
    if "changes" in payload:
        changes, watch = _list(payload, "changes"), Watch()
        check_seen(db_session, image, changes, labeler=labeler)
        kept["changes"] = [_take_one(db_session, image, change, watch, labeler=labeler) for change in changes]
        watch.note(db_session, labeler=labeler)
    if "rejected" in payload:
        for row in open_proposal_rows(db_session, image.id, _list(payload, "rejected")):
            row.rejected = True
    if _touches(payload):
        recount(db_session, image.id, duplicate_iou=duplicate_iou)
    return kept


def play(
    db_session: Session,
    image: ImageRow,
    payload: Mapping[str, Any],
    *,
    labeler: str,
    backwards: bool,
    duplicate_iou: float,
    seen: Mapping[int, int],
    leave: Collection[int],
) -> None:
    """Undo (backwards) or redo what the kept payload of a labeler's step did.

    seen: id -> version of what may be overwritten though it was changed since. leave: instances that stay as they are.
    Raises InstanceChanged where another instance is not as the step left it.
    """
    watch = Watch()
    changes = [change for change in payload.get("changes", []) if change["id"] not in leave]
    changes = changes[::-1] if backwards else changes
    source, target = ("after", "before") if backwards else ("before", "after")
    check_left(db_session, image, changes, source=source, target=target, seen=seen)
    _play_changes(db_session, image, changes, watch, source=source, target=target)
    watch.note(db_session, labeler=labeler)
    if "rejected" in payload:
        mark_rejected(db_session, image.id, payload["rejected"], rejected=not backwards)
    if _touches(payload):
        recount(db_session, image.id, duplicate_iou=duplicate_iou)


def _touches(payload: Mapping[str, Any]) -> bool:
    return "changes" in payload or "rejected" in payload


def _list(payload: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = payload[name]
    if not isinstance(value, list | tuple):
        raise StorageError(f"The {name} of a step are a list; got {value!r}.")
    return value


def _play_changes(
    db_session: Session, image: ImageRow, changes: Sequence[Change], watch: Watch, *, source: str, target: str
) -> None:
    for change in changes:
        row = instance_row(db_session, image, change["id"])
        watch.see(row)
        if change[target] is None:
            row.deleted_at = row.updated_at = datetime.now(UTC)
            continue
        row.deleted_at = None
        assign_values(db_session, image, row, change[target])


def _take_one(db_session: Session, image: ImageRow, change: Any, watch: Watch, *, labeler: str) -> Change:
    if not isinstance(change, dict):
        raise StorageError(f"A change is a dict of id, before and after; got {change!r}.")
    if not all(isinstance(change.get(side), dict | None) for side in ("before", "after")):
        raise StorageError(f"The before and after of a change are a dict of values or None; got {change!r}.")
    instance_id, before, after = change.get("id"), change.get("before"), change.get("after")
    if instance_id is None and before is None and after is not None:
        row = insert_instance(db_session, image, after, labeler=labeler)
        watch.see_made(row)
        return {"id": row.id, "before": None, "after": values_of(row)}
    if instance_id is None or before is None:
        raise StorageError("A change makes a new instance (no id, no before) or names one by id and says its before.")
    row = instance_row(db_session, image, instance_id)
    watch.see(row)
    if row.deleted_at is not None and after is not None and change.get(SEEN) == row.version:  # known, and wanted back
        row.deleted_at = None
        assign_values(db_session, image, row, after)
        return {"id": row.id, "before": None, "after": values_of(row)}
    row = live_instance_row(db_session, image, instance_id)
    if after is None:
        row.deleted_at = row.updated_at = datetime.now(UTC)
        return {"id": row.id, "before": values_of(row), "after": None}
    held = values_of(row, after)
    assign_values(db_session, image, row, after)
    return {"id": row.id, "before": held, "after": values_of(row, after)}
