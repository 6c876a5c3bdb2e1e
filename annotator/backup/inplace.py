"""Putting a backup in place while the server runs and people have the page open."""

import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from annotator.backup.contents import BLOCK, DATABASE, IMAGES, Contents
from annotator.backup.reading import opened
from annotator.backup.restoring import WORK, check_backup, unpack
from annotator.backup.usecases import Backups
from annotator.errors import BackupError, Cancelled
from annotator.files import sync_folder
from annotator.inuse import InUse
from annotator.jobs import Job, Jobs
from annotator.objects.places import NOTE
from storage.database import Database
from storage.disks import worded
from storage.doorway import Doorway
from storage.errors import DoorShut
from storage.repository import Repository

log = logging.getLogger(__name__)

WAIT_S = 30.0  # for what is under way to end; a restore that would have to wait longer is refused
JOB_KIND, CHECK_KIND = "restore", "check"
SIGN_INS = "sign_ins"  # the table; who is signed in now stays so, for today's codes are those that they gave
NOTHING = "Nothing was restored: labels and pictures are as they were."


class Household(Protocol):
    """What works by itself on the workspace, and what is known of it in memory."""

    def pause(self) -> None:
        """Have what works by itself come to a stop, to be gone on with."""
        ...

    def forget(self) -> None:
        """Know nothing any more of what was in the database: there is another one."""
        ...

    def go_on(self) -> None:
        """After pause, whatever came of it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The last restore of this process. name, before: the backup that was restored, and that of what was there."""

    at: datetime
    by: str
    name: str
    made_at: str  # ISO
    pictures: int
    instances: int
    before: str


