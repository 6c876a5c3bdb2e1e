"""The instances of all pictures at once: in orders, in numbers, and as what checks look for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import QueryableAttribute

from storage.database import Database
from storage.records import FINISHED, ImageStatus, Origin
from storage.repository.proposals import IDS_AT_ONCE
from storage.rle import Rle
from storage.schema import ImageRow, InstanceRow

_LIVE = InstanceRow.deleted_at.is_(None)
_FACTS = (
    InstanceRow.id,
    InstanceRow.image_id,
    InstanceRow.category_id,
    InstanceRow.rle_height,
    InstanceRow.rle_width,
    InstanceRow.bbox_x,
    InstanceRow.bbox_y,
    InstanceRow.bbox_width,
    InstanceRow.bbox_height,
    InstanceRow.area,
    InstanceRow.predicted_iou,
    InstanceRow.origin,
    InstanceRow.labeler,
)


class InstanceOrder(StrEnum):
    """In which the instances of all pictures can be listed; among equals, the older one comes first."""

    PICTURE = "picture"  # as the pictures are listed
    NEWEST = "newest"
    SMALLEST = "smallest"
    LARGEST = "largest"
    LEAST_SURE = "least_sure"  # by predicted IoU; those without one at the end


@dataclass(frozen=True, kw_only=True)
class InstanceFilter:
    """Which instances are meant; None: whatever it is."""

    category_id: int | None = None
    labeler: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, kw_only=True)
class InstanceFacts:
    """What is known about an instance, without its mask."""

    id: int
    image_id: int
    category_id: int
    size_hw: tuple[int, int]  # of its picture
    bbox_xywh: tuple[int, int, int, int]
    area: int  # pixels
    predicted_iou: float | None
    origin: Origin
    labeler: str


@dataclass(frozen=True, kw_only=True)
class KeyedMask:
    """An instance's mask, with whose it is."""

    id: int
    image_id: int
    category_id: int
    bbox_xywh: tuple[int, int, int, int]
    area: int  # pixels
    rle: Rle

    @property
    def key(self) -> str:
        """16 hex digits that change where the mask does."""
        return blake2b(f"{self.rle.size_hw}{self.rle.counts}".encode(), digest_size=8).hexdigest()


