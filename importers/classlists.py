"""Which number, and which colour, of a label map is which class: the lists that lie beside maps."""

import csv
import io
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.base import FoundCategory, ImporterError, Tree
from importers.regions import color_number
from importers.texts import as_mapping, parse_json, parse_text, whole_number

NOBODY = frozenset(
    {"background", "_background_", "unlabeled", "unlabelled", "void", "ignore", "__ignore__"}
)  # no class
_MOST_BYTES = 2**22
_MOST_CLASSES = 2**16
_LONGEST_LINE = 1000
_MOST_NUMBER = 2**24 - 1  # a colour has no more
_CVAT = re.compile(r"(.*?) *: *([0-9]{1,3}) *, *([0-9]{1,3}) *, *([0-9]{1,3}) *(?::[^:]*){0,2}")
_READ = ("categories.json", "categories.csv", "labelmap.txt", "class_names.txt")


@dataclass(frozen=True)
class ClassList:
    """categories: by their numbers, background among them. numbers: by colour, as regions.color_number counts it."""

    categories: Mapping[int, FoundCategory]
    numbers: Mapping[int, int] = field(default_factory=dict)


def find_class_list(tree: Tree) -> ClassList | None:
    """The list that lies in a tree; None where there is none. Raises ImporterError for one that cannot be read."""
    for wanted in _READ:
        for name in tree.names():
            if posixpath.basename(name).casefold() == wanted:
                data = tree.read(name, limit=_MOST_BYTES)
                if wanted.endswith(".json"):
                    return _of_json(data, name)
                return _of_csv(data, name) if wanted.endswith(".csv") else _of_lines(parse_text(data, name), name)
    return None


def _of_json(data: bytes, name: str) -> ClassList:
    """{"categories": [{"id": 1, "name": "cup", "color": "#ff0000", …}, …]}, or that list alone."""
    document = parse_json(data, name)
    rows = document.get("categories") if isinstance(document, Mapping) else document
    if not isinstance(rows, list):
        raise ImporterError(f'{name}: Expected a list of "categories". Write it as the tool\'s own export does.')
    return _of_rows([as_mapping(row, name, "an object for each category") for row in rows], name)


def _of_csv(data: bytes, name: str) -> ClassList:
    """Columns id and name, and perhaps color or red, green and blue, supercategory, isthing."""
    try:
        rows = list(csv.DictReader(io.StringIO(parse_text(data, name), newline="")))
    except csv.Error as error:
        raise ImporterError(f"{name}: It is no table with commas ({error}). Save it as CSV.") from error
    return _of_rows(rows, name)


def _of_rows(rows: Iterable[Mapping[str, Any]], name: str) -> ClassList:
    categories: dict[int, FoundCategory] = {}
    numbers: dict[int, int] = {}
    for place, row in enumerate(rows, start=1):
        try:
            number, called = whole_number(row.get("id")), row.get("name")
            if not 0 <= number <= _MOST_NUMBER:
                raise ValueError(f"an id goes from 0 to {_MOST_NUMBER}")
            if not isinstance(called, str) or not called.strip():
                raise ValueError("it has no name")
            color = _color(row)
        except ValueError as error:
            raise ImporterError(f"{name}, category {place}: It cannot be used: {error}. Mend it.") from error
        if number in categories:
            raise ImporterError(f"{name}, category {place}: The id {number} is there twice. Give each its own.")
        parent = row.get("supercategory")
        categories[number] = FoundCategory(
            name=called.strip(),
            supercategory=parent.strip() if isinstance(parent, str) else "",
            is_thing=row.get("isthing", 1) not in (0, "0", False),
            color=None if color is None else "#{:02x}{:02x}{:02x}".format(*color),
        )
        if color is not None:
            numbers.setdefault(color_number(color), number)
    return ClassList(categories, numbers)


def _of_lines(text: str, name: str) -> ClassList:
    """One class a line, numbered from 0: "cup" (labelme), or "cup:128,0,0::" with its colour (CVAT)."""
    categories: dict[int, FoundCategory] = {}
    numbers: dict[int, int] = {}
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > _MOST_CLASSES or max(map(len, lines), default=0) > _LONGEST_LINE:
        raise ImporterError(f"{name}: It is no list of classes, one a line. Take it out, or write them there.")
    for number, line in enumerate(line for line in lines if line and not line.startswith("#")):
        match = _CVAT.fullmatch(line)
        categories[number] = FoundCategory(name=(match[1] if match else line).strip() or f"class {number}")
        color = [int(part) for part in match.groups()[1:]] if match else []
        if color and max(color) <= 255:
            numbers.setdefault(color_number(color), number)
    return ClassList(categories, numbers)


def _color(row: Mapping[str, Any]) -> Sequence[int] | None:
    """Raises ValueError with the reason for a colour that is none."""
    given = row.get("color")
    if isinstance(given, str) and given.strip():
        digits = given.strip().removeprefix("#")
        if len(digits) != 6 or not set(digits.casefold()) <= set("0123456789abcdef"):
            raise ValueError(f"{given!r:.20} is no colour like #ff8000")
        return list(bytes.fromhex(digits))
    parts = given if isinstance(given, list) else [row.get(channel) for channel in ("red", "green", "blue")]
    if len(parts) != 3 or any(part in (None, "") for part in parts):
        return None
    color = [whole_number(part) for part in parts]
    if not all(0 <= part <= 255 for part in color):
        raise ValueError("red, green and blue go from 0 to 255")
    return color
