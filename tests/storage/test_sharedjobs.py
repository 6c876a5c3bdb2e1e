"""What processes on one database tell each other of their jobs."""

from datetime import UTC, datetime, timedelta

from tests.storage.scene import job_record

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_job_is_kept_as_it_was_told_of_last(repository):
    assert repository.put_jobs([job_record("export-1-a", owner="ann", seen_at=NOW)]) == set()
    last = job_record(
        "export-1-a", owner="ann", done=2**40, total=2**41, lines=("one", "two"), seconds_left=2.5, seen_at=NOW
    )
    repository.put_jobs([last])
    assert repository.shared_job("export-1-a") == last
    assert repository.shared_job("export-1-b") is None


def test_what_was_told_late_does_not_make_an_ended_job_run_again(repository):
    repository.put_jobs([job_record("export-1-a", state="done", done=5, result={"token": "t"}, seen_at=NOW)])
    repository.put_jobs([job_record("export-1-a", seen_at=NOW)])
    found = repository.shared_job("export-1-a")
    assert (found.state, found.done, found.result) == ("done", 5, {"token": "t"})


def test_who_tells_of_a_job_hears_that_it_is_to_stop(repository):
    repository.put_jobs([job_record("export-1-a"), job_record("export-2-a")])
    repository.ask_job_to_stop("export-2-a")
    repository.ask_job_to_stop("export-3-a")
    assert repository.put_jobs([job_record("export-1-a"), job_record("export-2-a")]) == {"export-2-a"}


def test_jobs_run_while_the_process_that_does_them_is_heard_of(repository):
    repository.put_jobs(
        [
            job_record("propose-1-a", subject=(1, 2), seen_at=NOW),
            job_record("propose-1-b", subject=(2, 3), seen_at=NOW),
            job_record("propose-2-b", subject=(4,), state="done", seen_at=NOW),
            job_record("propose-1-c", subject=(5,), seen_at=NOW - timedelta(hours=1)),
            job_record("import-3-a", subject=(6,), seen_at=NOW),
        ]
    )
    running = repository.running_jobs("propose", seen_since=NOW - timedelta(minutes=1))
    assert [one.subject for one in running] == [(1, 2), (2, 3)]


def test_old_jobs_are_forgotten_and_others_stay(repository):
    repository.put_jobs([job_record("a-1", seen_at=NOW), job_record("a-2", seen_at=NOW + timedelta(days=2))])
    repository.forget_jobs(seen_before=NOW + timedelta(days=1))
    assert repository.shared_job("a-1") is None
    assert repository.shared_job("a-2") is not None
