"""The data set written out: to where one says, or to a zip that the page offers for download."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotator.access.ownership import mark_of, owned_token
from annotator.jobs import Job, Jobs
from annotator.pictures import PictureStore
from exporters.base import ExportOptions, ExportReport
from exporters.dataset import StoredDataset
from exporters.files import export
from storage.repository import Repository
from storage.repository.statistics import Saved

KEPT = 5  # downloads of one person that stay reachable; older ones of theirs are removed


class Exports:
    """Writes exports, and keeps those that wait to be fetched. Safe to use from many threads."""

    def __init__(self, folder: Path, *, repository: Repository, pictures: PictureStore, jobs: Jobs) -> None:
        """folder: for the downloads."""
        self._folder, self._repository, self._pictures, self._jobs = folder, repository, pictures, jobs

    def write(
        self,
        format_name: str,
        out: Path,
        options: ExportOptions | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """To a folder, or to a zip where `out` ends in .zip. Raises ExportError."""
        return export(format_name, StoredDataset(self._repository, self._pictures.file), out, options, progress)

    def found(self, options: ExportOptions) -> Saved:
        """What an export would find, of all categories: quick, and without what cannot be written for other reasons."""
        return self._repository.saved(finished=options.only_done, smallest_area=options.smallest_area)

    def start(self, format_name: str, options: ExportOptions, *, owner: str = "") -> Job:
        """In the background, to a zip that can be fetched; result: {"token", "filename", "report"}.

        owner: whose it is, for who sends it; the token says it.
        """

        def work(job: Job) -> dict[str, Any]:
            for old in sorted(self._folder.glob(f"*{mark_of(owner)}-*.zip"))[: 1 - KEPT]:
                with suppress(PermissionError):  # Windows removes no file that is being sent: the next export does
                    old.unlink(missing_ok=True)
            token = owned_token(owner)
            filename = f"{format_name}.zip"
            report = self.write(format_name, self._folder / f"{token}-{filename}", options, job.progress)
            job.lines = list(report.lines())
            return {"token": token, "filename": filename, "report": asdict(report)}

        return self._jobs.start("export", work, owner=owner)

    def path(self, token: str, filename: str) -> Path | None:
        """The finished export of that name, None where there is none."""
        return next((path for path in self._folder.glob("*.zip") if path.name == f"{token}-{filename}"), None)
