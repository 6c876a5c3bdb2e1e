"""A table of boxes: one row an instance, as the tool's own export writes it; pictures.csv lists pictures without any.

Needed are the columns file (or filename), category (or class, or label), xmin, ymin, xmax, ymax; half-open pixels, so
that 0, 0, 1, 1 is the first pixel. width, height, split and is_crowd are taken where they are there.
"""

import csv
import io
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from importers.base import FoundCategory, ImporterError, LabelledPicture, Reading, Shape, Tree, Unreadable
from importers.opened import Found, OpenedFiles, head_of, names_ending, stated_size
from importers.pictures import PictureIndex
from importers.texts import finite_numbers, parse_text

_MOST_BYTES = 2**28
_MOST_NAMED = 1000
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NAMES = {"filename": "file", "class": "category", "label": "category"}  # what others call the same
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_SPLITS = ("train", "val", "test")

Row = Mapping[str, str]


class BoxTableImporter:
    """Reads a CSV of boxes."""

    name = "csv"
    title = "Table of boxes (CSV)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return next(
            (name for name in names_ending(tree, ".csv") if {*_CORNERS, "file", "category"} <= _head(tree, name)), None
        )

    def read(self, tree: Tree) -> Reading:
        """See importers.base.Importer."""
        boxes = self.recognises(tree)
        if boxes is None:
            raise ImporterError(f"{tree.name}: No CSV file in it has columns file, category, {', '.join(_CORNERS)}.")
        lists = [
            name
            for name in names_ending(tree, ".csv")
            if posixpath.dirname(name) == posixpath.dirname(boxes) and posixpath.basename(name) == "pictures.csv"
        ]
        index = PictureIndex(tree)
        pictures: dict[str, _Collected] = {}
        unreadable = _Named()
        for name in [*lists, boxes]:
            for number, row in enumerate(_rows(tree, name), start=2):
                called = row.get("file", "")
                if not called:
                    unreadable.add(name, number, "It names no file.")
                    continue
                picture = pictures.setdefault(called, _Collected(called))
                try:
                    picture.add(row, f"{name}, row {number}", has_box=name == boxes)
                except ValueError as error:
                    unreadable.add(name, number, f"It cannot be used: {error}.")
        met = dict.fromkeys(shape.category for picture in pictures.values() for shape in picture.shapes)

        def found() -> Iterator[Found]:
            yield from unreadable.lines()
            for picture in pictures.values():
                yield picture.found(index, boxes)

        return OpenedFiles(boxes, [FoundCategory(name=name) for name in met], len(pictures), found)


@dataclass
class _Named:
    """Rows that cannot be used: the first by their numbers, the rest counted."""

    rows: list[Unreadable] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)

    def add(self, file: str, number: int, reason: str) -> None:
        if len(self.rows) < _MOST_NAMED:
            self.rows.append(Unreadable(f"{file}, row {number}", reason))
        else:
            self.more[file] = self.more.get(file, 0) + 1

    def lines(self) -> Iterator[Unreadable]:
        yield from self.rows
        for file, count in self.more.items():
            yield Unreadable(file, f"{count} more of its rows cannot be used.")


@dataclass
class _Collected:
    """A picture's rows so far."""

    name: str
    size_hw: tuple[int, int] | None = None
    split: str | None = None
    shapes: list[Shape] = field(default_factory=list)

    def add(self, row: Row, where: str, *, has_box: bool) -> None:
        """Raises ValueError with the reason."""
        self.size_hw = stated_size(row.get("height"), row.get("width")) or self.size_hw
        self.split = row["split"] if row.get("split") in _SPLITS else self.split
        if not has_box:
            return
        category = _without_apostrophe(row.get("category", ""))
        if not category:
            raise ValueError("it has no category")
        corners = finite_numbers([row.get(corner) or None for corner in _CORNERS]).tolist()
        box = corners[0], corners[1], corners[2], corners[3]
        self.shapes.append(Shape(name=where, category=category, box_xyxy=box, is_crowd=row.get("is_crowd") == "1"))

    def found(self, index: PictureIndex, near: str) -> LabelledPicture:
        return LabelledPicture(
            file_name=self.name,
            size_hw=self.size_hw,
            path=index.find(self.name, near=near, split=self.split),
            shapes=tuple(self.shapes),
            split=self.split,
        )


def _head(tree: Tree, name: str) -> set[str]:
    """The columns of a CSV; none where it cannot be read."""
    head = head_of(tree, name)
    try:
        line = next(iter(parse_text(head.rpartition(b"\n")[0] or head, name).splitlines()), "")
        return {_column(column) for column in next(csv.reader([line]), [])}
    except (ImporterError, csv.Error):
        return set()


def _rows(tree: Tree, name: str) -> Iterator[Row]:
    text = parse_text(tree.read(name, limit=_MOST_BYTES), name)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        columns = [_column(column) for column in next(reader, [])]
        for row in reader:
            yield dict(zip(columns, (value.strip() for value in row), strict=False))
    except csv.Error as error:
        raise ImporterError(f"{name}: Line {reader.line_num} is no line of a table ({error}). Mend it.") from error


def _without_apostrophe(name: str) -> str:
    """The name that a careful table has an apostrophe before, so that no spreadsheet takes it for a formula."""
    return name[1:] if name.startswith("'") and name.lstrip("'").startswith(_FORMULA_BEGINS) else name


def _column(name: str) -> str:
    plain = name.strip().casefold()
    return _NAMES.get(plain, plain)
