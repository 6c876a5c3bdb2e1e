"""labelme: one JSON file beside each picture. What was looked at in labelme (3 to 6), and decides how it is read:

- imagePath is relative to the JSON, with backslashes where it was written on Windows; folders that moved since are
  looked through by the picture's name, then by the JSON's. imageData, the picture itself in base64, stands in where no
  file of it is there.
- Shapes of one label and one group_id are one instance of several parts.
- labelme paints the outline of a shape too, so coordinates are pixels' numbers here. A rectangle and a circle are two
  points: corners; centre and a point on the border. "mask" is a PNG laid at its box. Before version 4 a shape had no
  shape_type: those are polygons.
- Points and lines have no inside (labelme's own scripts draw them with a pen of their choice): they are named and left.
- The categories are those of labels.txt where there is one, then what is met besides.
- A flag "iscrowd", as the tool itself writes it, marks a group; other flags are labelme's users' own.
"""

import base64
import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from importers.base import FoundCategory, ImporterError, LabelledPicture, Reading, Shape, Tree, Unreadable
from importers.masks import mask_of
from importers.opened import Found, OpenedFiles, head_of, names_ending, stated_size, unreadable
from importers.pictures import PictureIndex, split_of
from importers.rasters import read_raster
from importers.texts import as_mapping, finite_numbers, kind_of, parse_json, parse_text
from storage.rle import Rle

_LOOKED_AT = 1000  # JSON files that may lie about before the first one of labelme
_KEYS = re.compile(rb'"(shapes|imagePath|imageData|lineColor)"\s*:')
_MOST_BYTES = 2**27  # of a JSON with its picture in it
_LABELS_BYTES = 2**20
_NOT_LABELS = {"__ignore__", "_background_"}  # the first two lines of labels.txt by labelme's custom
_LINES = {"point", "points", "line", "linestrip"}
_CIRCLE_CORNERS = 720  # at most; a corner a pixel where it is small


class LabelmeImporter:
    """Reads a folder of pictures and JSON files, with folders in it."""

    name = "labelme"
    title = "labelme (JSON)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return next((name for name in names_ending(tree, ".json")[:_LOOKED_AT] if _is_labelme(tree, name)), None)

    def read(self, tree: Tree) -> Reading:
        """See importers.base.Importer."""
        index = PictureIndex(tree)
        stems = {posixpath.splitext(name)[0] for name in index.names}
        # What lies beside a picture of its name is meant to be labelme's, even where it is damaged.
        names = [n for n in names_ending(tree, ".json") if posixpath.splitext(n)[0] in stems or _is_labelme(tree, n)]
        files = [_LabelFile(tree, index, name) for name in names]
        entry = names[0] if len(names) == 1 else f"{len(names)} JSON files"
        return OpenedFiles(entry, _categories(tree, files), len(files), lambda: _pictures(tree, index, files))


class _LabelFile:
    """One JSON file. It is read anew each time: with pictures in them, few fit into memory."""

    def __init__(self, tree: Tree, index: PictureIndex, name: str) -> None:
        self._tree, self._index, self.name = tree, index, name

    def labels(self) -> list[str]:
        """The categories of its shapes as they come; none where it cannot be read, which `found` says."""
        try:
            shapes = _listed(self._document(), self.name)
        except ImporterError:
            return []
        return [label for shape in shapes if isinstance(shape, Mapping) and (label := _label(shape))]

    def found(self) -> Iterator[Found]:
        """The picture, and what of it cannot be read."""
        try:
            document = self._document()
            shapes = _listed(document, self.name)
            size_hw = stated_size(document.get("imageHeight"), document.get("imageWidth"))
            called, path = self._picture(document)
            embedded = _base64(document["imageData"]) if path is None and document.get("imageData") else None
        except ImporterError as error:
            yield unreadable(error, self.name)
            return
        except ValueError as error:
            yield Unreadable(self.name, f"The file cannot be used: {error}. Mend it, then import it.")
            return
        read = _Shapes(self.name, size_hw)
        for number, shape in enumerate(shapes, start=1):
            read.add(number, shape)
        instances = tuple(read.instances())
        yield from read.unreadable
        yield LabelledPicture(
            file_name=called,
            size_hw=size_hw,
            path=path,
            embedded=embedded,
            shapes=instances,
            split=split_of(posixpath.dirname(self.name)),
        )

    def _document(self) -> Mapping[str, Any]:
        return as_mapping(
            parse_json(self._tree.read(self.name, limit=_MOST_BYTES), self.name), self.name, "labelme's object"
        )

    def _picture(self, document: Mapping[str, Any]) -> tuple[str, str | None]:
        """(what the picture is called, where it lies)."""
        given = document.get("imagePath")
        called = given.replace("\\", "/") if isinstance(given, str) and given.strip("/\\. ") else ""
        stem = posixpath.splitext(self.name)[0]
        path = self._index.find(called, near=self.name) if called else None
        path = path or self._index.with_stem(stem, near=self.name)
        return posixpath.basename(called or path or stem), path


