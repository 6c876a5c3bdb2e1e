"""Background work."""

import threading

import pytest

from annotator.errors import AnnotatorError, NotFoundError
from annotator.jobs import Job, Jobs, JobState


def test_a_job_ends_done_with_its_result_and_progress() -> None:
    def work(job: Job) -> str:
        job.progress(3, 4)
        return "made"

    job = Jobs().start("export", work).wait(5)
    assert (job.state, job.result, job.done, job.total) == (JobState.DONE, "made", 3, 4)


def test_a_cancelled_job_stops_at_its_next_progress() -> None:
    asked = threading.Event()

    def work(job: Job) -> None:
        asked.wait(5)
        job.progress(1, 2)
        pytest.fail("went on after it was cancelled")

    job = Jobs().start("export", work)
    job.cancel()
    asked.set()
    assert job.wait(5).state is JobState.CANCELLED


def test_a_users_error_is_the_jobs_message() -> None:
    def work(job: Job) -> None:
        raise AnnotatorError("The disk is full: make room and try again.")

    job = Jobs().start("import", work).wait(5)
    assert (job.state, job.message) == (JobState.FAILED, "The disk is full: make room and try again.")


def test_a_bug_is_logged_whole_and_told_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job) -> None:
        raise KeyError("secret detail")

    job = Jobs().start("import", work).wait(5)
    assert job.state is JobState.FAILED
    assert "secret detail" not in job.message
    assert "secret detail" in caplog.text


def test_an_unknown_job_is_said() -> None:
    with pytest.raises(NotFoundError, match="no job"):
        Jobs().get("export-99")
