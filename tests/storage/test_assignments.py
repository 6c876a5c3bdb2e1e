"""Who gets which picture, in the same time for one and for 100,000; and a picture's way through the review."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from storage.errors import PictureTaken, StorageError
from storage.records import AssignmentMode, AssignmentRule, ChangeKind, ImageStatus
from storage.repository import ChangeFilter

ONE_EACH = AssignmentRule(mode=AssignmentMode.SINGLE, lease_s=600)
TWO_EACH = AssignmentRule(mode=AssignmentMode.SEVERAL, labelers=2, lease_s=600)
MANY = 100_000


@pytest.fixture
def clock(repository):
    """Stands still until it is moved."""

    class Clock:
        now = datetime(2026, 1, 1, tzinfo=UTC)

        def pass_(self, seconds: float) -> None:
            self.now += timedelta(seconds=seconds)

    clock = Clock()
    repository.now = lambda: clock.now
    return clock


def ids(repository: Any, labeler: str, number: int, after: int | None = None) -> list[int | None]:
    """What the labeler is given, one after the other."""
    given: list[int | None] = []
    for _ in range(number):
        found = repository.next_image(labeler, after=after)
        after = None if found is None else found.id
        given.append(after)
    return given


def test_everyone_gets_every_picture_that_needs_somebody(repository, new_image):
    first, second, third = (new_image().id for _ in range(3))
    assert ids(repository, "ann", 4) == ids(repository, "ben", 4) == [first, second, third, first]
    repository.set_image_status(second, ImageStatus.DONE)
    repository.submit(third, labeler="ann")
    assert ids(repository, "ben", 2) == [first, first]
    repository.return_image(third, "the edge is cut off", labeler="green")
    assert ids(repository, "ben", 2) == [first, third]
    for image_id in (first, third):
        repository.set_image_status(image_id, ImageStatus.DONE)
    assert repository.next_image("ann") is None
    assert repository.assignments(first) == []


def test_a_picture_goes_to_one_labeler_until_they_leave_it_alone(repository, new_image, clock):
    first, second, third = (new_image().id for _ in range(3))
    repository.set_assignment_rule(ONE_EACH)
    assert repository.assignment_rule() == ONE_EACH
    assert ids(repository, "ann", 1) == [first]
    assert ids(repository, "ben", 1) == [second]
    assert ids(repository, "ann", 2, after=first) == [third, first]
    assert repository.next_image("cat") is None
    clock.pass_(500)
    repository.claim(second, "ben")  # still at work
    clock.pass_(200)
    assert ids(repository, "cat", 2) == [first, third]
    with pytest.raises(PictureTaken, match=r"cup 1\.png is cat's"):
        repository.claim(first, "ann")
    repository.release(first, "cat")
    repository.claim(first, "ann")
    assert [one.labeler for one in repository.assignments(first)] == ["ann"]


def test_a_lease_is_not_written_anew_with_each_click(repository, image, clock, database):
    repository.set_assignment_rule(ONE_EACH)
    repository.claim(image.id, "ann")
    [before] = repository.assignments(image.id)
    clock.pass_(100)
    repository.claim(image.id, "ann")
    assert repository.assignments(image.id) == [before]
    clock.pass_(300)
    repository.claim(image.id, "ann")
    assert repository.assignments(image.id)[0].until == clock.now + timedelta(seconds=600)


def test_a_picture_for_two_waits_for_both_and_for_nobody_else(repository, new_image, clock):
    first, second = (new_image().id for _ in range(2))
    repository.set_assignment_rule(TWO_EACH)
    assert ids(repository, "ann", 1) == ids(repository, "ben", 1) == [first]
    assert ids(repository, "cat", 1) == [second]
    assert repository.submit(first, labeler="ann").status is ImageStatus.IN_PROGRESS
    assert ids(repository, "ann", 2) == [second, second]
    assert repository.submit(first, labeler="ben").status is ImageStatus.SUBMITTED
    assert repository.next_image("ben") is None
    with pytest.raises(PictureTaken, match="ann and ben's"):
        repository.submit(first, labeler="cat")
    repository.return_image(first, "once more", labeler="green")
    clock.pass_(10**6)
    assert ids(repository, "ben", 1) == [first], "a returned picture has no time-out"
    assert repository.next_image("cat").id == second


def test_the_review_is_kept_with_its_comment_and_told(repository, image):
    with pytest.raises(StorageError, match=r"cup 1\.png is new: it can be accepted once it is submitted"):
        repository.accept(image.id, labeler="green")
    repository.submit(image.id, labeler="ann")
    returned = repository.return_image(image.id, "the handle is missing", labeler="green")
    assert (returned.status, returned.review_comment) == (ImageStatus.RETURNED, "the handle is missing")
    assert repository.submit(image.id, labeler="ann").review_comment == "the handle is missing"
    accepted = repository.accept(image.id, labeler="green")
    assert (accepted.status, accepted.review_comment) == (ImageStatus.ACCEPTED, "")
    with pytest.raises(StorageError, match="accepted already"):
        repository.submit(image.id, labeler="ann")
    told = repository.changes(ChangeFilter(kind=ChangeKind.STATUS))
    assert [(one.labeler, one.after["status"]) for one in reversed(told)] == [
        ("ann", "submitted"),
        ("green", "returned"),
        ("ann", "submitted"),
        ("green", "accepted"),
    ]
    repository.undo_change(told[0].id, labeler="green")
    assert repository.image(image.id).status is ImageStatus.SUBMITTED
    assert repository.image(image.id).review_comment == "the handle is missing"


def test_only_done_and_accepted_pictures_count_as_finished():
    assert [status for status in ImageStatus if status.is_finished] == [ImageStatus.DONE, ImageStatus.ACCEPTED]


@pytest.fixture
def many(repository, database):
    """A hundred thousand pictures, the first half of which Ann has and none other."""
    repository.set_assignment_rule(TWO_EACH)
    with database.write() as db_session:
        run = db_session.connection().exec_driver_sql
        run("INSERT INTO teams VALUES ('ann', 1)")
        run("INSERT INTO team_members (labeler, team) VALUES ('ann', 'ann')")
        run(f"""
            WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY - 1})
            INSERT INTO images (sha256, stored_name, original_name, width, height, exif_orientation, position, status,
                                created_at, review_comment, team)
            SELECT printf('%064d', n), n || '.png', n || '.png', 16, 12, 1, n, 'in_progress', '2026-01-01 00:00:00', '',
                   CASE WHEN n < {MANY // 2} THEN 'ann' ELSE '' END FROM numbers
        """)
        run(f"""
            INSERT INTO assignments SELECT id, 'ann', position, 1, NULL FROM images WHERE position < {MANY // 2}
        """)


@pytest.mark.sqlite
def test_the_next_of_100_000_pictures_is_found_in_a_bounded_number_of_steps(repository, database, many):
    """Counted in steps of SQLite's machine, in hundreds."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.read() as db_session:
        engine = db_session.connection().engine
    event.listen(engine.pool, "checkout", lambda connection, *_: connection.set_progress_handler(count, 100))
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _r, sql, given, _x, _m: asked.append((sql, given)))
    half = MANY // 2 + 1
    assert ids(repository, "ann", 3) == [half, half + 1, half + 2]
    assert ids(repository, "ben", 2) == [1, 2]
    assert ids(repository, "ann", 1, after=MANY) == [half]
    repository.set_assignment_rule(AssignmentRule())
    assert ids(repository, "ann", 2, after=MANY - 1) == [MANY, 1]
    assert steps < 500
    with database.read() as db_session:
        for sql, given in [one for one in asked if one[0].startswith("SELECT")]:
            plan = db_session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
            for row in plan:
                assert row[-1].startswith(("SEARCH", "LIST SUBQUERY", "CORRELATED SCALAR SUBQUERY")), (sql, row[-1])
