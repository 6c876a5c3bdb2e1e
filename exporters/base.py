"""What every export format offers, and what it is given."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from exporters.errors import ExportError
from exporters.report import ExportReport
from exporters.splits import SplitOptions
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, Split

__all__ = [
    "Dataset",
    "ExportError",
    "ExportOptions",
    "ExportReport",
    "Exporter",
    "Pictures",
    "Progress",
    "Split",
    "SplitOptions",
]

Progress = Callable[[int, int], None]  # (done, total); what it raises stops the export, which is how one is cancelled


class Pictures(StrEnum):
    """What becomes of the pictures themselves."""

    COPY = "copy"
    LINK = "link"  # hard links, which take no room; copied where the file system has none. In a zip the same as COPY
    NONE = "none"


class Dataset(Protocol):
    """What is exported, read piece by piece so that memory stays bounded."""

    @property
    def categories(self) -> Sequence[CategoryRecord]:
        """All categories in the user's order."""
        ...

    @property
    def images(self) -> Sequence[ImageRecord]:
        """All pictures, in the list's order."""
        ...

    def instances(self, image: ImageRecord) -> Sequence[InstanceRecord]:
        """The saved instances of one image, oldest first."""
        ...

    def picture_path(self, image: ImageRecord) -> Path:
        """The stored upright picture. May not exist any more: the exporter names it in the report."""
        ...

    def splits(self, options: SplitOptions, images: Sequence[ImageRecord]) -> Mapping[int, Split]:
        """Picture's id -> its split, for each of `images`; what was given out before stays (exporters.splits)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Choices that behave alike in every format.

    pictures: see Pictures. polygons: in place of RLE, for formats that take "polygons". polygon_tolerance: largest
    distance in pixels between a mask's outline and its polygon, 0 or more, for formats that take "tolerance".
    only_done: pictures that are done or accepted alone; submitted ones wait for their review.
    categories: names, in any order and letter case; () for all.
    split: None to leave all pictures together. smallest_area: pixels; smaller instances are left out.
    Raises ExportError for a tolerance or an area that is none.
    """

    pictures: Pictures = Pictures.COPY
    polygons: bool = False
    polygon_tolerance: float = 1.0
    only_done: bool = False
    categories: tuple[str, ...] = ()
    split: SplitOptions | None = None
    smallest_area: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.polygon_tolerance) and self.polygon_tolerance >= 0):
            raise ExportError(f"The polygon tolerance is {self.polygon_tolerance}. Give a number of pixels, 0 or more.")
        if self.smallest_area < 0:
            raise ExportError(f"The smallest area is {self.smallest_area}. Give a number of pixels, 0 or more.")


class Exporter(Protocol):
    """A format. `write` fills an empty folder; the caller moves it (or its zip) into place when it is whole."""

    name: str  # its key in the registry: "coco", "yolo-segment", ...
    title: str  # what a person reads
    summary: str  # one line: what it is, and what loads it
    snippet: str  # Python that loads an export; its path stands in it as EXPORT, its splits as train, val and test
    takes: frozenset[str]  # options that mean something to it: "polygons", "tolerance"

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """Write the data set into `folder`; the same data set gives the same bytes.

        Raises ExportError, and OSError where the disk is full or locked: exporters.files.export puts it into words.
        """
        ...
