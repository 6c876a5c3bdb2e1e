"""What an instructor sees and decides of a class, without a page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from annotator.access.person import Role
from annotator.classroom.announcing import MOST_LETTERS
from annotator.classroom.modelqueue import model_queue
from annotator.classroom.presence import Presence
from annotator.errors import AnnotatorError, NotAllowedError
from annotator.jobs import Job
from annotator.workspace import Workspace
from storage.records import ImageStatus
from storage.rle import Rle
from storage.schema import InstanceRow
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.fakes import FakeSegmenter

BOSS = {"labeler": "boss", "role": Role.INSTRUCTOR}
POINT = {"kind": "point", "x": 5, "y": 5, "label": 1}


def square(category_id: int, x: int, side: int = 20) -> dict:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[10 : 10 + side, x : x + side] = True
    return {"category_id": category_id, "rle": Rle.encode(pixels).to_coco(), "origin": "click"}


def save_at(workspace: Workspace, image_id: int, category_id: int, ages_s: list[float], labeler: str) -> None:
    """Instances that were made so many seconds ago."""
    now = datetime.now(UTC)
    made = workspace.repository.add_instances(image_id, [square(category_id, 0)] * len(ages_s), labeler=labeler)
    with workspace.database.write() as db_session:
        for one, age in zip(made, ages_s, strict=True):
            at = now - timedelta(seconds=age)
            db_session.execute(update(InstanceRow).where(InstanceRow.id == one.id).values(created_at=at))


# progress


def test_progress_tells_how_far_and_how_fast_each_is(workspace: Workspace, image_id: int, cup: int) -> None:
    # a pause of 20 minutes, then one each 10 s, three of them at once
    save_at(workspace, image_id, cup, [1240, 40, 30, 20, 10.1, 10, 9.9], "ann")
    save_at(workspace, image_id, cup, [5 * 3600], "ben")
    save_at(workspace, image_id, cup, [5], "import")
    workspace.act(image_id, [POINT], labeler="ann")
    workspace.set_status(image_id, "done", labeler="ann")
    workspace.open_image(image_id, labeler="cat")  # who only looks
    found = workspace.classroom.progress(["dan"])
    ann, ben, dan = found.labelers
    assert [one.name for one in found.labelers] == ["ann", "ben", "dan"]
    assert (ann.begun, ann.done, ann.submitted, ann.instances, ann.image_id) == (1, 1, 0, 7, image_id)
    assert ann.per_hour == pytest.approx(7 / (1240 / 3600), rel=0.02)
    assert ann.median_s == pytest.approx(3.3, abs=0.1), "what is saved at once shares its time"
    assert (ben.instances, ben.per_hour, ben.median_s) == (1, None, None)
    assert (dan.begun, dan.last_seen, dan.image_id) == (0, None, None)
    assert found.statuses[ImageStatus.DONE] == 1


def test_who_has_just_begun_is_not_told_to_make_hundreds_an_hour(workspace: Workspace, image_id: int, cup: int) -> None:
    save_at(workspace, image_id, cup, [6, 3], "ann")
    (ann,) = workspace.classroom.progress().labelers
    assert ann.per_hour == pytest.approx(24, rel=0.01)  # two in five minutes


def test_a_status_taken_back_counts_no_more(workspace: Workspace, image_id: int) -> None:
    workspace.set_status(image_id, "done", labeler="ann")
    workspace.set_status(image_id, "in_progress", labeler="ann")
    workspace.review.submit(image_id, labeler="ann")
    (ann,) = workspace.classroom.progress().labelers
    assert (ann.done, ann.submitted) == (0, 1)


def test_presence_knows_the_last_picture_and_forgets_the_oldest() -> None:
    moments = iter(datetime(2026, 1, 1, second=n, tzinfo=UTC) for n in range(9))
    there = Presence(now=lambda: next(moments), most=2)
    there.see("ann", image_id=7)
    there.see("ben")
    there.see("ann")
    there.see("cat")
    assert {name: one.image_id for name, one in there.seen().items()} == {"ann": 7, "cat": None}
    assert there.seen()["ann"].at.second == 2


# the model's queue


def test_the_queue_tells_what_is_encoded_what_waits_and_whose_jobs_run(
    workspace: Workspace, pictures: list[Path], fake_segmenter: FakeSegmenter
) -> None:
    fake_segmenter.embed_delay_s = 0.5
    ids = workspace.import_pictures(pictures).image_ids
    workspace.engine.encode(workspace.image(ids[0]), urgent=True, asker="ann")
    while not any(one.running for one in workspace.classroom.queue().encodings):
        pass
    workspace.engine.encode(workspace.image(ids[1]), urgent=False)
    workspace.engine.encode(workspace.image(ids[2]), urgent=True, asker="ben")

    def work(job: Job) -> None:
        job.count(1, 4)
        while not job.cancelled():
            pass

    job = workspace.jobs.start("propose", work, owner="boss")
    queue = workspace.classroom.queue()
    assert [(one.name, one.running, one.askers) for one in queue.encodings] == [
        ("one.png", True, ("ann",)),
        ("three.png", False, ("ben",)),
        ("two.png", False, ()),
    ]
    assert (queue.encodings_total, queue.model, queue.answering) == (3, "fake", 0)
    assert [(one.id, one.owner) for one in queue.jobs] == [(job.id, "boss")]
    first = model_queue(workspace.engine, workspace.jobs, workspace.repository, most=1)
    assert (len(first.encodings), first.encodings_total) == (1, 3)
    job.cancel()
    job.wait()
    assert workspace.classroom.queue().jobs == ()


# locks and announcements


def test_locked_categories_are_the_instructors_alone(workspace: Workspace, cup: int) -> None:
    locks = workspace.classroom.locks
    with pytest.raises(NotAllowedError, match="Only an instructor can lock"):
        locks.lock_categories(True, labeler="ann")
    locks.lock_categories(True, **BOSS)
    assert locks.categories
    with pytest.raises(NotAllowedError, match="locked by boss: use those"):
        workspace.add_category("spoon", labeler="ann")
    with pytest.raises(NotAllowedError, match="locked"):
        workspace.delete_category(cup, labeler="ann")
    workspace.add_category("spoon", **BOSS)
    locks.lock_categories(False, **BOSS)
    workspace.add_category("fork", labeler="ann")
    assert [one.name for one in workspace.categories()] == ["cup", "spoon", "fork"]


def test_an_announcement_is_plain_text_of_the_instructor(workspace: Workspace) -> None:
    announcing = workspace.classroom.announcing
    for refused in (lambda: announcing.announce("hi", labeler="ann"), announcing.withdraw):
        with pytest.raises(NotAllowedError):
            refused()
    assert announcing.announce(" <b>hi</b>\x00\u202e\nall ", **BOSS).text == "<b>hi</b>\nall"
    for text, reason in (("  \u200b", "type some words"), ("a" * (MOST_LETTERS + 1), "at most 500")):
        with pytest.raises(AnnotatorError, match=reason):
            announcing.announce(text, **BOSS)
    announcing.withdraw(role=Role.INSTRUCTOR)
    assert announcing.current() is None


# two labelers' masks


def test_two_labelers_are_compared_picture_by_picture(workspace: Workspace, pictures: list[Path], cup: int) -> None:
    alike, unlike, alone = workspace.import_pictures(pictures).image_ids
    add = workspace.repository.add_instances
    for image_id in (alike, unlike, alone):
        add(image_id, [square(cup, 0)], labeler="ann")
    add(alike, [square(cup, 2)], labeler="ben")
    add(unlike, [square(cup, 100)], labeler="ben")
    comparison = workspace.classroom.comparison
    assert comparison.agreement().pictures == 2
    found = comparison.pictures("ben", "ann")
    assert [(one.image.id, one.tally.f1) for one in found] == [(unlike, 0.0), (alike, 1.0)]
    overlay = comparison.overlay(alike, "ben", "ann")
    assert [one.labeler for one in (*overlay.mine, *overlay.theirs)] == ["ben", "ann"]
    assert len(overlay.matched[0].pairs) == 1
    assert comparison.pictures("ann", "cat") == []
