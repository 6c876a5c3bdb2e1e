"""Categories."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFound, StorageError
from storage.palette import next_color
from storage.records import CategoryRecord
from storage.schema import CategoryRow, InstanceRow

NAME_LENGTH = 80
DIGIT_KEYS = "123456789"
# Characters that no name needs and that can make one look like another or break a file: controls, halves of
# characters, line ends, and the marks that turn the reading direction of all that follows.
_REFUSED_KINDS = ("Cc", "Cs", "Zl", "Zp")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
    """The category part of the Repository. Deleted categories are never given out."""

    _database: Database

    def categories(self) -> list[CategoryRecord]:
        """In the user's order; positions count from 0 without gaps."""
        with self._database.read() as db_session:
            return [_record(row) for row in _live(db_session)]

    def category(self, category_id: int) -> CategoryRecord:
        """Raises RecordNotFound."""
        with self._database.read() as db_session:
            return _record(_row(db_session, category_id))

    def find_category(self, name: str) -> CategoryRecord | None:
        """The category of that name, in whatever case; None where there is none."""
        wanted = _folded(_clean(name, "name"))
        with self._database.read() as db_session:
            return next((_record(row) for row in _live(db_session) if row.live_name == wanted), None)

    def add_category(
        self,
        name: str,
        *,
        color: str | None = None,
        supercategory: str = "",
        is_thing: bool = True,
        key: str | None = None,
    ) -> CategoryRecord:
        """Add one at the end. Names differ in more than case; StorageError says what is wrong with one.

        color: "#rrggbb", None for the next of the palette. key: None for the first free one of 1 to 9; a key that
        another category has is taken from it.
        """
        name = _clean(name, "name")
        with self._database.write() as db_session:
            live = _live(db_session)
            _check_free(live, name)
            if key is not None:
                key = _take_key(db_session, live, _clean_key(key))
            new = NewCategory(name=name, color=color, supercategory=supercategory, is_thing=is_thing)
            return _record(_insert(db_session, live, new, key=key))

    def update_category(
        self,
        category_id: int,
        *,
        name: str | None = None,
        color: str | None = None,
        supercategory: str | None = None,
        is_thing: bool | None = None,
        key: str | Literal[_Unset.UNSET] | None = UNSET,
    ) -> CategoryRecord:
        """Change what is given. A key that another category has is taken from it. RecordNotFound, StorageError."""
        with self._database.write() as db_session:
            row = _row(db_session, category_id)
            live = _live(db_session)
            if name is not None:
                row.name = _clean(name, "name")
                row.live_name = _folded(row.name)
                _check_free([other for other in live if other is not row], row.name)
            if color is not None:
                row.color = _clean_color(color)
            if supercategory is not None:
                row.supercategory = _clean(supercategory, "supercategory") if supercategory.strip() else ""
            if is_thing is not None:
                row.is_thing = is_thing
            if key is not UNSET:
                row.key = None if key is None else _take_key(db_session, live, _clean_key(key))
            return _record(row)

    def order_categories(self, category_ids: Sequence[int]) -> list[CategoryRecord]:
        """Put them into this order. StorageError unless each category is named once."""
        with self._database.write() as db_session:
            live = {row.id: row for row in _live(db_session)}
            if sorted(category_ids) != sorted(live):
                raise StorageError(
                    "The new order must name each category once; the list has changed meanwhile: reload it, then order."
                )
            for position, category_id in enumerate(category_ids):
                live[category_id].position = position
            return [_record(live[category_id]) for category_id in category_ids]

    def category_use(self, category_id: int) -> int:
        """How many instances have it. Raises RecordNotFound."""
        with self._database.read() as db_session:
            _row(db_session, category_id)
            return _use(db_session, category_id)

    def category_uses(self) -> dict[int, int]:
        """category_id -> number of its instances; categories without any are not in it."""
        query = (
            select(InstanceRow.category_id, func.count())
            .where(InstanceRow.deleted_at.is_(None))
            .group_by(InstanceRow.category_id)
        )
        with self._database.read() as db_session:
            return {row[0]: row[1] for row in db_session.execute(query)}

    def delete_category(self, category_id: int, *, merge_into: int | None = None) -> int:
        """Delete one after giving its instances to `merge_into`. Returns how many moved.

        With instances and no `merge_into`: StorageError, nothing changed. RecordNotFound for either id.
        """
        with self._database.write() as db_session:
            row = _row(db_session, category_id)
            if merge_into == category_id:
                raise StorageError(f"The category “{row.name}” cannot be merged into itself: choose another.")
            if merge_into is not None:
                _row(db_session, merge_into)
            count = _use(db_session, category_id)
            if count and merge_into is None:
                raise StorageError(f"{count} instances have the category “{row.name}”: choose one to merge them into.")
            db_session.execute(
                update(InstanceRow)
                .where(InstanceRow.category_id == category_id, InstanceRow.deleted_at.is_(None))
                .values(category_id=merge_into, updated_at=datetime.now(UTC))
            )
            row.deleted, row.live_name, row.key, row.merged_into = True, None, None, merge_into
            for position, other in enumerate(_live(db_session)):
                other.position = position
            return count


