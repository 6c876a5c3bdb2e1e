"""Masks proposed for whole pictures, sifted, named and rejected, driven as the page drives them."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.config import Settings
from annotator.errors import AnnotatorError, PromptError, SettingsError
from annotator.jobs import Job, JobState
from annotator.labelling import SessionView
from annotator.workspace import Workspace
from storage.errors import RecordNotFound
from storage.records import ImageStatus, Origin, RunState
from tests.fakes import FakeSegmenter

ME = "local"
# The fake one's first candidate has a predicted IoU of 0.9 and is a disc around the point: one proposal a grid point.
COARSE = {"points_per_side": 3, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.5}


@pytest.fixture
def image_ids(workspace: Workspace, pictures: list[Path]) -> list[int]:
    return list(workspace.import_pictures(pictures).image_ids)


def act(workspace: Workspace, image_id: int, kind: str, **values: Any) -> SessionView:
    return workspace.act(image_id, [{"kind": kind, **values}], labeler=ME, wait_s=10)


def propose(workspace: Workspace, *image_ids: int, again: bool = False, **settings: Any) -> Job:
    job = workspace.start_propose(image_ids or None, COARSE | settings, again=again).wait(30)
    assert job.state is JobState.DONE, job.message
    return job


def shown(workspace: Workspace, image_id: int) -> list[int]:
    return [offer.proposal.id for offer in workspace.proposing.shown(image_id)]


def test_a_job_proposes_masks_on_every_picture_and_says_how_many(workspace: Workspace, image_ids: list[int]) -> None:
    job = propose(workspace)
    assert job.message == "3 of 3 pictures, 27 proposals"
    assert (job.done, job.total) == (27, 27)
    assert job.result == {"total": 3, "done_before": 0, "pictures": 3, "proposals": 27, "failed": 0}
    assert workspace.repository.proposal_counts() == dict.fromkeys(image_ids, 9)
    for image_id in image_ids:
        assert len(shown(workspace, image_id)) == 9


def test_what_is_done_is_left_out_until_the_settings_change_or_it_is_asked_again(
    workspace: Workspace, image_ids: list[int], fake_segmenter: FakeSegmenter
) -> None:
    propose(workspace, image_ids[0])
    assert propose(workspace).result["done_before"] == 1
    asked = fake_segmenter.predicts
    assert propose(workspace).message == "Nothing to do: 3 pictures done before with the same settings."
    assert fake_segmenter.predicts == asked
    assert propose(workspace, again=True).result["pictures"] == 3
    assert propose(workspace, points_per_side=2).message == "3 of 3 pictures, 12 proposals"


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_goes_on(
    workspace: Workspace, image_ids: list[int]
) -> None:
    lost = workspace.image(image_ids[1])
    workspace.pictures.path(lost.stored_name).unlink()
    job = propose(workspace)
    assert job.message == "2 of 3 pictures, 18 proposals, 1 failed"
    (line,) = job.lines
    assert line.startswith(f"{lost.original_name}: ")
    assert "Import the same picture again" in workspace.proposals(lost.id).runs[RunState.DONE].message
    assert propose(workspace, image_ids[0], lost.id, image_ids[2], again=True).result["failed"] == 1
    alone = workspace.start_propose([lost.id], COARSE).wait(30)
    assert (alone.state, alone.message) == (JobState.FAILED, line), "a failure is tried again, and told as the job's"


def test_a_mistake_of_the_program_on_one_picture_leaves_the_others(
    workspace: Workspace, image_ids: list[int], fake_segmenter: FakeSegmenter, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeSegmenter):
        def predict_points(self, *args: Any, **kwargs: Any) -> Any:
            if self.embeds == 2:
                raise KeyError("secret detail")
            return super().predict_points(*args, **kwargs)

    workspace.engine._segmenter = Broken()
    job = propose(workspace)
    assert job.result["failed"] == 1
    assert "secret detail" not in job.lines[0]
    assert "secret detail" in caplog.text


def test_a_picture_removed_meanwhile_is_no_failure(workspace: Workspace, image_ids: list[int]) -> None:
    with workspace.proposing._turns.take():
        job = workspace.start_propose(None, COARSE)
        workspace.remove_image(image_ids[0])
    assert job.wait(30).message == "2 of 2 pictures, 18 proposals; 1 picture done before"
    assert job.state is JobState.DONE


@pytest.mark.parametrize(
    ("given", "text"),
    [({"points_per_side": 0}, "points_per_side"), ({"speed": 3}, "speed"), ({"pred_iou_thresh": "high"}, "high")],
)
def test_settings_that_make_no_sense_start_nothing(
    workspace: Workspace, image_ids: list[int], given: dict, text: str
) -> None:
    with pytest.raises(SettingsError, match=text):
        workspace.start_propose(None, given)
    assert workspace.proposing.running() == []
    assert workspace.repository.all_proposal_runs(RunState.WAITING) == []


def test_a_job_without_pictures_or_with_one_that_is_gone_is_said(workspace: Workspace) -> None:
    with pytest.raises(AnnotatorError, match="import some first"):
        workspace.start_propose()
    with pytest.raises(RecordNotFound, match="99"):
        workspace.start_propose([99])


# cancel, restart, and several jobs


def slow(workspace: Workspace, delay_s: float = 0.02) -> FakeSegmenter:
    """The fake one, with time to do something while it works."""
    segmenter = FakeSegmenter(predict_delay_s=delay_s)
    workspace.engine._segmenter = segmenter
    return segmenter


def until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        threading.Event().wait(0.01)
    pytest.fail("waited in vain")


def test_a_cancelled_job_leaves_what_is_done_and_no_picture_waiting(workspace: Workspace, image_ids: list[int]) -> None:
    slow(workspace)
    job = workspace.start_propose(None, COARSE)
    until(lambda: "1 of 3" in job.message)
    job.cancel()
    assert job.wait(30).state is JobState.CANCELLED
    assert job.message == "Stopped: 1 of 3 pictures, 9 proposals."
    assert workspace.repository.proposal_counts() == {image_ids[0]: 9}
    assert workspace.repository.all_proposal_runs(RunState.WAITING) == []


def test_a_restart_goes_on_with_the_pictures_that_are_left(settings: Settings, pictures: list[Path]) -> None:
    with Workspace(settings) as workspace:
        image_ids = list(workspace.import_pictures(pictures).image_ids)
        slow(workspace)
        job = workspace.start_propose(None, COARSE)
        until(lambda: "1 of 3" in job.message)
    assert job.state is JobState.CANCELLED
    with Workspace(settings) as workspace:
        assert workspace.proposing.running() == [], "an export or an import has no use for it"
        assert [one.state.value for one in workspace.proposals(image_ids[2]).runs.values()] == ["waiting"]
        first = workspace.proposals(image_ids[0])
        (job,) = workspace.proposing.resume()
        assert workspace.proposing.running() == [job]
        assert workspace.proposing.resume() == [], "they are taken up once"
        assert job.wait(30).message == "2 of 2 pictures, 18 proposals"
        assert workspace.proposals(image_ids[0]) == first
        assert workspace.repository.all_proposal_runs(RunState.WAITING) == []
        assert workspace.proposing.resume() == []


def test_what_waits_for_another_model_goes_on_when_that_one_is_at_work(
    workspace: Workspace, image_ids: list[int]
) -> None:
    slow(workspace)
    job = workspace.start_propose(None, COARSE)
    until(lambda: "1 of 3" in job.message)
    workspace.engine._segmenter = FakeSegmenter(name="builtin", fingerprint="other-1")
    assert job.wait(30).state is JobState.FAILED
    assert "goes on when fake is chosen again" in job.message
    assert workspace.proposing.resume() == []
    switch = workspace.start_switch("fake").wait(30)
    assert switch.state is JobState.DONE, switch.message
    until(lambda: len(workspace.repository.proposal_counts()) == 3)


def test_a_short_job_does_not_wait_for_a_long_one(workspace: Workspace, image_ids: list[int]) -> None:
    slow(workspace)
    with workspace.proposing._turns.take():
        long = workspace.start_propose(image_ids[:2], COARSE)
        until(lambda: "Waits for its turn" in long.message)
        short = workspace.start_propose(image_ids[2:], COARSE)
        until(lambda: "Waits for its turn" in short.message)
    assert short.wait(30).state is JobState.DONE
    assert long.state is JobState.RUNNING
    assert long.wait(30).result["pictures"] == 2


def test_a_picture_that_two_jobs_ask_for_is_done_once(workspace: Workspace, image_ids: list[int]) -> None:
    segmenter = slow(workspace)
    with workspace.proposing._turns.take():
        jobs = [workspace.start_propose(image_ids[:1], COARSE) for _ in range(2)]
    assert {job.wait(30).state for job in jobs} == {JobState.DONE}
    assert sum(job.result["pictures"] for job in jobs) == 1
    assert segmenter.predicts == 9


def test_a_job_that_waits_for_its_turn_can_be_cancelled(workspace: Workspace, image_ids: list[int]) -> None:
    with workspace.proposing._turns.take():
        job = workspace.start_propose(image_ids, COARSE)
        until(lambda: "Waits for its turn" in job.message)
        job.cancel()
        assert job.wait(30).state is JobState.CANCELLED
    assert propose(workspace).result["pictures"] == 3


# naming and rejecting


@pytest.fixture
def image_id(workspace: Workspace, image_ids: list[int]) -> int:
    """A picture with nine proposals."""
    propose(workspace, image_ids[0])
    return image_ids[0]


def test_named_proposals_are_instances_in_one_step(workspace: Workspace, image_id: int, cup: int) -> None:
    first, second, *rest = workspace.proposing.shown(image_id)
    ids = [first.proposal.id, second.proposal.id]
    view = act(workspace, image_id, "accept_proposals", proposal_ids=ids, category_id=cup)
    assert [one.rle for one in view.instances or ()] == [first.proposal.rle, second.proposal.rle]
    (instance, _) = view.instances or ()
    assert (instance.origin, instance.model, instance.labeler) == (Origin.AUTO, "fake", ME)
    assert instance.predicted_iou == pytest.approx(0.9)
    assert instance.prompt == []
    assert view.undo_name == "naming of 2 proposals"
    assert view.image.status is ImageStatus.IN_PROGRESS
    assert shown(workspace, image_id) == [one.proposal.id for one in rest]
    offer = next(one for one in workspace.proposals(image_id).offers if one.proposal.id == first.proposal.id)
    assert (offer.overlap, offer.instance_id) == (1.0, instance.id)
    assert act(workspace, image_id, "undo").instances == ()
    assert len(shown(workspace, image_id)) == 9
    assert len(act(workspace, image_id, "redo").instances or ()) == 2


def test_the_open_prompt_stays_while_proposals_are_named_and_rejected(
    workspace: Workspace, image_id: int, cup: int
) -> None:
    before = act(workspace, image_id, "point", x=100, y=90, label=1)
    first, second, *_ = shown(workspace, image_id)
    act(workspace, image_id, "accept_proposals", proposal_ids=[first], category_id=cup)
    view = act(workspace, image_id, "reject_proposals", proposal_ids=[second])
    assert view.state == before.state
    assert view.answer is not None
    assert view.undo_name == "rejection of 1 proposal"


def test_rejected_proposals_stay_rejected_when_proposing_again(workspace: Workspace, image_id: int) -> None:
    first, second, *_ = shown(workspace, image_id)
    act(workspace, image_id, "reject_proposals", proposal_ids=[first, second])
    propose(workspace, image_id, again=True)
    assert len(shown(workspace, image_id)) == 7
    assert workspace.repository.proposal_count(image_id) == 7
    act(workspace, image_id, "undo")
    assert {first, second} <= set(shown(workspace, image_id))


def test_what_was_named_is_not_named_twice(workspace: Workspace, image_id: int, cup: int) -> None:
    first, second, *_ = shown(workspace, image_id)
    act(workspace, image_id, "accept_proposals", proposal_ids=[first], category_id=cup)
    view = workspace.act(
        image_id,
        [{"kind": "accept_proposals", "proposal_ids": [first, second, second], "category_id": cup}],
        labeler="other",
    )
    assert len(view.instances or ()) == 2
    with pytest.raises(PromptError, match="instances already"):
        act(workspace, image_id, "accept_proposals", proposal_ids=[first], category_id=cup)


@pytest.mark.parametrize("kind", ["accept_proposals", "reject_proposals"])
@pytest.mark.parametrize(
    ("ids", "error"),
    [
        ([], PromptError),
        (None, PromptError),
        ("all", PromptError),
        ([True], PromptError),
        ([999], RecordNotFound),
        (["first", 999], RecordNotFound),
        (["rejected"], RecordNotFound),
    ],
)
def test_proposals_that_are_not_there_are_said_and_nothing_is_written(
    workspace: Workspace, image_id: int, cup: int, kind: str, ids: Any, error: type[Exception]
) -> None:
    first, second, *_ = shown(workspace, image_id)
    revision = act(workspace, image_id, "reject_proposals", proposal_ids=[second]).revision
    named = [{"first": first, "rejected": second}.get(one, one) for one in ids] if isinstance(ids, list) else ids
    with pytest.raises(error):
        act(workspace, image_id, kind, proposal_ids=named, category_id=cup)
    view = workspace.look(image_id, labeler=ME)
    assert (view.revision, view.instances) == (revision, ())
    assert first in shown(workspace, image_id)


def test_proposals_of_another_picture_are_not_named_here(
    workspace: Workspace, image_id: int, image_ids: list[int], cup: int
) -> None:
    propose(workspace, image_ids[1])
    elsewhere = shown(workspace, image_ids[1])[:1]
    for kind in ("accept_proposals", "reject_proposals"):
        with pytest.raises(RecordNotFound):
            act(workspace, image_id, kind, proposal_ids=elsewhere, category_id=cup)


def test_thresholds_filter_what_was_found_down_to_the_floor(workspace: Workspace, image_id: int) -> None:
    run = workspace.proposals(image_id).runs[RunState.DONE]
    assert run.settings["pred_iou_thresh"] == 0.85
    assert len(workspace.proposing.shown(image_id, {"pred_iou_thresh": 0.95})) == 0
    areas = sorted(offer.proposal.area for offer in workspace.proposing.shown(image_id))
    assert len(workspace.proposing.shown(image_id, {"min_area": areas[-1] + 1})) == 0
    lower = workspace.proposing.shown(image_id, {"pred_iou_thresh": 0.75, "stability_score_thresh": 0.5})
    assert len(lower) >= 9
    for wrong in ({"pred_iou_thresh": 0.1}, {"speed": 1}, {"min_area": "big"}, {"min_area": float("nan")}):
        with pytest.raises(AnnotatorError):
            workspace.proposing.shown(image_id, wrong)


# more like this


def test_a_place_is_most_like_itself(workspace: Workspace, image_id: int, cup: int) -> None:
    ids = shown(workspace, image_id)
    alike = workspace.comparing.likeness(image_id, proposal_id=ids[3])
    assert set(ids) <= set(alike)
    assert all(0 <= value <= 1 for value in alike.values())
    assert max(alike, key=lambda one: alike[one]) == ids[3]
    act(workspace, image_id, "accept_proposals", proposal_ids=[ids[5]], category_id=cup)
    (instance,) = workspace.instances(image_id)
    assert workspace.comparing.likeness(image_id, instance_id=instance.id)[ids[5]] == pytest.approx(1, abs=1e-3)


def test_what_is_to_be_compared_must_be_there(workspace: Workspace, image_id: int) -> None:
    for wrong in ({"proposal_id": 999}, {"instance_id": 999}, {}, {"proposal_id": 1, "instance_id": 1}):
        with pytest.raises(AnnotatorError):
            workspace.comparing.likeness(image_id, **wrong)
    assert np.isfinite(
        list(workspace.comparing.likeness(image_id, proposal_id=shown(workspace, image_id)[0]).values())
    ).all()
