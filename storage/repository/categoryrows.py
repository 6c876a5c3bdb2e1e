"""The rows of categories: what is done to them within a transaction, by whichever part of the repository."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storage.errors import RecordNotFound, StorageError
from storage.records import ChangeKind
from storage.repository.categorynames import clean_name, folded
from storage.repository.notes import note_difference
from storage.schema import CategoryRow, InstanceRow
from storage.schema_together import ChangeRow

_STATE = ("name", "color", "position", "supercategory", "is_thing", "key", "deleted", "merged_into")


def put_in_order(db_session: Session, category_ids: Sequence[int]) -> list[CategoryRow]:
    """Give them positions in this order. StorageError unless each living one is named once."""
    live = {row.id: row for row in live_categories(db_session)}
    if sorted(category_ids) != sorted(live):
        raise StorageError(
            "The new order must name each category once; the list has changed meanwhile: reload it, then order."
        )
    for position, category_id in enumerate(category_ids):
        live[category_id].position = position
    return [live[category_id] for category_id in category_ids]


def remove_category(db_session: Session, row: CategoryRow, *, merge_into: int | None, now: datetime) -> int:
    """Delete one; the rest as in delete_category. now: when its instances were changed, by which undo knows them."""
    if merge_into == row.id:
        raise StorageError(f"The category “{row.name}” cannot be merged into itself: choose another.")
    if merge_into is not None:
        category_row(db_session, merge_into)
    count = use_of(db_session, row.id)
    if count and merge_into is None:
        raise StorageError(f"{count} instances have the category “{row.name}”: choose one to merge them into.")
    db_session.execute(
        update(InstanceRow)
        .where(InstanceRow.category_id == row.id, InstanceRow.deleted_at.is_(None))
        .values(category_id=merge_into, updated_at=now)
    )
    row.deleted, row.live_name, row.key, row.merged_into = True, None, None, merge_into
    for position, other in enumerate(live_categories(db_session)):
        other.position = position
    return count


def mark_moved(db_session: Session, category_id: int | None, *, at: datetime, change: ChangeRow | None) -> None:
    """Tell the instances that were given this category at that moment which change did it: it is their version."""
    if change is not None and category_id is not None:
        moved = InstanceRow.category_id == category_id, InstanceRow.updated_at == at
        db_session.execute(update(InstanceRow).where(*moved).values(version=change.id))


def revive_category(db_session: Session, row: CategoryRow, *, position: int | None = None) -> None:
    """Let a deleted one live again, at that place or at the end. Raises StorageError where its name is taken."""
    live = live_categories(db_session)
    check_free(live, row.name)
    live.insert(len(live) if position is None else position, row)
    row.deleted, row.live_name, row.merged_into = False, folded(row.name), None
    for place, one in enumerate(live):
        one.position = place
    db_session.flush()


def rename(live: Sequence[CategoryRow], row: CategoryRow, name: str) -> None:
    """Raises StorageError for a name that cannot be, or that another of the living has."""
    row.name = clean_name(name, "name")
    row.live_name = folded(row.name)
    check_free([other for other in live if other is not row], row.name)


def living_category(db_session: Session, category_id: object) -> int:
    """The category to use where a change names this one, which may have been deleted meanwhile.

    A merged one: what it was merged into. A deleted one: it comes back at the end of the order; had its name been given
    to a new one, that is used. Raises RecordNotFound for an id that never was.
    """
    row = db_session.get(CategoryRow, category_id) if isinstance(category_id, int) else None
    while row is not None and row.merged_into is not None:
        row = db_session.get(CategoryRow, row.merged_into)
    if row is None:
        raise RecordNotFound(f"There is no category with the id {category_id}: reload the list.")
    if not row.deleted:
        return row.id
    for other in live_categories(db_session):
        if other.live_name == folded(row.name):
            return other.id
    revive_category(db_session, row)
    return row.id


def category_row(db_session: Session, category_id: int) -> CategoryRow:
    """One that lives. Raises RecordNotFound."""
    row = db_session.get(CategoryRow, category_id)
    if row is None or row.deleted:
        raise RecordNotFound(f"There is no category with the id {category_id} (any more): reload the list.")
    return row


def live_categories(db_session: Session) -> list[CategoryRow]:
    """Those that are not deleted, in the user's order."""
    query = select(CategoryRow).where(~CategoryRow.deleted).order_by(CategoryRow.position, CategoryRow.id)
    return list(db_session.scalars(query))


def use_of(db_session: Session, category_id: int) -> int:
    """How many instances have it."""
    query = select(func.count()).where(InstanceRow.category_id == category_id, InstanceRow.deleted_at.is_(None))
    return db_session.scalar(query) or 0


def state_of(row: CategoryRow) -> dict[str, Any]:
    """All that can change of a category, as the history keeps it."""
    return {name: getattr(row, name) for name in _STATE}


def note_category(
    db_session: Session, row: CategoryRow, before: Mapping[str, Any], kind: ChangeKind, *, labeler: str
) -> None:
    """Tell the history what differs from before."""
    note_difference(db_session, kind, before, state_of(row), labeler=labeler, category_id=row.id)


def check_free(others: Sequence[CategoryRow], name: str) -> None:
    """Raises StorageError where one of them has that name."""
    for other in others:
        if other.live_name == folded(name):
            raise StorageError(f"There is a category “{other.name}” already: use it, or choose another name.")


def take_key(db_session: Session, live: Sequence[CategoryRow], key: str, *, labeler: str) -> str:
    """The key, taken from the category that has it."""
    for row in live:
        if row.key == key:
            before, row.key = state_of(row), None
            note_category(db_session, row, before, ChangeKind.CATEGORY_CHANGED, labeler=labeler)
    db_session.flush()  # before another row gets it: keys are unique at every moment
    return key
