"""Jobs as several processes on one database tell each other of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from storage.database import Database
from storage.records import JobRecord
from storage.schema_together import JobRow

_CHANGES = ("state", "done", "total", "message", "result", "owner", "seconds_left", "seen_at")


class SharedJobs:
    """The job part of the Repository. What is written of a job stays until it is forgotten, whatever became of it."""

    _database: Database

    def put_jobs(self, jobs: Sequence[JobRecord]) -> set[str]:
        """Write how jobs stand; their kind and subject stay what they were at first. The ids that are asked to stop."""
        asked = set()
        with self._database.write() as db_session:
            for job in jobs:
                row = db_session.get(JobRow, job.id)
                if row is None:
                    row = JobRow(id=job.id, kind=job.kind, subject=list(job.subject), stop_asked=False)
                    db_session.add(row)
                elif row.state != "running" and job.state == "running":
                    continue  # what was read before its end comes after the end was written
                for name in _CHANGES:
                    setattr(row, name, getattr(job, name))
                row.lines = list(job.lines)
                if row.stop_asked:
                    asked.add(job.id)
        return asked

    def shared_job(self, job_id: str) -> JobRecord | None:
        """The one of that id; None where no process has told of it."""
        with self._database.read() as db_session:
            row = db_session.get(JobRow, job_id)
            return None if row is None else _record(row)

    def ask_job_to_stop(self, job_id: str) -> None:
        """The process that does it reads that when it tells of the job the next time."""
        with self._database.write() as db_session:
            db_session.execute(update(JobRow).where(JobRow.id == job_id).values(stop_asked=True))

    def running_jobs(self, kind: str, *, seen_since: datetime) -> list[JobRecord]:
        """Those of that kind that run, in processes that were heard of since."""
        query = select(JobRow).where(JobRow.kind == kind, JobRow.state == "running", JobRow.seen_at >= seen_since)
        with self._database.read() as db_session:
            return [_record(row) for row in db_session.scalars(query.order_by(JobRow.id))]

    def forget_jobs(self, *, seen_before: datetime) -> None:
        """Delete those that were last told of before."""
        with self._database.write() as db_session:
            db_session.execute(delete(JobRow).where(JobRow.seen_at < seen_before))


def _record(row: JobRow) -> JobRecord:
    same = {name: getattr(row, name) for name in ("id", "kind", *_CHANGES)}
    return JobRecord(**same, lines=tuple(row.lines), subject=tuple(row.subject))
