"""What a user gave (a folder, a zip archive, files) as one tree of names, each of which leads to a file within it."""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from importers.archives import OpenArchive, write_chunk
from importers.base import MOST_BYTES, ImporterError, Unreadable
from importers.names import clean_name, natural_key
from importers.sources import ArchiveFile, Skipped, SourceLimits, find_sources
from importers.workfiles import unfinished_path


@contextlib.contextmanager
def open_tree(paths: Sequence[Path], *, work_dir: Path, limits: SourceLimits | None = None) -> Iterator["GivenTree"]:
    """The paths as one tree, for as long as the block lasts.

    One folder or archive: names are relative to it. Several paths: the names of what lies in a folder or archive begin
    with its own. An archive in a folder is looked into, an archive in an archive is not. work_dir: the only place that
    is written to, with copies out of archives; empty again at the end. Raises ImporterError for a path that cannot be
    read at all.
    """
    with contextlib.closing(GivenTree(paths, work_dir=work_dir, limits=limits or SourceLimits())) as tree:
        yield tree


@dataclass(frozen=True)
class _Entry:
    """Where a name leads: to a file, or into an archive."""

    path: Path | None
    archive: OpenArchive | None = None
    shown: str = ""  # the name within the archive


class GivenTree:
    """The Tree of importers/base.py over files, folders and archives."""

    def __init__(self, paths: Sequence[Path], *, work_dir: Path, limits: SourceLimits) -> None:
        self.name = clean_name(paths[0].name or str(paths[0])) if len(paths) == 1 else f"{len(paths)} files"
        self.left_out: list[Unreadable] = []
        self._work_dir, self._limits = work_dir, limits
        self._entries: dict[str, _Entry] = {}
        self._archives: list[OpenArchive] = []
        self._copies: dict[str, Path] = {}
        try:
            for path in paths:
                self._take(path, alone=len(paths) == 1)
        except BaseException:
            self.close()
            raise
        self._names = sorted(self._entries, key=natural_key)

    def close(self) -> None:
        """Let go of archives, and remove the copies out of them."""
        for name in list(self._copies):
            self.release(name)
        for archive in self._archives:
            archive.close()

    def names(self) -> Sequence[str]:
        """See importers.base.Tree."""
        return self._names

    def size(self, name: str) -> int:
        """See importers.base.Tree."""
        entry = self._entry(name)
        if entry.archive is not None:
            return entry.archive.names[entry.shown].file_size
        with _worded(name):
            return os.stat(_given(entry)).st_size

    def read(self, name: str, *, limit: int = MOST_BYTES) -> bytes:
        """See importers.base.Tree."""
        with _worded(name), self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ImporterError(f"{name}: It has more than {_bytes(limit)}, which is too much for what it is.")
        return data

    def open(self, name: str) -> BinaryIO:
        """See importers.base.Tree."""
        entry = self._entry(name)
        if entry.archive is not None:
            return io.BufferedReader(_Unpacking(entry.archive.chunks(entry.shown)))
        with _worded(name):
            return _given(entry).open("rb")

    def path(self, name: str) -> Path:
        """See importers.base.Tree."""
        entry = self._entry(name)
        if entry.archive is None:
            return _given(entry)
        if name not in self._copies:
            copy = unfinished_path(self._work_dir)
            with _worded(name):
                self._work_dir.mkdir(parents=True, exist_ok=True)
                self._copies[name] = copy
                with copy.open("xb") as out:
                    for chunk in entry.archive.chunks(entry.shown):
                        write_chunk(out, chunk, copy)
        return self._copies[name]

    def release(self, name: str) -> None:
        """See importers.base.Tree."""
        copy = self._copies.pop(name, None)
        if copy is not None:
            copy.unlink(missing_ok=True)

    def _take(self, path: Path, *, alone: bool) -> None:
        is_folder = os.path.isdir(path)
        home = "" if alone or not is_folder else f"{clean_name(path.name)}/"
        for found in find_sources(path, self._limits):
            if isinstance(found, Skipped):
                if not is_folder:
                    raise ImporterError(f"{found.name}: {found.reason}")
                self.left_out.append(Unreadable(f"{home}{found.name}", found.reason))
            elif isinstance(found, ArchiveFile):
                try:
                    archive = OpenArchive(found.path, name=found.name, limits=self._limits)
                except ImporterError as error:
                    if not is_folder:
                        raise
                    self.left_out.append(Unreadable(f"{home}{found.name}", str(error).removeprefix(f"{found.name}: ")))
                    continue
                self._archives.append(archive)
                inside = "" if alone and not is_folder else f"{home}{found.name}/"
                self.left_out += [Unreadable(f"{inside}{name}", why) for name, why in archive.refused.items()]
                for shown in archive.names:
                    self._add(f"{inside}{shown}", _Entry(None, archive, shown))
            else:
                self._add(f"{home}{found.name}", _Entry(found.path))

    def _add(self, name: str, entry: _Entry) -> None:
        if name in self._entries:
            self.left_out.append(Unreadable(name, "Two files have this name (as far as it can be shown). Rename one."))
        else:
            self._entries[name] = entry

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            raise ImporterError(f"{name}: There is no such file in {self.name}.")
        return self._entries[name]


class _Unpacking(io.RawIOBase):
    """Chunks as a stream of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # typeshed names a protocol of 3.12 here
        if not self._rest:
            self._rest = next(self._chunks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _given(entry: _Entry) -> Path:
    assert entry.path is not None
    return entry.path


@contextlib.contextmanager
def _worded(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"{name}: It cannot be read ({error.strerror or error}). Check its permissions and the disk."
        raise ImporterError(text) from error


def _bytes(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count} bytes"
