"""What lies beside the XMLs of a PASCAL VOC data set: maps of objects and classes, names, lists of pictures."""

import posixpath
from collections.abc import Sequence

import numpy as np

from importers.base import FoundCategory, ImporterError, Tree
from importers.classlists import NOBODY, find_class_list
from importers.pictures import suffix_of
from importers.rasters import MAX_BYTES, Raster, read_raster
from importers.regions import by_color, color_number, masks_of, voc_color
from importers.texts import parse_text
from storage.rle import Rle

VOID = 255  # nobody's: the border between objects, and what is not to be counted
_OBJECTS = ("segmentationobject", "segmentationobjectpng")  # the second by older labelme
_CLASSES = ("segmentationclass", "segmentationclasspng")
_LIST_BYTES = 2**26
_SPLITS = {"train.txt": "train", "val.txt": "val", "test.txt": "test"}
_TWENTY = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()
_VOC_NUMBERS = {color_number(voc_color(number)): number for number in range(VOID + 1)}
_MOST = 2**16 - 1

Place = tuple[str, str]  # the folder of the data set, and a picture's name without folders and suffix


class VocMaps:
    """The PNGs of a tree whose folders are called as the devkit's."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.objects: dict[Place, str] = {}
        self.classes: dict[Place, str] = {}
        for name in tree.names():
            folder = posixpath.basename(posixpath.dirname(name)).casefold()
            maps = self.objects if folder in _OBJECTS else self.classes if folder in _CLASSES else None
            if maps is not None and suffix_of(name) == ".png":
                maps[place_of(name)] = name
        self.names = frozenset([*self.objects.values(), *self.classes.values()])

    def masks(self, place: Place) -> dict[int, Rle]:
        """Each object's number and mask. Raises ImporterError for a map that cannot be read."""
        name = self.objects[place]
        try:
            return dict(masks_of(_numbers(self._raster(name)), leave_out=(0, VOID)))
        except ValueError as error:
            raise ImporterError(f"{name}: The map cannot be used: {error}.") from error

    def class_raster(self, place: Place) -> Raster | None:
        """The map of classes, None where there is none. Raises ImporterError for one that cannot be read."""
        name = self.classes.get(place)
        return None if name is None else self._raster(name)

    def _raster(self, name: str) -> Raster:
        return read_raster(self._tree.read(name, limit=MAX_BYTES), name)


class ClassNames:
    """The names of the numbers, or colours, of maps of classes: those of the list in the tree, else VOC's own.

    listed: those of the list, in the order of their numbers, without what stands for nobody. Raises ImporterError for a
    list that cannot be read.
    """

    def __init__(self, tree: Tree) -> None:
        found = find_class_list(tree)
        own = dict(enumerate(FoundCategory(name=name) for name in _TWENTY))
        self._categories = own if found is None else found.categories
        self._numbers = found.numbers if found is not None else {}
        listed = [] if found is None else [found.categories[number].name for number in sorted(found.categories)]
        self.listed: Sequence[str] = [name for name in listed if name.casefold() not in NOBODY]

    def name_of(self, raster: Raster, mask: np.ndarray) -> str | None:
        """The class that most of the mask's pixels have on a map of classes; None where it has no name.

        mask: H×W bool of the raster's size.
        """
        numbers = self._of_pixels(raster)[mask]
        numbers = numbers[(numbers > 0) & (numbers != VOID)]
        if not len(numbers):
            return None
        category = self._categories.get(int(np.bincount(numbers).argmax()))
        return None if category is None else category.name

    def _of_pixels(self, raster: Raster) -> np.ndarray:
        """H×W int32, 0 for what the list does not have."""
        if raster.pixels.ndim == 3:
            return by_color(raster.pixels, self._numbers or _VOC_NUMBERS, other=0)
        numbers = np.clip(raster.pixels, 0, _MOST).astype(np.int32)
        if raster.palette is None or not self._numbers:
            return numbers
        meant = np.arange(_MOST + 1, dtype=np.int32)
        for number, color in enumerate(raster.palette):
            meant[number] = self._numbers.get(color_number(color), number)
        return meant[numbers]


def splits_of(tree: Tree) -> tuple[dict[Place, str], list[ImporterError]]:
    """Which pictures ImageSets names in which list, and the lists that cannot be read."""
    splits: dict[Place, str] = {}
    damaged = []
    for name in tree.names():
        folders = posixpath.dirname(name).casefold().split("/")
        split = _SPLITS.get(posixpath.basename(name).casefold())
        if split is None or len(folders) < 2 or folders[-2] != "imagesets":
            continue
        home = posixpath.dirname(posixpath.dirname(posixpath.dirname(name)))
        try:
            lines = parse_text(tree.read(name, limit=_LIST_BYTES), name).splitlines()
        except ImporterError as error:
            damaged.append(error)
            continue
        for line in lines:
            if words := line.split():
                splits.setdefault((home, words[0]), split)
    return splits, damaged


def place_of(name: str) -> Place:
    """The Place of a file that lies in a folder of its kind: "a/Annotations/b.xml" -> ("a", "b")."""
    return posixpath.dirname(posixpath.dirname(name)), posixpath.splitext(posixpath.basename(name))[0]


def _numbers(raster: Raster) -> np.ndarray:
    """H×W of object numbers; colours are those of the devkit's palette."""
    if raster.pixels.ndim == 2:
        return raster.pixels
    return by_color(raster.pixels, _VOC_NUMBERS, other=0)