class _Shapes:
    """The shapes of one file, put together to instances."""

    def __init__(self, file: str, size_hw: tuple[int, int] | None) -> None:
        self.unreadable: list[Unreadable] = []
        self._file, self._size_hw = file, size_hw
        self._parts: dict[object, list[Shape]] = {}

    def add(self, number: int, given: object) -> None:
        """Take in the shape that is `number` in the file, counted from 1."""
        name = f"{self._file}, shape {number}"
        try:
            if not isinstance(given, Mapping):
                raise ValueError(f"Expected an object, found {kind_of(given)}.")
            shape = _shape(given, name, self._size_hw)
        except ValueError as error:
            self.unreadable.append(Unreadable(name, str(error)))
            return
        group = given.get("group_id")
        key = (shape.category, group) if isinstance(group, int | str) and group != "" else number
        self._parts.setdefault(key, []).append(shape)

    def instances(self) -> Iterator[Shape]:
        """One Shape an instance; what cannot be put together is among `unreadable` once this has been walked."""
        for parts in self._parts.values():
            if len(parts) == 1:
                yield parts[0]
            elif all(part.rle is None for part in parts):
                yield replace(parts[0], polygons=tuple(ring for part in parts for ring in part.polygons))
            else:
                yield from self._united(parts)

    def _united(self, parts: Sequence[Shape]) -> Iterator[Shape]:
        """A mask and polygons of one group, painted here: no Shape holds both."""
        rles = []
        for part in parts:
            try:
                assert self._size_hw is not None  # a mask was made with it
                rles.append(mask_of(part, self._size_hw).to_coco())
            except ImporterError as error:
                self.unreadable.append(Unreadable(part.name, str(error)))
        if rles:
            yield replace(parts[0], polygons=(), rle=Rle.from_coco(coco_mask.merge(rles)))


def _is_labelme(tree: Tree, name: str) -> bool:
    return len(set(_KEYS.findall(head_of(tree, name)))) >= 2


def _categories(tree: Tree, files: Sequence[_LabelFile]) -> list[FoundCategory]:
    met = dict.fromkeys(label for file in files for label in file.labels())
    listed = _listed_labels(tree)
    if not met.keys() & set(listed):
        listed = []  # a labels.txt of something else
    return [FoundCategory(name=name) for name in dict.fromkeys([*listed, *met])]


def _listed_labels(tree: Tree) -> list[str]:
    """The lines of labels.txt, where there is one that can be read."""
    name = next((name for name in tree.names() if posixpath.basename(name) == "labels.txt"), None)
    if name is None:
        return []
    try:
        text = parse_text(tree.read(name, limit=_LABELS_BYTES), name)
    except ImporterError:
        return []  # it is only the order that is lost
    return [line.strip() for line in text.splitlines() if line.strip() not in _NOT_LABELS]


