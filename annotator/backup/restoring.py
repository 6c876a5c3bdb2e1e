"""Putting a backup in place of a workspace that nobody uses."""

import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from annotator.backup.contents import DATABASE, IMAGES, Contents
from annotator.backup.reading import Backup, Progress, opened
from annotator.errors import BackupError
from annotator.files import sync_folder
from annotator.inuse import MARK, UNFINISHED, InUse
from storage.copies import facts_of
from storage.database import Database
from storage.disks import worded
from storage.errors import StorageError
from storage.replacing import BESIDE as SUFFIXES
from storage.replacing import begin_generation
from storage.repository import Repository

WORK = ".restoring-"  # a folder in the workspace, in which what comes in is put together
ASIDE = "before-restore-"
STAYS = {"checkpoints", "backups", MARK, UNFINISHED}  # belongs to the place, not to what was labelled there
BESIDE = tuple(f"{DATABASE}{suffix}" for suffix in SUFFIXES)


@dataclass(frozen=True, kw_only=True)
class RestoreReport:
    """What is in place now. aside: where what was there before lies; None: there was nothing."""

    pictures: int
    instances: int
    missing: int
    made_at: str  # when the backup was made, ISO
    aside: Path | None

    def lines(self) -> list[str]:
        """For people."""
        said = [f"{self.pictures:,} pictures and {self.instances:,} instances, as they were at {self.made_at}"]
        if self.missing:
            said.append(f"{self.missing:,} pictures had lost their files before; import them again to bring them back")
        if self.aside is not None:
            said.append(f"what was there before lies in {self.aside}; delete it when you do not need it")
        return said


def check_backup(path: Path, progress: Progress | None = None) -> Contents:
    """Read a backup whole, and its database from end to end; nothing is changed. Raises BackupError, StorageError."""
    with tempfile.TemporaryDirectory(prefix="annotator-") as folder, opened(path) as backup:
        copy = Path(folder) / DATABASE
        with worded("check", Path(folder), BackupError):
            backup.read_all(lambda name: copy.open("xb") if name == DATABASE else None, progress or _silent)
        _check_database(backup, copy)
        return backup.contents


def restore(path: Path, folder: Path, *, force: bool = False, progress: Progress | None = None) -> RestoreReport:
    """Make `folder` the workspace that the backup is of.

    The backup is read whole and checked, beside what is there, before anything of that is touched. force: also where
    there is a workspace; its database and pictures are moved aside, into a folder within. Everybody has to sign in
    anew. Raises BackupError, SettingsError while the folder is in use, StorageError.
    """
    with worded("restore", folder, BackupError), InUse.alone(folder):
        is_unfinished = (folder / UNFINISHED).exists()
        if not force and (is_unfinished or _is_workspace(folder)):
            raise BackupError(
                f"There is a workspace in {folder} already. Name another folder with --data, or say --force: what is "
                "there is then moved aside, not deleted."
            )
        for leftover in folder.glob(f"{WORK}*"):  # of a restore that was killed: this one is alone here
            shutil.rmtree(leftover, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=WORK, dir=folder))
        try:
            with opened(path) as backup:
                unpack(backup, work, progress or _silent)
                contents = backup.contents
            aside = _swap(work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return RestoreReport(
        pictures=contents.pictures,
        instances=contents.instances,
        missing=len(contents.missing),
        made_at=contents.made_at,
        aside=aside,
    )


def _is_workspace(folder: Path) -> bool:
    images = folder / IMAGES
    return (folder / DATABASE).exists() or (images.is_dir() and any(images.iterdir()))


def unpack(backup: Backup, work: Path, progress: Progress) -> None:
    """Put database and pictures into the empty folder `work`, checked whole, and of this version of the tool.

    Nobody is signed in there. Raises BackupError, StorageError, OSError; what is in `work` is good for nothing then.
    """
    (work / IMAGES).mkdir()
    size, free = backup.contents.size, shutil.disk_usage(work).free
    if size > free:
        raise BackupError(
            f"The backup unpacks to {size / 1e6:,.0f} MB, and {work.parent} has {free / 1e6:,.0f} MB free. Free some."
        )
    backup.read_all(lambda name: _Synced(work / name), progress)
    _check_database(backup, work / DATABASE)
    # It is opened here, where it can still be refused: one of an older version is upgraded by that.
    with closing(Database.open(f"sqlite:///{work / DATABASE}", backup_dir=work / "older")) as database:
        Repository(database).end_all_sign_ins()  # a backup lets nobody in who does not know today's codes
    begin_generation(work / DATABASE)  # a page that was opened before must not write into it
    for name in BESIDE:
        if (work / name).exists():
            raise BackupError(f"The database of {backup.path} could not be closed whole ({name} stays). Try again.")
    sync_folder(work / IMAGES)


def _check_database(backup: Backup, copy: Path) -> None:
    """Raises BackupError where it is damaged, or names pictures that are not there."""
    try:
        facts = facts_of(copy)
    except StorageError as error:
        raise BackupError(f"The backup {backup.path} cannot be used. {error}") from error
    known = {name.removeprefix(f"{IMAGES}/") for name in backup.contents.files} | set(backup.contents.missing)
    if lost := [name for name in facts.stored_names if name not in known]:
        raise BackupError(f"The backup {backup.path} is not whole: {len(lost):,} of its pictures are not in it.")


def _swap(work: Path, folder: Path) -> Path | None:
    """Move what is there aside, and what has come in its place. A kill in between leaves a mark that says so."""
    mark = folder / UNFINISHED
    mark.touch()
    sync_folder(folder)
    aside = None
    old = [one for one in folder.iterdir() if one.name not in STAYS and not one.name.startswith((WORK, ASIDE))]
    if any(one.name in (DATABASE, IMAGES) for one in old):
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = folder / f"{ASIDE}{stamp}"
        aside.mkdir()
        for one in old:
            os.rename(one, aside / one.name)
    for name in BESIDE:  # left where a database was deleted by hand
        (folder / name).unlink(missing_ok=True)
    if (folder / IMAGES).is_dir():
        (folder / IMAGES).rmdir()  # empty, or it would have been moved
    os.rename(work / IMAGES, folder / IMAGES)
    os.rename(work / DATABASE, folder / DATABASE)
    sync_folder(folder)
    mark.unlink()
    sync_folder(folder)
    return aside


class _Synced:
    """A new file that is on the disk when it is closed."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("xb")

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def close(self) -> None:
        with self._file as file:
            file.flush()
            os.fsync(file.fileno())


def _silent(done: int, total: int) -> None:
    pass
