"""Backups made from the page: in the background, into backups/ of the workspace, and found there again."""

import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from annotator.backup.making import BackupReport, Progress, make_backup
from annotator.errors import Cancelled
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

    def start(self, *, owner: str = "") -> Job:
        """Back up in the background; result: {"name", ...} and what is in it. One that is under way is given again."""

        def work(job: Job) -> dict[str, Any]:
            path = self._place() / f"annotator-backup-{datetime.now(UTC).strftime(_STAMP)}.zip"
            try:
                report = self.make(path, job.progress)
            except Cancelled as stop:
                raise Cancelled("The backup was stopped; nothing is left of it.") from stop
            job.lines = report.lines()
            for old in self.all()[KEPT:]:
                (self._place() / old.name).unlink(missing_ok=True)
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
