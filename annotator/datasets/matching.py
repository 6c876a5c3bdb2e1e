"""Which picture of the workspace a data set means."""

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from annotator.errors import ImageError
from annotator.images import read_image, thumbnail_jpeg, upright_size_hw
from annotator.pictures import PictureStore
from exporters.names import file_names
from importers.base import LabelledPicture
from importers.pictures import PICTURE_SUFFIXES, normal_path, split_of, suffix_of
from storage.records import ImageRecord

_LOOK_SIDE = 32  # pixels to which two pictures are reduced to be compared
_ALIKE, _ALIKE_AT_MOST = 2.0, 24.0  # of 255: mean and greatest difference; saving one anew makes less, a step more


@dataclass(frozen=True)
class Match:
    """image: the workspace's own, None for a picture that is new. size_hw: of the upright picture."""

    image: ImageRecord | None
    size_hw: tuple[int, int]
    remark: str = ""


class NoPictureError(Exception):
    """There is no picture for these labels; the text says why."""

    def __init__(self, text: str, *, missing: bool = False) -> None:
        super().__init__(text)
        self.missing = missing  # it is nowhere, neither in the data set nor in the workspace


class Matcher:
    """The pictures of a workspace, to be found by name and size, then by content.

    A name that fits is not trusted where the picture itself came along: two cameras both have their 0001.jpg. Its bytes
    have to be the same, those of the file that was given or of the one that is kept, or else it has to look the same.
    """

    def __init__(self, images: Sequence[ImageRecord], store: PictureStore) -> None:
        self._store = store
        self._by_hash = {image.sha256: image for image in images}
        self._by_name: dict[str, list[ImageRecord]] = {}
        self._by_base: dict[str, list[ImageRecord]] = {}
        self._by_stem: dict[str, list[ImageRecord]] = {}
        exported = file_names(images)
        for image in images:
            name = _folded(image.original_name)
            self._by_name.setdefault(name, []).append(image)
            for base in {posixpath.basename(name), exported[image.id].casefold()}:
                self._by_base.setdefault(base, []).append(image)
            for stem in {_stem(posixpath.basename(name)), _stem(exported[image.id].casefold())}:
                self._by_stem.setdefault(stem, []).append(image)

    def match(self, picture: LabelledPicture, file: Path | None) -> Match:
        """file: the picture itself where it came along. Raises NoPictureError, ImageError for a file that is none."""
        if file is None:
            return self._by_name_alone(picture)
        size_hw = upright_size_hw(file, name=picture.file_name)
        if not self._by_hash:
            return Match(None, size_hw)
        given = _sha256(file)
        if given in self._by_hash:
            return Match(self._by_hash[given], size_hw)
        named = [image for image in self._named(picture.file_name, size_hw) if image.size_hw == size_hw]
        for image in named:
            if self._store.has(image.stored_name) and _sha256(self._store.path(image.stored_name)) == given:
                return Match(image, size_hw)
        alike = [image for image in named if self._looks_like(image, file, picture.file_name)]
        if len(alike) == 1:
            return Match(alike[0], size_hw, f"taken for {alike[0].original_name}: same name and size, and it looks so")
        return Match(None, size_hw)

    def add(self, image: ImageRecord) -> None:
        """Know a picture that came in just now: by its content alone, for other pictures of this data set may have its
        name."""
        self._by_hash[image.sha256] = image

    def _by_name_alone(self, picture: LabelledPicture) -> Match:
        named = self._named(picture.file_name, picture.size_hw)
        if not named:
            raise NoPictureError("The picture is neither in the data set nor in the workspace.", missing=True)
        fitting = [image for image in named if picture.size_hw in (None, image.size_hw)]
        if not fitting:
            raise NoPictureError(
                f"The data set says {_size(picture.size_hw)} pixels, the picture of this name here has "
                f"{_size(named[0].size_hw)}. Put the right picture beside the labels."
            )
        if len(fitting) > 1:
            raise NoPictureError(
                f"{len(fitting)} pictures here have this name, {fitting[0].original_name} and "
                f"{fitting[1].original_name} among them. Put the picture itself beside the labels."
            )
        return Match(fitting[0], fitting[0].size_hw)

    def _named(self, file_name: str, size_hw: tuple[int, int] | None) -> list[ImageRecord]:
        """Those of the whole name, else those of its last part here or in an export, else those of its stem.

        The stem is all that label files without pictures know of a name; of another suffix, as of a picture that was
        saved anew, it counts where the size is known.
        """
        name = _folded(file_name)
        base = posixpath.basename(name)
        known = self._by_name.get(name) or self._by_base.get(base)
        if not known and (suffix_of(base) not in PICTURE_SUFFIXES or size_hw is not None):
            known = self._by_stem.get(base if suffix_of(base) not in PICTURE_SUFFIXES else _stem(base))
        return [image for image in known or [] if _may_be(image, name)]

    def _looks_like(self, image: ImageRecord, file: Path, name: str) -> bool:
        try:
            here = read_image(self._store.thumbnail(image.stored_name), name=image.original_name)
            there = read_image(thumbnail_jpeg(read_image(file, name=name).pixels), name=name)
        except ImageError:
            return False  # the import says what is wrong with it
        difference = np.abs(_look(here.pixels) - _look(there.pixels))
        return bool(difference.mean() < _ALIKE and difference.max() < _ALIKE_AT_MOST)


def _may_be(image: ImageRecord, name: str) -> bool:
    """Whether its folder does not say that it is of another split than the one that is meant."""
    ours, meant = (split_of(posixpath.dirname(path)) for path in (image.original_name, name))
    return ours is None or meant is None or ours == meant


def _look(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Each path -> its last parts, as many as it takes to be the only one."""
    names: dict[str, str] = {}
    waiting, parts = list(paths), 1
    while waiting:
        counts: dict[str, int] = {}
        for path in waiting:
            counts[_last(path, parts)] = counts.get(_last(path, parts), 0) + 1
        for path in waiting:
            if counts[_last(path, parts)] == 1 or parts > path.count("/"):
                names[path] = _last(path, parts)
        waiting, parts = [path for path in waiting if path not in names], parts + 1
    return names


def _last(path: str, parts: int) -> str:
    return "/".join(path.split("/")[-parts:])


def _folded(name: str) -> str:
    return normal_path(name).casefold()


def _stem(base: str) -> str:
    return posixpath.splitext(base)[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(size_hw: tuple[int, int] | None) -> str:
    return "?" if size_hw is None else f"{size_hw[1]}×{size_hw[0]}"
