"""Semantic label maps: a PNG for each picture whose pixels are numbers (or colours) of classes.

How they are told from pictures, and read:
- Maps are PNGs in a folder of their own, each beside a picture of the same name (perhaps without "_mask" or the like)
  in another folder, or named so beside the picture; and they are flat, where photographs differ from pixel to pixel.
- The names of the numbers stand in categories.json or categories.csv (as the tool itself writes them), labelmap.txt
  (CVAT) or class_names.txt (labelme); without any of these they are "class 1", "class 2" and so on.
- A map does not say which pixels are one object. So all pixels of a class on a picture are one instance.
- 0 is background, unless the list calls it otherwise. 255 is nobody's where a list does not have it or the palette is
  that of VOC, whose 255 is "void"; else it is a class, as in maps of black and white.
- Maps of colours need a list that says which colour is what.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from importers.base import FoundCategory, ImporterError, LabelledPicture, Reading, Shape, Tree, Unreadable
from importers.classlists import NOBODY, ClassList, find_class_list
from importers.opened import Found, OpenedFiles, unreadable
from importers.pictures import PictureIndex, split_of, suffix_of
from importers.rasters import HEADER_BYTES, MAX_BYTES, Raster, png_header, read_raster
from importers.regions import boxes_of, by_color, masks_of, voc_color

VOID = 255
_LOOKED_AT = 8  # maps of a folder
_FLAT = 0.25  # at most this part of neighbouring pixels differ on a map
_SIDE = 512  # of the part that is looked at
_MOST_CLASSES = 4096  # of maps without a list
_OTHER = -1  # a colour that the list does not have
_WORD = r"(?:mask|label|labelid|labelmap|seg|segmentation|segmentationclass|gt|annotation)s?(?:png)?"
_SUFFIX = re.compile(rf"[_\-. ]{_WORD}$", re.IGNORECASE)
_FOLDER = re.compile(rf"(?:^|[_\-. /]){_WORD}(?:$|[_\-. /])", re.IGNORECASE)


class LabelMapImporter:
    """Reads folders of maps beside folders of pictures."""

    name = "label-map"
    title = "Label maps (PNG)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return next(iter(_map_names(tree)), None)

    def read(self, tree: Tree) -> Reading:
        """See importers.base.Importer."""
        names = _map_names(tree)
        return _Maps(tree, names, find_class_list(tree)).opened()


class _Maps:
    """Label maps with the list of their classes."""

    def __init__(self, tree: Tree, names: Sequence[str], listed: ClassList | None) -> None:
        self._tree, self._names, self._listed = tree, names, listed
        self._index = PictureIndex(tree, besides=frozenset(names))
        self._categories = self._met() if listed is None else dict(listed.categories)
        self._nobody = {n for n, category in self._categories.items() if category.name.casefold() in NOBODY}

    def opened(self) -> Reading:
        """The data set that they are."""
        meant = {c.name: c for number, c in sorted(self._categories.items()) if number not in self._nobody}
        entry = self._names[0] if len(self._names) == 1 else f"{len(self._names)} label maps"
        return OpenedFiles(entry, list(meant.values()), len(self._names), self._pictures)

    def _met(self) -> dict[int, FoundCategory]:
        """The numbers on all maps, where no list gives them names. Damaged maps are passed over: `_picture` says it."""
        colors: dict[int, str | None] = {}
        for name in self._names:
            try:
                raster = read_raster(self._tree.read(name, limit=MAX_BYTES), name)
                numbers = boxes_of(raster.pixels) if raster.pixels.ndim == 2 else {}
            except (ImporterError, ValueError):
                continue
            for number in numbers.keys() - _left_out(raster, None) - colors.keys():
                colors[number] = _palette_color(raster, number)
        if len(colors) > _MOST_CLASSES:
            raise ImporterError(
                f"{self._names[0]}: The maps have {len(colors)} different numbers and no categories.json names them. "
                "They look like maps of objects or depth; make maps of classes."
            )
        return {number: FoundCategory(name=f"class {number}", color=colors[number]) for number in sorted(colors)}

    def _pictures(self) -> Iterator[Found]:
        for name in self._names:
            try:
                yield from self._picture(name)
            except ImporterError as error:
                yield unreadable(error, name)
            except ValueError as error:
                yield Unreadable(name, f"The map cannot be used: {error}.")

    def _picture(self, name: str) -> Iterator[Found]:
        """Raises ImporterError, or ValueError with the reason."""
        raster = read_raster(self._tree.read(name, limit=MAX_BYTES), name)
        numbers = self._numbers(raster)
        shapes = []
        for number, rle in masks_of(numbers, leave_out=self._nobody | _left_out(raster, self._listed)):
            where = f"{name}, {'other colours' if number == _OTHER else f'number {number}'}"
            if number in self._categories:
                shapes.append(Shape(name=where, category=self._categories[number].name, rle=rle))
            else:
                yield Unreadable(where, f"{rle.area} pixels have no name in the list of categories. Add it there.")
        stem = posixpath.splitext(name)[0]
        path = self._index.with_stem(stem, near=name) or self._index.with_stem(_bare(stem), near=name)
        yield LabelledPicture(
            file_name=posixpath.basename(path or name),
            size_hw=raster.size_hw,
            path=path,
            shapes=tuple(shapes),
            split=split_of(posixpath.dirname(name)),
        )

    def _numbers(self, raster: Raster) -> np.ndarray:
        if raster.pixels.ndim == 2:
            return raster.pixels
        if self._listed is None or not self._listed.numbers:
            raise ValueError("its pixels are colours, and no categories.json says which colour is which class")
        return by_color(raster.pixels, self._listed.numbers, other=_OTHER)


def _left_out(raster: Raster, listed: ClassList | None) -> set[int]:
    """The numbers that are no class on any map."""
    left_out = set() if listed is not None and 0 in listed.categories else {0}
    palette = raster.palette
    is_voc = palette is not None and len(palette) > VOID and tuple(palette[VOID].tolist()) == voc_color(VOID)
    if is_voc or (listed is not None and VOID not in listed.categories):
        left_out.add(VOID)
    return left_out


def _palette_color(raster: Raster, number: int) -> str | None:
    if raster.palette is None or not 0 <= number < len(raster.palette):
        return None
    return "#{:02x}{:02x}{:02x}".format(*raster.palette[number].tolist())


def _map_names(tree: Tree) -> list[str]:
    """The maps of a tree, in natural order; none where these are no maps."""
    pictures = PictureIndex(tree).names
    folders: dict[str, set[str]] = {}  # the folders of each name without its suffix
    for name in pictures:
        folders.setdefault(_stem(name), set()).add(posixpath.dirname(name))
    groups: dict[str, list[str]] = {}
    for name in pictures:
        if suffix_of(name) == ".png" and _has_picture(name, folders):
            groups.setdefault(posixpath.dirname(name), []).append(name)
    ranked: dict[tuple[bool, bool], list[str]] = {}
    for folder, names in groups.items():
        # A folder shared with the pictures: those whose names say it are the maps.
        own = [name for name in names if _bare(_stem(name)) != _stem(name)]
        names = names if len(own) in (0, len(names)) else own
        headers = [_flat_header(tree, name) for name in names[:: max(1, len(names) // _LOOKED_AT)][:_LOOKED_AT]]
        says_so = _FOLDER.search(folder) is not None or len(own) == len(names)
        if None not in headers and (says_so or False not in headers):
            ranked.setdefault((says_so, False not in headers), []).extend(names)
    # Flat pictures (drawings, test pictures) look like maps too: of two folders the one is taken that says what it is.
    return ranked[max(ranked)] if ranked else []


def _has_picture(name: str, folders: Mapping[str, Collection[str]]) -> bool:
    stem = _stem(name)
    return len(folders[stem]) > 1 or (_bare(stem) != stem and _bare(stem) in folders)


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0].casefold()


def _bare(stem: str) -> str:
    """A name without what says that it is a map: "a_mask" -> "a"."""
    return _SUFFIX.sub("", stem)


def _flat_header(tree: Tree, name: str) -> bool | None:
    """None for what is no map, else whether its pixels are numbers (and not colours)."""
    try:
        with tree.open(name) as file:
            header = png_header(file.read(HEADER_BYTES))
        if header is None:
            return None
        pixels = read_raster(tree.read(name, limit=MAX_BYTES), name).pixels
    except ImporterError:
        return None
    part = pixels[: _SIDE + 1, : _SIDE + 1]
    differ = part[:, 1:] != part[:, :-1]
    differ = differ.any(axis=2) if differ.ndim == 3 else differ
    return header.is_of_numbers if not differ.size or float(differ.mean()) <= _FLAT else None
