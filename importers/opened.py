"""A data set of many small label files, opened: its categories are known, and its pictures come file by file."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from importers.base import FoundCategory, ImporterError, LabelledPicture, Remark, Tree, Unreadable
from importers.pictures import suffix_of
from importers.rasters import MAX_PIXELS
from importers.texts import whole_number

Found = LabelledPicture | Unreadable | Remark


@dataclass(frozen=True)
class OpenedFiles:
    """A Reading (see importers.base): `read_all` gives the pictures anew each time it is called."""

    entry: str
    categories: Sequence[FoundCategory]
    total: int
    read_all: Callable[[], Iterator[Found]] = field(repr=False)

    def pictures(self) -> Iterator[Found]:
        """See importers.base.Reading."""
        return self.read_all()


def stated_size(height: object, width: object) -> tuple[int, int] | None:
    """The size that a label file states, None where it states none (both missing, null or 0).

    Raises ValueError, its text a reason in words, for what no picture has.
    """
    if height in (None, 0, "", "0") and width in (None, 0, "", "0"):
        return None
    try:
        size = whole_number(height), whole_number(width)
    except ValueError as error:
        raise ValueError("its height and width are no whole numbers") from error
    if min(size) < 1 or math.prod(size) > MAX_PIXELS:
        raise ValueError(f"it says a size of {size[1]:.6g}×{size[0]:.6g} pixels, which no picture here can have")
    return size


def unreadable(error: ImporterError, name: str = "") -> Unreadable:
    """An error's text, "NAME: reason", as a line of the report. name: the file it is most likely about."""
    text = str(error)
    if name and text.startswith(f"{name}: "):
        return Unreadable(name, text.removeprefix(f"{name}: "))
    about, _, reason = text.partition(": ")
    return Unreadable(about, reason)


def names_ending(tree: Tree, suffix: str) -> list[str]:
    """The files of a tree with this suffix (".json"), whatever its case."""
    return [name for name in tree.names() if suffix_of(name) == suffix]


def head_of(tree: Tree, name: str, most: int = 2**16) -> bytes:
    """How a file begins, to know its format by; nothing where it cannot be read.

    Without zero bytes: UTF-16 is ASCII then, and recognised.
    """
    try:
        with tree.open(name) as file:
            return file.read(most).replace(b"\0", b"")
    except ImporterError:
        return b""
