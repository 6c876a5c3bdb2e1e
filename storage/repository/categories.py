"""Categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.palette import next_color
from storage.records import CategoryRecord, ChangeKind
from storage.repository.categorynames import DIGIT_KEYS, clean_color, clean_key, clean_name, folded
from storage.repository.categoryrows import (
    category_row,
    check_free,
    live_categories,
    mark_moved,
    note_category,
    put_in_order,
    remove_category,
    rename,
    state_of,
    take_key,
    use_of,
)
from storage.repository.notes import note, note_difference
from storage.schema import CategoryRow, InstanceRow


class _Unset(Enum):
    UNSET = "unset"


UNSET: Final = _Unset.UNSET  # "leave the key as it is", where None means "no key"


@dataclass(frozen=True, kw_only=True)
class NewCategory:
    """A category to be used, or made where there is none of its name. color: None for the next of the palette."""

    name: str
    color: str | None = None
    supercategory: str = ""
    is_thing: bool = True


class Categories:
    """The category part of the Repository. Deleted categories are never given out.

    labeler: who changes them, for the history.
    """

    _database: Database

    def categories(self) -> list[CategoryRecord]:
        """In the user's order; positions count from 0 without gaps."""
        with self._database.read() as db_session:
            return [_record(row) for row in live_categories(db_session)]

    def category(self, category_id: int) -> CategoryRecord:
        """Raises RecordNotFound."""
        with self._database.read() as db_session:
            return _record(category_row(db_session, category_id))

    def find_category(self, name: str) -> CategoryRecord | None:
        """The category of that name, in whatever case; None where there is none."""
        wanted = folded(clean_name(name, "name"))
        with self._database.read() as db_session:
            return next((_record(row) for row in live_categories(db_session) if row.live_name == wanted), None)

    def add_category(
        self,
        name: str,
        *,
        color: str | None = None,
        supercategory: str = "",
        is_thing: bool = True,
        key: str | None = None,
        labeler: str = "",
    ) -> CategoryRecord:
        """Add one at the end. Names differ in more than case; StorageError says what is wrong with one.

        color: "#rrggbb", None for the next of the palette. key: None for the first free one of 1 to 9; a key that
        another category has is taken from it.
        """
        name = clean_name(name, "name")
        with self._database.write() as db_session:
            live = live_categories(db_session)
            check_free(live, name)
            if key is not None:
                key = take_key(db_session, live, clean_key(key), labeler=labeler)
            new = NewCategory(name=name, color=color, supercategory=supercategory, is_thing=is_thing)
            return _record(_insert(db_session, live, new, key=key, labeler=labeler))

    def update_category(
        self,
        category_id: int,
        *,
        name: str | None = None,
        color: str | None = None,
        supercategory: str | None = None,
        is_thing: bool | None = None,
        key: str | Literal[_Unset.UNSET] | None = UNSET,
        labeler: str = "",
    ) -> CategoryRecord:
        """Change what is given. A key that another category has is taken from it. RecordNotFound, StorageError."""
        with self._database.write() as db_session:
            row = category_row(db_session, category_id)
            live, before = live_categories(db_session), state_of(row)
            if name is not None:
                rename(live, row, name)
            if color is not None:
                row.color = clean_color(color)
            if supercategory is not None:
                row.supercategory = clean_name(supercategory, "supercategory") if supercategory.strip() else ""
            if is_thing is not None:
                row.is_thing = is_thing
            if key is not UNSET:
                row.key = None if key is None else take_key(db_session, live, clean_key(key), labeler=labeler)
            note_category(db_session, row, before, ChangeKind.CATEGORY_CHANGED, labeler=labeler)
            return _record(row)

    def order_categories(self, category_ids: Sequence[int], *, labeler: str = "") -> list[CategoryRecord]:
        """Put them into this order. StorageError unless each category is named once."""
        with self._database.write() as db_session:
            before = [row.id for row in live_categories(db_session)]
            ordered = put_in_order(db_session, category_ids)
            if before != list(category_ids):
                kind = ChangeKind.CATEGORIES_ORDERED
                old, new = {"order": before}, {"order": list(category_ids)}
                note(db_session, kind, labeler=labeler, before=old, after=new)
            return [_record(row) for row in ordered]

    def category_use(self, category_id: int) -> int:
        """How many instances have it. Raises RecordNotFound."""
        with self._database.read() as db_session:
            category_row(db_session, category_id)
            return use_of(db_session, category_id)

    def category_uses(self) -> dict[int, int]:
        """category_id -> number of its instances; categories without any are not in it."""
        query = (
            select(InstanceRow.category_id, func.count())
            .where(InstanceRow.deleted_at.is_(None))
            .group_by(InstanceRow.category_id)
        )
        with self._database.read() as db_session:
            return {row[0]: row[1] for row in db_session.execute(query)}

    def delete_category(self, category_id: int, *, merge_into: int | None = None, labeler: str = "") -> int:
        """Delete one after giving its instances to `merge_into`. Returns how many moved.

        With instances and no `merge_into`: StorageError, nothing changed. RecordNotFound for either id.
        """
        with self._database.write() as db_session:
            row = category_row(db_session, category_id)
            before, now = state_of(row), datetime.now(UTC)
            count = remove_category(db_session, row, merge_into=merge_into, now=now)
            change = note_difference(
                db_session,
                ChangeKind.CATEGORY_DELETED,
                before,
                state_of(row),
                labeler=labeler,
                category_id=row.id,
                instances=count,
                at=now,
            )
            mark_moved(db_session, merge_into, at=now, change=change)
            return count


def ensure_categories(db_session: Session, wanted: Sequence[NewCategory], *, labeler: str) -> tuple[list[int], int]:
    """The ids of categories of these names, in this order, and how many had to be made. Raises StorageError."""
    live = live_categories(db_session)
    known = {row.live_name: row.id for row in live}
    ids, made = [], 0
    for new in wanted:
        compared = folded(clean_name(new.name, "name"))
        if compared not in known:
            row = _insert(db_session, live, new, labeler=labeler)
            live.append(row)
            known[compared] = row.id
            made += 1
        ids.append(known[compared])
    return ids, made


def check_category(new: NewCategory) -> str:
    """The form in which its name is compared with others. Raises StorageError where it could not be a category."""
    if new.color is not None:
        clean_color(new.color)
    if new.supercategory.strip():
        clean_name(new.supercategory, "supercategory")
    return folded(clean_name(new.name, "name"))


def _insert(
    db_session: Session, live: Sequence[CategoryRow], new: NewCategory, *, labeler: str, key: str | None = None
) -> CategoryRow:
    """A new row at the end. key: None for the first free one of 1 to 9."""
    name, supercategory, used_keys = clean_name(new.name, "name"), new.supercategory, {row.key for row in live}
    row = CategoryRow(
        name=name,
        live_name=folded(name),
        color=next_color({row.color for row in live}) if new.color is None else clean_color(new.color),
        position=len(live),
        supercategory=clean_name(supercategory, "supercategory") if supercategory.strip() else "",
        is_thing=new.is_thing,
        key=key or next((digit for digit in DIGIT_KEYS if digit not in used_keys), None),
        deleted=False,
        created_at=datetime.now(UTC),
    )
    db_session.add(row)
    db_session.flush()
    note_category(db_session, row, {"deleted": True}, ChangeKind.CATEGORY_ADDED, labeler=labeler)
    return row


def _record(row: CategoryRow) -> CategoryRecord:
    return CategoryRecord(
        id=row.id,
        name=row.name,
        color=row.color,
        position=row.position,
        supercategory=row.supercategory,
        is_thing=row.is_thing,
        key=row.key,
    )