class Overview:
    """The part of the Repository that the page "Data set" reads. Deleted instances count nowhere."""

    _database: Database

    # instances, listed

    def instance_ids(self, order: InstanceOrder, chosen: InstanceFilter | None = None) -> list[int]:
        """Those that the filter leaves, in that order."""
        query = select(InstanceRow.id).where(_chosen(chosen or InstanceFilter()))
        if order is InstanceOrder.PICTURE:
            query = query.join(ImageRow, ImageRow.id == InstanceRow.image_id)
        with self._database.read() as db_session:
            return list(db_session.scalars(query.order_by(*_ORDERS[order], InstanceRow.id)))

    def instance_facts(self, ids: Sequence[int]) -> dict[int, InstanceFacts]:
        """id -> facts; those that are gone are not in it."""
        found: dict[int, InstanceFacts] = {}
        with self._database.read() as db_session:
            for some in _portions(ids):
                query = select(*_FACTS).where(InstanceRow.id.in_(some), _LIVE)
                found |= {row.id: _facts(row) for row in db_session.execute(query)}
        return found

    def instance_categories(self) -> dict[int, int]:
        """id -> category_id, of all instances."""
        with self._database.read() as db_session:
            found = db_session.execute(select(InstanceRow.id, InstanceRow.category_id).where(_LIVE))
            return {row.id: row.category_id for row in found}

    def instance_masks(self, ids: Sequence[int]) -> dict[int, KeyedMask]:
        """id -> mask; those that are gone are not in it."""
        return {one.id: one for one in self._masks(InstanceRow.id, ids)}

    def masks_on(self, image_ids: Sequence[int]) -> dict[int, list[KeyedMask]]:
        """image_id -> the masks of its instances, oldest first; pictures without any are not in it."""
        found: dict[int, list[KeyedMask]] = {}
        for one in self._masks(InstanceRow.image_id, image_ids):
            found.setdefault(one.image_id, []).append(one)
        return found

    def _masks(self, column: QueryableAttribute[int], ids: Sequence[int]) -> Iterator[KeyedMask]:
        with self._database.read() as db_session:
            for some in _portions(ids):
                query = select(*_FACTS, InstanceRow.rle_counts).where(column.in_(some), _LIVE).order_by(InstanceRow.id)
                for row in db_session.execute(query):
                    yield KeyedMask(
                        id=row.id,
                        image_id=row.image_id,
                        category_id=row.category_id,
                        bbox_xywh=(row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height),
                        area=row.area,
                        rle=Rle((row.rle_height, row.rle_width), row.rle_counts),
                    )

    def mask_states(self) -> dict[int, str]:
        """image_id -> words that change with every change of its instances; pictures without any are not in it."""
        last = func.max(InstanceRow.updated_at)
        query = select(InstanceRow.image_id, func.count(), func.sum(InstanceRow.id), last)
        with self._database.read() as db_session:
            found = db_session.execute(query.where(_LIVE).group_by(InstanceRow.image_id))
            return {image_id: f"{count} {total} {when}" for image_id, count, total, when in found}

    # numbers

    def status_counts(self) -> dict[ImageStatus, int]:
        """How many pictures are so far."""
        with self._database.read() as db_session:
            found = db_session.execute(select(ImageRow.status, func.count()).group_by(ImageRow.status))
            counts = {str(status): int(count) for status, count in found}
        return {status: counts.get(status.value, 0) for status in ImageStatus}

    def labeler_counts(self) -> dict[str, dict[Origin, int]]:
        """labeler -> how many of the instances came about how; labelers by name."""
        query = select(InstanceRow.labeler, InstanceRow.origin, func.count()).where(_LIVE)
        query = query.group_by(InstanceRow.labeler, InstanceRow.origin).order_by(InstanceRow.labeler)
        found: dict[str, dict[Origin, int]] = {}
        with self._database.read() as db_session:
            for labeler, origin, count in db_session.execute(query):
                found.setdefault(labeler, {})[Origin(origin)] = int(count)
        return found

    def mask_centres(self, cells: int) -> list[list[int]]:
        """How many masks' boxes have their centre in each of cells×cells parts of their picture; rows from the top."""
        across = (2 * InstanceRow.bbox_x + InstanceRow.bbox_width) * cells // (2 * InstanceRow.rle_width)
        down = (2 * InstanceRow.bbox_y + InstanceRow.bbox_height) * cells // (2 * InstanceRow.rle_height)
        query = select(down.label("down"), across.label("across"), func.count()).where(_LIVE, InstanceRow.area > 0)
        counts = [[0] * cells for _ in range(cells)]
        with self._database.read() as db_session:
            for row, column, count in db_session.execute(query.group_by("down", "across")):
                counts[min(int(row), cells - 1)][min(int(column), cells - 1)] += int(count)
        return counts

    # what checks look for

    def masks_below(self, area: int, *, most: int) -> tuple[int, list[InstanceFacts]]:
        """Masks of fewer pixels: how many there are, and the smallest."""
        return self._found(InstanceRow.area < area, most, InstanceRow.area.asc())

    def masks_over(self, share: float, *, most: int) -> tuple[int, list[InstanceFacts]]:
        """Masks that cover at least that share of their picture, 0..1: how many there are, and the first."""
        pixels = InstanceRow.rle_height * InstanceRow.rle_width
        return self._found(InstanceRow.area >= share * pixels, most)

    def masks_along_the_border(self, thickness: int, *, most: int) -> tuple[int, list[InstanceFacts]]:
        """Masks that lie within a strip of so many pixels along one side of their picture: how many, and the first."""
        right = InstanceRow.bbox_x + InstanceRow.bbox_width
        bottom = InstanceRow.bbox_y + InstanceRow.bbox_height
        within = or_(
            right <= thickness,
            bottom <= thickness,
            InstanceRow.bbox_x >= InstanceRow.rle_width - thickness,
            InstanceRow.bbox_y >= InstanceRow.rle_height - thickness,
        )
        return self._found(and_(within, InstanceRow.area > 0), most)

    def finished_without_instances(self, *, most: int) -> tuple[int, list[int]]:
        """Pictures that are finished and have no instance: how many there are, and the first ones' ids as listed."""
        empty = ~exists().where(InstanceRow.image_id == ImageRow.id, _LIVE)
        wanted = and_(ImageRow.status.in_([status.value for status in FINISHED]), empty)
        query = select(ImageRow.id).where(wanted).order_by(ImageRow.position, ImageRow.id).limit(most)
        with self._database.read() as db_session:
            total = db_session.scalar(select(func.count()).select_from(ImageRow).where(wanted)) or 0
            return total, list(db_session.scalars(query))

    def image_names(self, image_ids: Sequence[int]) -> dict[int, str]:
        """image_id -> the name that it was imported under; those that are gone are not in it."""
        found: dict[int, str] = {}
        with self._database.read() as db_session:
            for some in _portions(list(dict.fromkeys(image_ids))):
                query = select(ImageRow.id, ImageRow.original_name).where(ImageRow.id.in_(some))
                found |= {row.id: row.original_name for row in db_session.execute(query)}
        return found

    def _found(self, wanted: ColumnElement[bool], most: int, *order: ColumnElement) -> tuple[int, list[InstanceFacts]]:
        query = select(*_FACTS).where(wanted, _LIVE).order_by(*order, InstanceRow.id).limit(most)
        with self._database.read() as db_session:
            total = db_session.scalar(select(func.count()).select_from(InstanceRow).where(wanted, _LIVE)) or 0
            return total, [_facts(row) for row in db_session.execute(query)]


_ORDERS: Mapping[InstanceOrder, tuple[ColumnElement, ...]] = {
    InstanceOrder.PICTURE: (ImageRow.position.asc(), ImageRow.id.asc()),
    InstanceOrder.NEWEST: (InstanceRow.created_at.desc(),),
    InstanceOrder.SMALLEST: (InstanceRow.area.asc(),),
    InstanceOrder.LARGEST: (InstanceRow.area.desc(),),
    InstanceOrder.LEAST_SURE: (InstanceRow.predicted_iou.is_(None), InstanceRow.predicted_iou.asc()),
}


def _chosen(chosen: InstanceFilter) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [_LIVE]
    if chosen.category_id is not None:
        wanted.append(InstanceRow.category_id == chosen.category_id)
    if chosen.labeler is not None:
        wanted.append(InstanceRow.labeler == chosen.labeler)
    if chosen.origin is not None:
        wanted.append(InstanceRow.origin == chosen.origin.value)
    return and_(*wanted)


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]


def _facts(row: Row) -> InstanceFacts:
    return InstanceFacts(
        id=row.id,
        image_id=row.image_id,
        category_id=row.category_id,
        size_hw=(row.rle_height, row.rle_width),
        bbox_xywh=(row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height),
        area=row.area,
        predicted_iou=row.predicted_iou,
        origin=Origin(row.origin),
        labeler=row.labeler,
    )
