"""One walk over the pictures of a data set: each is found in the workspace or outside, its shapes become masks."""

import contextlib
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.datasets.matching import Matcher, NoPictureError
from annotator.datasets.plan import counted
from annotator.datasets.spool import Coming, Settled, Spool
from annotator.errors import ImageError, SettingsError
from importers.archives import temporary_file
from importers.base import FoundCategory, ImporterError, LabelledPicture, Reading, Remark, Shape, Tree, Unreadable
from importers.masks import mask_of
from importers.names import one_line
from importers.pictures import PictureIndex
from storage.errors import StorageError
from storage.records import CategoryRecord, ImageRecord, InstanceRecord
from storage.repository import NewCategory, NewInstance, Repository, check_category
from storage.rle import iou_matrix

SAME_IOU = 0.99  # two masks of one picture and category that overlap so much are the same instance
MOST_NAMED = 10_000  # things that could not be read, or of which there is something to know


@dataclass(frozen=True)
class Missing:
    """A picture that is nowhere."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """One picture that is read. split: where the data set says one. boxes: instances that are full rectangles.
    is_again: it was read before, out of another list of the data set.
    """

    settled: Settled
    split: str | None
    is_new: bool
    is_again: bool
    boxes: int


class Classes:
    """The categories of a data set beside those of the workspace. Names that differ in case alone are one."""

    def __init__(self, found: Sequence[FoundCategory], known: Sequence[CategoryRecord]) -> None:
        self.all: list[NewCategory] = []  # what an instance's category number means
        self.ids: list[int | None] = []  # of the workspace's own category, None where it is new
        self.problems: list[Unreadable | Remark] = []
        self._numbers: dict[str, int] = {}
        self._refused: dict[str, str] = {}
        here = {check_category(NewCategory(name=one.name)): one for one in known}
        places: dict[str, int] = {}
        for one in found:
            new = NewCategory(name=one.name, color=one.color, supercategory=one.supercategory, is_thing=one.is_thing)
            try:
                folded = check_category(new)
            except StorageError as error:
                self._refused[one.name] = str(error)
                self.problems.append(Unreadable(f"category {one.name[:100]!r}", str(error)))
                continue
            self._numbers[one.name] = places.setdefault(folded, len(self.all))
            if places[folded] < len(self.all):
                text = f"taken for {self.all[places[folded]].name!r}, from which it differs in letter case alone"
                self.problems.append(Remark(f"category {one.name!r}", text))
                continue
            own = here.get(folded)
            self.all.append(new)
            self.ids.append(None if own is None else own.id)
            if own is not None and own.is_thing != one.is_thing:
                kind = "a thing" if own.is_thing else "stuff"
                self.problems.append(Remark(f"category {one.name!r}", f"it is {kind} here, and stays so"))

    def number(self, name: str) -> int:
        """Raises ImporterError with the reason alone."""
        if name not in self._numbers:
            raise ImporterError(f"Its category {name[:100]!r} cannot be taken: {self._refused.get(name, 'unknown')}")
        return self._numbers[name]


class Walk:
    """Reads a data set picture by picture into a spool.

    take: brings a new picture in and gives its record, or raises ImageError; left out, new pictures are only looked at.
    """

    def __init__(
        self,
        *,
        repository: Repository,
        matcher: Matcher,
        tree: Tree,
        reading: Reading,
        classes: Classes,
        spool: Spool,
        work_dir: Path,
        max_pixels: int,
        take: Callable[[LabelledPicture, Path], ImageRecord] | None = None,
    ) -> None:
        self._repository, self._matcher, self._tree, self._reading = repository, matcher, tree, reading
        self._classes, self._spool, self._work_dir, self._take = classes, spool, work_dir, take
        self._max_pixels = max_pixels
        self._counts = repository.instance_counts()
        self._used: set[str] = set()  # files of pictures that were met

    def __iter__(self) -> Iterator[Done | Missing | Unreadable | Remark]:
        named = more = 0
        for item in self._items():
            if isinstance(item, Unreadable | Remark):
                named += 1
                if named > MOST_NAMED:  # a file of nothing but damaged rows has millions
                    more += 1
                    continue
            # Names come out of files of strangers: one with a newline in it must not look like two lines of a report.
            if isinstance(item, Missing):
                yield Missing(one_line(item.name))
            elif isinstance(item, Unreadable):
                yield Unreadable(one_line(item.name), one_line(item.reason))
            elif isinstance(item, Remark):
                yield Remark(one_line(item.name), one_line(item.text))
            else:
                yield item
        if more:
            yield Unreadable(one_line(self._reading.entry), f"{more} more lines like these are not shown.")

    def _items(self) -> Iterator[Done | Missing | Unreadable | Remark]:
        yield from self._classes.problems
        for item in self._reading.pictures():
            if isinstance(item, LabelledPicture):
                self._used.add(item.path or "")
                yield from self._picture(item)
            else:
                yield item
        stems = {_stem(name) for name in self._used}  # a mask is called as its picture is
        if left := sum(_stem(name) not in stems for name in PictureIndex(self._tree).names):
            text = (
                f"{counted(left, 'picture')} in it without a word in the labels: left, to be imported as pictures alone"
            )
            yield Remark(self._tree.name, text)

    def _picture(self, picture: LabelledPicture) -> Iterator[Done | Missing | Unreadable | Remark]:
        try:
            with self._file_of(picture) as file:
                match = self._matcher.match(picture, file)
                if match.remark:
                    yield Remark(picture.file_name, match.remark)
                if reason := self._wrong_size(picture, match.size_hw):
                    yield Unreadable(picture.file_name, reason)
                    return
                image = match.image
                if image is None and self._take is not None and file is not None:
                    image = self._take(picture, file)
                    self._matcher.add(image)
        except NoPictureError as error:
            yield Missing(picture.file_name) if error.missing else Unreadable(picture.file_name, str(error))
            return
        except (ImageError, ImporterError) as error:
            yield Unreadable(picture.file_name, _without(str(error), picture.path, picture.file_name))
            return
        size_hw = match.size_hw if image is None else image.size_hw
        key = f"id {image.id}" if image is not None else f"path {picture.path or picture.file_name}"
        coming, boxes = [], 0
        for shape in picture.shapes:
            try:
                coming.append(self._instance(shape, size_hw))
                boxes += shape.is_box
            except ImporterError as error:
                yield Unreadable(f"{shape.name} ({picture.file_name})", str(error))
        existing = self._repository.instances(image.id) if image is not None and image.id in self._counts else []
        earlier = self._spool.get(key)
        if earlier is not None:
            fresh = self._not_among([one.instance for one in earlier.coming], coming)
            if len(fresh) < len(coming):
                left = len(coming) - len(fresh)
                yield Remark(picture.file_name, f"listed again: {left} of its instances had come before")
            coming = fresh
        settled = Settled(
            image_id=None if image is None else image.id,
            picture=picture.file_name if image is None else image.original_name,
            seen=frozenset(one.id for one in existing),
            coming=self._compared(coming, existing),
        )
        self._spool.put(key, settled)
        yield Done(
            settled=settled,
            split=picture.split,
            is_new=match.image is None,
            is_again=earlier is not None,
            boxes=boxes,
        )

    @contextlib.contextmanager
    def _file_of(self, picture: LabelledPicture) -> Iterator[Path | None]:
        if picture.path is not None:
            try:
                yield self._tree.path(picture.path)
            finally:
                self._tree.release(picture.path)
        elif picture.embedded is not None:
            with temporary_file(self._work_dir) as file:
                _write(file, picture.embedded)
                yield file
        else:
            yield None

    def _wrong_size(self, picture: LabelledPicture, size_hw: tuple[int, int]) -> str:
        said, (height, width) = picture.size_hw, size_hw
        if height * width > self._max_pixels:
            return (
                f"It has {width}×{height} pixels, more than the {self._max_pixels / 1e6:g} megapixels that are taken."
            )
        if said in (None, size_hw) or (picture.shapes and all(shape.relative for shape in picture.shapes)):
            return ""
        text = f"Its labels are for {said[1]}×{said[0]} pixels, the picture has {width}×{height}"
        if said == (width, height):
            return f"{text}: it was labelled lying on its side. Turn the picture's file upright, and label that."
        return f"{text}. Put the picture that was labelled beside the labels."

    def _instance(self, shape: Shape, size_hw: tuple[int, int]) -> NewInstance:
        number = self._classes.number(shape.category)
        return NewInstance(category=number, rle=mask_of(shape, size_hw), is_crowd=shape.is_crowd)

    def _compared(self, coming: Sequence[NewInstance], existing: Sequence[InstanceRecord]) -> tuple[Coming, ...]:
        known = [False] * len(coming)
        for category_id in {one.category_id for one in existing}:
            ours = [n for n, one in enumerate(coming) if self._classes.ids[one.category] == category_id]
            theirs = [one.rle for one in existing if one.category_id == category_id]
            overlap = iou_matrix([coming[n].rle for n in ours], theirs)
            for n, best in zip(ours, overlap.max(axis=1, initial=0.0), strict=True):
                known[n] = bool(best >= SAME_IOU)
        return tuple(Coming(instance=one, is_known=is_known) for one, is_known in zip(coming, known, strict=True))

    def _not_among(self, earlier: Sequence[NewInstance], coming: Sequence[NewInstance]) -> list[NewInstance]:
        """Those that did not come to the same picture before: lists of one data set overlap."""
        fresh = []
        for one in coming:
            others = [other.rle for other in earlier if other.category == one.category]
            if not others or iou_matrix([one.rle], others).max() < SAME_IOU:
                fresh.append(one)
        return fresh


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise SettingsError(f"Cannot unpack into {file.parent}: {error.strerror}. Free some space.") from error


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0].casefold()


def _without(text: str, *names: str | None) -> str:
    """An error's text without the name that it begins with: what is left out is named beside it."""
    for name in names:
        text = text.removeprefix(f"{name}: ")
    return text
