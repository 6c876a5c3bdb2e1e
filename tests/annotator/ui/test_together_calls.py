"""The calls of people working together: news, both versions of an instance, review, history."""

import json
from typing import Any

import pytest

from annotator.access.person import Person, Role
from annotator.ui.calls import Calls
from annotator.workspace import Workspace

ANN, GREEN = Person("ann", Role.LABELER), Person("ms green", Role.INSTRUCTOR)
POINT = {"kind": "point", "x": 100, "y": 90, "label": 1}


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    return Calls(workspace)


def ask(calls: Calls, who: Person, name: str, /, **args: Any) -> Any:
    answer = json.loads(json.dumps(calls.handle({"name": name, "args": args}, person=who)))
    return answer["result"] if answer["ok"] else answer["error"]


def act(calls: Calls, who: Person, image_id: int, *actions: dict[str, Any]) -> Any:
    state = ask(calls, who, "open_image", image_id=image_id)
    return ask(calls, who, "act", image_id=image_id, revision=state["revision"], actions=list(actions))


def watched(state: dict[str, Any]) -> dict[str, int]:
    return {"image_id": state["image"]["id"], "revision": state["revision"], "change_id": state["change_id"]}


def test_a_page_is_told_what_is_new_and_nothing_twice(calls: Calls, image_id: int, cup: int) -> None:
    seen = ask(calls, ANN, "bootstrap")["seen"]
    state = ask(calls, ANN, "open_image", image_id=image_id)
    first = ask(calls, ANN, "news", seen=seen, picture=watched(state))
    assert first["seen"].keys() == {"assignment", "class"}
    assert first["assignment"] == {"mode": "all", "labelers": 1}
    seen |= first["seen"]
    assert ask(calls, ANN, "news", seen=seen, picture=watched(state)) == {}
    saved = act(calls, GREEN, image_id, POINT, {"kind": "commit", "category_id": cup})
    found = ask(calls, ANN, "news", seen=seen, picture=watched(state))
    assert found.keys() == {"seen", "images", "instances"}
    assert found["instances"]["instances"] == saved["instances"]
    assert found["images"] == [saved["image"]]
    state |= {"change_id": found["instances"]["change_id"]}
    assert ask(calls, ANN, "news", seen=seen | found["seen"], picture=watched(state)) == {}


def test_a_step_that_leaves_the_instances_out_says_nothing_of_how_new_they_are(calls: Calls, image_id: int) -> None:
    state = act(calls, ANN, image_id, POINT)
    assert (state["instances"], state["change_id"]) == (None, None)


def test_news_are_asked_for_in_one_form(calls: Calls) -> None:
    marks = {"changes": 0, "images": 0}
    wrong: list[dict[str, Any]] = [{}, {"seen": {}}, {"seen": marks, "picture": {"image_id": 1}}, {"seen": 3}]
    for args in wrong:
        assert ask(calls, ANN, "news", **args)["kind"] in ("request", "annotator")


def test_a_refused_edit_comes_with_both_versions_and_the_newest_state(
    calls: Calls, workspace: Workspace, image_id: int, cup: int
) -> None:
    pot = workspace.repository.add_category("pot").id
    (instance,) = act(calls, ANN, image_id, POINT, {"kind": "commit", "category_id": cup})["instances"]
    to_pot = {"kind": "set_category", "instance_id": instance["id"], "category_id": pot}
    act(calls, GREEN, image_id, to_pot)
    delete = {"kind": "delete_instance", "instance_id": instance["id"], "op_id": "mine"}
    problem = act(calls, ANN, image_id, {**delete, "seen": {str(instance["id"]): instance["version"]}})
    assert (problem["kind"], problem["op_id"]) == ("clash", "mine")
    (clash,) = problem["clashes"]
    assert (clash["labeler"], clash["kind"], clash["mine"]["deleted"]) == ("ms green", "recategorised", True)
    assert clash["theirs"] == {"deleted": False, "category_id": pot, "rle": instance["rle"]}
    assert [one["version"] for one in problem["state"]["instances"]] == [clash["version"]]
    left = act(calls, ANN, image_id, {**delete, "op_id": "anew", "seen": {str(instance["id"]): clash["version"]}})
    assert left["instances"] == []


def test_a_picture_goes_through_the_review_and_its_comment_is_told(calls: Calls, image_id: int) -> None:
    seen = ask(calls, ANN, "bootstrap")["seen"]
    assert ask(calls, ANN, "submit_image", image_id=image_id)["status"] == "submitted"
    for name, more in (("accept_image", {}), ("return_image", {"comment": "no"})):
        assert ask(calls, ANN, name, image_id=image_id, **more)["kind"] == "not_allowed"
    assert ask(calls, GREEN, "return_image", image_id=image_id, comment=" ")["message"].startswith("Say in a comment")
    ask(calls, GREEN, "return_image", image_id=image_id, comment="the rim")
    (told,) = ask(calls, ANN, "news", seen=seen)["images"]
    assert (told["status"], told["review_comment"]) == ("returned", "the rim")
    assert ask(calls, ANN, "next_image", after=image_id + 1)["id"] != image_id
    ask(calls, ANN, "submit_image", image_id=image_id)
    assert ask(calls, GREEN, "accept_image", image_id=image_id)["status"] == "accepted"


def test_the_history_says_who_did_what_without_the_masks(
    calls: Calls, workspace: Workspace, image_id: int, cup: int
) -> None:
    (instance,) = act(calls, ANN, image_id, POINT, {"kind": "commit", "category_id": cup})["instances"]
    saved, status = ask(calls, ANN, "list_changes", image_id=image_id)
    assert (status["kind"], status["after"]) == ("status", {"status": "in_progress"})
    assert (saved["kind"], saved["labeler"], saved["image_name"]) == ("saved", "ann", "one.png")
    assert saved["instance_ids"] == [instance["id"]]
    assert saved["after"] == {str(instance["id"]): {"deleted": False}}
    assert ask(calls, ANN, "undo_change", change_id=saved["id"])["kind"] == "not_allowed"
    undone = ask(calls, GREEN, "undo_change", change_id=saved["id"])
    assert (undone["kind"], undone["labeler"], undone["undoes"]) == ("deleted", "ms green", saved["id"])
    assert workspace.instances(image_id) == []
    newest = ask(calls, ANN, "list_changes", image_id=image_id, by="ms green")
    assert [one["id"] for one in newest] == [undone["id"]]
    assert [one["id"] for one in ask(calls, ANN, "list_changes", before_id=saved["id"], most=1)] == [status["id"]]
    assert ask(calls, ANN, "list_changes", kind="all")["kind"] == "request"
