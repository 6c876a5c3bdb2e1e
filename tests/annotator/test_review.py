"""Who may do what in the review, and who may label which picture."""

from pathlib import Path
from typing import Any

import pytest

from annotator.access.person import Role
from annotator.errors import AnnotatorError, NotAllowedError
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from exporters.base import ExportOptions
from storage.errors import PictureTaken
from storage.records import AssignmentMode, AssignmentRule, ImageStatus

ANN, BEN, GREEN = "ann", "ben", "ms green"
INSTRUCTOR = Role.INSTRUCTOR


@pytest.fixture
def image_ids(workspace: Workspace, pictures: list[Path]) -> list[int]:
    return workspace.import_pictures(pictures).image_ids


def click(workspace: Workspace, image_id: int, who: str, **more: Any) -> None:
    action = {"kind": "point", "x": 100, "y": 90, "label": 1}
    workspace.labelling.record(workspace.image(image_id), [action], labeler=who, **more)


def test_a_picture_goes_from_the_labeler_to_the_instructor_and_back(workspace: Workspace, image_ids: list[int]) -> None:
    review, image_id = workspace.review, image_ids[0]
    review.submit(image_id, labeler=ANN)
    for deed in (
        lambda: review.accept(image_id, labeler=ANN),
        lambda: review.return_image(image_id, "no", labeler=ANN),
        lambda: review.set_rule(AssignmentRule()),
        lambda: review.release(image_id, BEN),
    ):
        with pytest.raises(NotAllowedError, match="Only an instructor can"):
            deed()
    with pytest.raises(AnnotatorError, match="Say in a comment"):
        review.return_image(image_id, " \u200b\x07 ", labeler=GREEN, role=INSTRUCTOR)
    with pytest.raises(AnnotatorError, match="at most 2,000 characters"):
        review.return_image(image_id, "x" * 2001, labeler=GREEN, role=INSTRUCTOR)
    returned = review.return_image(image_id, "the rim is\nmissing\x07", labeler=GREEN, role=INSTRUCTOR)
    assert returned.review_comment == "the rim is\nmissing"
    (shown,) = [one for one in Calls(workspace).list_images(labeler=ANN) if one["id"] == image_id]
    assert (shown["status"], shown["review_comment"]) == ("returned", "the rim is\nmissing")
    review.submit(image_id, labeler=ANN)
    assert review.accept(image_id, labeler=GREEN, role=INSTRUCTOR).status is ImageStatus.ACCEPTED


def test_an_accepted_picture_is_changed_by_an_instructor_alone(workspace: Workspace, image_ids: list[int]) -> None:
    image_id, cup = image_ids[0], workspace.repository.add_category("cup").id
    save = {"kind": "commit", "category_id": cup}
    click(workspace, image_id, ANN)
    workspace.review.submit(image_id, labeler=ANN)
    workspace.review.accept(image_id, labeler=GREEN, role=INSTRUCTOR)
    with pytest.raises(NotAllowedError, match=r"Only an instructor can change one\.png, which is accepted"):
        workspace.act(image_id, [save], labeler=ANN)
    with pytest.raises(NotAllowedError, match="change the status of an accepted picture"):
        workspace.set_status(image_id, "in_progress", labeler=ANN)
    assert workspace.instances(image_id) == []
    workspace.set_status(image_id, "in_progress", labeler=GREEN, role=INSTRUCTOR)
    workspace.act(image_id, [save], labeler=ANN)
    assert len(workspace.instances(image_id)) == 1


def test_what_the_review_decides_is_not_set_by_hand(workspace: Workspace, image_ids: list[int]) -> None:
    for status in ("accepted", "returned", "submitted", "perfect"):
        with pytest.raises(AnnotatorError, match=r"new, in_progress, done"):
            workspace.set_status(image_ids[0], status, labeler=GREEN, role=INSTRUCTOR)


def test_only_what_is_done_or_accepted_is_exported_as_finished(workspace: Workspace, image_ids: list[int]) -> None:
    done, submitted, accepted = image_ids
    workspace.set_status(done, "done")
    for image_id in (submitted, accepted):
        workspace.review.submit(image_id, labeler=ANN)
    workspace.review.accept(accepted, labeler=GREEN, role=INSTRUCTOR)
    options = ExportOptions(only_done=True)
    assert workspace.exports.found(options).images == 2
    report = workspace.exports.write("coco", workspace.settings.data / "out", options)
    assert report.not_chosen == {"pictures not marked done": 1}


def test_where_pictures_are_given_out_others_cannot_work_on_them(workspace: Workspace, image_ids: list[int]) -> None:
    workspace.review.set_rule(AssignmentRule(mode=AssignmentMode.SINGLE), role=INSTRUCTOR)
    first = workspace.review.next_image(labeler=ANN)
    assert first is not None and first.id == image_ids[0]
    with pytest.raises(PictureTaken, match=r"one\.png is ann's\. Go on to the next picture"):
        click(workspace, first.id, BEN)
    with pytest.raises(PictureTaken):
        workspace.set_status(first.id, "done", labeler=BEN)
    click(workspace, first.id, GREEN, role=INSTRUCTOR)
    click(workspace, image_ids[1], BEN)
    assert [one.labeler for one in workspace.review.assignments(image_ids[1])] == [BEN]
    with pytest.raises(AnnotatorError, match="give 1 or more"):
        workspace.review.set_rule(AssignmentRule(mode=AssignmentMode.SEVERAL, labelers=0), role=INSTRUCTOR)
