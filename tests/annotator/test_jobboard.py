"""Two processes' jobs on one database: each follows and stops the other's."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotator.errors import NotFoundError
from annotator.jobboard import LOST_AFTER, JobBoard
from annotator.jobs import Job, Jobs, JobState
from annotator.proposing import Proposing
from annotator.takeover import TakeOver
from storage.database import Database
from storage.errors import StorageError
from storage.records import RunState
from storage.repository import Repository
from tests.storage.scene import job_record, without_waiting_for_the_disk


@pytest.fixture
def repository(new_database: Path, tmp_path: Path) -> Iterator[Repository]:
    path = shutil.copy(new_database, tmp_path)
    with closing(without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))) as database:
        yield Repository(database)


@pytest.fixture
def process(repository: Repository) -> Callable[[], Jobs]:
    """One more process's jobs."""
    return lambda: Jobs(JobBoard(repository, every_s=0.01))


def seen(jobs: Jobs, job_id: str, is_so: Callable[[Job], bool]) -> Job:
    """The job, once it is so."""
    while not is_so(job := jobs.get(job_id)):
        pass
    return job


def test_a_job_is_followed_and_stopped_from_another_process(process):
    here, there = process(), process()
    began = threading.Event()

    def work(job: Job) -> None:
        began.wait(5)
        while True:
            job.lines = ["one was skipped"]
            job.progress(3, 2**40)

    job = here.start("export", work, subject=[7], owner="ann")
    found = there.get(job.id)
    assert (found.kind, found.state, found.owner, found.subject) == ("export", JobState.RUNNING, "ann", (7,))
    began.set()
    found = seen(there, job.id, lambda one: one.done == 3)
    assert (found.total, found.lines) == (2**40, ["one was skipped"])
    found.cancel()
    assert job.wait(5).state is JobState.CANCELLED
    assert there.get(job.id).state is JobState.CANCELLED


def test_the_end_and_its_result_are_there_once_the_job_has_ended(process):
    here, there = process(), process()
    job = here.start("import", lambda job: {"image_ids": [1, 2]}).wait(5)
    found = there.get(job.id)
    assert found.to_json() == job.to_json()
    job.belongs_to("ann")
    assert there.get(job.id).owner == "ann"
    job.belongs_to("bob")
    assert there.get(job.id).owner == "ann"


def test_no_two_processes_give_a_job_the_same_id(process):
    jobs = [process().start("import", lambda job: None) for _ in range(2)]
    assert jobs[0].id != jobs[1].id
    with pytest.raises(NotFoundError, match="no job"):
        process().get("import-1")


def test_what_a_process_that_is_gone_was_at_has_failed_and_may_be_done_by_others(process, repository):
    here, there = process(), process()
    ended = threading.Event()
    job = here.start("propose", lambda job: ended.wait(5), subject=[1, 2])
    assert [one.subject for one in there.running_elsewhere("propose")] == [(1, 2)]
    assert here.running_elsewhere("propose") == [], "its own are not elsewhere"
    assert there.running_elsewhere("export") == []
    ended.set()
    job.wait(5)
    assert there.running_elsewhere("propose") == []
    long_ago = datetime.now(UTC) - 2 * LOST_AFTER
    repository.put_jobs([job_record("propose-9-gone", seen_at=long_ago)])
    assert there.running_elsewhere("propose") == []
    found = there.get("propose-9-gone")
    assert (found.state, found.seconds_left) == (JobState.FAILED, None)
    assert "has ended. Start it again" in found.message


def test_a_database_that_is_away_stops_no_job(process, repository):
    board = JobBoard(Away(repository), every_s=0.01)
    assert Jobs(board).start("export", lambda job: 5).wait(5).result == 5


class Away:
    """A repository whose database does not answer."""

    def __init__(self, repository: Repository) -> None:
        self.shared_job = repository.shared_job

    def put_jobs(self, jobs: object) -> set[str]:
        raise StorageError("The database is away.")

    def forget_jobs(self, *, seen_before: datetime) -> None:
        raise StorageError("The database is away.")


class OtherProcess:
    """A board on which another process is at these pictures."""

    process = "here"

    def __init__(self, image_ids: Sequence[int]) -> None:
        self.at_work: Sequence[int] = image_ids

    def show(self, job: Job) -> None:
        pass

    def find(self, job_id: str) -> Job | None:
        return None

    def running(self, kind: str) -> list[Job]:
        return [Job(id="there-1", kind=kind, subject=tuple(self.at_work))] if self.at_work else []


def test_pictures_that_another_process_is_at_are_taken_up_when_it_has_ended(workspace, pictures):
    ids = workspace.import_pictures(pictures).image_ids
    board = OtherProcess(ids)
    proposing = Proposing(workspace.repository, workspace.engine, workspace.pixels, Jobs(board), workspace.pictures)
    settings = proposing.settings({"points_per_side": 2})
    segmenter = workspace.engine.segmenter
    noted = {"fingerprint": segmenter.fingerprint, "model": segmenter.name, "settings": settings.to_json()}
    workspace.repository.queue_proposals(ids, **noted)
    take_over = TakeOver(proposing.resume, every_s=0.01)
    take_over.start()
    assert proposing.resume() == []
    assert [job.id for job in proposing.under_way()] == ["there-1"]
    board.at_work = ()
    while workspace.repository.all_proposal_runs(RunState.WAITING):
        pass
    take_over.close()
    assert len(workspace.repository.all_proposal_runs(RunState.DONE)) == 3
    proposing.close()


def test_what_goes_wrong_once_is_tried_again():
    tried = threading.Semaphore(0)

    def resume() -> None:
        tried.release()
        raise StorageError("The database is away.")

    take_over = TakeOver(resume, every_s=0.01)
    take_over.start()
    assert all(tried.acquire(timeout=5) for _ in range(3))
    take_over.close()
