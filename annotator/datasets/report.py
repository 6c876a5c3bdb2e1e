"""What a data set has brought."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from annotator.datasets.plan import Conflict, counted, problem_lines
from annotator.importing import first_lines
from importers.base import Remark, Unreadable
from storage.records import Split


@dataclass(kw_only=True)
class DatasetReport:
    """The end of an import.

    imported, matched: pictures that came in, and that were here. added, replaced, there_already: instances that came
    in, that were deleted for them, and that were here. skipped: pictures with other instances, left as they are.
    splits: picture's id -> the data set's own split. at: the moment by which the import is known to
    be taken back, None where no instance came in.
    """

    title: str
    at: str | None = None
    imported: int = 0
    matched: int = 0
    added: int = 0
    replaced: int = 0
    there_already: int = 0
    boxes: int = 0
    new_categories: int = 0
    image_ids: list[int] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    skipped: list[Conflict] = field(default_factory=list)
    splits: dict[int, str] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def read_nothing(self) -> bool:
        """Whether nothing of the data set could be used, not even because it is here already."""
        return not (self.image_ids or self.added or self.there_already)

    def lines(self) -> Iterator[str]:
        """The report as a person reads it."""
        kinds = counted(self.new_categories, "new category", "new categories")
        yield f"{counted(self.imported, 'picture')} and {counted(self.added, 'instance')} imported, {kinds}"
        if self.replaced:
            yield f"{counted(self.replaced, 'instance')} replaced"
        if self.there_already:
            yield f"{counted(self.there_already, 'instance')} here already"
        if self.boxes:
            yield f"{self.boxes} of the instances are boxes, whose masks are full rectangles"
        counts = Counter(self.splits.values())
        if len(counts) > 1:
            said = ", ".join(f"{counts[split]} {split}" for split in Split if counts[split])
            yield f"its split ({said}) is kept by exports with the usual shares"
        yield from first_lines([f"left as it is: {conflict}" for conflict in self.skipped], "left as they are")
        yield from first_lines([f"missing picture: {name}" for name in self.missing], "missing")
        yield from problem_lines(self.unreadable, self.remarks)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON, nothing left out."""
        return asdict(self) | {"splits": {str(image_id): split for image_id, split in self.splits.items()}}
