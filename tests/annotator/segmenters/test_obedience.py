"""Clicks are obeyed: on any logits, by changing the nearest region, and nothing where nothing is wrong."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from annotator.prediction import LOW_RES_SIDE, Frame, Prompt, upscale_mask
from annotator.segmenters.obedience import obey

SQUARE = Frame.fit((1024, 1024), side=1024)  # one low-res pixel is four pixels of the picture


def obeyed(logits: np.ndarray, prompt: Prompt, frame: Frame) -> np.ndarray:
    """K×N bool, looked up in the upscaled masks."""
    columns, rows = np.rint(prompt.point_coords).astype(int).T
    masks = np.stack([upscale_mask(one, frame, frame.size_hw) for one in logits])
    return masks[:, rows, columns] == (prompt.point_labels == 1)


def disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:LOW_RES_SIDE, :LOW_RES_SIDE]
    return np.hypot(rows - row, columns - column) <= radius


def logits_of(*regions: tuple[np.ndarray, float], ground: float = -8) -> np.ndarray:
    """1×256×256 float32: each region's logit in its place, later ones on top."""
    logits = np.full((1, LOW_RES_SIDE, LOW_RES_SIDE), ground, np.float32)
    for region, value in regions:
        logits[0][region] = value
    return logits


def at(row: float, column: float) -> list[float]:
    """(x, y) in SQUARE of the middle of a low-res pixel."""
    return [4 * column + 1.5, 4 * row + 1.5]


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@settings(max_examples=150)
@given(
    size_hw=st.tuples(st.integers(1, 900), st.integers(1, 900)),
    side=st.sampled_from((512, 1024)),
    count=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_click_is_obeyed_on_any_logits(size_hw, side, count, seed):
    random, frame = np.random.default_rng(seed), Frame.fit(size_hw, side=side)
    coords = (random.random((count, 2)) * np.array(size_hw)[::-1]).astype(int)
    labels = random.integers(0, 2, count)
    spots = (coords + 0.5) * max(frame.inner_hw) / max(size_hw) * LOW_RES_SIDE / side
    apart = np.linalg.norm(spots[:, None] - spots, axis=2)
    assume((apart[labels[:, None] != labels] >= 2).all())
    steepness = random.choice([0.1, 3, 30])
    logits = random.normal(0, steepness, (3, LOW_RES_SIDE // 8, LOW_RES_SIDE // 8)).repeat(8, 1).repeat(8, 2)
    prompt = Prompt(coords, labels)
    mended = obey(logits.astype(np.float32), prompt, frame)
    assert mended.dtype == np.float32
    assert obeyed(mended, prompt, frame).all()


def test_logits_that_obey_already_are_handed_back_untouched():
    logits = logits_of((disc(100, 100, 30), 5))
    assert obey(logits, Prompt([at(100, 100), at(10, 10)], [1, 0]), SQUARE) is logits


def test_a_candidate_that_obeys_is_left_alone_beside_one_that_does_not_and_the_given_logits_stay_as_they_were():
    logits = np.concatenate([logits_of((disc(100, 100, 30), 5)), logits_of((disc(200, 200, 30), 5))])
    before = logits.copy()
    mended = obey(logits, Prompt([at(100, 100)], [1]), SQUARE)
    assert np.array_equal(mended[0], before[0])
    assert not np.array_equal(mended[1], before[1])
    assert np.array_equal(logits, before)


def test_a_prompt_without_points_changes_nothing():
    logits = logits_of((disc(100, 100, 30), 5))
    assert obey(logits, Prompt(box_xyxy=[0, 0, 5, 5]), SQUARE) is logits


def test_a_missed_foreground_click_brings_its_plateau_along_and_no_more():
    plateau = disc(60, 60, 12)
    mended = obey(logits_of((disc(180, 180, 30), 6), (plateau, -1)), Prompt([at(60, 60)], [1]), SQUARE)
    assert np.array_equal(mended[0] > 0, disc(180, 180, 30) | plateau)


def test_a_missed_click_on_open_ground_changes_a_small_disc_alone():
    mended = obey(logits_of((disc(180, 180, 30), 6)), Prompt([at(60, 60)], [1]), SQUARE)
    added = (mended[0] > 0) & ~disc(180, 180, 30)
    assert (added[disc(60, 60, 1.5)]).all()
    assert not (added[~disc(60, 60, 2.5)]).any()
    assert (mended[0] > 0)[disc(180, 180, 30)].all()


def test_a_missed_click_in_a_hole_fills_the_hole():
    mended = obey(logits_of((disc(100, 100, 40), 6), (disc(100, 100, 9), -3)), Prompt([at(104, 100)], [1]), SQUARE)
    assert np.array_equal(mended[0] > 0, disc(100, 100, 40))


def test_a_hole_with_a_background_click_in_it_is_not_filled_wholly():
    logits = logits_of((disc(100, 100, 40), 6), (disc(100, 100, 15), -3))
    prompt = Prompt([at(108, 100), at(92, 100)], [1, 0])
    mended = obey(logits, prompt, SQUARE)
    assert obeyed(mended, prompt, SQUARE).all()
    assert mended[0, 106, 100] > 0
    assert (mended[0, 86:99, 100] < 0).all()


def test_a_covered_background_click_drops_a_part_without_foreground_clicks():
    one, other = disc(60, 60, 20), disc(180, 180, 50)
    mended = obey(logits_of((one, 6), (other, 6)), Prompt([at(60, 60), at(200, 180)], [1, 0]), SQUARE)
    assert np.array_equal(mended[0] > 0, one)


def test_a_covered_background_click_cuts_its_plateau_out_of_the_part_it_shares():
    body, dent = disc(128, 128, 60), disc(128, 150, 14)
    mended = obey(logits_of((body, 9), (dent, 2)), Prompt([at(128, 90), at(128, 150)], [1, 0]), SQUARE)
    assert np.array_equal(mended[0] > 0, body & ~dent)


def test_a_background_click_without_any_foreground_click_does_not_wipe_out_the_mask():
    body = disc(128, 128, 60)
    prompt = Prompt([at(128, 150)], [0], box_xyxy=[200, 200, 800, 800])
    mended = obey(logits_of((body, 9)), prompt, SQUARE)
    assert obeyed(mended, prompt, SQUARE).all()
    assert iou(mended[0] > 0, body) > 0.95


def test_what_is_nearer_to_an_opposing_click_stays_on_its_side():
    strip = np.zeros((LOW_RES_SIDE, LOW_RES_SIDE), bool)
    strip[100:110, 100:130] = True
    prompt = Prompt([at(105, 104), at(105, 124)], [1, 0])
    mended = obey(logits_of((strip, -1)), prompt, SQUARE)
    assert (mended[0, 100:110, 100:114] > 0).all()
    assert (mended[0, 100:110, 115:130] < 0).all()


def test_opposing_clicks_two_low_res_pixels_apart_are_both_obeyed_on_the_steepest_logits():
    for ground in (-40.0, 40.0):
        for shift in (0.0, 0.25, 0.5, 0.75):
            prompt = Prompt([at(100 + shift, 100), at(100 + shift, 102), at(98 + shift, 100)], [1, 0, 0])
            assert obeyed(obey(logits_of(ground=ground), prompt, SQUARE), prompt, SQUARE).all(), (ground, shift)


@pytest.mark.parametrize("labels", [[1, 0], [0, 1]])
def test_of_two_opposing_clicks_on_one_pixel_the_later_is_obeyed(labels):
    prompt = Prompt([at(100, 100)] * 2, labels)
    for ground in (-8.0, 8.0):
        found = obeyed(obey(logits_of(ground=ground), prompt, SQUARE), prompt, SQUARE)
        assert found.tolist() == [[False, True]]


@pytest.mark.parametrize("place", [(0, 0), (1023, 0), (0, 767), (1023, 767)])
def test_a_click_in_a_corner_of_the_picture_is_obeyed(place):
    frame = Frame.fit((768, 1024), side=512)
    for label, ground in ((1, -20.0), (0, 20.0)):
        prompt = Prompt([place], [label])
        assert obeyed(obey(logits_of(ground=ground), prompt, frame), prompt, frame).all()
