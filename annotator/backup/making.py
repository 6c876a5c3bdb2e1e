"""Making a backup while the workspace is in use."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from annotator import __version__
from annotator.backup.contents import BLOCK, DATABASE, IMAGES, LIST, Contents, FileFacts
from annotator.errors import BackupError
from annotator.files import sync_folder
from annotator.objects import Objects
from exporters.workfolder import swap_in, work_folder
from storage.copies import CopyFacts, facts_of
from storage.database import Database
from storage.disks import worded

ROUNDS = 5  # copies of the database, where pictures are removed while theirs are read
SPARE = 16 * 2**20  # bytes of the disk that are left free

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class BackupReport:
    """What a backup holds. size: bytes of its files, before they are packed."""

    pictures: int
    instances: int
    size: int
    missing: int  # pictures whose files were lost before

    def lines(self) -> list[str]:
        """For people."""
        said = [f"{self.pictures:,} pictures and {self.instances:,} instances, {self.size / 1e6:,.1f} MB"]
        if self.missing:
            said.append(f"{self.missing:,} pictures have lost their files before; their labels are in the backup")
        return said


def make_backup(database: Database, images: Objects, out: Path, progress: Progress | None = None) -> BackupReport:
    """Write a backup to `out`: one zip where the name ends in .zip, else a folder.

    images: where the picture files lie; those that lie elsewhere are fetched, one by one. progress(done, total) counts
    bytes, and may raise to stop. The database is copied at one moment, whoever writes meanwhile, and holds no picture
    whose file is not there too. `out` is whole and on the disk when this returns, or not there. Raises BackupError,
    also where something is at `out` already, StorageError, and AwayError where pictures cannot be fetched.
    """
    target, tell = out.resolve(), progress or (lambda done, total: None)
    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise BackupError(f"{target} is there already. Choose another name: no backup is overwritten.")
    with worded("backup", target.parent, BackupError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(target) as work:
            as_zip = target.suffix.lower() == ".zip"
            whole = work / ("whole.zip" if as_zip else "whole")
            with (_Zip if as_zip else _Folder)(whole) as writer:
                report = _fill(writer, database, images, work / DATABASE, tell)
            if as_zip:
                os.replace(whole, target)
            else:
                if target.is_dir():
                    target.rmdir()
                swap_in(whole, target, work)
            sync_folder(target.parent)
    return report


def _fill(
    writer: "_Zip | _Folder", database: Database, images: Objects, copy: Path, progress: Progress
) -> BackupReport:
    made_at, files = datetime.now(UTC), dict[str, FileFacts]()
    missing_before: set[str] | None = None
    for _ in range(ROUNDS):
        copy.unlink(missing_ok=True)
        facts = facts_of(database.backup(copy))
        missing = _add_pictures(writer, facts, images, files, progress, copy.stat().st_size)
        # Files that are gone now belong to pictures that were removed meanwhile, which a newer copy does not name,
        # or were lost before.
        if not missing or missing == missing_before:
            break
        missing_before = missing
    named = {f"{IMAGES}/{name}" for name in facts.stored_names}
    for removed in files.keys() - named:
        del files[removed]
    files[DATABASE] = writer.add(DATABASE, copy, lambda read: None)
    contents = Contents(
        made_at=made_at.isoformat(timespec="seconds"),
        tool=__version__,
        instances=facts.instances,
        missing=tuple(sorted(missing)),
        files=files,
    )
    writer.add_bytes(LIST, contents.to_json())
    progress(contents.size, contents.size)
    return BackupReport(pictures=contents.pictures, instances=facts.instances, size=contents.size, missing=len(missing))


def _add_pictures(
    writer: "_Zip | _Folder",
    facts: CopyFacts,
    images: Objects,
    files: dict[str, FileFacts],
    progress: Progress,
    database_bytes: int,
) -> set[str]:
    """Add those that are not in yet; the names of those whose file is not there."""
    new = [name for name in facts.stored_names if f"{IMAGES}/{name}" not in files]
    there = images.sizes()
    sizes = {name: size for name in new if (size := there.get(name))}
    before = sum(one.size for one in files.values())
    total = before + sum(sizes.values()) + database_bytes
    free = shutil.disk_usage(writer.path.parent).free
    if total - before + SPARE > free:
        raise BackupError(
            f"The backup takes {total / 1e6:,.0f} MB, and {writer.path.parent.parent} has {free / 1e6:,.0f} MB free. "
            "Free some, or name another place."
        )
    missing, done = set[str](), before
    progress(done, total)
    for name in new:

        def tell(read: int, done: int = done) -> None:
            progress(done + read, total)

        try:
            facts_of_file = writer.add(f"{IMAGES}/{name}", images.path(name), tell)
        except FileNotFoundError:
            missing.add(name)
            continue
        if not facts_of_file.size:  # as good as lost; the page says so of such a picture, too
            missing.add(name)
            continue
        files[f"{IMAGES}/{name}"] = facts_of_file
        done += facts_of_file.size
    return missing


@dataclass
class _Zip:
    """Pictures do not get smaller by packing, so they are stored as they are."""

    path: Path
    _file: IO[bytes] = field(init=False)
    _archive: zipfile.ZipFile = field(init=False)

    def __enter__(self) -> "_Zip":
        self._file = self.path.open("xb")
        self._archive = zipfile.ZipFile(self._file, "w")
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._file:
            if kind is not None:
                with suppress(OSError, ValueError):  # it is thrown away
                    self._archive.close()
                return
            self._archive.close()
            _sync(self._file)

    def add(self, name: str, source: Path, tell: Callable[[int], None]) -> FileFacts:
        with source.open("rb") as reader:
            info = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
            info.compress_type = zipfile.ZIP_DEFLATED if name == DATABASE else zipfile.ZIP_STORED
            with self._archive.open(info, "w") as writer:
                return _copied(reader, writer, tell)

    def add_bytes(self, name: str, data: bytes) -> None:
        self._archive.writestr(name, data, zipfile.ZIP_DEFLATED)


@dataclass
class _Folder:
    """The same as plain files."""

    path: Path

    def __enter__(self) -> "_Folder":
        (self.path / IMAGES).mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        sync_folder(self.path / IMAGES)
        sync_folder(self.path)

    def add(self, name: str, source: Path, tell: Callable[[int], None]) -> FileFacts:
        with source.open("rb") as reader, (self.path / name).open("xb") as writer:
            facts = _copied(reader, writer, tell)
            _sync(writer)
            return facts

    def add_bytes(self, name: str, data: bytes) -> None:
        with (self.path / name).open("xb") as writer:
            writer.write(data)
            _sync(writer)


def _copied(reader: IO[bytes], writer: IO[bytes], tell: Callable[[int], None]) -> FileFacts:
    digest, size = hashlib.sha256(), 0
    while block := reader.read(BLOCK):
        writer.write(block)
        digest.update(block)
        size += len(block)
        tell(size)
    return FileFacts(size, digest.hexdigest())


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
