"""Taking one change back, where nothing else was done since to what it was about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.errors import ChangedSince, RecordNotFound, StorageError
from storage.records import ChangeKind, ImageStatus
from storage.repository.categoryrows import (
    live_categories,
    living_category,
    mark_moved,
    put_in_order,
    remove_category,
    rename,
    revive_category,
    take_key,
)
from storage.repository.categoryrows import state_of as category_state
from storage.repository.images import assign_status, image_row, status_of
from storage.repository.instances import assign_values, instance_row
from storage.repository.instancevalues import state_of
from storage.repository.notes import kind_of, note, note_instances
from storage.repository.proposals import recount
from storage.schema import CategoryRow, InstanceRow
from storage.schema_together import ChangeRow

OF_INSTANCES = (
    ChangeKind.SAVED,
    ChangeKind.PROPOSAL_ACCEPTED,
    ChangeKind.IMPORTED,
    ChangeKind.EDITED,
    ChangeKind.RECATEGORISED,
    ChangeKind.DELETED,
    ChangeKind.RESTORED,
)
OF_CATEGORIES = (
    ChangeKind.CATEGORY_ADDED,
    ChangeKind.CATEGORY_CHANGED,
    ChangeKind.CATEGORY_DELETED,
    ChangeKind.CATEGORY_RESTORED,
)


@dataclass(frozen=True)
class Last:
    """The end of a change's being undone and taken again. stands: whether the first one is in force."""

    row: ChangeRow
    stands: bool


def last_of(db_session: Session, row: ChangeRow) -> Last:
    """A change, or what last undid it or took it again."""
    stands = True
    while (later := db_session.scalar(select(ChangeRow).where(ChangeRow.undoes == row.id))) is not None:
        row, stands = later, not stands
    return Last(row, stands)


def undo(db_session: Session, row: ChangeRow, *, labeler: str, duplicate_iou: float) -> ChangeRow:
    """Take it back and write that down. Raises ChangedSince, StorageError, RecordNotFound."""
    last = last_of(db_session, row)
    if not last.stands:
        raise ChangedSince(
            f"This change was taken back already, by {_name(last.row)}. To have it again, undo that.",
            labeler=last.row.labeler,
            change_id=last.row.id,
        )
    row, kind = last.row, ChangeKind(row.kind)
    if kind in OF_INSTANCES:
        return _undo_instances(db_session, row, labeler=labeler, duplicate_iou=duplicate_iou)
    if kind is ChangeKind.STATUS:
        return _undo_status(db_session, row, labeler=labeler)
    if kind in OF_CATEGORIES:
        return _undo_category(db_session, row, labeler=labeler)
    if kind is ChangeKind.CATEGORIES_ORDERED:
        return _undo_order(db_session, row, labeler=labeler)
    raise StorageError("A picture that was removed is gone for good, with its masks: import it again.")


# instances


def _undo_instances(db_session: Session, row: ChangeRow, *, labeler: str, duplicate_iou: float) -> ChangeRow:
    image = image_row(db_session, row.image_id or 0)
    _check_unchanged(
        db_session,
        row,
        OF_INSTANCES,
        about=lambda one: set(one.after),
        say=lambda ids: f"instance {', '.join(sorted(ids, key=int)[:5])}",
    )
    changed = []
    for key, target in row.before.items():
        one = instance_row(db_session, image, int(key))
        was = state_of(one)
        _assign(db_session, one, target)
        now = state_of(one)
        changed.append((one, {name: was[name] for name in target}, {name: now[name] for name in target}))
    kind = kind_of([after for _, _, after in changed])
    made = note_instances(db_session, kind, changed, labeler=labeler, undoes=row.id)
    recount(db_session, image.id, duplicate_iou=duplicate_iou)
    return made


def _assign(db_session: Session, row: InstanceRow, target: Mapping[str, Any]) -> None:
    values = {name: value for name, value in target.items() if name != "deleted"}
    is_back = target.get("deleted") is False
    if is_back and "category_id" not in values:
        values["category_id"] = living_category(db_session, row.category_id)  # it may have gone meanwhile
    assign_values(db_session, image_row(db_session, row.image_id), row, values)
    if "deleted" in target:
        row.deleted_at = None if is_back else row.updated_at


# pictures


def _undo_status(db_session: Session, row: ChangeRow, *, labeler: str) -> ChangeRow:
    image = image_row(db_session, row.image_id or 0)
    _check_unchanged(
        db_session, row, [ChangeKind.STATUS], about=lambda one: {"status"}, say=lambda _: "the picture's status"
    )
    before = status_of(image)
    comment = row.before.get("comment", image.review_comment)
    assign_status(db_session, image, ImageStatus(row.before.get("status", image.status)), comment=comment)
    return note(
        db_session,
        ChangeKind.STATUS,
        labeler=labeler,
        image_id=image.id,
        before=before,
        after=status_of(image),
        undoes=row.id,
    )


# categories


