"""Numbers about many masks at once, worked out where they lie: no mask leaves the database but those to be joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, select

from storage.database import Database
from storage.records import FINISHED
from storage.repository.proposals import IDS_AT_ONCE
from storage.rle import Rle, union_area
from storage.schema import ImageRow, InstanceRow, ProposalRow

# Ids times one number modulo another fall evenly between 0 and the other, whatever order the masks came in.
_SPREAD, _RANGE = 48271, 65537


class MaskKind(StrEnum):
    """What a mask is."""

    INSTANCE = "instance"
    PROPOSAL = "proposal"


@dataclass(frozen=True, kw_only=True)
class MaskScore:
    """What is known about a mask, without the mask."""

    kind: MaskKind
    id: int
    image_id: int
    predicted_iou: float
    stability_score: float
    area: int  # pixels


@dataclass(frozen=True, kw_only=True)
class MaskScores:
    """Masks of one kind that have both scores: how many there are, and some or all of them, by id."""

    total: int
    scores: tuple[MaskScore, ...]


@dataclass(frozen=True, kw_only=True)
class Saved:
    """How much is saved: pictures, and instances by their category's id (those without any are not in it)."""

    images: int
    instances: dict[int, int]


class Statistics:
    """The part of the Repository that looks at the whole workspace.

    Proposals count here while the thresholds of their run show them and nobody rejected them, accepted or not.
    """

    _database: Database

    def mask_scores(self, kind: MaskKind, *, most: int) -> MaskScores:
        """Those with both scores; of more than `most`, about so many, the same ones each time."""
        row, counts = _rows(kind)
        has_scores = and_(counts, row.predicted_iou.is_not(None), row.stability_score.is_not(None))
        columns = (row.id, row.image_id, row.predicted_iou, row.stability_score, row.area)
        query = select(*columns).where(has_scores).order_by(row.id)
        with self._database.read() as db_session:
            total = db_session.scalar(select(func.count()).where(has_scores)) or 0
            if total > most:
                query = query.where(cast(row.id, BigInteger) * _SPREAD % _RANGE < _RANGE * most // total)
            found = db_session.execute(query).mappings()
            return MaskScores(total=total, scores=tuple(MaskScore(kind=kind, **values) for values in found))

    def saved(self, *, finished: bool = False, smallest_area: int = 0) -> Saved:
        """What there is on all pictures, or those that are finished, without instances of fewer pixels than that."""
        pictures = select(ImageRow.id)
        if finished:
            pictures = pictures.where(ImageRow.status.in_([status.value for status in FINISHED]))
        counts = InstanceRow.deleted_at.is_(None), InstanceRow.area >= smallest_area
        query = (
            select(InstanceRow.category_id, func.count())
            .where(*counts, InstanceRow.image_id.in_(pictures))
            .group_by(InstanceRow.category_id)
        )
        with self._database.read() as db_session:
            images = db_session.scalar(select(func.count()).select_from(pictures.subquery())) or 0
            return Saved(images=images, instances={int(one): int(number) for one, number in db_session.execute(query)})

    def mask_sizes(self, kind: MaskKind, edges: Sequence[float]) -> list[int]:
        """How many masks have an area, in pixels, in [edges[i], edges[i + 1])."""
        row, counts = _rows(kind)
        place = case(*((row.area < edge, index) for index, edge in enumerate(edges)), else_=len(edges))
        query = select(place.label("place"), func.count()).where(counts).group_by("place")
        with self._database.read() as db_session:
            found = {int(index): int(count) for index, count in db_session.execute(query)}
        return [found.get(index, 0) for index in range(1, len(edges))]

    def covered_areas(self, kind: MaskKind, image_ids: Sequence[int]) -> dict[int, int]:
        """image_id -> pixels under at least one of its masks; pictures without any are not in it."""
        row, counts = _rows(kind)
        columns = (row.image_id, row.rle_height, row.rle_width, row.rle_counts)
        found: dict[int, list[Rle]] = {}
        with self._database.read() as db_session:
            for start in range(0, len(image_ids), IDS_AT_ONCE):
                some = image_ids[start : start + IDS_AT_ONCE]
                for image_id, height, width, text in db_session.execute(
                    select(*columns).where(row.image_id.in_(some), counts)
                ):
                    found.setdefault(image_id, []).append(Rle((height, width), text))
        return {image_id: union_area(masks) for image_id, masks in found.items()}


def _rows(kind: MaskKind) -> tuple[Any, ColumnElement[bool]]:
    """The table of a kind, and which of its rows count."""
    if kind is MaskKind.INSTANCE:
        return InstanceRow, InstanceRow.deleted_at.is_(None)
    return ProposalRow, and_(ProposalRow.rejected.is_(False), ProposalRow.shown)
