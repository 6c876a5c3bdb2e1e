"""The data set as the page asks for it: figures with the right numbers, tiles, changes, checks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from annotator.access.person import LOCAL, Person, Role
from annotator.overview.figures import CELLS
from annotator.ui.calls import Calls
from annotator.ui.problems import BUG_TEXT
from annotator.workspace import Workspace
from storage.records import ImageStatus, Split
from tests.annotator.overview.conftest import Save


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    return Calls(workspace)


def ask(calls: Calls, name: str, **args: Any) -> Any:
    answer = calls.handle({"name": name, "args": args}, person=LOCAL)
    json.dumps(answer, allow_nan=False)
    assert answer["ok"], answer
    return answer["result"]


def figures(calls: Calls) -> dict[str, go.Figure]:
    found = ask(calls, "overview_figures")["figures"]
    return {one["name"]: go.Figure(json.loads(json.dumps(one["figure"]))) for one in found}


def test_the_figures_hold_the_numbers_of_the_data_set(
    calls: Calls,
    workspace: Workspace,
    image_ids: list[int],
    save: Save,
) -> None:
    first, second, _ = image_ids
    save(first, "cup", (0, 0, 10, 10), (0, 0, 12, 12), labeler="ann")
    save(second, "spoon", (300, 180, 20, 20), labeler="bob", origin="import")
    workspace.set_status(second, ImageStatus.DONE)
    made = figures(calls)
    assert list(made) == ["categories", "positions", "sizes", "counts", "labelers", "statuses", "splits"]
    assert list(made["categories"].data[0].x) == [2, 1]
    assert list(made["statuses"].data[0].x) == [2, 0, 1]
    heights = np.array(made["positions"].data[0].z) ** 2
    assert round(heights.sum()) == 3
    assert (round(heights[0, 0]), round(heights[CELLS - 1, CELLS - 1])) == (2, 1)
    assert sum(made["sizes"].data[0].y) == 3
    assert list(made["counts"].data[0].y) == [1, 1, 1]
    labelers = {trace.name: list(trace.x) for trace in made["labelers"].data}
    assert list(made["labelers"].layout.yaxis.ticktext) == ["ann", "bob"]
    assert labelers == {"clicked": [2, 0], "imported": [0, 1]}
    facts = {fact["words"]: fact["value"] for fact in ask(calls, "overview_figures")["facts"]}
    assert facts["pictures with instances"] == "2 of 3"
    assert made["splits"].layout.annotations[0].text == "no split yet"


def test_a_split_is_drawn_once_an_export_had_one(calls: Calls, workspace: Workspace, image_ids: list[int]) -> None:
    workspace.repository.assign_splits(
        "0.800000/0.200000/0.000000 seed 0 stratified",
        image_ids[:2],
        lambda known: {image_ids[0]: Split.TRAIN, image_ids[1]: Split.VAL},
    )
    made = figures(calls)
    assert list(made) == ["statuses", "splits"]  # nothing is saved yet
    assert {trace.name: list(trace.x) for trace in made["splits"].data} == {
        "train": [1],
        "val": [1],
        "test": [0],
        "in none yet": [1],
    }
    assert list(made["splits"].layout.yaxis.ticktext) == ["80/20/0 seed 0 strat."]


def test_without_pictures_there_is_nothing_to_draw(calls: Calls) -> None:
    assert figures(calls) == {}
    assert ask(calls, "gallery", order="odd") == {"ids": [], "labelers": []}
    assert ask(calls, "overview_look") == {"job": None}
    assert {check["total"] for check in ask(calls, "overview_checks")["checks"]} == {0}


def test_the_page_lists_changes_and_takes_back(
    calls: Calls,
    workspace: Workspace,
    image_ids: list[int],
    save: Save,
) -> None:
    ids = save(image_ids[0], "cup", (0, 0, 10, 10), (50, 50, 12, 12))
    spoon = workspace.category_called("spoon").id
    assert ask(calls, "gallery", order="largest", of_labeler="ann") == {"ids": ids[::-1], "labelers": ["ann"]}
    (tile, _) = ask(calls, "gallery_tiles", ids=ids)["tiles"]
    assert (tile["image_name"], tile["area"], tile["labeler"]) == ("one.png", 100, "ann")
    assert tile["url"].startswith(f"annotator/crops/{ids[0]}.jpg?v=")
    changed = ask(calls, "gallery_set_category", ids=ids, category_id=spoon, op_id="a")
    assert [(one["name"], one["instances"]) for one in changed["categories"]] == [("cup", 0), ("spoon", 2)]
    deleted = ask(calls, "gallery_delete", ids=ids[:1], op_id="b")
    assert deleted["images"][0]["instances"] == 1
    ask(calls, "gallery_undo", of="b", image_ids=deleted["image_ids"], op_id="c")
    undone = ask(calls, "gallery_undo", of="a", image_ids=changed["image_ids"], op_id="d")
    assert [one["instances"] for one in undone["categories"]] == [2, 0]
    again = ask(calls, "gallery_redo", of="a", image_ids=changed["image_ids"], op_id="e")
    assert [one["instances"] for one in again["categories"]] == [0, 2]


def test_a_labeler_changes_their_own_instances_in_the_gallery_and_no_others(
    calls: Calls, workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    (anns,) = save(image_ids[0], "cup", (0, 0, 10, 10))
    ann, bob = (Person(name=name, role=Role.LABELER) for name in ("ann", "bob"))
    message = {"name": "gallery_delete", "args": {"ids": [anns], "op_id": "a"}}
    refused = calls.handle(message, person=bob)["result"]
    assert (refused["image_ids"], len(refused["refused"])) == ([], 1)
    assert "is ann's" in refused["refused"][0]
    done = calls.handle(message, person=ann)["result"]
    assert (done["image_ids"], done["refused"]) == ([image_ids[0]], [])


def test_checks_come_with_the_way_to_what_they_found(
    calls: Calls,
    workspace: Workspace,
    pictures: list[Path],
    image_ids: list[int],
    save: Save,
) -> None:
    (tiny,) = save(image_ids[1], "cup", (5, 5, 2, 2))
    job = ask(calls, "overview_look")["job"]
    workspace.jobs.get(job["id"]).wait(30)
    found = {check["name"]: check for check in ask(calls, "overview_checks", tiny_area=5)["checks"]}
    assert found["tiny"]["findings"] == [
        {
            "text": "cup: 4 pixels",
            "image_id": image_ids[1],
            "image_name": "two.png",
            "instance_ids": [tiny],
            "category_id": workspace.category_called("cup").id,
        }
    ]
    answer = calls.handle({"name": "overview_checks", "args": {"tiny_area": -1}}, person=LOCAL)
    assert answer["error"]["kind"] == "settings"


@pytest.mark.parametrize(
    ("name", "args", "kind"),
    [
        ("gallery", {"category_id": 2**70}, "storage"),
        ("gallery", {"of_labeler": "\ud800"}, "storage"),
        ("gallery", {"order": "by taste"}, "request"),
        ("gallery_tiles", {"ids": [2**70]}, "storage"),
        ("gallery_tiles", {"ids": []}, "annotator"),
        ("gallery_set_category", {"ids": [1], "category_id": 99, "op_id": "a"}, "not_found"),
        ("gallery_delete", {"ids": "all", "op_id": "a"}, "request"),
        ("overview_checks", {"tiny_area": 2**70}, "settings"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(calls: Calls, name: str, args: dict[str, Any], kind: str) -> None:
    answer = calls.handle({"name": name, "args": args}, person=LOCAL)
    assert answer["error"]["kind"] == kind, answer
    assert answer["error"]["message"] != BUG_TEXT


def test_an_undo_of_what_never_was_changes_nothing(calls: Calls, image_ids: list[int]) -> None:
    undone = ask(calls, "gallery_undo", of="never", image_ids=[*image_ids, 99], op_id="a")
    assert undone["image_ids"] == []
    assert len(undone["refused"]) == 4
