"""What every format that can be read offers, and what it gives: pictures with shapes, and what it could not read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import numpy as np

from storage.rle import Rle

MOST_BYTES = 2**30  # of one file that is read in one piece

Box = tuple[float, float, float, float]


class ImporterError(Exception):
    """A data set could not be read; the text says which file, what is wrong with it, and what to do."""


@dataclass(frozen=True)
class Unreadable:
    """Something that was left out, while the rest is read.

    name: the file, and in it the row or the annotation. reason: what is wrong, and what to do where that helps.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Remark:
    """Something that was read, but not quite as it stands, or of which there is something to know. As Unreadable."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class FoundCategory:
    """A class of the data set. color: "#rrggbb" where the format says one."""

    name: str
    supercategory: str = ""
    is_thing: bool = True
    color: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """One instance as the file says it, of any size of picture; importers.masks.mask_of makes it a mask.

    Of rle, polygons and box_xyxy the first that is there is meant. name: where it stands, for reports ("labels/a.txt,
    row 3"). category: the name of one of the reading's categories. polygons: each N×2 float (x, y), N >= 3, not closed;
    the mask is all of them together. A hole is either part of its ring (a keyhole) or beyond the format. painted: what
    coordinates mean. "edges": places on the grid of pixels' edges, the first pixel reaching from 0 to 1, a pixel being
    inside when its centre is (COCO; pycocotools). "pixels": numbers of pixels, of which the outline's own belong to the
    mask, as cv2.fillPoly paints them (ultralytics, supervision, labelme). relative: polygons and box are parts of the
    picture's width and height, not pixels. box_xyxy: on the pixels' edges, so that 0, 0, 1, 1 is the first pixel.
    """

    name: str
    category: str
    rle: Rle | None = None
    polygons: tuple[np.ndarray, ...] = ()
    box_xyxy: Box | None = None
    painted: Literal["edges", "pixels"] = "edges"
    relative: bool = False
    is_crowd: bool = False

    @property
    def is_box(self) -> bool:
        """Whether a rectangle is all that is known."""
        return self.rle is None and not self.polygons


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledPicture:
    """One picture of the data set with its shapes.

    file_name: as the data set calls it. size_hw: as the data set says, None where it does not. path: the picture's
    name in the Tree, None where it does not lie there. embedded: the picture's own file out of the label file, where
    path is None and there is one. split: "train", "val" or "test" where the data set says.
    """

    file_name: str
    size_hw: tuple[int, int] | None = None
    path: str | None = None
    embedded: bytes | None = field(default=None, repr=False)
    shapes: tuple[Shape, ...] = ()
    split: str | None = None


class Tree(Protocol):
    """What a user gave, read-only and safe; importers.tree opens one.

    Every name leads to an ordinary file within what was given: no link out of it, no "..", bounded in number and size.
    Raises ImporterError wherever a file cannot be read.
    """

    @property
    def name(self) -> str:
        """What to call it: the folder's, archive's or file's own name."""
        ...

    @property
    def left_out(self) -> Sequence[Unreadable]:
        """Files that are not among the names, and why."""
        ...

    def names(self) -> Sequence[str]:
        """The files, relative to what was given, parts divided by "/", cleaned, in natural order (2 before 10)."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a file, as far as can be told without reading it."""
        ...

    def read(self, name: str, *, limit: int = MOST_BYTES) -> bytes:
        """A file's content. Raises ImporterError where it is longer than limit."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A file to be read from its beginning on; not every one can be sought in. To be closed."""
        ...

    def path(self, name: str) -> Path:
        """A real file of that content, not to be changed; out of an archive it is a copy that lasts as the tree does,
        or until `release`."""
        ...

    def release(self, name: str) -> None:
        """Let go of the copy that `path` made, if it made one."""
        ...


class Reading(Protocol):
    """A data set that was opened: its categories are known, its pictures are read one by one."""

    @property
    def entry(self) -> str:
        """What to call it in a report: the file, or the files, that it goes by."""
        ...

    @property
    def categories(self) -> Sequence[FoundCategory]:
        """In the data set's order; no two of the same name."""
        ...

    @property
    def total(self) -> int:
        """How many pictures come at most, for progress; 0 where that is not known before."""
        ...

    def pictures(self) -> Iterator[LabelledPicture | Unreadable | Remark]:
        """The pictures in the data set's order, those without shapes too. May be called again: it gives the same.

        Raises ImporterError where the rest cannot be read either.
        """
        ...


class Importer(Protocol):
    """A format."""

    @property
    def name(self) -> str:
        """Its key in the registry."""
        ...

    @property
    def title(self) -> str:
        """What a person reads."""
        ...

    def recognises(self, tree: Tree) -> str | None:
        """The file that it would go by, None where this is another format. By content, not by suffix alone; quick."""
        ...

    def read(self, tree: Tree) -> Reading:
        """Open the data set. The tree must stay open meanwhile. Raises ImporterError for one that is damaged whole."""
        ...