def ensure_categories(db_session: Session, wanted: Sequence[NewCategory]) -> tuple[list[int], int]:
    """The ids of categories of these names, in this order, and how many had to be made. Raises StorageError."""
    live = _live(db_session)
    known = {row.live_name: row.id for row in live}
    ids, made = [], 0
    for new in wanted:
        folded = _folded(_clean(new.name, "name"))
        if folded not in known:
            row = _insert(db_session, live, new)
            live.append(row)
            known[folded] = row.id
            made += 1
        ids.append(known[folded])
    return ids, made


def check_category(new: NewCategory) -> str:
    """The form in which its name is compared with others. Raises StorageError where it could not be a category."""
    if new.color is not None:
        _clean_color(new.color)
    if new.supercategory.strip():
        _clean(new.supercategory, "supercategory")
    return _folded(_clean(new.name, "name"))


def _insert(
    db_session: Session, live: Sequence[CategoryRow], new: NewCategory, *, key: str | None = None
) -> CategoryRow:
    """A new row at the end. key: None for the first free one of 1 to 9."""
    name, supercategory, used_keys = _clean(new.name, "name"), new.supercategory, {row.key for row in live}
    row = CategoryRow(
        name=name,
        live_name=_folded(name),
        color=next_color({row.color for row in live}) if new.color is None else _clean_color(new.color),
        position=len(live),
        supercategory=_clean(supercategory, "supercategory") if supercategory.strip() else "",
        is_thing=new.is_thing,
        key=key or next((digit for digit in DIGIT_KEYS if digit not in used_keys), None),
        deleted=False,
        created_at=datetime.now(UTC),
    )
    db_session.add(row)
    db_session.flush()
    return row


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
    live = _live(db_session)
    for other in live:
        if other.live_name == _folded(row.name):
            return other.id
    row.deleted, row.live_name, row.position = False, _folded(row.name), len(live)
    db_session.flush()
    return row.id


def _row(db_session: Session, category_id: int) -> CategoryRow:
    row = db_session.get(CategoryRow, category_id)
    if row is None or row.deleted:
        raise RecordNotFound(f"There is no category with the id {category_id} (any more): reload the list.")
    return row


def _live(db_session: Session) -> list[CategoryRow]:
    query = select(CategoryRow).where(~CategoryRow.deleted).order_by(CategoryRow.position, CategoryRow.id)
    return list(db_session.scalars(query))


def _use(db_session: Session, category_id: int) -> int:
    query = select(func.count()).where(InstanceRow.category_id == category_id, InstanceRow.deleted_at.is_(None))
    return db_session.scalar(query) or 0


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


def _clean(name: str, what: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    kinds = [unicodedata.category(character) for character in name]
    if any(kind in _REFUSED_KINDS for kind in kinds) or not _TURNING.isdisjoint(name):
        raise StorageError(f"A category's {what} cannot hold control characters: type it again without them.")
    if all(kind[0] in "CZ" for kind in kinds):  # also what only looks empty, of characters without width
        raise StorageError(f"A category's {what} cannot be empty: type one.")
    if len(name) > NAME_LENGTH:
        raise StorageError(f"A category's {what} has at most {NAME_LENGTH} characters, this one has {len(name)}.")
    return name


def _folded(name: str) -> str:
    """The form in which two names that differ in case alone are equal; up to three times as long."""
    return unicodedata.normalize("NFC", name.casefold())


def _check_free(others: Sequence[CategoryRow], name: str) -> None:
    for other in others:
        if other.live_name == _folded(name):
            raise StorageError(f"There is a category “{other.name}” already: use it, or choose another name.")


def _clean_color(color: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise StorageError(f"A colour is written #rrggbb, like #e69f00; got {color!r}.")
    return color.lower()


def _clean_key(key: str) -> str:
    lower = key.lower()
    if len(lower) != 1 or not (lower in DIGIT_KEYS or lower.isalpha()):
        raise StorageError(f"A category's key is one of 1 to 9 or a letter; got {key!r}.")
    return lower


def _take_key(db_session: Session, live: Sequence[CategoryRow], key: str) -> str:
    for row in live:
        if row.key == key:
            row.key = None
    db_session.flush()  # before another row gets it: keys are unique at every moment
    return key
