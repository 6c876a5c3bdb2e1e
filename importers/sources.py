"""What a user gives (files, folders, zip archives) as one stream of files to look into and of names left aside."""

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from importers.archives import Skipped, SourceFile, SourceLimits, archive_files, archive_length, is_archive
from importers.names import UniqueNames, clean_name, is_ignored, natural_key

__all__ = ["ArchiveFile", "Skipped", "SourceFile", "SourceLimits", "Sources", "expand", "find_sources"]


@dataclass(frozen=True)
class ArchiveFile:
    """A zip archive, not looked into yet. name: as SourceFile's."""

    name: str
    path: Path


Found = SourceFile | Skipped | ArchiveFile


class Sources:
    """What `expand` found, to be iterated over; `total` is how many items come at most."""

    def __init__(self, found: Sequence[Found], *, work_dir: Path, limits: SourceLimits) -> None:
        self._found = found
        self._work_dir = work_dir
        self._limits = limits
        self.total = sum(archive_length(f.path, limits) if isinstance(f, ArchiveFile) else 1 for f in found)

    def __iter__(self) -> Generator[SourceFile | Skipped, None, None]:
        names = UniqueNames()
        for item in self._items():
            yield SourceFile(names.take(item.name), item.path) if isinstance(item, SourceFile) else item

    def _items(self) -> Iterator[SourceFile | Skipped]:
        for found in self._found:
            if isinstance(found, ArchiveFile):
                yield from archive_files(found.path, name=found.name, work_dir=self._work_dir, limits=self._limits)
            else:
                yield found


def expand(paths: Sequence[Path], *, work_dir: Path, limits: SourceLimits | None = None) -> Sources:
    """The files that paths stand for, in the order given, each folder's and archive's in natural order (2 before 10).

    A folder is gone through with all folders in it; hidden files and what systems leave lying about are passed over,
    links that lead out of it are named and not followed. A zip archive, given or lying in a folder, is read entry by
    entry through one temporary file in work_dir, the only place that is written to. Names are relative to the folder or
    archive, cleaned, and no two are the same, even without regard to case. Whether a file is a picture is not looked at
    here. What cannot be read comes as Skipped.
    """
    limits = limits or SourceLimits()
    found = [one for path in paths for one in find_sources(path, limits)]
    return Sources(found, work_dir=work_dir, limits=limits)


def find_sources(path: Path, limits: SourceLimits) -> Iterator[Found]:
    """The files that one path stands for, archives unopened; see `expand`. Names may come twice after cleaning."""
    if os.path.isdir(path):  # unlike Path.is_dir, it raises nothing where a folder may not be entered
        yield from _walk(path, limits)
    else:
        yield _single(path, clean_name(path.name or str(path)), is_archive=is_archive(path))


def _single(path: Path, name: str, *, is_archive: bool) -> Found:
    if os.path.isfile(path):
        return ArchiveFile(name, path) if is_archive else SourceFile(name, path)
    if os.path.exists(path):
        return Skipped(name, "It is no ordinary file. Give a picture, a folder or a zip archive.")
    return Skipped(name, f"There is nothing to be read at {clean_name(str(path))}. Check its spelling and permissions.")


def _walk(root: Path, limits: SourceLimits) -> Iterator[Found]:
    """A folder's files, named relative to it.

    Links to files within the folder are files. Links to folders are never followed: what they lead to is either met
    anyway or outside.
    """
    home, count = root.resolve(), 0
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=unreadable.append):
        folders[:] = sorted((name for name in folders if not is_ignored(name)), key=natural_key)
        linked_folders = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted((name for name in files if not is_ignored(name)), key=natural_key) + linked_folders:
            path = Path(folder, name)
            shown = clean_name(path.relative_to(root).as_posix())
            count += 1
            if count > limits.max_files:
                yield Skipped(clean_name(root.name), f"It has more than {limits.max_files} files; the rest was left.")
                return
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                yield Skipped(shown, "It is a link that leads out of the folder, and was not followed.")
            elif name not in linked_folders:
                yield _single(path, shown, is_archive=path.suffix.casefold() == ".zip")
    for error in unreadable:
        where = Path(os.fsdecode(error.filename)).relative_to(root).as_posix()
        yield Skipped(clean_name(where), f"The folder cannot be read ({error.strerror}). Check its permissions.")
