"""PASCAL VOC: an XML of boxes for each picture, and maps of objects and classes where there are any.

What was looked at in the devkit and in what writes like it, and decides how it is read:
- bndbox counts pixels from 1 and includes the last one. Label Studio counts from 0 and signs its files, so these are
  read as it means them; of other programs that do so nothing is to be seen in the file.
- Number k in SegmentationObject is the k-th object of the XML, 255 is nobody's ("void"). An object without a pixel
  there is covered by others: its mask is not known, and it is left out by name.
- Where there is no XML, the class of an object is what most of its pixels are in SegmentationClass. The names of these
  numbers stand in labelmap.txt (CVAT) or class_names.txt (labelme); else they are VOC's own twenty.
- <polygon> (supervision and others) has points x1, y1, … that count from 1.
- difficult and truncated say nothing that a mask has a place for.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from importers.base import Box, FoundCategory, ImporterError, LabelledPicture, Reading, Shape, Tree, Unreadable
from importers.opened import Found, OpenedFiles, head_of, names_ending, stated_size, unreadable
from importers.pictures import PictureIndex, suffix_of
from importers.texts import finite_numbers, parse_xml
from importers.vocmaps import ClassNames, Place, VocMaps, place_of, splits_of
from storage.rle import Rle

_LOOKED_AT = 1000  # XML files that may lie about before the first one of VOC
_MOST_BYTES = 2**24  # of an XML: some hundred thousand points
_IS_VOC = re.compile(rb"<annotation[\s>].*<(?:object|filename|size|folder)[\s>/]", re.DOTALL)
_POINT = re.compile(r"([xy])(\d{1,7})")


class VocImporter:
    """Reads folders as the devkit's, XMLs that lie anywhere, and maps of objects without XMLs."""

    name = "voc"
    title = "Pascal VOC (XML, PNG)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        found = next((name for name in names_ending(tree, ".xml")[:_LOOKED_AT] if _is_voc(tree, name)), None)
        return found or next(iter(VocMaps(tree).objects.values()), None)

    def read(self, tree: Tree) -> Reading:
        """See importers.base.Importer."""
        maps = VocMaps(tree)
        splits, damaged = splits_of(tree)
        around = _Around(tree, PictureIndex(tree, besides=maps.names), maps, ClassNames(tree), splits)
        # What lies in a folder Annotations is meant to be VOC's, even where it is damaged.
        xmls = [n for n in names_ending(tree, ".xml") if "annotations" in n.casefold().split("/") or _is_voc(tree, n)]
        places = {place_of(name) for name in xmls}
        alone = [name for place, name in maps.objects.items() if place not in places]
        files = [_Annotated(around, name) for name in [*xmls, *alone]]
        entry = files[0].name if len(files) == 1 else f"{len(files)} files ({'XML' if xmls else 'PNG'})"
        met = dict.fromkeys(name for file in files for name in file.categories())
        names = list(dict.fromkeys([*around.classes.listed, *met]))

        def pictures() -> Iterator[Found]:
            yield from (unreadable(error) for error in damaged)
            for file in files:
                yield from file.found()

        return OpenedFiles(entry, [FoundCategory(name=name) for name in names], len(files), pictures)


@dataclass(frozen=True)
class _Around:
    """What all files of a data set share."""

    tree: Tree
    index: PictureIndex
    maps: VocMaps
    classes: ClassNames
    splits: Mapping[Place, str]


