"""Whether instances are still as somebody knows them: what another has changed since is never overwritten."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from storage.errors import InstanceChanged
from storage.repository.instances import instance_row
from storage.repository.instancevalues import values_of
from storage.schema import CategoryRow, ImageRow, InstanceRow
from storage.schema_together import ChangeRow

Change = Mapping[str, Any]
SEEN = "seen"  # in a change: the version that its labeler has seen; None: the one that they left it in themselves
STRICT = "strict"  # in a change: whether it may not be another even by the labeler's own doing, in another window


def check_seen(db_session: Session, image: ImageRow, changes: Iterable[Any], *, labeler: str) -> None:
    """Raises InstanceChanged where one of the changes says what its labeler has seen, and another changed that since.

    What the labeler themself did since is no obstacle unless the change is strict: of two of their windows,
    the revision of their session tells the one that has not seen it.
    """
    targets = {}
    for change in changes:
        if isinstance(change, dict) and SEEN in change and isinstance(change.get("id"), int):
            row = instance_row(db_session, image, change["id"])
            if _by_another(db_session, row, change[SEEN], labeler, strict=bool(change.get(STRICT))):
                targets[row.id] = change.get("after")
    _refuse(db_session, image, targets)


def check_left(
    db_session: Session,
    image: ImageRow,
    changes: Sequence[Change],
    *,
    source: str,
    target: str,
    seen: Mapping[int, int],
) -> None:
    """Raises InstanceChanged where an instance is not as the step left it that is now undone (or taken again).

    source and target: which side of its changes it was left with, and which it is to get. Of an instance that has
    changed several times in the step, the first of these changes tells. seen: versions that may be overwritten.
    """
    targets: dict[int, Any] = {}
    checked: set[int] = set()
    for change in changes:
        if change["id"] not in checked:
            checked.add(change["id"])
            row = instance_row(db_session, image, change["id"])
            if not _stands(db_session, row, change[source]) and seen.get(row.id) != row.version:
                targets[row.id] = change[target]
    _refuse(db_session, image, targets)


def _by_another(db_session: Session, row: InstanceRow, seen: int | None, labeler: str, *, strict: bool) -> bool:
    if row.version == seen or (seen is None and row.labeler != labeler):
        return False
    if strict:
        return True
    last = db_session.get(ChangeRow, row.version)
    return last is not None and last.labeler != labeler


def _stands(db_session: Session, row: InstanceRow, left: Mapping[str, Any] | None) -> bool:
    """left: the values that it was left with, None where it was deleted."""
    if left is None or row.deleted_at is not None:
        return (left is None) is (row.deleted_at is not None)
    held = values_of(row, left)
    same: dict[str, Callable[[Any], bool]] = {
        "category_id": lambda one: _merged(db_session, one) == _merged(db_session, held["category_id"])
    }
    return all(same.get(name, lambda one, name=name: one == held[name])(left[name]) for name in held)


def _merged(db_session: Session, category_id: int) -> int:
    """What a category was merged into, or itself."""
    row = db_session.get(CategoryRow, category_id)
    while row is not None and row.merged_into is not None:
        category_id = row.merged_into
        row = db_session.get(CategoryRow, category_id)
    return category_id


def _refuse(db_session: Session, image: ImageRow, targets: Mapping[int, Any]) -> None:
    if not targets:
        return
    named = []
    for instance_id in targets:
        row = instance_row(db_session, image, instance_id)
        last = db_session.get(ChangeRow, row.version)
        who = "" if last is None else f" by {last.labeler or 'somebody'} ({last.kind.replace('_', ' ')})"
        named.append(f"Instance {instance_id} on {image.original_name} was changed meanwhile{who}")
    raise InstanceChanged(f"{'; '.join(named[:3])}. Nothing was written: look at it as it is now.", targets=targets)
