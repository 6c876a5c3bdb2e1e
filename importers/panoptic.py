"""COCO panoptic: a JSON that lists the segments of each picture, and a folder of PNGs called as the JSON.

A pixel's segment is its colour, red + 256 green + 65536 blue; black is nobody's. Each segment is one instance, of stuff
too. The JSON is gone through once; segments are read from where they are in the file, picture by picture.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from importers.base import FoundCategory, ImporterError, LabelledPicture, Reading, Shape, Tree, Unreadable
from importers.jsonstream import elements, parse_slice
from importers.opened import Found, OpenedFiles, head_of, names_ending, stated_size, unreadable
from importers.pictures import PictureIndex, split_of
from importers.rasters import MAX_BYTES, Raster, read_raster
from importers.regions import colors_as_numbers, masks_of
from importers.texts import whole_number
from storage.rle import Rle

_HEAD_BYTES = 2**18
_MOST_LOOKED_AT = 100  # JSON files, the largest; thousands of small ones are another format's
_LISTS = re.compile(rb'"(images|annotations)"\s*:\s*\[')
_SEGMENTS = b'"segments_info"'


class PanopticImporter:
    """Reads a JSON file and its PNGs; several of them, one a split, are one data set."""

    name = "coco-panoptic"
    title = "COCO panoptic (PNG, JSON)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return next(iter(_panoptic_files(tree)), None)

    def read(self, tree: Tree) -> Reading:
        """See importers.base.Importer."""
        names = _panoptic_files(tree)
        maps = frozenset(png for name in names for png in _maps_of(tree, name))
        index = PictureIndex(tree, besides=maps)
        files = [_PanopticFile(tree, name, index) for name in names]
        found: dict[str, FoundCategory] = {}
        for file in files:
            for category in file.categories.values():
                found.setdefault(category.name, category)

        def pictures() -> Iterator[Found]:
            for file in files:
                yield from file.pictures()

        return OpenedFiles(", ".join(names), list(found.values()), sum(len(f.places) for f in files), pictures)


@dataclass(frozen=True, slots=True)
class _Picture:
    file_name: str
    size_hw: tuple[int, int] | None


class _PanopticFile:
    """What is known of a JSON without its segments. Raises ImporterError where it is damaged."""

    def __init__(self, tree: Tree, name: str, index: PictureIndex) -> None:
        self._tree, self.name, self._index = tree, name, index
        self.categories: dict[int, FoundCategory] = {}
        self.places: list[tuple[int, int]] = []  # start and end of each annotation in the file
        self._images: dict[int, _Picture] = {}
        self._problems: list[Unreadable] = []
        self._maps = {posixpath.basename(png): png for png in _maps_of(tree, name)}
        self._path = tree.path(name)
        self._go_through()

    def pictures(self) -> Iterator[Found]:
        """Each annotation's picture, and what cannot be read."""
        yield from self._problems
        with self._path.open("rb") as file:
            for number, (start, end) in enumerate(self.places, start=1):
                where = f"{self.name}, annotation number {number}"
                try:
                    file.seek(start)
                    yield from self._picture(parse_slice(file.read(end - start), self.name), where)
                except ImporterError as error:
                    yield unreadable(error, self.name)
                except ValueError as error:
                    yield Unreadable(where, f"It cannot be used: {error}.")

    def _go_through(self) -> None:
        with self._path.open("rb") as file:
            for element in elements(self._path, self.name):
                if element.is_list:
                    continue
                if element.key == "annotations":
                    self.places.append((element.start, element.end))
                elif element.key in ("images", "categories"):
                    file.seek(element.start)
                    value = parse_slice(file.read(element.end - element.start), self.name)
                    try:
                        (self._take_image if element.key == "images" else self._take_category)(value)
                    except ValueError as error:
                        where = f"{self.name}, one of its {element.key}"
                        self._problems.append(Unreadable(where, f"It cannot be used: {error}."))

    def _take_image(self, entry: Any) -> None:
        key, called = whole_number(_member(entry, "id")), entry.get("file_name")
        if not isinstance(called, str) or not called:
            raise ValueError("it has no file_name")
        picture = _Picture(called, stated_size(entry.get("height"), entry.get("width")))
        if self._images.setdefault(key, picture) != picture:
            raise ImporterError(f"{self.name}: The image id {key} is there twice. Give each picture its own.")

    def _take_category(self, entry: Any) -> None:
        key, called = whole_number(_member(entry, "id")), entry.get("name")
        if not isinstance(called, str) or not called.strip():
            raise ValueError("it has no name")
        above, color = entry.get("supercategory"), entry.get("color")
        is_color = (
            isinstance(color, list) and len(color) == 3 and all(isinstance(c, int) and 0 <= c < 256 for c in color)
        )
        category = FoundCategory(
            name=called.strip(),
            supercategory=above if isinstance(above, str) else "",
            is_thing=entry.get("isthing", 1) not in (0, False),
            color="#{:02x}{:02x}{:02x}".format(*color) if is_color else None,
        )
        if self.categories.setdefault(key, category) != category:
            raise ImporterError(f"{self.name}: The category id {key} is there twice. Give each its own.")

    def _picture(self, entry: Any, where: str) -> Iterator[Found]:
        """Raises ValueError with the reason, ImporterError about a file."""
        png, segments = _member(entry, "file_name"), entry.get("segments_info")
        if not isinstance(png, str) or not isinstance(segments, list):
            raise ValueError("it has no file_name or no segments_info")
        image = self._images.get(whole_number(entry.get("image_id")))
        found = self._maps.get(posixpath.basename(png))
        if image is None or found is None:
            raise ValueError("no picture has its image_id" if image is None else f"{png} is missing")
        raster = read_raster(self._tree.read(found, limit=MAX_BYTES), found)
        if image.size_hw not in (None, raster.size_hw):
            raise ValueError(f"{png} has another size than the JSON says")
        masks = dict(masks_of(_ids(raster)))
        shapes = []
        for number, segment in enumerate(segments, start=1):
            name = f"{where} ({png}), segment {number}"
            try:
                shapes.append(self._shape(segment, name, masks))
            except ValueError as error:
                yield Unreadable(name, f"It cannot be used: {error}.")
        if masks:
            yield Unreadable(found, f"{len(masks)} of its segments are not in segments_info of {self.name}.")
        split = split_of(self.name)
        path = self._index.find(image.file_name, near=self.name, split=split)
        yield LabelledPicture(
            file_name=image.file_name, size_hw=raster.size_hw, path=path, shapes=tuple(shapes), split=split
        )

    def _shape(self, segment: Any, name: str, masks: dict[int, Rle]) -> Shape:
        """Takes the segment's mask out of `masks`. Raises ValueError with the reason."""
        rle = masks.pop(whole_number(_member(segment, "id")), None)
        if rle is None:
            raise ValueError("the PNG has no pixel of it")
        category = self.categories.get(whole_number(segment.get("category_id")))
        if category is None:
            raise ValueError("no category has its category_id")
        return Shape(name=name, category=category.name, rle=rle, is_crowd=segment.get("iscrowd") in (1, True))


