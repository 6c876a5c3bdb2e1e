"""Uploads that nobody has taken in yet: a folder for each person, how much may lie there, and what stays free."""

import contextlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from annotator.access.ownership import mark_of
from annotator.errors import RoomError
from annotator.files import ABANDONED_S

FILE_OVERHEAD = 8 * 2**10  # bytes that even an empty file with its folder takes
_ASK_DISK_EVERY = 8 * 2**20  # bytes
_LOOK_EVERY_S = 3600.0
_COUNT_AGAIN_S = 2.0  # how fresh a count of the disk is, where it decides


@dataclass(frozen=True, kw_only=True)
class IntakeLimits:
    """In bytes, unless they say otherwise."""

    of_person: int = 8 * 2**30
    in_all: int = 32 * 2**30
    kept_free: int = 2**30  # of the disk: the database and the pictures that are labeled go on
    at_once: int = 12  # uploads of one person side by side; the page sends three


class Intake:
    """Where uploads lie. Safe to use from many threads and by several processes: what is on the disk counts."""

    def __init__(
        self,
        folder: Path,
        *,
        staged: Path,
        limits: IntakeLimits | None = None,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """staged: where uploads wait that were looked at, in folders whose names end with their owner's mark."""
        self.folder, self._staged = folder.resolve(), staged
        self.limits = limits or IntakeLimits()
        self._free = free
        self._used: dict[str, _Count] = {}  # by mark; "" is all
        self._under_way: dict[str, int] = {}
        self._looked_at = 0.0
        self._lock = threading.Lock()

    def folder_of(self, owner: str) -> Path:
        """owner: a person's key."""
        return self.folder / mark_of(owner)

    def begin(self, owner: str, *, announced: int = 0, is_limited: bool = True) -> "Upload":
        """A new upload. announced: bytes that it says to have. is_limited: False for who has the whole intake.

        Raises RoomError where there is no room for it, now or at all.
        """
        self._remove_abandoned_now_and_then()
        mark = mark_of(owner)
        self.demand_room(mark, announced, is_limited=is_limited)
        with self._lock:
            if self._under_way.get(mark, 0) >= self.limits.at_once:
                raise RoomError(
                    f"{self.limits.at_once} uploads of yours are under way: wait until one has ended.", is_full=False
                )
            self._under_way[mark] = self._under_way.get(mark, 0) + 1
        return Upload(self, mark, is_limited=is_limited)

    def demand_room(self, mark: str, more: int, *, is_limited: bool, ask_disk: bool = True) -> None:
        """Raises RoomError where so many bytes more do not fit."""
        limits = self.limits
        if ask_disk:
            self.demand_disk(more)
        if is_limited and self._count(mark, more, limits.of_person) + more > limits.of_person:
            raise RoomError(
                f"Uploads of yours that were not taken in yet fill the {_said(limits.of_person)} that each labeler "
                "has. Import what is here, or wait: what nobody imports is deleted after a day. Then send the rest."
            )
        if self._count("", more, limits.in_all) + more > limits.in_all:
            raise RoomError(
                f"Uploads that were not taken in yet fill the {_said(limits.in_all)} that there are for all. Try again "
                "later: what nobody imports is deleted after a day."
            )

    def demand_disk(self, more: int = 0) -> None:
        """Raises RoomError where so many bytes more would take what is kept free."""
        if self._free_bytes() - more < self.limits.kept_free:
            raise RoomError(
                f"The server's disk is nearly full: {_said(self.limits.kept_free)} of it are kept free for the labels. "
                "Tell who runs the server; nothing that was saved is lost."
            )

    def count(self, mark: str, more: int) -> None:
        """Bytes that were written, negative where they are gone again."""
        with self._lock:
            for key in (mark, ""):
                if key in self._used:
                    self._used[key].bytes += more

    def ended(self, mark: str) -> None:
        """One of a person's uploads is over."""
        with self._lock:
            left = self._under_way.pop(mark) - 1
            if left:
                self._under_way[mark] = left

    def remove_abandoned(self, *, older_than_s: float = ABANDONED_S) -> None:
        """Delete uploads that nobody imported for a day, or that ended with their server."""
        for folder in _folders(self.folder):
            for upload in _folders(folder):
                with contextlib.suppress(OSError):  # another server may be removing it just now
                    if time.time() - upload.stat().st_mtime > older_than_s:
                        shutil.rmtree(upload, ignore_errors=True)
            with contextlib.suppress(OSError):
                folder.rmdir()  # if it is empty
        with self._lock:
            self._used.clear()

    def _remove_abandoned_now_and_then(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._looked_at and now - self._looked_at < _LOOK_EVERY_S:
                return
            self._looked_at = now
        self.remove_abandoned()

    def _free_bytes(self) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._free(self.folder)

    def _count(self, mark: str, more: int, limit: int) -> int:
        """Bytes in use. What was imported or dropped shows in a new count, made only where the old one says no."""
        with self._lock:
            known = self._used.get(mark)
        is_fresh = known is not None and time.monotonic() - known.at < _COUNT_AGAIN_S
        if known is None or (known.bytes + more > limit and not is_fresh):
            known = _Count(self._counted(mark), time.monotonic())
            with self._lock:
                self._used[mark] = known
        return known.bytes

    def _counted(self, mark: str) -> int:
        if not mark:
            return _size(self.folder) + _size(self._staged)
        staged = [folder for folder in _folders(self._staged) if folder.name.endswith(mark)]
        return _size(self.folder / mark) + sum(map(_size, staged))


class Upload:
    """One upload as it comes in: files one after another. Use as a context manager: what is not kept is deleted."""

    def __init__(self, intake: Intake, mark: str, *, is_limited: bool) -> None:
        self._intake, self._mark, self._is_limited = intake, mark, is_limited
        self._folder = intake.folder / mark / uuid.uuid4().hex
        self._file: BinaryIO | None = None
        self._counted, self._since_asked, self._files = 0, 0, 0
        self._path = self._folder
        self._paths = list[Path]()
        self._is_kept = False

    def begin_file(self, name: str) -> None:
        """name: a plain file name. Raises RoomError."""
        self._files += 1
        self._take(FILE_OVERHEAD)
        folder = self._folder / str(self._files)
        with _disk_trouble():
            folder.mkdir(parents=True)
            self._path = folder / name
            self._file = self._path.open("xb")

    def write(self, data: bytes) -> None:
        """More of the file. Raises RoomError."""
        if self._file is None:
            raise ValueError("no file was begun")
        self._take(len(data))
        with _disk_trouble():
            self._file.write(data)

    def end_file(self) -> None:
        if self._file is not None:
            with _disk_trouble():
                self._file.close()
            self._file = None
            self._paths.append(self._path)

    def keep(self) -> list[Path]:
        """It came whole: the paths, in the order of the files."""
        self._is_kept = self._file is None
        return self._paths if self._is_kept else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._intake.ended(self._mark)
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written to a full disk
                self._file.close()
        if not self._is_kept:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._intake.count(self._mark, -self._counted)

    def _take(self, more: int) -> None:
        self._since_asked += more
        ask_disk = self._since_asked >= _ASK_DISK_EVERY or not self._counted
        self._intake.demand_room(self._mark, more, is_limited=self._is_limited, ask_disk=ask_disk)
        if ask_disk:
            self._since_asked = 0
        self._counted += more
        self._intake.count(self._mark, more)


@dataclass
class _Count:
    bytes: int
    at: float  # monotonic seconds


@contextlib.contextmanager
def _disk_trouble() -> Iterator[None]:
    """Raises RoomError for what the disk says."""
    try:
        yield
    except OSError as error:
        raise RoomError(f"The server could not keep the file: {error.strerror}. Tell who runs the server.") from error


def _folders(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:  # not there (any more)
        return []


def _size(folder: Path) -> int:
    """Bytes of all files below, and what they cost besides."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):  # taken in meanwhile
                total += os.lstat(os.path.join(root, name)).st_size + FILE_OVERHEAD
    return total


def _said(size: int) -> str:
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / 2**20:.3g} MiB"
