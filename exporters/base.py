"""What every export format offers, and what it is given."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from storage.records import CategoryRecord, ImageRecord, InstanceRecord

Progress = Callable[[int, int], None]  # (done, total)


class ExportError(Exception):
    """An export could not be written; the text says what stood in the way and what to do."""


class Dataset(Protocol):
    """What is exported, read piece by piece so that memory stays bounded."""

    @property
    def categories(self) -> Sequence[CategoryRecord]:
        """All categories in the user's order."""
        ...

    @property
    def images(self) -> Sequence[ImageRecord]:
        """The images to export, in the list's order."""
        ...

    def instances(self, image: ImageRecord) -> Sequence[InstanceRecord]:
        """The saved instances of one image, oldest first."""
        ...

    def picture_path(self, image: ImageRecord) -> Path:
        """The stored upright picture. May not exist any more: the exporter names it in the report."""
        ...


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Choices that behave alike in every format.

    with_pictures: put the upright pictures beside the labels. polygon_tolerance: largest distance in pixels between
    a mask's outline and its polygon, 0 or more. polygons: COCO only, polygons in place of RLE.
    only_done: pictures whose status is "done" alone. Raises ExportError for a tolerance that is none.
    """

    with_pictures: bool = True
    polygons: bool = False
    polygon_tolerance: float = 1.0
    only_done: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.polygon_tolerance) and self.polygon_tolerance >= 0):
            raise ExportError(f"The polygon tolerance is {self.polygon_tolerance}. Give a number of pixels, 0 or more.")


@dataclass
class ExportReport:
    """What was written, what was left out and why; shown to the user and put into the export as report.json."""

    format: str
    images: int = 0
    instances: int = 0
    categories: int = 0
    left_out: list[str] = field(default_factory=list)  # one line each: what and why
    warnings: list[str] = field(default_factory=list)  # said in another form than it was stored, and how many
    renamed: dict[str, str] = field(default_factory=dict)  # file name in the export -> the name it came with

    def lines(self) -> Iterable[str]:
        """The report as a person reads it."""
        yield f"{self.format}: {self.instances} instances of {self.categories} categories on {self.images} pictures"
        yield from (f"warning: {line}" for line in self.warnings)
        yield from (f"left out: {line}" for line in self.left_out)

    def to_json(self, entries: Sequence[str]) -> str:
        """The text of report.json. entries: what lies beside it in the export's folder."""
        return json.dumps({**asdict(self), "entries": sorted(entries)}, indent=1) + "\n"


class Exporter(Protocol):
    """A format. `write` fills an empty folder; the caller moves it (or its zip) into place when it is whole."""

    name: str  # its key in the registry: "coco", "yolo-segment", "yolo-detect"
    title: str  # what a person reads

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """Write the data set into `folder`; the same data set gives the same bytes.

        Raises ExportError, and OSError where the disk is full or locked: exporters.files.export puts it into words.
        """
        ...