def _panoptic_files(tree: Tree) -> list[str]:
    names = names_ending(tree, ".json")
    largest = set(sorted(names, key=tree.size, reverse=True)[:_MOST_LOOKED_AT])
    return [name for name in names if name in largest and _is_panoptic(tree, name)]


def _is_panoptic(tree: Tree, name: str) -> bool:
    head = head_of(tree, name, _HEAD_BYTES)
    return _LISTS.search(head) is not None and (_SEGMENTS in head or bool(_maps_of(tree, name)))


def _maps_of(tree: Tree, name: str) -> list[str]:
    """The PNGs in the folders that are called as a JSON."""
    folder = posixpath.splitext(posixpath.basename(name))[0]
    return [png for png in names_ending(tree, ".png") if posixpath.basename(posixpath.dirname(png)) == folder]


def _member(entry: Any, key: str) -> Any:
    """Raises ValueError where entry is no object."""
    if not isinstance(entry, Mapping):
        raise ValueError("it is no object")
    return entry.get(key)


def _ids(raster: Raster) -> np.ndarray:
    """H×W int32."""
    if raster.pixels.ndim == 3:
        return colors_as_numbers(raster.pixels)
    if raster.palette is None:
        return raster.pixels.astype(np.int32)  # grey, as some converters write the first 255
    if not len(raster.palette) or int(raster.pixels.max()) >= len(raster.palette):
        raise ValueError("its PNG has pixels without a colour")
    return colors_as_numbers(raster.palette[raster.pixels])
