"""The pictures of a data set among the files of its tree, found by the names that its label files call them."""

import posixpath
import re
import unicodedata
from collections.abc import Collection, Sequence

from importers.base import Tree
from importers.names import clean_name

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff"})
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class PictureIndex:
    """The picture files of a tree (by suffix; whether they are pictures is seen when they are read).

    besides: files with such a suffix that are none, such as maps of labels.
    """

    def __init__(self, tree: Tree, *, besides: Collection[str] = frozenset()) -> None:
        named = (name for name in tree.names() if suffix_of(name) in PICTURE_SUFFIXES)
        self.names = [name for name in named if name not in besides]
        self._exact = set(self.names)
        self._by_base: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for name in self.names:
            base = posixpath.basename(name).casefold()
            self._by_base.setdefault(base, []).append(name)
            self._by_stem.setdefault(posixpath.splitext(base)[0], []).append(name)

    def find(self, file_name: str, *, near: str = "", split: str | None = None) -> str | None:
        """The tree's name of a picture that a label file calls file_name, however it writes folders.

        near: the label file's own name. split: which split it is of, where that is known. Looked at are, in this order,
        the place relative to the label file, the place relative to the tree, then the base name: of several files, the
        one whose last folders agree, whose folder is that of the split, that lies next to the label file. None where
        there is none, or where nothing tells several apart.
        """
        wanted = normal_path(file_name)
        wanted = clean_name(wanted) if wanted else ""  # as the tree's own names are
        if not wanted:
            return None
        for place in (posixpath.normpath(posixpath.join(posixpath.dirname(near), wanted)), wanted):
            if place in self._exact:
                return place
        found = self._by_base.get(posixpath.basename(wanted).casefold(), [])
        return _best(found, wanted, near, split)

    def with_stem(self, stem_path: str, *, near: str = "", split: str | None = None) -> str | None:
        """The same for a name without its suffix: the picture beside a label file of the same stem."""
        wanted = normal_path(stem_path)
        found = self._by_stem.get(posixpath.basename(wanted).casefold(), [])
        return _best(found, wanted, near, split)


def suffix_of(name: str) -> str:
    """ ".jpg", in small letters; "" where there is none."""
    return posixpath.splitext(name)[1].casefold()


def normal_path(name: str) -> str:
    """A path as some system wrote it (C:\\a\\b.jpg, ./a/b.jpg, ../a/b.jpg) -> "a/b.jpg", NFC, leading nowhere."""
    plain = re.sub(r"^[A-Za-z]:", "", unicodedata.normalize("NFC", name).replace("\\", "/"))
    return "/".join(part for part in plain.split("/") if part not in ("", ".", ".."))


def split_of(name: str) -> str | None:
    """ "train", "val" or "test" where the file's name, or else a folder of it, says so; None where none does."""
    for part in reversed(name.casefold().split("/")):
        for word in reversed(re.split(r"[^a-z]+", part)):
            if word in _SPLITS:
                return _SPLITS[word]
    return None


def _best(found: Sequence[str], wanted: str, near: str, split: str | None) -> str | None:
    meant = split or split_of(posixpath.dirname(wanted))
    # A picture of the same name in the folder of another split is another picture.
    found = [name for name in found if meant is None or split_of(posixpath.dirname(name)) in (None, meant)]
    if len(found) <= 1:
        return found[0] if found else None

    def score(name: str) -> tuple[int, bool, int]:
        folders = posixpath.dirname(name).casefold().split("/")
        agreeing = _common(folders[::-1], posixpath.dirname(wanted).casefold().split("/")[::-1])
        beside = _common(folders, posixpath.dirname(near).casefold().split("/"))
        return agreeing, split is not None and split_of(posixpath.dirname(name)) == split, beside

    ranked = sorted(found, key=score, reverse=True)
    return ranked[0] if score(ranked[0]) > score(ranked[1]) else None


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
