"""The figures of an analysis: what they hold, what they say of what is left out, and that a browser can read them."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from annotator import analysis
from annotator.access.person import LOCAL
from annotator.ui.calls import Calls
from annotator.ui.figure import MOST_CATEGORIES, PLOTLY_FILE
from annotator.workspace import Workspace
from storage.repository.statistics import MaskKind
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH

ME = "local"
SETTINGS = {"points_per_side": 3, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.5}


@pytest.fixture
def calls(workspace: Workspace) -> Calls:
    return Calls(workspace)


@pytest.fixture
def image_ids(workspace: Workspace, pictures: list[Path]) -> list[int]:
    return list(workspace.import_pictures(pictures).image_ids)


def save(workspace: Workspace, image_id: int, category: str, *boxes: tuple[int, int, int, int], **others: Any) -> None:
    """Instances that are filled boxes: left, top, width, height."""
    known = {one.name: one.id for one in workspace.categories()}
    category_id = known.get(category) or workspace.repository.add_category(category).id
    values = []
    for x, y, width, height in boxes:
        pixels = np.zeros((HEIGHT, WIDTH), bool)
        pixels[y : y + height, x : x + width] = True
        scores = {"predicted_iou": 0.9, "stability_score": 0.95} | others
        values.append({"category_id": category_id, "rle": Rle.encode(pixels).to_coco(), "origin": "click", **scores})
    workspace.repository.add_instances(image_id, values, labeler=ME)


def propose(workspace: Workspace, *image_ids: int) -> None:
    workspace.start_propose(image_ids, SETTINGS).wait(30)


def ask(calls: Calls, name: str, **args: Any) -> Any:
    answer = calls.handle({"name": name, "args": args}, person=LOCAL)
    json.dumps(answer, allow_nan=False)
    assert answer["ok"], answer
    return answer["result"]


def figures(calls: Calls, image_id: int | None = None) -> dict[str, Any]:
    """By name, each with its note and the Plotly figure it is read back as."""
    found = ask(calls, "analysis", image_id=image_id)["figures"]
    return {one["name"]: (one["note"], go.Figure(json.loads(json.dumps(one["figure"])))) for one in found}


def numbers(column: Any) -> list[float]:
    """A column of a figure, which travels as text or as the bytes of a NumPy array."""
    if not isinstance(column, dict):
        return list(column)
    return np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"]).tolist()


def bars(figure: go.Figure) -> dict[str, list[float]]:
    return {trace.name: numbers(trace.y) for trace in figure.data}


def test_without_a_mask_there_is_no_figure(calls: Calls, image_ids: list[int]) -> None:
    assert figures(calls) == {}
    assert figures(calls, image_ids[0]) == {}


def test_a_workspace_without_pictures_has_an_analysis_too(calls: Calls) -> None:
    assert figures(calls) == {}


def test_a_dot_tells_which_mask_it_is(calls: Calls, workspace: Workspace, image_ids: list[int]) -> None:
    save(workspace, image_ids[0], "cup", (0, 0, 20, 20))
    propose(workspace, image_ids[0])
    for image_id in (None, image_ids[0]):
        _, figure = figures(calls, image_id)["scores"]
        dots = {trace.name: list(trace.customdata) for trace in figure.data}
        assert [len(dots["instances"]), len(dots["proposals"])] == [1, 9]
        for kind, mask_id, of_image in dots["instances"] + dots["proposals"]:
            found = ask(calls, "mask", kind=kind, mask_id=mask_id, image_id=of_image)
            assert (found["kind"], found["mask"]["id"], found["image"]["id"]) == (kind, mask_id, image_ids[0])


def test_the_lines_are_the_thresholds_of_the_pictures_run(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    propose(workspace, image_ids[0])
    note, figure = figures(calls, image_ids[0])["scores"]
    assert [figure.layout.shapes[0].x0, figure.layout.shapes[1].y0] == [0.85, 0.5]
    assert "0.85 predicted IoU, 0.5 stability" in note
    for axis, threshold in ((figure.layout.xaxis, 0.85), (figure.layout.yaxis, 0.5)):
        assert axis.range[0] < threshold < 1 < axis.range[1]


def test_a_proposal_that_became_an_instance_is_one_mask_of_its_picture(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    propose(workspace, image_ids[0])
    cup = workspace.repository.add_category("cup").id
    first, second = (offer.proposal.id for offer in workspace.proposing.shown(image_ids[0])[:2])
    accept = {"kind": "accept_proposals", "proposal_ids": [first], "category_id": cup}
    workspace.act(image_ids[0], [accept, {"kind": "reject_proposals", "proposal_ids": [second]}], labeler=ME)
    _, figure = figures(calls, image_ids[0])["scores"]
    # The segmenter's second candidates, with their predicted IoU of 0.8, are kept for lower thresholds.
    assert {trace.name: len(numbers(trace.x)) for trace in figure.data} == {
        "instances": 1,
        "proposals": 7,
        "proposals not shown": 9,
    }


def test_what_has_no_scores_is_counted_in_words(calls: Calls, workspace: Workspace, image_ids: list[int]) -> None:
    save(workspace, image_ids[0], "cup", (0, 0, 5, 5), (9, 9, 5, 5), predicted_iou=None)
    save(workspace, image_ids[0], "cup", (0, 0, 6, 6))
    note, figure = figures(calls)["scores"]
    assert "2 instances without scores" in note
    assert len(numbers(figure.data[0].x)) == 1


def test_only_masks_without_scores_make_an_empty_plot_and_no_mistake(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    save(workspace, image_ids[0], "cup", (0, 0, 5, 5), predicted_iou=None)
    note, figure = figures(calls, image_ids[0])["scores"]
    assert "1 instance without scores" in note
    assert len(figure.data) == 0


def test_more_masks_than_can_be_drawn_are_sampled_and_said(
    calls: Calls, workspace: Workspace, image_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "MOST_SCORES", 50)
    monkeypatch.setattr(analysis, "MOST_COVERED", 2)
    for image_id in image_ids:
        save(workspace, image_id, "cup", *[(0, 0, 5, 5)] * 100)
    made = figures(calls)
    note, figure = made["scores"]
    drawn = len(numbers(figure.data[0].x))
    assert 30 <= drawn <= 70
    assert f"{drawn} of 300 instances" in note
    assert "2 of 3 pictures were looked at" in made["coverage"][0]
    assert sum(bars(made["sizes"][1])["instances"]) == 300  # counted in full


def test_sizes_lie_between_the_powers_of_ten_around_them(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    save(workspace, image_ids[0], "cup", (0, 0, 10, 10), (0, 0, 10, 10), (0, 0, 100, 50))
    for image_id in (None, image_ids[0]):
        _, figure = figures(calls, image_id)["sizes"]
        (trace,) = figure.data
        places = {round(float(x), 1): y for x, y in zip(numbers(trace.x), numbers(trace.y), strict=True) if y}
        assert places == {2.1: 2, 3.7: 1}  # 100 is in [10^2, 10^2.2), 5000 in [10^3.6, 10^3.8)
        assert set(figure.layout.xaxis.ticktext) >= {"100", "1k", "10k"}


def test_categories_have_their_colours_and_names_are_no_markup(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    save(workspace, image_ids[0], '<a href="x">cup</a>', (0, 0, 5, 5), (9, 9, 5, 5))
    save(workspace, image_ids[1], "spoon", (0, 0, 5, 5))
    workspace.repository.add_category("fork")
    note, figure = figures(calls)["categories"]
    colors = {one.name: one.color for one in workspace.categories()}
    assert list(figure.data[0].x) == [2, 1]
    assert list(figure.data[0].marker.color) == [colors['<a href="x">cup</a>'], colors["spoon"]]
    assert figure.layout.yaxis.ticktext[0] == '&lt;a href="x"&gt;cup&lt;/a&gt;'
    assert note == "Without an instance: fork."


def test_the_rest_of_very_many_categories_is_one_bar(calls: Calls, workspace: Workspace, image_ids: list[int]) -> None:
    for number in range(MOST_CATEGORIES + 5):
        save(workspace, image_ids[0], f"kind {number}", (0, 0, 5, 5))
    _, figure = figures(calls)["categories"]
    assert len(numbers(figure.data[0].x)) == MOST_CATEGORIES + 1
    assert (figure.layout.yaxis.ticktext[-1], figure.data[0].x[-1]) == ("5 others", 5)


def test_what_two_masks_cover_counts_once(calls: Calls, workspace: Workspace, image_ids: list[int]) -> None:
    half = (0, 0, WIDTH // 2, HEIGHT)
    save(workspace, image_ids[0], "cup", half, half)
    _, figure = figures(calls, image_ids[0])["coverage"]
    assert [trace.name for trace in figure.data] == ["instances, 50 %", "proposals alone, 0 %", "no mask, 50 %"]
    assert [trace.x[0] for trace in figure.data] == [50, 0, 50]


def test_pictures_are_counted_by_how_many_masks_they_have(
    calls: Calls, workspace: Workspace, image_ids: list[int]
) -> None:
    save(workspace, image_ids[0], "cup", (0, 0, 5, 5), (9, 9, 5, 5))
    propose(workspace, image_ids[1])
    note, figure = figures(calls)["counts"]
    assert bars(figure)["instances"][:3] == [2, 0, 1]
    assert (bars(figure)["proposals"][0], bars(figure)["proposals"][9]) == (2, 1)
    assert note == "On average 0.7 instances and 3.0 open proposals."


@pytest.mark.parametrize("kind", MaskKind)
def test_a_mask_that_is_gone_is_said(calls: Calls, image_ids: list[int], kind: MaskKind) -> None:
    message = {"name": "mask", "args": {"image_id": image_ids[0], "kind": kind.value, "mask_id": 7}}
    error = calls.handle(message, person=LOCAL)["error"]
    assert error["kind"] == "not_found"
    assert "open the analysis again" in error["message"]


def test_the_library_that_draws_comes_with_plotly() -> None:
    assert PLOTLY_FILE.stat().st_size > 1_000_000
