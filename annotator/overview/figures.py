"""The numbers of a data set that the page draws, and that a program may ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotator.analysis import SIZE_EDGES
from storage.records import CategoryRecord, ImageStatus, Origin, Split
from storage.repository import Repository
from storage.repository.statistics import MaskKind

CELLS = 16  # across and down the map of where masks lie


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Of all pictures and all instances."""

    statuses: Mapping[ImageStatus, int]  # pictures that are so far
    categories: Sequence[tuple[CategoryRecord, int]]  # in the user's order, each with the number of its instances
    sizes: Sequence[int]  # masks in each bin of SIZE_EDGES
    centres: Sequence[Sequence[int]]  # masks in each of CELLS×CELLS parts of their picture, rows from the top
    counts: Sequence[int]  # instances on each picture
    labelers: Mapping[str, Mapping[Origin, int]]  # instances by who made them, and how they came about
    splits: Mapping[str, Mapping[Split, int]]  # pictures by each way of splitting that an export was asked for

    @property
    def pictures(self) -> int:
        return sum(self.statuses.values())

    @property
    def instances(self) -> int:
        return sum(self.counts)


def numbers(repository: Repository) -> Numbers:
    """Counted by the database; no mask is read."""
    uses, counts = repository.category_uses(), repository.instance_counts()
    statuses = repository.status_counts()
    empty = sum(statuses.values()) - len(counts)
    return Numbers(
        statuses=statuses,
        categories=[(category, uses.get(category.id, 0)) for category in repository.categories()],
        sizes=repository.mask_sizes(MaskKind.INSTANCE, SIZE_EDGES),
        centres=repository.mask_centres(CELLS),
        counts=[*counts.values(), *[0] * max(0, empty)],
        labelers=repository.labeler_counts(),
        splits=repository.split_counts(),
    )
