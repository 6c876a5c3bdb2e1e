"""The simulated labeler, and the script from end to end on a set made here."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from annotator.errors import AnnotatorError
from benchmarks.labelling_effort import Labeler, best_fit, sets_in
from benchmarks.targets import IGNORED, LabelledPicture
from tests.fakes import FakeSegmenter
from tests.sources import ROOT

SIZE_HW = (256, 256)  # a low-res pixel of FakeSegmenter is then one of the picture


def disc(x: int, y: int, radius: float) -> np.ndarray:
    rows, columns = np.indices(SIZE_HW)
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def picture_of(*objects: np.ndarray, ignored: np.ndarray | None = None) -> LabelledPicture:
    labels = np.zeros(SIZE_HW, np.uint16)
    for number, mask in enumerate(objects, 1):
        labels[mask] = number
    if ignored is not None:
        labels[ignored] = IGNORED
    return LabelledPicture(
        image=np.zeros((*SIZE_HW, 3), np.uint8), labels=labels, ids=np.arange(1, len(objects) + 1, dtype=np.uint16)
    )


def outcomes(picture: LabelledPicture, *proposals: np.ndarray, radius: float = 16.0) -> list:
    segmenter = FakeSegmenter(radius=radius)
    embedding = segmenter.embed(picture.image)
    return list(Labeler(segmenter, goal=0.85).label(picture, 3, embedding, proposals))


def test_an_object_of_the_shape_that_is_answered_takes_one_click():
    (outcome,) = outcomes(picture_of(disc(100, 120, 16)))
    assert outcome.chose == (False,)
    assert outcome.reached
    assert outcome.picture == 3


def test_a_candidate_that_is_right_is_chosen_where_the_one_shown_is_not():
    (outcome,) = outcomes(picture_of(disc(100, 120, 32)))  # FakeSegmenter's third candidate
    assert outcome.chose == (True,)
    assert outcome.reached


def test_what_cannot_be_reached_is_given_up_after_twenty_clicks():
    (outcome,) = outcomes(picture_of(disc(100, 120, 3)), radius=40)
    assert len(outcome.chose) == 20
    assert not outcome.reached


def test_only_the_object_that_a_proposal_fits_counts_as_proposed():
    there, elsewhere = disc(60, 60, 20), disc(180, 180, 20)
    found = outcomes(picture_of(there, elsewhere), disc(61, 60, 20), disc(180, 180, 40))
    assert [outcome.proposed for outcome in found] == [True, False]


def test_a_proposal_tempts_for_an_object_that_it_covers_in_good_part():
    there, elsewhere = disc(60, 60, 20), disc(180, 180, 20)
    found = outcomes(picture_of(there, elsewhere), disc(66, 60, 20), disc(180, 180, 40))
    assert [(outcome.proposed, outcome.tempting) for outcome in found] == [(False, True), (False, False)]


def test_the_best_fit_of_proposals_is_their_iou_as_the_click_benchmark_judges_it():
    there, elsewhere = disc(60, 60, 20), disc(180, 180, 20)
    off, both, unseen = disc(70, 60, 20), there | elsewhere, disc(128, 128, 9)
    picture = picture_of(there, elsewhere, ignored=unseen)
    fits = best_fit(picture, [off, both | unseen])
    half = (there & both).sum() / (both | there).sum()
    assert fits[1] == pytest.approx(max((off & there).sum() / (off | there).sum(), half))
    assert fits[2] == pytest.approx(half)


def test_without_proposals_nothing_fits():
    assert best_fit(picture_of(disc(60, 60, 20)), []) == {1: 0.0}


def test_a_folder_without_sets_is_named(tmp_path):
    with pytest.raises(AnnotatorError, match="images/ and masks/"):
        sets_in(tmp_path)


def test_a_set_is_found_by_itself_and_beside_others(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "masks").mkdir(parents=True)
    assert [path.name for path in sets_in(tmp_path)] == ["a", "b"]
    assert sets_in(tmp_path / "b") == [tmp_path / "b"]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/labelling_effort.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")


def test_the_script_ends_with_one_json_object_that_says_it_is_a_simulation(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "shapes" / folder).mkdir(parents=True)
    round_thing = disc(100, 120, 50)
    painted = np.where(round_thing[:, :, None], (40, 40, 220), (200, 210, 190)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "shapes" / "images" / "one.png"), painted)
    cv2.imwrite(str(tmp_path / "shapes" / "masks" / "one.png"), round_thing.astype(np.uint8))

    said = run("--data", str(tmp_path), "--points-per-side", "4", "--click-s", "2.5", "--device", "cpu", "--json")

    assert said.returncode == 0, said.stderr
    assert "simulation" in said.stdout
    figures = json.loads(said.stdout.splitlines()[-1])
    assert figures["simulation"] is True
    assert figures["masks"] == 1
    assert figures["times"]["click"] == 2.5
    assert figures["proposing"]["points_per_side"] == 4
    assert figures["saving_p05"] <= figures["saving_median"] <= figures["saving_p95"]
    assert set(figures["sets"]) == {"shapes"}


@pytest.mark.parametrize(
    ("options", "told"),
    [("--data nowhere", "nowhere"), ("--click-s -1", "click"), ("--points-per-side 0", "points_per_side")],
)
def test_a_mistake_is_one_clear_line(options, told):
    said = run(*options.split())
    assert said.returncode == 1
    assert told in said.stderr
    assert "Traceback" not in said.stderr
