"""Backups made from the page: in the background, into backups/ of the workspace, and found there again."""

import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from annotator.backup.making import BackupReport, Progress, make_backup
from annotator.errors import BackupError, Cancelled
from annotator.jobs import Job, Jobs
from annotator.objects import Objects
from storage.database import Database

KEPT = 5  # backups that stay; the oldest goes when a newer one is whole
JOB_KIND = "backup"

_NAME = re.compile(r"annotator-backup-(\d{8}T\d{6}\.\d{6}Z)\.zip")
_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class BackupFile:
    """A backup that is there. size: bytes."""

    name: str
    size: int
    at: datetime


class Backups:
    """Safe to use from many threads."""

    def __init__(self, database: Database, images: Objects, folder: Callable[[str], Path], jobs: Jobs) -> None:
        """folder(name): a folder of the workspace."""
        self._database, self._images, self._folder, self._jobs = database, images, folder, jobs
        self._lock = threading.Lock()

    def make(self, out: Path, progress: Progress | None = None) -> BackupReport:
        """See make_backup."""
        return make_backup(self._database, self._images, out, progress)

    def make_here(self, progress: Progress | None = None, *, spared: str = "") -> tuple[Path, BackupReport]:
        """Add one to those that are there; the oldest make room, but the one named `spared` does not."""
        path = self._place() / _name(datetime.now(UTC))
        report = self.make(path, progress)
        for old in self.all()[KEPT:]:
            if old.name != spared:
                (self._place() / old.name).unlink(missing_ok=True)
        return path, report

    def take_in(self, path: Path, made_at: str) -> str:
        """Move a backup that was checked to those that are there, as one of that time (ISO); returns its name."""
        try:
            at = min(datetime.fromisoformat(made_at).astimezone(UTC), datetime.now(UTC))
        except (ValueError, OverflowError) as error:
            raise BackupError(f"{path.name} says that it was made at {made_at!r}, which is no time.") from error
        while (self._place() / _name(at)).exists():  # never over another
            at += timedelta(microseconds=1)
        shutil.move(path, self._place() / _name(at))
        return _name(at)

    def start(self, *, owner: str = "") -> Job:
        """Back up in the background; result: {"name", ...} and what is in it. One that is under way is given again."""

        def work(job: Job) -> dict[str, Any]:
            try:
                path, report = self.make_here(job.progress)
            except Cancelled as stop:
                raise Cancelled("The backup was stopped; nothing is left of it.") from stop
            job.lines = report.lines()
            return {"name": path.name, "bytes": path.stat().st_size, **asdict(report)}

        with self._lock:
            for job in self._jobs.running():
                if job.kind == JOB_KIND:
                    return job
            return self._jobs.start(JOB_KIND, work, owner=owner)

    def all(self) -> list[BackupFile]:
        """Those that were made from the page, newest first."""
        found = []
        for path in self._place().glob("annotator-backup-*.zip"):
            matched = _NAME.fullmatch(path.name)
            if matched and path.is_file():
                at = datetime.strptime(matched[1], _STAMP).replace(tzinfo=UTC)
                found.append(BackupFile(path.name, path.stat().st_size, at))
        return sorted(found, key=lambda one: one.at, reverse=True)

    def path(self, name: str) -> Path | None:
        """The backup of that name, None where there is none."""
        return self._place() / name if name in {one.name for one in self.all()} else None

    def _place(self) -> Path:
        return self._folder("backups")


def _name(at: datetime) -> str:
    return f"annotator-backup-{at.strftime(_STAMP)}.zip"
