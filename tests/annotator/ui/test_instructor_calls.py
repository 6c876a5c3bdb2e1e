"""The calls of the instructor's view, and what every page is told of the class."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.access.codes import AccessCodes
from annotator.access.entrance import Entrance, Visitor
from annotator.access.person import LOCAL, Person, Role
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE

ANN = Person("ann", Role.LABELER)
NAME = "<img src=x onerror=alert(1)>"


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    return Calls(workspace)


def ask(calls: Calls, name: str, person: Person = LOCAL, /, **args: Any) -> Any:
    answer = calls.handle({"name": name, "args": args}, person=person)
    json.dumps(answer, allow_nan=False)
    return answer["result"] if answer["ok"] else answer["error"]


def add(workspace: Workspace, image_id: int, category_id: int, *xs: int, labeler: str) -> None:
    for x in xs:
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        pixels[10:30, x : x + 20] = True
        values = {"category_id": category_id, "rle": Rle.encode(pixels).to_coco(), "origin": "click"}
        workspace.repository.add_instances(image_id, [values], labeler=labeler)


def test_the_view_tells_all_that_changes_by_itself(calls: Calls, workspace: Workspace, image_id: int, cup: int) -> None:
    add(workspace, image_id, cup, 0, 40, labeler=NAME)
    ask(calls, "open_image", ANN, image_id=image_id)
    view = ask(calls, "class_view")
    (one,) = view["labelers"]
    assert (one["name"], one["instances"], one["image"], one["sign_ins"]) == (NAME, 2, None, [])
    assert view["statuses"]["new"] == 3
    assert view["queue"]["model"] == "fake"
    assert view["rule"] == {"mode": "all", "labelers": 1, "lease_s": 1800}
    assert (view["announcement"], view["locks"], view["backups"]) == (None, {"categories": False}, [])
    assert view["asks_for_codes"] is False


def test_who_is_signed_in_is_in_the_view_and_seen_on_their_picture(workspace: Workspace, image_id: int) -> None:
    codes = AccessCodes.of(labeler=CODE, instructor=INSTRUCTOR_CODE)
    entrance = Entrance(codes, workspace.repository)
    calls = Calls(workspace, entrance)
    _, ann = entrance.sign_in("ann", CODE, Visitor(address="127.0.0.1"))
    _, boss = entrance.sign_in("boss", INSTRUCTOR_CODE, Visitor(address="127.0.0.1"))
    ask(calls, "open_image", ann, image_id=image_id)
    for person in (ann, boss):
        ask(calls, "news", person, seen=ask(calls, "bootstrap", person)["seen"])
    (one,) = ask(calls, "class_view", boss)["labelers"]
    assert (one["name"], one["begun"], one["image"]) == ("ann", 0, {"id": image_id, "name": "one.png"})
    assert one["last_seen"] is not None
    ask(calls, "end_sign_in", boss, sign_in_id=one["sign_ins"][0])
    assert ask(calls, "class_view", boss)["labelers"] == []


def test_locks_and_announcements_reach_every_page(calls: Calls) -> None:
    seen = ask(calls, "bootstrap", ANN)["seen"]
    told = ask(calls, "announce", text=NAME)
    assert told["announcement"]["text"] == NAME
    ask(calls, "lock_categories", locked=True)
    news = ask(calls, "news", ANN, seen=seen)
    for answer in (ask(calls, "bootstrap", ANN), news["class"]):
        assert (answer["announcement"]["text"], answer["locks"]) == (NAME, {"categories": True})
    assert "class" not in ask(calls, "news", ANN, seen={**seen, **news["seen"]}), "it is told once"
    refused = ask(calls, "add_category", ANN, name="spoon")
    assert (refused["kind"], "locked" in refused["message"]) == ("not_allowed", True)
    assert ask(calls, "add_category", name="spoon")[-1]["name"] == "spoon"
    assert ask(calls, "withdraw_announcement")["announcement"] is None
    assert ask(calls, "lock_categories", locked=False)["locks"] == {"categories": False}
    assert ask(calls, "announce", text=" ")["message"].startswith("There is nothing to announce")


def test_pictures_are_given_out_as_the_instructor_says(calls: Calls, workspace: Workspace) -> None:
    assert ask(calls, "set_assignment_rule", mode="several", labelers=3, lease_s=60)["labelers"] == 3
    assert workspace.review.rule().lease_s == 60
    assert "1 or more" in ask(calls, "set_assignment_rule", mode="several", labelers=0)["message"]
    assert ask(calls, "set_assignment_rule", mode="nobody")["kind"] == "request"


def test_a_backup_is_made_and_listed_with_its_address(calls: Calls, workspace: Workspace, image_id: int) -> None:
    job = ask(calls, "back_up")
    workspace.jobs.get(job["id"]).wait(30)
    ended = ask(calls, "job", job_id=job["id"])
    assert ended["result"]["pictures"] == 3
    (listed,) = ask(calls, "class_view")["backups"]
    assert (listed["url"], listed["bytes"]) == (ended["result"]["url"], ended["result"]["bytes"])


def test_agreement_leads_from_a_pair_to_the_masks(
    calls: Calls, workspace: Workspace, pictures: list[Path], cup: int
) -> None:
    alike, unlike, _ = workspace.import_pictures(pictures).image_ids
    for image_id in (alike, unlike):
        add(workspace, image_id, cup, 0, labeler=NAME)
    add(workspace, alike, cup, 1, labeler="ben")
    add(workspace, unlike, cup, 100, labeler="ben")
    found = ask(calls, "class_agreement")
    assert (found["pictures"], found["overall"]["f1"]) == (2, 0.5)
    (pair,) = found["pairs"]
    assert {pair["labeler"], pair["other"]} == {NAME, "ben"}
    assert [one["name"] for one in found["categories"]] == ["cup"]
    listed = ask(calls, "class_pair", of_labeler=NAME, other="ben")["pictures"]
    assert [(one["image"]["id"], one["f1"]) for one in listed] == [(unlike, 0), (alike, 1)]
    sides = ask(calls, "class_overlay", image_id=alike, of_labeler="ben", other=NAME)["sides"]
    assert [one["labeler"] for one in sides] == ["ben", NAME]
    assert sides[0]["instances"][0]["iou"] == sides[1]["instances"][0]["iou"] == pytest.approx(19 / 21, abs=1e-3)
    assert ask(calls, "class_overlay", image_id=999, of_labeler="ben", other=NAME)["kind"] == "not_found"
