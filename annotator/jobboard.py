"""Where processes that serve one database tell each other of their jobs: a job is followed from any of them."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from annotator.jobs import Job, JobState
from storage.errors import StorageError
from storage.records import JobRecord
from storage.repository import Repository

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.5  # what others see of a job is as old as that
LONGEST_WAIT_S = 20.0  # between two tries, while the database does not answer
LOST_AFTER = timedelta(seconds=60)  # a process that told nothing for so long is gone; clocks may differ by some of it
FORGET_AFTER = timedelta(days=1)


@dataclass
class JobElsewhere(Job):
    """A job of another process, as it was told of last."""

    left_s: float | None = None
    ask_to_stop: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def seconds_left(self) -> float | None:
        return self.left_s if self.state is JobState.RUNNING else None

    def cancel(self) -> None:
        self.ask_to_stop()


class JobBoard:
    """Tells of this process's jobs, and knows those of the others. Safe to call from any thread."""

    def __init__(self, repository: Repository, *, every_s: float = TELL_EVERY_S) -> None:
        self.process = secrets.token_hex(4)  # a part of its jobs' ids, which are then nobody else's
        self._repository, self._every_s = repository, every_s
        self._running: dict[str, Job] = {}
        self._teller: threading.Thread | None = None
        self._lock = threading.Lock()

    def show(self, job: Job) -> None:
        """Tell of a job now, and as long as it runs every half second. What cannot be written is logged."""
        with self._lock:
            self._running[job.id] = job
        self._tell([job])
        with self._lock:
            if self._running and self._teller is None:
                self._teller = threading.Thread(target=self._go_on_telling, name="job board", daemon=True)
                self._teller.start()

    def find(self, job_id: str) -> Job | None:
        """A job of any process; None where there is none of that id. Raises StorageError."""
        record = self._repository.shared_job(job_id)
        return None if record is None else self._job(record)

    def running(self, kind: str) -> list[Job]:
        """The running jobs of that kind, of all processes. Raises StorageError."""
        found = self._repository.running_jobs(kind, seen_since=datetime.now(UTC) - LOST_AFTER)
        return [self._job(record) for record in found]

    def _job(self, record: JobRecord) -> Job:
        state, message = JobState(record.state), record.message
        if state is JobState.RUNNING and datetime.now(UTC) - record.seen_at > LOST_AFTER:
            state, message = JobState.FAILED, f"The process that did the {record.kind} has ended. Start it again."
        return JobElsewhere(
            id=record.id,
            kind=record.kind,
            state=state,
            done=record.done,
            total=record.total,
            message=message,
            lines=list(record.lines),
            result=record.result,
            subject=record.subject,
            owner=record.owner,
            left_s=record.seconds_left,
            ask_to_stop=lambda: self._repository.ask_job_to_stop(record.id),
        )

    def _go_on_telling(self) -> None:
        wait_s = self._every_s
        self._forget()
        while True:
            time.sleep(wait_s)
            with self._lock:
                jobs = list(self._running.values())
                if not jobs:
                    self._teller = None
                    return
            told = self._tell(jobs)
            wait_s = self._every_s if told else min(2 * wait_s, LONGEST_WAIT_S)

    def _tell(self, jobs: list[Job]) -> bool:
        """Whether that went well."""
        records = [_record(job) for job in jobs]
        try:
            asked = self._repository.put_jobs(records)
        except StorageError as error:  # the next time, then
            log.warning("Other processes could not be told of a job: %s", error)
            return False
        for job in jobs:
            if job.id in asked:
                job.cancel()
        with self._lock:
            for record in records:
                if record.state != JobState.RUNNING:
                    self._running.pop(record.id, None)
        return True

    def _forget(self) -> None:
        try:
            self._repository.forget_jobs(seen_before=datetime.now(UTC) - FORGET_AFTER)
        except StorageError as error:
            log.warning("Old jobs could not be forgotten: %s", error)


def _record(job: Job) -> JobRecord:
    state = job.state  # before the rest: what belongs to an end is there when the end is
    return JobRecord(
        id=job.id,
        kind=job.kind,
        state=state.value,
        done=job.done,
        total=job.total,
        message=job.message,
        lines=tuple(job.lines),
        result=job.result,
        subject=job.subject,
        owner=job.owner,
        seconds_left=job.seconds_left,
        seen_at=datetime.now(UTC),
    )
