"""The page's calls: every message gets an answer, and never a traceback."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.access.person import LOCAL
from annotator.ui.calls import CALL_NAMES, Calls
from annotator.ui.problems import BUG_TEXT
from annotator.workspace import Workspace

POINT = {"kind": "point", "x": 5, "y": 5, "label": 1}


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    return Calls(workspace)


def ask(calls: Calls, name: str, /, **args: Any) -> dict[str, Any]:
    return calls.handle({"name": name, "args": args}, person=LOCAL)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "bootstrap",
        {},
        {"name": 3},
        {"name": "bootstrap", "args": []},
        {"name": "handle"},
        {"name": "__init__"},
    ],
)
def test_what_is_no_call_is_refused(calls: Calls, message: Any) -> None:
    answer = calls.handle(message, person=LOCAL)
    assert answer["error"]["kind"] == "request"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("open_image", {}),
        ("open_image", {"image_id": "one"}),
        ("open_image", {"image_id": 1, "speed": 3}),
        ("act", {"image_id": 1, "revision": 0, "actions": "all"}),
        ("export", {"format": "coco", "polygon_tolerance": "much"}),
        ("propose", {"image_ids": "all"}),
        ("list_proposals", {}),
        ("like_proposals", {"image_id": 1, "instance_id": "one"}),
    ],
)
def test_arguments_that_do_not_fit_are_named(calls: Calls, name: str, args: dict) -> None:
    error = ask(calls, name, **args)["error"]
    assert error["kind"] == "request"
    assert name in error["message"]


def test_a_conflict_brings_the_newest_state_along(calls: Calls, image_id: int) -> None:
    ask(calls, "act", image_id=image_id, revision=0, actions=[POINT])
    error = ask(calls, "act", image_id=image_id, revision=0, actions=[POINT])["error"]
    assert error["kind"] == "conflict"
    assert (error["state"]["revision"], len(error["state"]["points"])) == (1, 1)


@pytest.mark.parametrize(("number", "kind"), [(-1, "not_found"), (10**6, "not_found"), (2**70, "storage")])
def test_an_id_that_names_nothing_is_said(calls: Calls, number: int, kind: str) -> None:
    for name in ("open_image", "remove_image"):
        assert ask(calls, name, image_id=number)["error"]["kind"] == kind, name
    assert ask(calls, "delete_category", category_id=number)["error"]["kind"] == kind


def test_an_action_on_something_that_is_not_there_is_said(calls: Calls, image_id: int) -> None:
    for action in (
        {"kind": "delete_instance", "instance_id": 99},
        {"kind": "commit", "category_id": 99},
        {"kind": "edit_instance", "instance_id": 99},
    ):
        answer = ask(calls, "act", image_id=image_id, revision=0, actions=[action])
        assert answer["error"]["kind"] == "not_found", answer


def test_a_picture_that_is_gone_is_said(calls: Calls, image_id: int) -> None:
    left = ask(calls, "remove_image", image_id=image_id)["result"]
    assert image_id not in [image["id"] for image in left]
    assert ask(calls, "open_image", image_id=image_id)["error"]["kind"] == "not_found"


def test_a_lost_picture_file_is_said_and_the_click_is_kept(calls: Calls, workspace: Workspace, image_id: int) -> None:
    workspace.pictures.path(workspace.image(image_id).stored_name).unlink()
    state = ask(calls, "act", image_id=image_id, revision=0, actions=[POINT])["result"]
    assert state["revision"] == 1
    assert state["candidates"] is None
    assert "Import the same picture again" in state["problem"]


def test_a_category_in_use_says_how_many_instances_it_has(calls: Calls, image_id: int) -> None:
    (cup,) = ask(calls, "add_category", name="cup")["result"]
    workspace_actions = [POINT, {"kind": "commit", "category_id": cup["id"]}]
    ask(calls, "act", image_id=image_id, revision=0, actions=workspace_actions)
    error = ask(calls, "delete_category", category_id=cup["id"])["error"]
    assert (error["kind"], error["instances"]) == ("in_use", 1)


def test_a_key_is_kept_unless_it_is_taken_away(calls: Calls) -> None:
    (cup,) = ask(calls, "add_category", name="cup")["result"]
    (renamed,) = ask(calls, "update_category", category_id=cup["id"], name="mug")["result"]
    assert (renamed["name"], renamed["key"]) == ("mug", cup["key"])
    (keyless,) = ask(calls, "update_category", category_id=cup["id"], key=None)["result"]
    assert keyless["key"] is None


def test_the_page_reads_proposals_names_them_and_sees_how_many_wait(
    calls: Calls, workspace: Workspace, image_id: int
) -> None:
    settings = ask(calls, "proposal_settings")["result"]["settings"] | {
        "points_per_side": 2,
        "pred_iou_thresh": 0.85,
        "stability_score_thresh": 0.5,
    }
    empty = ask(calls, "list_proposals", image_id=image_id)["result"]
    assert (empty["run"], empty["proposals"], empty["duplicate_iou"]) == (None, [], 0.8)
    job = ask(calls, "propose", image_ids=[image_id], settings=settings)["result"]
    assert (job["kind"], job["image_ids"]) == ("propose", [image_id])
    assert workspace.jobs.get(job["id"]).wait(30).result["proposals"] == 4
    ended = ask(calls, "job", job_id=job["id"])["result"]
    assert (ended["message"], ended["seconds_left"]) == ("1 of 1 picture, 4 proposals", None)
    (listed, *_) = ask(calls, "list_images")["result"]
    assert listed["proposals"] == 4

    answer = ask(calls, "list_proposals", image_id=image_id)["result"]
    assert answer["run"] == {"state": "done", "settings": settings, "model": "fake", "message": ""}
    assert answer["floor"] == {"pred_iou_thresh": 0.7, "stability_score_thresh": 0.4, "box_nms_thresh": 0.7}
    scores = [one["predicted_iou"] for one in answer["proposals"]]
    assert scores == sorted(scores, reverse=True)
    first = answer["proposals"][0]
    assert first["rle"]["size"] == [listed["height"], listed["width"]]
    assert (first["rejected"], first["overlap"], first["overlap_id"]) == (False, 0, None)

    (cup,) = ask(calls, "add_category", name="cup")["result"]
    action = {"kind": "accept_proposals", "proposal_ids": [first["id"]], "category_id": cup["id"]}
    state = ask(calls, "act", image_id=image_id, revision=0, actions=[action])["result"]
    assert (state["image"]["proposals"], state["image"]["instances"]) == (3, 1)
    again = ask(calls, "list_proposals", image_id=image_id)["result"]["proposals"][0]
    assert (again["overlap"], again["overlap_id"]) == (1, state["instances"][0]["id"])
    alike = ask(calls, "like_proposals", image_id=image_id, instance_id=state["instances"][0]["id"])["result"]
    assert alike["likeness"][str(first["id"])] == pytest.approx(1, abs=1e-3)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
ARGUMENTS = ["image_id", "revision", "actions", "status", "name", "category_id", "job_id", "paths", "format"]
ARGUMENTS += ["proposal_id", "instance_id"]
# These work for longer than a test may.
READING = sorted(CALL_NAMES - {"import_samples", "switch_segmenter", "propose"})


@given(
    name=st.sampled_from(READING),
    args=st.dictionaries(
        st.sampled_from(ARGUMENTS),
        anything,
        max_size=4,
    ),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_message_is_answered_with_a_mistake_of_the_program(calls: Calls, name: str, args: dict) -> None:
    answer = calls.handle({"name": name, "args": args}, person=LOCAL)
    json.dumps(answer)
    assert answer["ok"] or answer["error"]["message"] != BUG_TEXT, answer
