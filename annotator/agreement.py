"""How far labelers of the same picture agree: their masks are paired, and what has no partner is counted.

Two masks of one category are a pair where their IoU is above 0.5. A mask can have but one such partner as long as one
labeler's masks of a category do not overlap, so taking the best pairs first is exact then; where they do overlap, it is
still one to one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from storage.records import InstanceRecord
from storage.repository import Repository
from storage.rle import iou_matrix

LEAST_IOU = 0.5  # a pair has more
NOBODY = frozenset({"import", "auto"})  # under whose names is saved what no labeler has drawn


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two labelers' masks of one thing."""

    instance_id: int
    other_id: int
    iou: float


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Two labelers' masks of one category on one picture, paired. alone, other_alone: those without a partner."""

    labeler: str
    other: str
    category_id: int
    pairs: tuple[Pair, ...]
    alone: tuple[int, ...]
    other_alone: tuple[int, ...]


@dataclass(kw_only=True)
class Tally:
    """Agreement over many masks."""

    paired: int = 0  # pairs
    alone: int = 0  # masks without partner, of either side
    iou_sum: float = field(default=0.0, repr=False)

    @property
    def f1(self) -> float | None:
        """Share of all masks that have a partner, 0..1; None where there is no mask."""
        masks = 2 * self.paired + self.alone
        return 2 * self.paired / masks if masks else None

    @property
    def mean_iou(self) -> float | None:
        """Of the pairs; None where there is none."""
        return self.iou_sum / self.paired if self.paired else None

    def add(self, matched: Matched) -> None:
        """Count another picture's."""
        self.paired += len(matched.pairs)
        self.alone += len(matched.alone) + len(matched.other_alone)
        self.iou_sum += sum(pair.iou for pair in matched.pairs)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Of some pictures. labelers: each one's agreement with the others; pairs: by two names in order."""

    pictures: int  # that at least two labelers have worked on
    overall: Tally
    categories: Mapping[int, Tally]
    labelers: Mapping[str, Tally]
    pairs: Mapping[tuple[str, str], Tally]


def match(instances: Sequence[InstanceRecord], labelers: Sequence[str]) -> list[Matched]:
    """Each two of these labelers on one picture, category by category. instances: the picture's, of anybody."""
    found = []
    for labeler, other in combinations(sorted(set(labelers)), 2):
        of_two = [one for one in instances if one.labeler in (labeler, other)]
        for category_id in sorted({one.category_id for one in of_two}):
            here = [one for one in of_two if one.category_id == category_id]
            mine = [one for one in here if one.labeler == labeler]
            found.append(_match(labeler, other, category_id, mine, [one for one in here if one.labeler == other]))
    return found


def agreement(repository: Repository, image_ids: Sequence[int]) -> Agreement:
    """Of these pictures, read one by one.

    The labelers of a picture are those who have submitted it or have an instance on it: who has looked and found
    nothing disagrees with who has found something. Imported and automatic instances are nobody's.
    """
    pictures, overall = 0, Tally()
    categories: dict[int, Tally] = {}
    labelers: dict[str, Tally] = {}
    pairs: dict[tuple[str, str], Tally] = {}
    for image_id in image_ids:
        instances = [one for one in repository.instances(image_id) if one.labeler not in NOBODY]
        submitted = [one.labeler for one in repository.assignments(image_id) if one.submitted]
        names = {*submitted, *(one.labeler for one in instances)}
        pictures += len(names) > 1
        for matched in match(instances, sorted(names)):
            overall.add(matched)
            categories.setdefault(matched.category_id, Tally()).add(matched)
            pairs.setdefault((matched.labeler, matched.other), Tally()).add(matched)
            for name in (matched.labeler, matched.other):
                labelers.setdefault(name, Tally()).add(matched)
    return Agreement(pictures=pictures, overall=overall, categories=categories, labelers=labelers, pairs=pairs)


def _match(
    labeler: str,
    other: str,
    category_id: int,
    mine: Sequence[InstanceRecord],
    theirs: Sequence[InstanceRecord],
) -> Matched:
    ious = iou_matrix([one.rle for one in mine], [one.rle for one in theirs])
    pairs: list[Pair] = []
    taken: set[int] = set()
    rows, columns = np.nonzero(ious > LEAST_IOU)
    # The best first; among equals the older ones, so that the same masks always give the same pairs.
    for row, column in sorted(zip(rows.tolist(), columns.tolist(), strict=True), key=lambda at: (-ious[at], at)):
        one, partner = mine[row].id, theirs[column].id
        if one not in taken and partner not in taken:
            taken |= {one, partner}
            pairs.append(Pair(instance_id=one, other_id=partner, iou=float(ious[row, column])))
    return Matched(
        labeler=labeler,
        other=other,
        category_id=category_id,
        pairs=tuple(pairs),
        alone=tuple(one.id for one in mine if one.id not in taken),
        other_alone=tuple(one.id for one in theirs if one.id not in taken),
    )