class Restoring:
    """Safe to use from many threads. Restores one backup at a time; each error leaves all as it was."""

    def __init__(
        self,
        database: Database,
        *,
        folder: Path,
        images: Path,
        backups: Backups,
        jobs: Jobs,
        doors: Doorway,
        in_use: InUse,
        demand_disk: Callable[[int], None],
        household: Household,
        wait_s: float = WAIT_S,
    ) -> None:
        """folder: of the workspace. images: of the picture files. doors: what every call goes through.

        demand_disk(bytes): raises AnnotatorError where so much more would leave too little for those who label.
        """
        self._database, self._folder, self._images = database, folder, images
        self._backups, self._jobs, self._doors, self._in_use = backups, jobs, doors, in_use
        self._demand_disk, self._household, self._wait_s = demand_disk, household, wait_s
        self._lock = threading.Lock()
        self._closed = False
        self.last: Restored | None = None

    @property
    def obstacle(self) -> str | None:
        """Why nothing can be restored here, and what to do instead; None where it can be."""
        if self._database.path is None:
            return "The labels are in a database server: restore them there, by its own tools (pg_dump, pg_restore)."
        own = self._folder / DATABASE
        if self._database.path.absolute() != own.absolute() or own.is_symlink():
            return (
                f"The labels are in {self._database.path}, not in the workspace folder: restore into another workspace "
                "folder by the command line, and serve that."
            )
        if (self._folder / NOTE).exists():
            return (
                "The pictures are kept elsewhere (--pictures): restore into another workspace folder by the command "
                "line, and copy its images/ to where they are to be."
            )
        return None

    def start_check(self, name: str, *, owner: str = "") -> Job:
        """Check a backup of the list whole, in the background; result: {"name", "made_at", "pictures", "instances",
        "missing"} of it, and as "now" what is there. Raises BackupError for a name that none has."""
        path = self._path(name)
        return self._jobs.start(CHECK_KIND, lambda job: self._told(name, _checked(path, job)), owner=owner)

    def start_check_of(self, uploaded: Path, *, owner: str = "") -> Job:
        """The same for a file that was sent: one that is whole comes into the list, the others are deleted."""

        def work(job: Job) -> dict[str, Any]:
            try:
                contents = _checked(uploaded, job)
                return self._told(self._backups.take_in(uploaded, contents.made_at), contents)
            finally:
                uploaded.unlink(missing_ok=True)

        return self._jobs.start(CHECK_KIND, work, owner=owner)

    def start(self, name: str, *, owner: str = "") -> Job:
        """Put a backup of the list in place of what is there, in the background; result: as Restored.

        What is there now is backed up first, into the same list. Pictures that are not in the backup stay on the disk
        and are in that one. Raises BackupError.
        """
        path = self._path(name)
        if self.obstacle is not None:
            raise BackupError(self.obstacle)

        def work(job: Job) -> dict[str, Any]:
            try:
                restored = self._restore(path, job, owner)
            except Cancelled as stop:
                raise Cancelled(f"Stopped. {NOTHING}") from stop
            job.message = f"Restored {restored.pictures:,} pictures and {restored.instances:,} instances."
            return asdict(restored) | {"at": restored.at.isoformat()}

        with self._lock:
            if any(job.kind == JOB_KIND for job in self._jobs.running()):
                raise BackupError("A backup is being restored already. Wait until that is done.")
            return self._jobs.start(JOB_KIND, work, owner=owner)

    def close(self) -> None:
        """Stop a restore that is under way, or wait for its end where it is too late for that."""
        self._closed = True
        for job in self._jobs.running():
            if job.kind == JOB_KIND:
                job.cancel()
                job.wait(self._wait_s)

    def _told(self, name: str, contents: Contents) -> dict[str, Any]:
        repository = Repository(self._database)
        now = {"pictures": repository.image_count(), "instances": sum(repository.instance_counts().values())}
        there = {"pictures": contents.pictures, "instances": contents.instances, "missing": len(contents.missing)}
        return {"name": name, "made_at": contents.made_at, **there, "now": now}

    def _path(self, name: str) -> Path:
        path = self._backups.path(name)
        if path is None:
            raise BackupError("There is no such backup (any more). Choose another.")
        return path

    def _restore(self, path: Path, job: Job, by: str) -> Restored:
        with worded("restore", self._folder, BackupError), self._work_folder() as work:
            with opened(path) as backup:
                contents = backup.contents
                self._demand_disk(contents.size + self._bytes_now())  # it is unpacked, and a backup is made
                unpack(backup, work, job.progress)
            sound = self._sound_pictures(contents, job)
            with self._alone(job, work):
                before, _ = self._backups.make_here(job.progress, spared=path.name)
                self._swap(work, sound)
                # from here on it is restored, whatever happens
                self.last = Restored(
                    at=datetime.now(UTC),
                    by=by,
                    name=path.name,
                    made_at=contents.made_at,
                    pictures=contents.pictures,
                    instances=contents.instances,
                    before=before.name,
                )
                self._household.forget()
                log.warning("%s restored the backup %s; what was there before is in %s", by, path.name, before.name)
                return self.last

    def _bytes_now(self) -> int:
        """Of the picture files, about."""
        total = 0
        for file in self._images.glob("*"):
            with suppress(FileNotFoundError):  # removed just now
                total += file.stat().st_size
        return total

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        work = Path(tempfile.mkdtemp(prefix=WORK, dir=self._folder))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _sound_pictures(self, contents: Contents, job: Job) -> Set[str]:
        """The files of pictures that are there as the backup has them, read here, where nobody waits for it."""
        sound = set[str]()
        for name, facts in contents.files.items():
            file = self._images / name.removeprefix(f"{IMAGES}/")
            if name == DATABASE or not file.is_file() or file.stat().st_size != facts.size:
                continue
            digest = hashlib.sha256()
            with file.open("rb") as reader:
                while block := reader.read(BLOCK):
                    digest.update(block)
            if digest.hexdigest() == facts.sha256:
                sound.add(file.name)
            job.progress(job.done, job.total)  # where it can be stopped
        return sound

    @contextmanager
    def _alone(self, job: Job, work: Path) -> Iterator[None]:
        """Nobody else does anything: no call comes in, those under way and jobs ended, no other program is in."""
        until = time.monotonic() + self._wait_s

        def stop_jobs() -> None:
            self._jobs.cancel_all(but=job)
            for other in self._jobs.running():
                if other is not job:
                    other.wait(max(0.0, until - time.monotonic()))

        try:
            self._household.pause()
            with self._doors.shut(wait_s=self._wait_s, meanwhile=stop_jobs):
                stop_jobs()  # that a call began which was inside still
                if still := [other.kind for other in self._jobs.running() if other is not job]:
                    raise BackupError(f"Work in the background ({still[0]}) does not come to an end. {NOTHING}")
                with self._in_use.alone_meanwhile(self._folder):
                    for leftover in self._folder.glob(f"{WORK}*"):  # of a restore that was killed
                        if leftover != work:
                            shutil.rmtree(leftover, ignore_errors=True)
                    yield
        except DoorShut as error:
            raise BackupError(f"What was asked for meanwhile takes too long. {error} {NOTHING} Try again.") from error
        finally:
            if not self._closed:
                self._household.go_on()

    def _swap(self, work: Path, sound: Set[str]) -> None:
        """Add the pictures first, which the database of now does not know of, then change the database in one step."""
        added = list[Path]()
        try:
            self._images.mkdir(exist_ok=True)
            for file in (work / IMAGES).iterdir():
                target = self._images / file.name
                if file.name in sound and target.is_file():
                    continue
                if not target.exists():
                    added.append(target)
                os.replace(file, target)
            sync_folder(self._images)
            self._database.replace(work / DATABASE, keeping=[SIGN_INS])
        except BaseException:
            for target in added:
                target.unlink(missing_ok=True)
            raise


def _checked(path: Path, job: Job) -> Contents:
    """Raises BackupError, StorageError, which name the file as people do: where it lies on the server helps nobody."""
    try:
        return check_backup(path, job.progress)
    except BackupError as error:
        raise BackupError(str(error).replace(str(path), path.name)) from error
