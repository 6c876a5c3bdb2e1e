"""The use-cases, driven as the page drives them."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from annotator.access.person import Role
from annotator.config import Settings
from annotator.errors import AnnotatorError, CategoryInUseError, ConflictError, PromptError
from annotator.exporting import KEPT
from annotator.jobs import JobState
from annotator.labelling import SessionView
from annotator.workspace import Workspace
from exporters.base import ExportOptions
from storage.records import ImageStatus
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.fakes import FakeSegmenter

ME = "local"


def act(workspace: Workspace, image_id: int, kind: str, **values: Any) -> SessionView:
    return workspace.act(image_id, [{"kind": kind, **values}], labeler=ME, wait_s=10)


def test_a_click_is_answered_with_three_candidates_and_the_best_is_chosen(workspace: Workspace, image_id: int) -> None:
    view = act(workspace, image_id, "point", x=100, y=90, label=1)
    assert view.answer is not None
    assert len(view.answer.candidates()) == 3
    assert view.chosen == 0
    assert view.answer.candidates()[0].rle.decode()[90, 100]


def test_a_background_click_is_left_out(workspace: Workspace, image_id: int) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    view = act(workspace, image_id, "point", x=110, y=90, label=0)
    assert view.answer is not None
    mask = view.answer.candidates()[0].rle.decode()
    assert mask[90, 100]
    assert not mask[90, 110]


def test_every_further_click_refines_the_chosen_candidate(workspace: Workspace, image_id: int) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    act(workspace, image_id, "choose", candidate=2)
    view = act(workspace, image_id, "point", x=200, y=90, label=1)
    assert view.answer is not None
    refined = view.answer.candidates()[1].rle.decode()
    assert refined[90, 100 + 30], "the chosen third candidate, whose radius is twice as large, was fed back"


def test_a_saved_mask_is_the_one_that_was_shown(workspace: Workspace, image_id: int, cup: int) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    shown = act(workspace, image_id, "choose", candidate=1)
    assert shown.answer is not None
    view = act(workspace, image_id, "commit", category_id=cup)
    (instance,) = view.instances or ()
    assert instance.rle == shown.answer.candidates()[1].rle
    assert (instance.category_id, instance.origin, instance.model, instance.labeler) == (cup, "click", "fake", ME)
    assert instance.area == shown.answer.candidates()[1].rle.area
    assert view.state.steps == ()
    assert view.answer is None
    assert view.image.status is ImageStatus.IN_PROGRESS


def test_undo_and_redo_go_across_saves_and_deletions(workspace: Workspace, image_id: int, cup: int) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    saved = act(workspace, image_id, "commit", category_id=cup)
    (instance,) = saved.instances or ()
    gone = act(workspace, image_id, "delete_instance", instance_id=instance.id)
    assert gone.instances == ()
    assert gone.undo_name == "delete instance"
    assert act(workspace, image_id, "undo").instances == (workspace.instances(image_id)[0],)
    before_save = act(workspace, image_id, "undo")
    assert before_save.instances == ()
    assert len(before_save.state.points) == 1
    assert before_save.answer is not None
    assert act(workspace, image_id, "undo").state.points == ()
    for _ in range(2):
        view = act(workspace, image_id, "redo")
    (again,) = view.instances or ()
    assert (again.id, again.rle) == (instance.id, instance.rle)
    assert view.redo_name == "delete instance"


def test_the_sessions_row_follows_undo_and_redo(workspace: Workspace, image_id: int) -> None:
    def row() -> tuple[str, int | None]:
        session = workspace.repository.session(image_id, ME)
        return session.status, session.chosen_candidate

    act(workspace, image_id, "point", x=100, y=90, label=1)
    act(workspace, image_id, "choose", candidate=2)
    assert row() == ("open", 2)
    for _ in range(2):
        act(workspace, image_id, "undo")
    assert row() == ("idle", None)
    for _ in range(2):
        act(workspace, image_id, "redo")
    assert row() == ("open", 2)


def test_a_changed_category_is_undone(workspace: Workspace, image_id: int, cup: int) -> None:
    spoon = workspace.repository.add_category("spoon").id
    act(workspace, image_id, "point", x=100, y=90, label=1)
    (instance,) = act(workspace, image_id, "commit", category_id=cup).instances or ()
    view = act(workspace, image_id, "set_category", instance_id=instance.id, category_id=spoon)
    assert view.instances is not None
    assert view.instances[0].category_id == spoon
    view = act(workspace, image_id, "undo")
    assert view.instances is not None
    assert view.instances[0].category_id == cup


def test_an_edit_brings_the_prompts_back_and_replaces_the_mask_under_the_same_id(
    workspace: Workspace, image_id: int, cup: int
) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    act(workspace, image_id, "choose", candidate=1)
    (instance,) = act(workspace, image_id, "commit", category_id=cup).instances or ()
    editing = act(workspace, image_id, "edit_instance", instance_id=instance.id)
    assert editing.chosen == 1
    assert editing.state.points[0].at == (100, 90)
    assert editing.answer is not None
    assert editing.answer.candidates()[1].rle == instance.rle
    act(workspace, image_id, "point", x=200, y=90, label=1)
    (changed,) = act(workspace, image_id, "commit", category_id=cup).instances or ()
    assert changed.id == instance.id
    assert changed.rle.decode()[90, 200]
    for _ in range(2):
        view = act(workspace, image_id, "undo")
    assert view.instances is not None
    assert view.instances[0].rle == instance.rle
    assert view.state.editing == instance.id


def test_everything_is_there_again_after_a_restart(settings: Settings, pictures: list[Path]) -> None:
    with Workspace(settings) as workspace:
        image_id = workspace.import_pictures(pictures).image_ids[1]
        act(workspace, image_id, "point", x=100, y=90, label=1)
        act(workspace, image_id, "choose", candidate=2)
        act(workspace, image_id, "point", x=20, y=20, label=0)
        before = act(workspace, image_id, "undo")
    with Workspace(settings) as workspace:
        after = workspace.look(image_id, labeler=ME, wait_s=10)
        assert (after.state, after.revision, after.redo_name) == (before.state, before.revision, "background point")
        assert after.answer is not None
        assert before.answer is not None
        assert after.chosen == 2
        assert after.answer.candidates() == before.answer.candidates()
        assert workspace.last_image_id(ME) == image_id


def test_the_same_operation_twice_has_one_effect(workspace: Workspace, image_id: int) -> None:
    point = {"kind": "point", "x": 5, "y": 5, "label": 1, "op_id": "a"}
    other = {"kind": "point", "x": 50, "y": 5, "label": 1, "op_id": "b"}
    workspace.act(image_id, [point], labeler=ME, revision=0)
    view = workspace.act(image_id, [point, other], labeler=ME, revision=0)
    assert len(view.state.points) == 2
    assert view.revision == 2


def test_an_action_on_an_older_revision_is_refused(workspace: Workspace, image_id: int) -> None:
    point = {"kind": "point", "x": 5, "y": 5, "label": 1}
    workspace.act(image_id, [point], labeler=ME, revision=0)
    with pytest.raises(ConflictError, match="another window"):
        workspace.act(image_id, [point], labeler=ME, revision=0)
    assert workspace.look(image_id, labeler=ME).revision == 1


def test_two_labelers_never_see_each_others_prompts(workspace: Workspace, image_id: int) -> None:
    act(workspace, image_id, "point", x=5, y=5, label=1)
    assert workspace.look(image_id, labeler="other").state.steps == ()


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "point", "x": WIDTH, "y": 5, "label": 1},
        {"kind": "point", "x": -1, "y": 5, "label": 1},
        {"kind": "point", "x": float("nan"), "y": 5, "label": 1},
        {"kind": "point", "x": 5, "y": 5, "label": 2},
        {"kind": "point", "x": "5", "y": 5, "label": 1},
        {"kind": "point", "y": 5, "label": 1},
        {"kind": "box", "x0": 5, "y0": 5, "x1": 5.5, "y1": 100},
        {"kind": "choose", "candidate": 0},
        {"kind": "commit", "category_id": None},
        {"kind": "move_point", "index": 0, "x": 1, "y": 1},
        {"kind": "jump"},
        {},
    ],
)
def test_an_action_that_makes_no_sense_is_refused_and_nothing_is_written(
    workspace: Workspace, image_id: int, action: dict
) -> None:
    with pytest.raises(PromptError):
        workspace.act(image_id, [action], labeler=ME)
    assert workspace.look(image_id, labeler=ME).revision == 0


def test_a_box_that_leaves_the_picture_is_cut_to_it(workspace: Workspace, image_id: int) -> None:
    view = act(workspace, image_id, "box", x0=300, y0=-50, x1=900, y1=100)
    assert view.state.box is not None
    assert view.state.box.at == (300, 0, WIDTH, 100)
    assert view.answer is not None
    assert view.answer.candidates()[0].rle.size_hw == (HEIGHT, WIDTH)


def test_a_category_in_use_is_not_deleted_without_another_for_its_instances(
    workspace: Workspace, image_id: int, cup: int
) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    act(workspace, image_id, "commit", category_id=cup)
    with pytest.raises(CategoryInUseError) as caught:
        workspace.delete_category(cup)
    assert caught.value.instances == 1
    spoon = workspace.repository.add_category("spoon").id
    assert workspace.delete_category(cup, merge_into=spoon, labeler=ME) == 1
    assert workspace.instances(image_id)[0].category_id == spoon


def test_the_next_picture_is_encoded_while_one_is_open(
    workspace: Workspace, image_id: int, fake_segmenter: FakeSegmenter
) -> None:
    workspace.open_image(image_id, labeler=ME)
    images = workspace.images()
    workspace.engine.encode(images[1], urgent=False).wait(10)
    assert fake_segmenter.embeds == 2


def test_a_status_that_is_none_is_refused(workspace: Workspace, image_id: int) -> None:
    with pytest.raises(AnnotatorError, match="in_progress"):
        workspace.set_status(image_id, "finished")
    assert workspace.set_status(image_id, "done").status is ImageStatus.DONE


def test_an_export_job_leaves_a_zip_that_can_be_fetched(workspace: Workspace, image_id: int, cup: int) -> None:
    act(workspace, image_id, "point", x=100, y=90, label=1)
    act(workspace, image_id, "commit", category_id=cup)
    job = workspace.exports.start("coco", ExportOptions()).wait(30)
    path = workspace.exports.path(job.result["token"], job.result["filename"])
    assert path is not None
    assert path.stat().st_size > 0
    assert workspace.exports.path("..", "annotator.db") is None
    json.dumps(job.to_json())


def test_the_newest_exports_of_each_person_stay(workspace: Workspace, image_id: int, cup: int) -> None:
    def export(owner: str) -> Path:
        result = workspace.exports.start("csv", ExportOptions(), owner=owner).wait(30).result
        path = workspace.exports.path(result["token"], result["filename"])
        assert path is not None
        return path

    anns = export("ann")
    bens = [export("ben") for _ in range(KEPT + 1)]
    assert anns.exists()
    assert [path.exists() for path in bens] == [False] + [True] * KEPT


def test_an_export_job_that_is_cancelled_leaves_nothing(workspace: Workspace, image_id: int) -> None:
    began, go_on = threading.Event(), threading.Event()
    read = workspace.repository.instances

    def wait_and_read(image_id: int) -> list:
        began.set()
        assert go_on.wait(10)
        return read(image_id)

    workspace.repository.instances = wait_and_read  # type: ignore[method-assign]
    job = workspace.exports.start("coco", ExportOptions())
    assert began.wait(10)
    job.cancel()
    go_on.set()
    assert job.wait(10).state is JobState.CANCELLED
    assert job.message == "Stopped."
    assert list(workspace.settings.folder("exports").iterdir()) == []


clicks = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(0, 1))
deeds = st.one_of(
    clicks.map(lambda c: {"kind": "point", "x": c[0], "y": c[1], "label": c[2]}),
    st.integers(0, 2).map(lambda c: {"kind": "choose", "candidate": c}),
    st.just({"kind": "clear"}),
    st.just({"kind": "commit"}),
    st.just({"kind": "delete"}),
)


@given(st.lists(deeds, min_size=1, max_size=12))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_all_then_redo_all_is_the_identity(workspace: Workspace, pictures: list[Path], sequence: list) -> None:
    image_id = (workspace.import_pictures(pictures[:1]), workspace.images()[0].id)[1]
    category = (workspace.categories() or [workspace.repository.add_category("cup")])[0]
    labeler = f"labeler {np.random.default_rng().integers(1 << 40)}"  # an empty history each time
    taken = 0
    for deed in sequence:
        action = dict(deed)
        if action["kind"] == "commit":
            action["category_id"] = category.id
        if action["kind"] == "delete":
            instances = workspace.instances(image_id)
            if not instances:
                continue
            action = {"kind": "delete_instance", "instance_id": instances[-1].id}
        try:
            workspace.act(image_id, [action], labeler=labeler, wait_s=10, role=Role.INSTRUCTOR)
            taken += 1
        except PromptError:
            continue  # a choice or a save without a prompt: refused, and no step
    end = workspace.look(image_id, labeler=labeler, wait_s=10)
    for _ in range(taken):
        workspace.act(image_id, [{"kind": "undo"}], labeler=labeler, wait_s=10, role=Role.INSTRUCTOR)
    start = workspace.look(image_id, labeler=labeler)
    assert start.state.steps == ()
    assert start.undo_name is None
    for _ in range(taken):
        workspace.act(image_id, [{"kind": "redo"}], labeler=labeler, wait_s=10, role=Role.INSTRUCTOR)
    again = workspace.look(image_id, labeler=labeler, wait_s=10)
    assert (again.state, again.chosen) == (end.state, end.chosen)
    assert [(i.id, i.rle, i.category_id) for i in again.instances or ()] == [
        (i.id, i.rle, i.category_id) for i in end.instances or ()
    ]