def _pictures(tree: Tree, index: PictureIndex, files: Sequence[_LabelFile]) -> Iterator[Found]:
    for file in files:
        yield from file.found()


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    shapes = document.get("shapes")
    if not isinstance(shapes, list):
        raise ImporterError(f'{name}: Expected a list of "shapes", found {kind_of(shapes)}. It is not by labelme.')
    return shapes


def _label(shape: Mapping[str, Any]) -> str:
    label = shape.get("label")
    return label.strip() if isinstance(label, str) else ""


def _shape(given: Mapping[str, Any], name: str, size_hw: tuple[int, int] | None) -> Shape:
    """Raises ValueError with the reason."""
    label, kind = _label(given), given.get("shape_type") or "polygon"
    if not label:
        raise ValueError("It has no label.")
    if isinstance(kind, str) and kind in _LINES:
        raise ValueError(f"A {kind} has no inside, so there is no mask. Draw a polygon, or leave it out.")
    try:
        points = finite_numbers(given.get("points"), columns=2)
    except ValueError as error:
        raise ValueError(f"Its points cannot be read: {error}.") from error
    flags = given.get("flags")
    is_crowd = isinstance(flags, Mapping) and flags.get("iscrowd") is True
    if kind == "mask":
        rle = _mask(given.get("mask"), points, size_hw)
        return Shape(name=name, category=label, rle=rle, is_crowd=is_crowd)
    return Shape(name=name, category=label, polygons=(_ring(kind, points),), painted="pixels", is_crowd=is_crowd)


def _ring(kind: object, points: np.ndarray) -> np.ndarray:
    """N×2 of a shape that is not a mask. Raises ValueError with the reason."""
    if kind == "rectangle" and len(points) in (2, 4):  # newer programs write all four corners
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    if kind == "circle" and len(points) == 2:
        centre, border = points
        radius = math.dist(centre, border)
        turn = np.linspace(0, math.tau, int(min(_CIRCLE_CORNERS, 16 + 7 * radius)), endpoint=False)
        # Half a pixel on: these are rounded down to pixels, and a circle must not lean to one side.
        return centre + 0.5 + radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    if kind in ("polygon", "oriented_rectangle", "rotation") and len(points) >= 3:
        return points
    if kind in ("rectangle", "circle", "polygon", "oriented_rectangle", "rotation"):
        raise ValueError(f"A {kind} of {len(points)} points is none.")
    raise ValueError(f"Its shape_type {str(kind)[:40]!r} is not known here.")


def _mask(png: object, points: np.ndarray, size_hw: tuple[int, int] | None) -> Rle:
    """The PNG of a shape of type mask, laid at its box; what lies outside is cut off. ValueError with the reason."""
    if size_hw is None:
        raise ValueError("The file does not say imageHeight and imageWidth, which a mask needs.")
    if len(points) != 2:
        raise ValueError(f"A mask's box has 2 points, found {len(points)}.")
    try:
        pixels = read_raster(_base64(png), "Its mask").pixels
    except ImporterError as error:
        raise ValueError(str(error)) from error
    inside = pixels.any(axis=2) if pixels.ndim == 3 else pixels.astype(bool)
    if np.abs(points).max() > 2**31:
        raise ValueError("Its box lies outside the picture.")
    left, top = (int(v) for v in points.min(axis=0))
    right, bottom = (int(v) + 1 for v in points.max(axis=0))
    if inside.shape != (bottom - top, right - left):
        height, width = inside.shape
        raise ValueError(f"Its mask has {width}×{height} pixels and its box {right - left}×{bottom - top}.")
    inside = inside[max(0, -top) : max(0, size_hw[0] - top), max(0, -left) : max(0, size_hw[1] - left)]
    if not inside.any():
        raise ValueError("Its mask is empty: no pixel of the picture is inside.")
    return Rle.encode_part(inside, at=(max(0, top), max(0, left)), size_hw=size_hw)


def _base64(text: object) -> bytes:
    """Raises ValueError with the reason."""
    if not isinstance(text, str):
        raise ValueError(f"expected a picture in base64, found {kind_of(text)}")
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)
    except ValueError as error:
        raise ValueError("a picture in base64 is damaged") from error
