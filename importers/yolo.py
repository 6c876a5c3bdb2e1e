"""YOLO txt: rows of boxes or outlines beside the pictures, with a data.yaml or without.

Outlines are painted as ultralytics and supervision do, whole pixel numbers with the outline included; a box is a full
rectangle. Folders are those that data.yaml names, taken relative to where it lies: `path` is mostly one of the machine
that it was written on. Without data.yaml, classes.txt (Label Studio) or *.names (darknet) say the names.
"""

from collections.abc import Iterator

from importers.base import FoundCategory, ImporterError, LabelledPicture, Remark, Shape, Tree, Unreadable
from importers.opened import OpenedFiles
from importers.pictures import PictureIndex
from importers.texts import parse_text
from importers.yolofiles import (
    MOST_LABEL_BYTES,
    YoloItem,
    YoloSet,
    by_labels,
    by_yaml,
    find_yaml,
    first_with_rows,
    label_files,
)
from importers.yolorows import Rows


class YoloImporter:
    """Reads rows of both kinds, even in one file."""

    name = "yolo"
    title = "YOLO segment or detect (txt)"

    def recognises(self, tree: Tree) -> str | None:
        """See importers.base.Importer."""
        return find_yaml(tree) or first_with_rows(tree, label_files(tree, PictureIndex(tree)))

    def read(self, tree: Tree) -> OpenedFiles:
        """See importers.base.Importer."""
        yaml = find_yaml(tree)
        yolo = by_yaml(tree, yaml) if yaml is not None else by_labels(tree)
        if not yolo.items:
            raise ImporterError(f"{yolo.entry or tree.name}: Neither pictures nor label files lie where it says.")
        # Two numbers of one name are one category: names are what categories go by.
        categories = [FoundCategory(name=name) for name in dict.fromkeys(yolo.names.values())]
        return OpenedFiles(yolo.entry, categories, len(yolo.items), lambda: _pictures(tree, yolo))


def _pictures(tree: Tree, yolo: YoloSet) -> Iterator[LabelledPicture | Unreadable | Remark]:
    yield from yolo.problems
    rows = Rows(yolo.names, keypoints=yolo.keypoints)
    for item in yolo.items:
        yield from _picture(tree, item, rows)
    yield from (Remark(yolo.entry, text) for text in rows.remarks())


def _picture(tree: Tree, item: YoloItem, rows: Rows) -> Iterator[LabelledPicture | Unreadable]:
    shapes: list[Shape] = []
    if item.label is not None:
        try:
            text = parse_text(tree.read(item.label, limit=MOST_LABEL_BYTES), item.label)
        except ImporterError as error:
            yield Unreadable(item.label, str(error).removeprefix(f"{item.label}: "))
            return
        for one in rows.read(text, item.label):
            if isinstance(one, Shape):
                shapes.append(one)
            else:
                yield one
    yield LabelledPicture(file_name=item.file_name, path=item.path, shapes=tuple(shapes), split=item.split)
