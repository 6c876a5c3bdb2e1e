"""Background work with progress, cancel, and an end state."""

import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from annotator.errors import USER_ERRORS, Cancelled, NotFoundError

log = logging.getLogger(__name__)

KEPT_JOBS = 200  # finished ones beyond this are forgotten, oldest first


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Job:
    """One piece of work. Its function gets the job, calls `progress`, and looks at `cancelled` where it can stop."""

    id: str
    kind: str
    state: JobState = JobState.RUNNING
    done: int = 0
    total: int = 0
    message: str = ""
    lines: list[str] = field(default_factory=list)
    result: Any = None
    subject: tuple[int, ...] = ()  # the pictures that it is about, where it is about some
    owner: str = ""  # who began it, where it is theirs
    _began_at: float | None = field(default=None, repr=False)  # by the monotonic clock, when progress was first made
    _begun_with: int = field(default=0, repr=False)
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def count(self, done: int, total: int) -> None:
        """Report how far the work is."""
        if self._began_at is None:
            self._began_at, self._begun_with = time.monotonic(), done
        self.done, self.total = done, total

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at the rate so far, None before there is a rate."""
        made = self.done - self._begun_with
        if self._began_at is None or made <= 0 or self.state is not JobState.RUNNING:
            return None
        return (time.monotonic() - self._began_at) / made * max(0, self.total - self.done)

    def progress(self, done: int, total: int) -> None:
        """The same, for work that stops by an exception: raises Cancelled when the user asked for a stop."""
        self.count(done, total)
        if self._cancel.is_set():
            raise Cancelled("Stopped.")

    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def cancel(self) -> None:
        self._cancel.set()

    def wait(self, timeout_s: float | None = None) -> "Job":
        """Return when the job has ended, or after timeout_s."""
        self._ended.wait(timeout_s)
        return self

    def to_json(self) -> dict[str, Any]:
        names = ("id", "kind", "state", "done", "total", "message", "lines", "result")
        left = self.seconds_left
        more = {"seconds_left": None if left is None else round(left, 1), "image_ids": list(self.subject)}
        return {name: getattr(self, name) for name in names} | more


class Jobs:
    """The running and the recent jobs of one workspace. Each runs in a thread of its own."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, kind: str, work: Callable[[Job], Any], *, subject: Sequence[int] = (), owner: str = "") -> Job:
        """Run work(job) in the background; what it returns becomes the job's result. subject, owner: as in Job."""
        with self._lock:
            job = Job(id=f"{kind}-{next(self._numbers)}", kind=kind, subject=tuple(subject), owner=owner)
            self._jobs[job.id] = job
            for old in [j for j in self._jobs.values() if j.state is not JobState.RUNNING][:-KEPT_JOBS]:
                del self._jobs[old.id]
        threading.Thread(target=self._run, args=(job, work), name=job.id, daemon=True).start()
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFoundError for an id that names no job, or one long over."""
        with self._lock:
            if job_id not in self._jobs:
                raise NotFoundError(f"There is no job {job_id!r} (any more). Start it again.")
            return self._jobs[job_id]

    def running(self) -> list[Job]:
        """Those under way, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.state is JobState.RUNNING]

    def cancel_all(self, *, but: Job | None = None) -> None:
        with self._lock:
            for job in self._jobs.values():
                if job is not but:
                    job.cancel()

    def forget_ended(self) -> None:
        """Of those that are over, nothing is known any more."""
        with self._lock:
            for old in [job for job in self._jobs.values() if job.state is not JobState.RUNNING]:
                del self._jobs[old.id]

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        try:
            job.result = work(job)
            job.state = JobState.DONE
        except Cancelled as stop:
            job.message, job.state = str(stop), JobState.CANCELLED
        except Exception as error:
            job.message = _explain(job, error)
            job.state = JobState.FAILED
        finally:
            job._ended.set()


def _explain(job: Job, error: Exception) -> str:
    """What a user reads; a bug is logged whole."""
    if isinstance(error, USER_ERRORS):
        return str(error)
    log.error("job %s failed", job.id, exc_info=error)
    return f"The {job.kind} stopped because of a mistake in the program; the server's log has the details."
