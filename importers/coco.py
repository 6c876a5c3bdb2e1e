"""COCO instances: one or several JSON files, pictures anywhere in the tree.

Read as pycocotools reads them: polygons along pixel edges, RLE as a string or as a list of runs, crowd or not. What
other writers do besides is taken too: ids from 0 or as text, one flat list for a polygon, a box alone, sizes that are
not said, pictures named by a path of another machine. A file is gone through once; then annotations are read from
where they are, picture by picture, so that memory stays bounded.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence

from importers.base import FoundCategory, ImporterError, LabelledPicture, Remark, Shape, Tree, Unreadable
from importers.cocofile import CocoFile, CocoImage, id_of, sentence
from importers.cocoshapes import shape_of
from importers.pictures import PictureIndex, split_of

_HEAD_BYTES = 2**18
_MOST_LOOKED_AT = 100  # JSON files, the largest; thousands of small ones are another format's
_LISTS = re.compile(rb'"(images|annotations)"\s*:\s*\[')
_OTHERS = re.compile(rb'"(shapes|imageData|segments_info)"\s*:')
_BESIDE = re.compile("captions|keypoints|panoptic|stuff|image_info")  # what lies beside instances_*.json
_SHOWN_FILES = 3


class CocoImporter:
    """Reads instances; captions and key points beside them are not looked at."""

    name = "coco"
    title = "COCO instances (JSON)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return next(_coco_files(tree), None)

    def read(self, tree: Tree) -> "CocoReading":
        """See importers.base.Importer."""
        files = sorted(_coco_files(tree), key=tree.names().index)
        if not files:
            raise ImporterError(f"{tree.name}: No JSON file in it has lists of images and annotations, as COCO's have.")
        return CocoReading(tree, files)


class CocoReading:
    """See importers.base.Reading."""

    def __init__(self, tree: Tree, files: Sequence[str]) -> None:
        instances = [name for name in files if posixpath.basename(name).startswith("instances")]
        chosen = instances or [name for name in files if not _BESIDE.search(posixpath.basename(name))] or files
        self._beside = [name for name in files if name not in chosen]
        self._files = [CocoFile(tree, name) for name in chosen]
        self._index = PictureIndex(tree)
        more = f" and {len(chosen) - _SHOWN_FILES} more" if len(chosen) > _SHOWN_FILES else ""
        self.entry = ", ".join(chosen[:_SHOWN_FILES]) + more
        found: dict[str, FoundCategory] = {}
        for file in self._files:
            for category in file.categories.values():
                found.setdefault(category.name, category)
        self.categories = list(found.values())
        self.total = sum(len(file.images) for file in self._files)

    def pictures(self) -> Iterator[LabelledPicture | Unreadable | Remark]:
        """See importers.base.Reading."""
        if self._beside:
            yield Remark(", ".join(self._beside), "not read: the same pictures' instances are in other files")
        for file in self._files:
            yield from file.problems
            for image in file.images:
                yield from self._picture(file, image)

    def _picture(self, file: CocoFile, image: CocoImage) -> Iterator[LabelledPicture | Unreadable | Remark]:
        shapes: list[Shape] = []
        for number, entry in file.annotations(image):
            key = id_of(entry.get("id")) if isinstance(entry, dict) else None
            name = f"{file.name}, annotation {f'id {key}' if key is not None else f'number {number}'}"
            try:
                shape, remark = shape_of(entry, name, file.categories)
            except ValueError as error:
                yield Unreadable(f"{name} ({image.file_name})", sentence(error))
                continue
            shapes.append(shape)
            if remark is not None:
                yield remark
        split = split_of(file.name)
        yield LabelledPicture(
            file_name=image.file_name,
            size_hw=image.size_hw,
            path=self._index.find(image.file_name, near=file.name, split=split),
            shapes=tuple(shapes),
            split=split,
        )


def _coco_files(tree: Tree) -> Iterator[str]:
    """The JSON files that begin as COCO's do, the largest first: labels of all pictures are in one."""
    files = [name for name in tree.names() if name.casefold().endswith(".json")]
    for name in sorted(files, key=tree.size, reverse=True)[:_MOST_LOOKED_AT]:
        with tree.open(name) as file:
            head = file.read(_HEAD_BYTES).replace(b"\0", b"")  # UTF-16 is COCO too, and refused by name
        if (
            head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"{")
            and _LISTS.search(head)
            and not _OTHERS.search(head)
        ):
            yield name
