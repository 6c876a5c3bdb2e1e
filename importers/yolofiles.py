"""What belongs together in a YOLO data set: data.yaml, pictures, label files, lists of pictures, names of classes."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.base import ImporterError, Remark, Tree, Unreadable
from importers.pictures import PictureIndex, normal_path, split_of
from importers.texts import MAX_YAML_BYTES, kind_of, parse_text, parse_yaml, whole_number
from importers.yolorows import class_numbers, looks_like_rows

MOST_LABEL_BYTES = 2**26  # of one label file, or list of pictures
_LOOKED_AT = 50  # label files, to know the format by
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_NAME_FILES = re.compile(r"(classes|predefined_classes|obj_names)\.txt|[^/]*\.names|_darknet\.labels", re.IGNORECASE)
_NO_LABELS = re.compile(r"(readme[^/]*|notes|license|requirements|results|train|val|valid|test)\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class YoloItem:
    """A picture and its rows. path, label: names in the tree, None where there is none."""

    file_name: str
    path: str | None
    label: str | None
    split: str | None


@dataclass
class YoloSet:
    """The data set as its files say it is. keypoints: rows are of poses."""

    entry: str
    names: dict[int, str] = field(default_factory=dict)
    items: list[YoloItem] = field(default_factory=list)
    problems: list[Unreadable | Remark] = field(default_factory=list)
    keypoints: bool = False


def find_yaml(tree: Tree) -> str | None:
    """The data.yaml, by what is in it: names of classes, and where pictures lie. supervision writes the names alone:
    such a file counts where there are rows."""
    candidates = [name for name in tree.names() if name.casefold().endswith((".yaml", ".yml"))]
    candidates.sort(key=lambda name: (posixpath.basename(name) != "data.yaml", name.count("/")))
    of_names: str | None = None
    for name in candidates:
        if tree.size(name) <= MAX_YAML_BYTES:
            text = tree.read(name, limit=MAX_YAML_BYTES)
            if re.search(rb"(?m)^\s*[\"']?(names|nc)[\"']?\s*:", text):
                if re.search(rb"(?m)^\s*[\"']?(train|val|valid|test)[\"']?\s*:", text):
                    return name
                of_names = of_names or name
    return of_names if of_names and first_with_rows(tree, label_files(tree, PictureIndex(tree))) else None


def label_files(tree: Tree, index: PictureIndex) -> list[str]:
    """The text files that could hold rows: in a folder "labels", or beside a picture of the same name."""
    stems = {posixpath.splitext(name)[0] for name in index.names}
    return [
        name
        for name in tree.names()
        if name.casefold().endswith(".txt")
        and not _NAME_FILES.fullmatch(posixpath.basename(name))
        and (posixpath.splitext(name)[0] in stems or ("labels" in name.casefold().split("/")[:-1]))
        and (posixpath.splitext(name)[0] in stems or not _NO_LABELS.fullmatch(posixpath.basename(name)))
    ]


def first_with_rows(tree: Tree, names: Sequence[str]) -> str | None:
    """The first of the label files that begins with a row; None where the first many do not."""
    for name in names[:_LOOKED_AT]:
        with tree.open(name) as file:
            head = file.read(2**16)
        if looks_like_rows(head.decode("utf-8", "replace").rpartition("\n")[0] or head.decode("utf-8", "replace")):
            return name
    return None


def by_yaml(tree: Tree, name: str) -> YoloSet:
    """The data set that a data.yaml describes. Raises ImporterError for one that is damaged."""
    found = parse_yaml(tree.read(name, limit=MAX_YAML_BYTES), name)
    if not isinstance(found, Mapping):
        raise ImporterError(f"{name}: Expected names and folders, found {kind_of(found)}. Write it anew.")
    yolo = YoloSet(entry=name, names=_names(found, name), keypoints=bool(found.get("kpt_shape")))
    finder = _Finder(tree, yolo)
    for key, split in _SPLITS.items():
        given = found.get(key)
        for entry in given if isinstance(given, list) else [given]:
            if isinstance(entry, str) and entry.strip():
                finder.take(entry, key, split, near=name, root=found.get("path"))
            elif entry is not None:
                yolo.problems.append(Unreadable(f"{name}, {key}", f"Expected a folder, found {kind_of(entry)}."))
    if not yolo.items:  # folders of another machine, under names that are not here
        finder.take_all()
    return yolo


def by_labels(tree: Tree) -> YoloSet:
    """The data set of label files alone; names from classes.txt or its like, else numbers are the names."""
    index = PictureIndex(tree)
    labels = label_files(tree, index)
    yolo = YoloSet(entry=f"{len(labels)} label files" if len(labels) > 1 else "".join(labels))
    lists = [name for name in tree.names() if _NAME_FILES.fullmatch(posixpath.basename(name))]
    if lists:
        text = parse_text(tree.read(lists[0], limit=MAX_YAML_BYTES), lists[0])
        yolo.names = dict(enumerate(line.strip() for line in text.strip().splitlines()))
        yolo.names = {number: name for number, name in yolo.names.items() if name}
        yolo.entry = lists[0]
    else:
        yolo.names = {number: str(number) for number in range(_highest_class(tree, labels) + 1)}
        yolo.problems.append(
            Remark(tree.name, "there is no data.yaml and no classes.txt: categories are named by their numbers")
        )
    _Finder(tree, yolo).take_all()
    return yolo


class _Finder:
    """Brings pictures and label files together."""

    def __init__(self, tree: Tree, yolo: YoloSet) -> None:
        self._tree, self._yolo = tree, yolo
        self._index = PictureIndex(tree)
        self._files = set(tree.names())
        self._labels = label_files(tree, self._index)
        self._taken: set[str] = set()

    def take(self, entry: str, key: str, split: str, *, near: str, root: Any) -> None:
        """What stands behind train, val or test: a folder, or a text file that lists pictures."""
        home = posixpath.dirname(near)
        wanted = normal_path(entry)
        places = [home, posixpath.dirname(home)]
        if isinstance(root, str) and normal_path(root):
            path = normal_path(root)
            places = [posixpath.join(home, path), posixpath.join(home, posixpath.basename(path)), path, *places]
        parts = wanted.split("/")
        is_absolute = entry.startswith("/") or entry[1:2] == ":"  # of another machine: its last folders are here
        ends = ["/".join(parts[n:]) for n in range(len(parts) if is_absolute else 1)]
        for place in dict.fromkeys(posixpath.join(place, end).rstrip("/") for end in ends for place in places):
            if place in self._files and place.casefold().endswith(".txt"):
                return self._take_list(place, split)
            if self._take_folder(place, split):
                return None
        missing = f"There is no {entry} here; what it names was left out."
        self._yolo.problems.append(Unreadable(f"{near}, {key}", missing))
        return None

    def take_all(self) -> None:
        """Every label file with its picture, and the pictures without labels that lie among those with."""
        homes = set()
        for label in self._labels:
            path = self._picture_of(label)
            if path is not None:
                homes.add(posixpath.dirname(path))
            self._add(path or posixpath.splitext(posixpath.basename(label))[0], path, label, split_of(label))
        for path in self._index.names:
            if posixpath.dirname(path) in homes:
                self._add(path, path, self._label_of(path), split_of(posixpath.dirname(path)))

    def _take_folder(self, folder: str, split: str) -> bool:
        """All pictures in a folder, and label files whose pictures did not come along; False where there is neither."""
        start = f"{folder}/" if folder else ""
        paths = [path for path in self._index.names if path.startswith(start)]
        for path in paths:
            self._add(path, path, self._label_of(path), split)
        labels = _with_folder(start, "images", "labels")
        alone = [name for name in self._labels if name.startswith(labels) and self._picture_of(name) is None]
        for label in alone if labels else []:
            self._add(posixpath.splitext(posixpath.basename(label))[0], None, label, split)
        return bool(paths or (labels and alone))

    def _take_list(self, name: str, split: str) -> None:
        try:
            text = parse_text(self._tree.read(name, limit=MOST_LABEL_BYTES), name)
        except ImporterError as error:
            self._yolo.problems.append(Unreadable(name, str(error).removeprefix(f"{name}: ")))
            return
        for line in text.splitlines():
            if line.strip():
                path = self._index.find(line.strip(), near=name, split=split)
                label = self._label_of(path or normal_path(posixpath.join(posixpath.dirname(name), line.strip())))
                self._add(path or line.strip(), path, label, split)

    def _add(self, file_name: str, path: str | None, label: str | None, split: str | None) -> None:
        key = path or label or file_name
        if key not in self._taken:
            self._taken.add(key)
            self._yolo.items.append(YoloItem(file_name, path, label, split))

    def _label_of(self, path: str) -> str | None:
        """The last folder "images" becomes "labels", as ultralytics looks; else the file beside the picture."""
        stem = posixpath.splitext(path)[0]
        for place in (_with_folder(stem, "images", "labels"), stem):
            if f"{place}.txt" in self._files:
                return f"{place}.txt"
        return None

    def _picture_of(self, label: str) -> str | None:
        stem = posixpath.splitext(label)[0]
        for place in (_with_folder(stem, "labels", "images"), stem):
            path = self._index.with_stem(place, near=label)
            if path is not None and posixpath.splitext(path)[0] == place:
                return path
        return None


def _with_folder(path: str, old: str, new: str) -> str:
    """The path with its last folder of that name renamed; "" where there is none of it."""
    parts = path.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == old:
            return "/".join([*parts[:place], new, *parts[place + 1 :]])
    return ""


def _names(found: Mapping[str, Any], name: str) -> dict[int, str]:
    """Class number -> name, out of a list or a mapping."""
    names, count = found.get("names"), found.get("nc")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if names is None and isinstance(count, int) and not isinstance(count, bool) and 0 < count <= 10_000:
        names = {number: str(number) for number in range(count)}
    if not isinstance(names, Mapping) or not names:
        raise ImporterError(f"{name}: It has no names of classes: a list, or numbers with names. Write them there.")
    numbered = {}
    for key, value in names.items():
        try:
            number = whole_number(key)
        except ValueError as error:
            raise ImporterError(f"{name}: {str(key)[:50]!r} is no class number among its names. Mend it.") from error
        if not isinstance(value, str | int | float) or not str(value).strip():
            raise ImporterError(f"{name}: Class {number} has {kind_of(value)} for a name. Write its name there.")
        numbered[number] = str(value)
    return dict(sorted(numbered.items()))


def _highest_class(tree: Tree, labels: Sequence[str]) -> int:
    def numbers() -> Iterator[int]:
        for label in labels:
            try:
                yield from class_numbers(parse_text(tree.read(label, limit=MOST_LABEL_BYTES), label))
            except ImporterError:
                continue  # it is named when its rows are read

    return max(numbers(), default=0)
