"""Locks, announcements, and what is counted of a class."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from storage.records import AssignmentMode, AssignmentRule, ImageStatus
from storage.repository.progress import LAST_SAVES
from storage.schema import InstanceRow
from tests.storage.scene import Labeler, values

HOUR = timedelta(hours=1)


def test_what_is_locked_stays_so_until_it_is_unlocked(repository):
    assert repository.locks() == {}
    repository.set_lock("categories", locked=True, labeler="boss")
    repository.set_lock("categories", locked=True, labeler="other boss")
    assert repository.locks()["categories"].labeler == "boss"
    for _ in range(2):
        repository.set_lock("categories", locked=False, labeler="boss")
    assert repository.locks() == {}


def test_one_announcement_is_shown_at_a_time(repository):
    assert repository.announcement() is None
    first = repository.announce("one", labeler="boss")
    second = repository.announce("two", labeler="boss")
    assert second.id > first.id
    assert repository.announcement() == second
    repository.end_announcement()
    repository.end_announcement()
    assert repository.announcement() is None
    assert repository.announce("three", labeler="boss").id > second.id, "whoever has closed another one sees it"


def test_saves_are_counted_from_a_moment_on(repository, database, image, cup):
    now = datetime.now(UTC)
    made = repository.add_instances(image.id, [values(cup)] * (LAST_SAVES + 4), labeler="ann")
    repository.add_instances(image.id, [values(cup)], labeler="ben")
    with database.write() as db_session:
        for age, one in zip((13, 3, 2), made, strict=False):
            at = now - age * HOUR
            db_session.execute(update(InstanceRow).where(InstanceRow.id == one.id).values(created_at=at))
        gone = update(InstanceRow).where(InstanceRow.id == made[-1].id).values(deleted_at=now)
        db_session.execute(gone)
    found = repository.saves_since(now - 12 * HOUR, lately=now - HOUR)
    ann = found["ann"]
    assert (ann.count, ann.lately, len(ann.last)) == (LAST_SAVES + 2, LAST_SAVES, LAST_SAVES)
    assert now - timedelta(minutes=1) < ann.first_lately == min(ann.last)
    assert found["ben"].count == 1
    assert repository.saves_since(now + HOUR, lately=now + HOUR) == {}


def test_visits_and_statuses_are_told_by_labeler(repository, new_image):
    since = datetime.now(UTC) - HOUR
    first, second = new_image(), new_image()
    repository.session(first.id, "ben")  # looked at, no more
    Labeler(repository, first, "ann").step()
    Labeler(repository, second, "ann").step()
    ann = repository.visits_since(since)["ann"]
    assert (ann.worked, ann.handed_in, ann.last_image_id) == (2, 0, second.id)
    assert repository.visits_since(since)["ben"].worked == 0
    repository.set_assignment_rule(AssignmentRule(mode=AssignmentMode.SEVERAL, labelers=2))
    repository.submit(first.id, labeler="ann")
    assert repository.visits_since(since)["ann"].handed_in == 1, "also while it waits for the second labeler"
    repository.set_image_status(second.id, ImageStatus.DONE, labeler="ann")
    told = repository.statuses_since(since)
    assert ("ann", second.id, ImageStatus.DONE) == told[-1]
    assert repository.statuses_since(datetime.now(UTC) + HOUR) == []


def test_pictures_of_several_are_those_that_two_have_worked_on(repository, new_image, cup):
    alone, both, handed_in, imported = (new_image() for _ in range(4))
    for image in (alone, both, handed_in, imported):
        repository.add_instances(image.id, [values(cup)], labeler="ann")
    repository.add_instances(both.id, [values(cup)], labeler="ben")
    repository.add_instances(imported.id, [values(cup)], labeler="import")
    repository.set_assignment_rule(AssignmentRule(mode=AssignmentMode.SEVERAL, labelers=2))
    repository.submit(handed_in.id, labeler="ben")  # who has found nothing there
    nobodys = frozenset({"import"})
    assert repository.pictures_of_several(nobodys=nobodys, most=9) == [handed_in.id, both.id]
    assert repository.pictures_of_several(nobodys=nobodys, most=1) == [handed_in.id]
