"""Whose a job is: all may watch the common work; what someone made for themselves is theirs and the instructor's."""

from typing import Any

from annotator.access.person import Person
from annotator.errors import NotAllowedError, NotFoundError
from annotator.jobs import Job, Jobs
from annotator.ui.render import job_json

PRIVATE = frozenset({"backup", "check", "restore", "export", "cutout", "inspect"})  # their results lead to files


def begun_job(job: Job, owner: str) -> dict[str, Any]:
    """What the page gets of a job that the owner has begun."""
    job.belongs_to(owner)
    return job_json(job)


def seen_job(jobs: Jobs, job_id: str, person: Person) -> Job:
    """Raises NotFoundError for one that is not there, or not for these eyes: ids can be guessed."""
    job = jobs.get(job_id)
    if job.kind in PRIVATE and not _is_theirs(job, person):
        raise NotFoundError(f"There is no job {job_id!r} (any more). Start it again.")
    return job


def cancelled_job(jobs: Jobs, job_id: str, person: Person) -> Job:
    """Ask it to stop. Raises NotFoundError as above, NotAllowedError for another's."""
    job = seen_job(jobs, job_id, person)
    if not _is_theirs(job, person):
        raise NotAllowedError("Only who began this, or the instructor, may stop it.")
    job.cancel()
    return job


def _is_theirs(job: Job, person: Person) -> bool:
    return person.is_instructor or (job.owner != "" and job.owner == person.name)
