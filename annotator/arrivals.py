"""Uploads that wait for a word: whether they are a data set, and what is to become of them."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.access.ownership import is_owned_by
from annotator.access.person import Role
from annotator.datasets import Datasets, ImportPlan, OnConflict
from annotator.errors import AnnotatorError, Cancelled, NotFoundError
from annotator.files import ABANDONED_S
from annotator.jobs import Job, Jobs
from annotator.ownership import check_instructor
from annotator.staging import GivenFile, Staged, Staging


@dataclass(frozen=True)
class _Arrival:
    staged: Staged
    plan: ImportPlan | None
    since: float
    is_looked_at: bool = True  # not where another process did that, and has the plan


class Arrivals:
    """What was uploaded and looked at, by a token that nobody can guess, until it is taken in or dropped."""

    def __init__(
        self,
        folder: Path,
        *,
        datasets: Datasets,
        jobs: Jobs,
        start_pictures: Callable[[Sequence[Path]], Job],
        are_shared: bool = False,
    ) -> None:
        """start_pictures: takes in plain pictures and deletes their files in the end, in the background.

        are_shared: other processes on the same folder may be told what becomes of what was uploaded here.
        """
        self._are_shared = are_shared
        self._staging = Staging(folder)
        self._datasets = datasets
        self._jobs = jobs
        self._start_pictures = start_pictures
        self._waiting: dict[str, _Arrival] = {}
        self._lock = threading.Lock()

    def start_inspect(self, files: Sequence[GivenFile], *, owner: str = "") -> Job:
        """Look at files in the background, changing nothing; result: {"token", "plan"}, the plan None for plain files.

        A file that is damaged fails the job with the reason, and its upload is dropped. owner: whom alone the token is
        good for.
        """
        if not files:
            raise AnnotatorError("There is no file to look at. Upload some first.")
        staged = self._staging.take(files, owner=owner)

        def work(job: Job) -> dict[str, Any]:
            try:
                plan = self._datasets.inspect([staged.root], progress=job.progress, cancelled=job.cancelled)
                if job.cancelled():
                    raise Cancelled("Stopped; nothing was changed.")
                shown = None if plan is None else plan.as_dict()
            except BaseException:
                self._staging.drop(staged)
                raise
            self._keep(_Arrival(staged, plan, time.monotonic()))
            return {"token": staged.token, "plan": shown}

        return self._jobs.start("inspect", work)

    def start_import(
        self, token: str, *, on_conflict: str, labeler: str = "", role: Role = Role.LABELER, owner: str = ""
    ) -> Job:
        """Take a data set in as its plan says, in the background; result: what the report says of itself.

        labeler: who imports. Raises NotFoundError for a token that was used already, or never given to that owner,
        NotAllowedError for a labeler who would replace what others have saved.
        """
        if on_conflict == OnConflict.REPLACE:
            check_instructor(role, "replace the instances that pictures have by those of a data set")
        arrival = self._take(token, owner)
        plan = arrival.plan
        if plan is None and arrival.is_looked_at:
            self._staging.give_back(arrival.staged)
            self._keep(arrival)
            raise _no_dataset()

        def work(job: Job) -> dict[str, Any]:
            nonlocal plan
            try:
                if plan is None:
                    plan = self._datasets.inspect([arrival.staged.root], cancelled=job.cancelled)
                if plan is None:
                    raise _no_dataset()
                report = self._datasets.apply(
                    plan, on_conflict=on_conflict, progress=job.progress, cancelled=job.cancelled, by=labeler or None
                )
            finally:
                self._staging.drop(arrival.staged)
            job.message, *job.lines = report.lines()
            return report.as_dict()

        return self._jobs.start("import", work)

    def start_pictures(self, token: str, *, owner: str = "") -> Job:
        """Take the files in as plain pictures, whatever else they are. Raises NotFoundError as above."""
        return self._start_pictures(self._take(token, owner).staged.paths)

    def drop(self, token: str, *, owner: str = "") -> None:
        """Forget an upload of that owner's and delete its files; nothing happens where there is none (any more)."""
        with suppress(NotFoundError):
            self._staging.drop(self._take(token, owner).staged)

    def forget(self) -> None:
        """Drop all that wait: their plans are of pictures that may be others now."""
        with self._lock:
            gone = list(self._waiting.values())
            self._waiting.clear()
        for one in gone:
            self._staging.drop(one.staged)

    def _keep(self, arrival: _Arrival) -> None:
        with self._lock:
            self._waiting[arrival.staged.token] = arrival
            old = [token for token, one in self._waiting.items() if arrival.since - one.since > ABANDONED_S]
            gone = [self._waiting.pop(token) for token in old]
        for one in gone:
            self._staging.drop(one.staged)

    def _take(self, token: str, owner: str) -> _Arrival:
        with self._lock:
            arrival = self._waiting.pop(token, None) if is_owned_by(token, owner) else None
        if self._are_shared and is_owned_by(token, owner):
            staged = self._staging.find(token)
            if staged is None or not self._staging.claim(staged):
                arrival = None
            elif arrival is None:
                arrival = _Arrival(staged, None, time.monotonic(), is_looked_at=False)
        if arrival is None:
            raise NotFoundError("These files are not here any more. Upload them again.")
        return arrival


def _no_dataset() -> AnnotatorError:
    return AnnotatorError("No data set was recognised in these files. Import them as pictures.")
