"""The rows of YOLO label files: a class number, then a box or the points of an outline, as parts of the picture."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from importers.base import Shape, Unreadable
from importers.texts import finite_numbers, whole_number

_SLACK = 0.01  # beyond 0..1, as ultralytics allows: rounding, and boxes that touch the edge
_ROW = re.compile(r"\s*\d+(\.0+)?(\s+[-+]?\d*\.?\d+([eE][-+]?\d+)?){4,}\s*")
_REMARKS = {
    "confidence": "rows have one number more at their end, a confidence: it was left out",
    "keypoints": "rows have key points behind their box: they were left out",
    "repeated": "rows are there twice in their file: taken once",
    "mixed": "files have boxes and outlines in them: each row was taken for what it is",
}


@dataclass
class Rows:
    """Reads the rows of one data set. names: class number -> category. keypoints: rows are of poses.

    counts: what there is to know at the end, see `remarks`.
    """

    names: Mapping[int, str]
    keypoints: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def read(self, text: str, name: str) -> Iterator[Shape | Unreadable]:
        """The shapes of one file's text. name: what to call it."""
        seen: set[str] = set()
        kinds = set()
        for number, row in enumerate(text.splitlines(), start=1):
            plain = " ".join(row.split())
            if not plain:
                continue
            if plain in seen:
                self.counts["repeated"] += 1
                continue
            seen.add(plain)
            where = f"{name}, row {number}"
            try:
                shape = self._shape(plain.split(" "), where)
            except ValueError as error:
                yield Unreadable(where, f"{error}.")
                continue
            kinds.add(shape.is_box)
            yield shape
        self.counts["mixed"] += len(kinds) > 1

    def remarks(self) -> Iterator[str]:
        """What was met in the rows read so far."""
        yield from (f"{self.counts[key]} {text}" for key, text in _REMARKS.items() if self.counts[key])

    def _shape(self, words: list[str], where: str) -> Shape:
        category = self._category(words[0])
        try:
            values = finite_numbers([float(word) for word in words[1:]])
        except ValueError as error:
            raise ValueError("One of its numbers is none, or NaN or infinite") from error
        is_pose = self.keypoints and len(values) > 5
        if is_pose:
            values = values[:4]
            self.counts["keypoints"] += 1
        elif len(values) == 5 or (len(values) > 5 and len(values) % 2):
            values = values[:-1]
            self.counts["confidence"] += 1
        if len(values) < 4:
            raise ValueError(f"It has {len(values)} numbers behind its class; a box has 4, an outline 6 at least")
        if len(values) == 4:
            x, y, width, height = values.tolist()
            if width <= 0 or height <= 0:
                raise ValueError(f"Its box is {width:g} wide and {height:g} high, which holds no pixel")
            corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
            _check_range(corners)
            left, top, right, bottom = corners.tolist()
            return Shape(name=where, category=category, box_xyxy=(left, top, right, bottom), relative=True)
        _check_range(values)
        ring = values.reshape(-1, 2)
        return Shape(name=where, category=category, polygons=(ring,), painted="pixels", relative=True)

    def _category(self, word: str) -> str:
        try:
            number = whole_number(word)
        except ValueError as error:
            raise ValueError(f"It begins with {word[:30]!r}, where a class number belongs") from error
        if number not in self.names:
            highest = max(self.names, default=-1)
            raise ValueError(f"Its class is {number}, and there are names for 0 to {highest} alone")
        return self.names[number]


def looks_like_rows(text: str) -> bool:
    """Whether a text begins with a row as YOLO writes them."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _ROW.fullmatch(first) is not None


def class_numbers(text: str) -> Iterator[int]:
    """The class numbers of the rows that begin with one."""
    for row in text.splitlines():
        word = row.split(maxsplit=1)[:1]
        if word and re.fullmatch(r"\d{1,6}(\.0+)?", word[0]):
            yield int(float(word[0]))


def _check_range(values: np.ndarray) -> None:
    if values.min() < -_SLACK or values.max() > 1 + _SLACK:
        worst = float(values[np.argmax(np.abs(values - 0.5))])
        raise ValueError(
            f"Its coordinate {worst:g} lies outside 0..1: YOLO's rows count in parts of the picture, not in pixels"
        )
