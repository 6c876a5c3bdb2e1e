"""Writing the history: within the transaction of the change itself, so that there is never one without the other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from storage.records import ChangeKind, ImageStatus, Origin
from storage.repository.instancevalues import state_of
from storage.schema import InstanceRow
from storage.schema_together import ChangeRow

State = Mapping[str, Any]
NOT_THERE: State = {"deleted": True}
THERE: State = {"deleted": False}
_BY_ORIGIN = {
    Origin.CLICK.value: ChangeKind.SAVED,
    Origin.AUTO.value: ChangeKind.PROPOSAL_ACCEPTED,
    Origin.IMPORT.value: ChangeKind.IMPORTED,
}


def note(
    db_session: Session,
    kind: ChangeKind,
    *,
    labeler: str,
    before: State,
    after: State,
    image_id: int | None = None,
    instance_id: int | None = None,
    category_id: int | None = None,
    instances: int = 0,
    undoes: int | None = None,
    at: datetime | None = None,
) -> ChangeRow:
    """Write one change. before and after as in ChangeRecord; at: its moment, None for now."""
    row = ChangeRow(
        at=at or datetime.now(UTC),
        labeler=labeler,
        kind=kind.value,
        image_id=image_id,
        instance_id=instance_id,
        category_id=category_id,
        instances=instances,
        before=dict(before),
        after=dict(after),
        undoes=undoes,
    )
    db_session.add(row)
    db_session.flush()
    return row


def note_difference(
    db_session: Session, kind: ChangeKind, before: State, after: State, **others: Any
) -> ChangeRow | None:
    """Write a change of the values that differ; nothing, and None, where none does."""
    changed = [name for name in after if name not in before or before[name] != after[name]]
    if not changed:
        return None
    old = {name: before[name] for name in changed if name in before}
    return note(db_session, kind, before=old, after={name: after[name] for name in changed}, **others)


def note_imported(
    db_session: Session,
    made: Mapping[int, Collection[int]],
    replaced: Mapping[int, Collection[int]],
    *,
    labeler: str,
    at: datetime,
) -> None:
    """One change per picture. made and replaced: image_id -> ids of instances."""
    rows = []
    for image_id, ids in made.items():
        gone = replaced.get(image_id, ())
        before = {str(one): NOT_THERE for one in ids} | {str(one): THERE for one in gone}
        after = {str(one): THERE for one in ids} | {str(one): NOT_THERE for one in gone}
        rows.append({"before": before, "after": after, "instances": len(before), "image_id": image_id})
    _insert(db_session, ChangeKind.IMPORTED, rows, labeler, at)


def note_begun(db_session: Session, image_ids: Collection[int], *, labeler: str) -> None:
    """That these pictures, which were new, are in progress."""
    sides = {"before": {"status": ImageStatus.NEW.value}, "after": {"status": ImageStatus.IN_PROGRESS.value}}
    _insert(db_session, ChangeKind.STATUS, [{"image_id": one, "instances": 0, **sides} for one in image_ids], labeler)


def _insert(
    db_session: Session, kind: ChangeKind, rows: Sequence[dict[str, Any]], labeler: str, at: datetime | None = None
) -> None:
    """Many changes of one kind, written at once."""
    if rows:
        same = {"kind": kind.value, "labeler": labeler, "at": at or datetime.now(UTC)}
        db_session.execute(insert(ChangeRow), [{**row, **same} for row in rows])


class Watch:
    """Looks at instances of one picture before and after something is done to them, and tells the difference."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[InstanceRow, State]] = {}
        self._made: set[int] = set()

    def see(self, row: InstanceRow) -> None:
        """To be called before each change of a row that was there."""
        if row.id not in self._seen:
            self._seen[row.id] = row, state_of(row)

    def see_made(self, row: InstanceRow) -> None:
        """To be called for each new row."""
        self._seen[row.id] = row, {**state_of(row), **NOT_THERE}
        self._made.add(row.id)

    def note(self, db_session: Session, *, labeler: str) -> None:
        """Write what has changed: one change for all to which the same happened."""
        found: dict[ChangeKind, list[tuple[InstanceRow, State, State]]] = {}
        for row, was in self._seen.values():
            now = state_of(row)
            changed = [name for name in now if was[name] != now[name]]
            if changed:
                sides = {name: was[name] for name in changed}, {name: now[name] for name in changed}
                found.setdefault(self._kind(row, sides[1]), []).append((row, *sides))
        for kind, some in found.items():
            note_instances(db_session, kind, some, labeler=labeler)

    def _kind(self, row: InstanceRow, after: State) -> ChangeKind:
        return _BY_ORIGIN[row.origin] if row.id in self._made else kind_of([after])


def kind_of(after: Iterable[State]) -> ChangeKind:
    """What has happened to instances that were there and now hold these values: the first that can be said of one."""
    sides = list(after)
    if any("deleted" in one for one in sides):
        is_deleted = any(one.get("deleted") for one in sides)
        return ChangeKind.DELETED if is_deleted else ChangeKind.RESTORED
    is_category = all(set(one) == {"category_id"} for one in sides)
    return ChangeKind.RECATEGORISED if is_category else ChangeKind.EDITED


def note_instances(
    db_session: Session,
    kind: ChangeKind,
    changed: Collection[tuple[InstanceRow, State, State]],
    *,
    labeler: str,
    undoes: int | None = None,
) -> ChangeRow:
    """Write one change of some instances of one picture, each with what it held before and holds after."""
    rows = [row for row, _, _ in changed]
    made = note(
        db_session,
        kind,
        labeler=labeler,
        image_id=rows[0].image_id,
        instance_id=rows[0].id if len(rows) == 1 else None,
        instances=len(rows),
        before={str(row.id): dict(before) for row, before, _ in changed},
        after={str(row.id): dict(after) for row, _, after in changed},
        undoes=undoes,
    )
    for row in rows:
        row.version = made.id
    return made