def _undo_category(db_session: Session, row: ChangeRow, *, labeler: str) -> ChangeRow:
    category = db_session.get(CategoryRow, row.category_id)
    if category is None:
        raise RecordNotFound(f"There is no category with the id {row.category_id}: reload the list.")
    _check_unchanged(
        db_session,
        row,
        OF_CATEGORIES,
        about=lambda one: {"it"} if one.category_id == category.id else set(),
        say=lambda _: f"the category “{category.name}”",
    )
    was, now, target = category_state(category), datetime.now(UTC), row.before
    count, kind = 0, ChangeKind.CATEGORY_CHANGED
    if target.get("deleted") is True:
        _check_is(category, deleted=False)
        kind, count = (
            ChangeKind.CATEGORY_DELETED,
            remove_category(db_session, category, merge_into=target.get("merged_into"), now=now),
        )
    elif target.get("deleted") is False:
        _check_is(category, deleted=True)
        kind = ChangeKind.CATEGORY_RESTORED
        merged_into = category.merged_into
        revive_category(db_session, category, position=target.get("position", was["position"]))
        count = _give_back(db_session, category.id, merged_into, moved_at=row.at, now=now)
        if target.get("key") in {one.key for one in live_categories(db_session)}:
            target = {**target, "key": None}  # another has it by now
    else:
        _check_is(category, deleted=False)
    _set_values(db_session, category, target, labeler=labeler)
    is_now = category_state(category)
    changed = [name for name in is_now if was[name] != is_now[name]]
    made = note(
        db_session,
        kind,
        labeler=labeler,
        category_id=category.id,
        instances=count,
        before={name: was[name] for name in changed},
        after={name: is_now[name] for name in changed},
        undoes=row.id,
        at=now,
    )
    moved_to = target.get("merged_into") if kind is ChangeKind.CATEGORY_DELETED else category.id
    mark_moved(db_session, moved_to, at=now, change=made)
    return made


def _check_is(category: CategoryRow, *, deleted: bool) -> None:
    if category.deleted is not deleted:
        state = "deleted" if category.deleted else "in use again"
        raise StorageError(f"The category “{category.name}” is {state} by now: reload the list.")


def _give_back(
    db_session: Session, category_id: int, merged_into: int | None, *, moved_at: datetime, now: datetime
) -> int:
    """The instances that were moved when it was deleted, but for those that were changed since."""
    if merged_into is None:
        return 0
    moved = InstanceRow.category_id == merged_into, InstanceRow.updated_at == moved_at
    found = db_session.execute(
        update(InstanceRow).where(*moved).values(category_id=category_id, updated_at=now).returning(InstanceRow.id)
    )
    return len(found.all())


def _set_values(db_session: Session, category: CategoryRow, target: Mapping[str, Any], *, labeler: str) -> None:
    live = live_categories(db_session)
    if "name" in target:
        rename(live, category, target["name"])
    for name in ("color", "supercategory", "is_thing"):
        if name in target:
            setattr(category, name, target[name])
    if "key" in target and not category.deleted:
        key = target["key"]
        category.key = None if key is None else take_key(db_session, live, key, labeler=labeler)
    db_session.flush()


def _undo_order(db_session: Session, row: ChangeRow, *, labeler: str) -> ChangeRow:
    order = [one.id for one in live_categories(db_session)]
    if order != row.after["order"]:
        raise ChangedSince(
            f"The order of the categories was changed since, by {_name(_last_about_order(db_session, row))}. Order "
            "them by hand.",
            labeler=row.labeler,
            change_id=row.id,
        )
    put_in_order(db_session, row.before["order"])
    return note(
        db_session,
        ChangeKind.CATEGORIES_ORDERED,
        labeler=labeler,
        before={"order": order},
        after={"order": row.before["order"]},
        undoes=row.id,
    )


def _last_about_order(db_session: Session, row: ChangeRow) -> ChangeRow:
    kinds = [kind.value for kind in (*OF_CATEGORIES, ChangeKind.CATEGORIES_ORDERED)]
    query = select(ChangeRow).where(ChangeRow.kind.in_(kinds), ChangeRow.id > row.id).order_by(ChangeRow.id.desc())
    return db_session.scalar(query.limit(1)) or row


# what came after


def _check_unchanged(
    db_session: Session,
    row: ChangeRow,
    kinds: Sequence[ChangeKind],
    *,
    about: Callable[[ChangeRow], set[str]],
    say: Callable[[set[str]], str],
) -> None:
    """Raises ChangedSince where a later change that stands is about the same.

    A change and what took it back, both later, are as if neither had been: an odd number of them stands.
    """
    query = select(ChangeRow).where(ChangeRow.id > row.id, ChangeRow.kind.in_([kind.value for kind in kinds]))
    is_picture = row.image_id is not None
    query = query.where(ChangeRow.image_id == row.image_id if is_picture else ChangeRow.category_id == row.category_id)
    chains: dict[int, list[ChangeRow]] = {}
    root: dict[int, int] = {}
    mine = about(row)
    for later in db_session.scalars(query.order_by(ChangeRow.id)):
        if about(later) & mine:
            first = later.id if later.undoes is None else root.get(later.undoes, later.undoes)
            root[later.id] = first
            chains.setdefault(first, []).append(later)
    standing = [chain[-1] for chain in chains.values() if len(chain) % 2]
    if standing:
        last = max(standing, key=lambda one: one.id)
        raise ChangedSince(
            f"This cannot be undone: {say(about(last) & mine)} was changed since, by {_name(last)}. Undo that first, "
            "or change it by hand.",
            labeler=last.labeler,
            change_id=last.id,
        )


def _name(row: ChangeRow) -> str:
    what = ChangeKind(row.kind).value.replace("_", " ")
    return f"{row.labeler or 'somebody'} ({what}, {row.at:%Y-%m-%d %H:%M:%S} UTC, change {row.id})"
