"""A window holds what it is for, and what is drawn, cut and spread in it lies where it does in the picture."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.prediction import LOW_RES_SIDE, Frame, Prompt
from annotator.segmenters.builtin.drawing import prompt_maps
from annotator.segmenters.builtin.window import CLOSE_SIDE, NOTHING, SIZES, WHOLE, Window, close_up

SIDE = 512


def logits_of(top: int, left: int, height: int, width: int) -> np.ndarray:
    logits = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -5, np.float32)
    logits[top : top + height, left : left + width] = 5
    return logits


@settings(max_examples=100)
@given(st.data())
def test_a_close_up_holds_the_mask_and_the_clicks_and_lies_in_the_frame(data):
    size_hw = data.draw(st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
    frame = Frame.fit(size_hw, side=SIDE)
    height, width = frame.low_res_inner_hw
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    tall, wide = data.draw(st.integers(1, min(100, height - top))), data.draw(st.integers(1, min(100, width - left)))
    x, y = data.draw(st.integers(0, size_hw[1] - 1)), data.draw(st.integers(0, size_hw[0] - 1))
    prompt = Prompt([[x, y]], [data.draw(st.integers(0, 1))], mask_input=logits_of(top, left, tall, wide))
    window = close_up(prompt, frame)
    click = (np.array([y, x]) + 0.5) * LOW_RES_SIDE / max(size_hw)
    low, high = np.minimum(click, (top, left)), np.maximum(click, (top + tall, left + wide))
    if window is None:
        assert (high - low).max() > max(SIZES) / 1.5 - 2
        return
    assert window.size in SIZES and window.top >= 0 and window.left >= 0
    assert window.top + window.size <= max(height, window.size)
    assert window.left + window.size <= max(width, window.size)
    assert (low >= (window.top - 1, window.left - 1)).all()
    assert (high <= (window.top + window.size + 1, window.left + window.size + 1)).all()


@given(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), st.integers(0, 20), st.sampled_from(SIZES))
def test_the_inside_of_a_window_is_the_part_of_it_that_the_picture_covers(size_hw, place, size):
    frame = Frame.fit(size_hw, side=SIDE)
    height, width = frame.low_res_inner_hw
    whole = WHOLE.inside(frame)
    assert whole[: -(-height // 2), : -(-width // 2)].all() and whole.sum() == -(-height // 2) * -(-width // 2)
    top, left = (place * size // 8 if length > size + place * size // 8 else 0 for length in (height, width))
    window = Window(top, left, size, CLOSE_SIDE)
    shown = window.inside(frame)
    reach = [
        min(window.map_side, (length - at) * window.map_side / size)
        for length, at in zip((height, width), (top, left), strict=True)
    ]
    assert (
        shown.sum()
        == np.ceil(reach[0]) * np.ceil(reach[1])
        == shown[: int(np.ceil(reach[0])), : int(np.ceil(reach[1]))].sum()
    )


def test_there_is_no_close_up_before_anything_says_how_large_it_would_be():
    assert close_up(Prompt([[5, 5]], [1]), Frame.fit((400, 600), side=SIDE)) is None


def test_a_box_is_held_too():
    frame = Frame.fit((512, 512), side=SIDE)
    assert close_up(Prompt(box_xyxy=[300, 200, 420, 260]), frame) == Window(top=72, left=132, size=96, side=CLOSE_SIDE)
    small = logits_of(20, 20, 10, 10)
    assert close_up(Prompt([[50, 50]], [1], mask_input=small), frame).size == 96
    assert close_up(Prompt([[50, 50]], [1], box_xyxy=[30, 30, 470, 470], mask_input=small), frame) is None


def test_a_mask_that_changes_a_little_is_seen_in_the_same_window():
    frame = Frame.fit((480, 640), side=SIDE)
    windows = {
        close_up(Prompt([[300, 200]], [1], mask_input=logits_of(70, 110 + shift, 30, 22)), frame) for shift in range(3)
    }
    assert len(windows) == 1


def test_logits_that_are_spread_and_cut_again_are_the_same_but_for_their_edges():
    random = np.random.default_rng(0)
    for size in SIZES:
        window = Window(top=40, left=64, size=size, side=CLOSE_SIDE)
        coarse = random.normal(0, 3, (6, 6)).astype(np.float32)
        logits, expected = (cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR) for side in (192, 96))
        whole = window.spread(logits[None])[0]
        assert (whole[:40] == NOTHING).all() and (whole[:, :64] == NOTHING).all()
        assert (whole[40 + size :] == NOTHING).all() and (whole[:, 64 + size :] == NOTHING).all()
        assert np.abs(window.cut(whole) - expected)[2:-2, 2:-2].max() < 0.1


def test_the_whole_picture_is_a_window_too():
    logits = np.random.default_rng(1).normal(0, 1, (2, LOW_RES_SIDE, LOW_RES_SIDE)).astype(np.float32)
    assert (WHOLE.spread(logits) == logits).all()
    assert WHOLE.cut(logits[0]) == pytest.approx(logits[0].reshape(128, 2, 128, 2).mean((1, 3)), abs=1e-5)


def test_a_mask_is_cut_where_it_runs_on_in_the_picture_and_not_at_the_edge_of_that():
    frame = Frame.fit((320, 480), side=SIDE)  # 171 rows
    corner = Window(top=75, left=160, size=96, side=CLOSE_SIDE)
    mask = np.full((192, 192), -1, np.float32)
    mask[-1, 1:], mask[1:, -1] = 1, 1
    assert not corner.cuts(mask, frame)
    mask[0, 5] = 1
    assert corner.cuts(mask, frame)
    assert not WHOLE.cuts(np.ones((256, 256), np.float32), frame)


@pytest.mark.parametrize("size_hw", [(240, 320), (300, 200), (1024, 1024), (1500, 2250), (90, 1200)])
@pytest.mark.parametrize("size", SIZES)
def test_clicks_are_drawn_on_the_pixels_that_they_were_made_on(size_hw, size):
    frame = Frame.fit(size_hw, side=SIDE)
    height, width = frame.low_res_inner_hw
    window = Window(top=max(0, height - size), left=max(0, (width - size) // 2), size=size, side=CLOSE_SIDE)
    per_low_res = max(size_hw) / LOW_RES_SIDE
    radius = 8 * size / CLOSE_SIDE * per_low_res
    x = (window.left + min(width - window.left, size) / 2) * per_low_res
    y = min((window.top + min(height - window.top, size) / 2) * per_low_res, size_hw[0] - 1)
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]]
    disc = np.hypot(rows + 0.5 - y, columns + 0.5 - x) < radius
    image = np.repeat(disc[:, :, None].astype(np.uint8) * 255, 3, 2)
    pixels = window.pixels(image, frame)[:, :, 0]
    maps = prompt_maps(Prompt([[x - 0.5, y - 0.5]], [1]), frame, window)
    seen, drawn = middle(pixels), middle(maps[0])
    assert np.abs(seen - 4 * drawn - 1.5).max() < 2


def middle(shown: np.ndarray) -> np.ndarray:
    """(row, column) of what is bright."""
    rows, columns = np.indices(shown.shape)
    weight = shown.astype(float) / shown.sum()
    return np.array([(rows * weight).sum(), (columns * weight).sum()])
