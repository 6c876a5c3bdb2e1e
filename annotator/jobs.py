"""Background work with progress, cancel, and an end state."""

import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

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
    _board: "Board | None" = field(default=None, repr=False)

    def belongs_to(self, owner: str) -> None:
        """Say whose it is, where nobody has yet."""
        if not self.owner:
            self.owner = owner
            if self._board is not None:
                self._board.show(self)

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


class Board(Protocol):
    """Where processes that serve one database tell each other of their jobs (annotator/jobboard.py)."""

    process: str

    def show(self, job: Job) -> None: ...
    def find(self, job_id: str) -> Job | None: ...
    def running(self, kind: str) -> list[Job]: ...


class Jobs:
    """The running and the recent jobs of one workspace. Each runs in a thread of its own.

    board: of the other processes, where there may be some; their jobs are found too.
    """

    def __init__(self, board: Board | None = None) -> None:
        self._board = board
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self, kind: str, work: Callable[[Job], Any], *, subject: Sequence[int] = (), owner: str = "") -> Job:
        """Run work(job) in the background; what it returns becomes the job's result. subject, owner: as in Job."""
        with self._lock:
            name = f"{kind}-{next(self._numbers)}{f'-{self._board.process}' if self._board else ''}"
            job = Job(id=name, kind=kind, subject=tuple(subject), owner=owner, _board=self._board)
            self._jobs[job.id] = job
            for old in [j for j in self._jobs.values() if j.state is not JobState.RUNNING][:-KEPT_JOBS]:
                del self._jobs[old.id]
        if self._board is not None:
            self._board.show(job)  # before its id is given out: the next who asks may be another process
        threading.Thread(target=self._run, args=(job, work), name=job.id, daemon=True).start()
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFoundError for an id that names no job, or one long over."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None and self._board is not None:
            job = self._board.find(job_id)
        if job is None:
            raise NotFoundError(f"There is no job {job_id!r} (any more). Start it again.")
        return job

    def running_elsewhere(self, kind: str) -> list[Job]:
        """The running jobs of that kind of the other processes."""
        if self._board is None:
            return []
        with self._lock:
            return [job for job in self._board.running(kind) if job.id not in self._jobs]

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
            if self._board is not None:
                self._board.show(job)
            job._ended.set()


def _explain(job: Job, error: Exception) -> str:
    """What a user reads; a bug is logged whole."""
    if isinstance(error, USER_ERRORS):
        return str(error)
    log.error("job %s failed", job.id, exc_info=error)
    return f"The {job.kind} stopped because of a mistake in the program; the server's log has the details."