class _Annotated:
    """One picture's XML, or its map of objects where it has no XML; read anew each time."""

    def __init__(self, around: _Around, name: str) -> None:
        self._around, self.name = around, name
        self._place = place_of(name)
        self._is_xml = suffix_of(name) == ".xml"

    def categories(self) -> list[str]:
        """The classes of its objects as they come; none where it cannot be read, which `found` says."""
        if self._place in self._around.maps.classes:  # it may name what the XML does not
            pictures = [found for found in self.found() if isinstance(found, LabelledPicture)]
            return [shape.category for picture in pictures for shape in picture.shapes]
        try:
            return [name for thing in self._root().findall("object") if (name := _text(thing, "name"))]
        except ImporterError:
            return []

    def found(self) -> Iterator[Found]:
        """The picture, and what of it cannot be read."""
        try:
            root = self._root()
            size_hw = stated_size(_text(root, "size/height"), _text(root, "size/width"))
            masks = self._around.maps.masks(self._place) if self._place in self._around.maps.objects else None
            size_hw = self._agreed(size_hw, masks)
        except ImporterError as error:
            yield unreadable(error, self.name)
            return
        except ValueError as error:
            yield Unreadable(self.name, f"The file cannot be used: {error}. Mend it, then import it.")
            return
        shapes: list[Shape] = []
        for one in self._objects(root, masks):
            if isinstance(one, Shape):
                shapes.append(one)
            else:
                yield one
        stem = self._place[1]
        called = posixpath.basename(_text(root, "filename").replace("\\", "/")) or stem
        index = self._around.index
        # In the devkit's folder first: labelme's script puts drawings of the same name into others.
        path = index.find(f"JPEGImages/{called}", near=self.name)
        path = path or index.with_stem(f"JPEGImages/{stem}", near=self.name)
        yield LabelledPicture(
            file_name=called if suffix_of(called) or path is None else posixpath.basename(path),
            size_hw=size_hw,
            path=path,
            shapes=tuple(shapes),
            split=self._around.splits.get(self._place),
        )

    def _root(self) -> ElementTree.Element:
        if not self._is_xml:
            return ElementTree.Element("annotation")
        root = parse_xml(self._around.tree.read(self.name, limit=_MOST_BYTES), self.name)
        if root.tag != "annotation":
            raise ImporterError(f"{self.name}: Expected <annotation>, found <{root.tag:.40}>. It is not VOC's.")
        return root

    def _agreed(self, size_hw: tuple[int, int] | None, masks: Mapping[int, Rle] | None) -> tuple[int, int] | None:
        """The size that XML and map say. Raises ImporterError where they differ."""
        of_map = next((rle.size_hw for rle in masks.values()), None) if masks else None
        if of_map is not None and size_hw not in (None, of_map):
            assert size_hw is not None
            said = f"{size_hw[1]}×{size_hw[0]}, its map of objects has {of_map[1]}×{of_map[0]}"
            raise ImporterError(f"{self.name}: It says a size of {said} pixels. Mend the one that is wrong.")
        return size_hw or of_map

    def _objects(self, root: ElementTree.Element, masks: Mapping[int, Rle] | None) -> Iterator[Shape | Unreadable]:
        from_zero = _text(root, "owner/name") == "Label Studio"
        listed = root.findall("object")
        for number, thing in enumerate(listed, start=1):
            name = f"{self.name}, object {number}"
            try:
                yield self._shape(thing, name, number, masks, from_zero=from_zero)
            except ValueError as error:
                yield Unreadable(name, str(error))
        yield from self._by_class({number: rle for number, rle in (masks or {}).items() if number > len(listed)})

    def _shape(
        self, thing: ElementTree.Element, name: str, number: int, masks: Mapping[int, Rle] | None, *, from_zero: bool
    ) -> Shape:
        """Raises ValueError with the reason."""
        category = _text(thing, "name")
        if not category:
            raise ValueError("It has no name.")
        polygons = tuple(_polygon(points) for points in thing.findall("polygon"))
        box = _box(thing, from_zero=from_zero)
        if masks is not None:
            rle = masks.get(number)
            if rle is None:
                raise ValueError("Other objects cover it wholly on the map of objects, so its mask is not known.")
            if box is not None and not _lies_in(rle, box):
                raise ValueError("Its mask on the map of objects lies outside its box, so one of them is another's.")
            return Shape(name=name, category=category, rle=rle)
        if polygons:
            return Shape(name=name, category=category, polygons=polygons, painted="pixels")
        if box is None:
            raise ValueError("It has neither <bndbox> nor <polygon>.")
        return Shape(name=name, category=category, box_xyxy=box)

    def _by_class(self, masks: Mapping[int, Rle]) -> Iterator[Shape | Unreadable]:
        """Objects of the map that the XML does not have."""
        if not masks:
            return
        try:
            raster = self._around.maps.class_raster(self._place)
        except ImporterError as error:
            yield unreadable(error, self.name)
            return
        for number, rle in masks.items():
            name = f"{self._around.maps.objects[self._place]}, object {number}"
            if raster is None or raster.size_hw != rle.size_hw:
                yield Unreadable(name, "Its class stands neither in an XML nor on a map of classes of the same size.")
                continue
            category = self._around.classes.name_of(raster, rle.decode())
            if category is None:
                yield Unreadable(name, "Its class on the map of classes has no name: labelmap.txt does not list it.")
            else:
                yield Shape(name=name, category=category, rle=rle)


def _is_voc(tree: Tree, name: str) -> bool:
    return _IS_VOC.search(head_of(tree, name)) is not None


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _numbers(texts: Sequence[str]) -> np.ndarray:
    if any(not text for text in texts):
        raise ValueError("one of its coordinates is missing")
    return finite_numbers(list(texts))


def _box(thing: ElementTree.Element, *, from_zero: bool) -> Box | None:
    if thing.find("bndbox") is None:
        return None
    try:
        corners = _numbers([_text(thing, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")])
    except ValueError as error:
        raise ValueError(f"Its box cannot be read: {error}.") from error
    low, high = np.sort(corners.reshape(2, 2), axis=0) - np.array([[0 if from_zero else 1], [0]])
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _polygon(points: ElementTree.Element) -> np.ndarray:
    """x1, y1, x2, y2, … from 1 -> N×2 from 0."""
    values: dict[tuple[int, str], str] = {}
    for child in points:
        if match := _POINT.fullmatch(child.tag):
            values[int(match[2]), match[1]] = (child.text or "").strip()
    count = len(values) // 2
    try:
        wanted = [values.get((number, axis), "") for number in range(1, count + 1) for axis in "xy"]
        ring = _numbers(wanted).reshape(-1, 2) - 1
    except ValueError as error:
        raise ValueError(f"Its polygon cannot be read: {error}.") from error
    if len(ring) < 3:
        raise ValueError(f"A polygon of {len(ring)} points is none.")
    return ring


def _lies_in(rle: Rle, box: Box) -> bool:
    """Whether at least half of a mask's own box lies in another one."""
    x, y, width, height = rle.bbox_xywh
    across = min(x + width, box[2]) - max(x, box[0])
    down = min(y + height, box[3]) - max(y, box[1])
    return across > 0 and down > 0 and 2 * across * down >= width * height
