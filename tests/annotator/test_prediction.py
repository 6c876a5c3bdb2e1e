"""Value types of a segmenter call: what a prompt may be, how an image lies in its frame, how masks are upscaled."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.errors import PromptError
from annotator.prediction import (
    LOW_RES_SIDE,
    Embedding,
    Frame,
    Prediction,
    Prompt,
    resize_image,
    stability_scores,
    upscale_mask,
    upscale_weights,
)

SIDES = (512, 1024)
lengths = st.integers(1, 700)
seeds = st.integers(0, 2**32 - 1)


def two_steps(logits: np.ndarray, frame: Frame, size_hw: tuple[int, int]) -> np.ndarray:
    """What SAM's `postprocess_masks` does, in double precision: to the frame, cut to the inner part, to the size."""
    whole = torch.from_numpy(logits.astype(np.float64))[None, None]
    framed = F.interpolate(whole, (frame.side, frame.side), mode="bilinear", align_corners=False)
    inner = framed[..., : frame.inner_hw[0], : frame.inner_hw[1]]
    return F.interpolate(inner, size_hw, mode="bilinear", align_corners=False)[0, 0].numpy()


def blobs(seed: int) -> np.ndarray:
    """256×256 float32 logits: a few smooth blobs of any size, now and then noise, now and then next to nothing."""
    random = np.random.default_rng(seed)
    if random.random() < 0.2:
        return random.normal(random.choice([-3, 0]), 2, (LOW_RES_SIDE, LOW_RES_SIDE)).astype(np.float32)
    rows, columns = np.mgrid[:LOW_RES_SIDE, :LOW_RES_SIDE]
    logits = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -9.0)
    for _ in range(random.integers(0, 5)):
        row, column = random.uniform(0, LOW_RES_SIDE, 2)
        logits = np.maximum(logits, random.uniform(0.3, 60) - np.hypot(rows - row, columns - column))
    return logits.astype(np.float32)


def assert_same_mask(found: np.ndarray, expected_logits: np.ndarray):
    assert found.dtype == np.bool_
    assert found.shape == expected_logits.shape
    clear = np.abs(expected_logits) > 1e-3  # nearer to the threshold, rounding may take either side
    assert np.array_equal(found[clear], expected_logits[clear] > 0)
    assert clear.mean() > 0.98 or expected_logits.size < 1000


@settings(max_examples=80)
@given(size_hw=st.tuples(lengths, lengths), side=st.sampled_from(SIDES), seed=seeds)
def test_an_upscaled_mask_equals_two_bilinear_steps(size_hw, side, seed):
    logits, frame = blobs(seed), Frame.fit(size_hw, side=side)
    assert_same_mask(upscale_mask(logits, frame, size_hw), two_steps(logits, frame, size_hw))


@settings(max_examples=25)
@given(size_hw=st.tuples(lengths, lengths), by=st.floats(0.1, 1), seed=seeds)
def test_a_mask_of_a_reduced_picture_equals_two_steps_to_its_size(size_hw, by, seed):
    logits, frame = blobs(seed), Frame.fit(size_hw, side=1024)
    reduced = (max(1, round(size_hw[0] * by)), max(1, round(size_hw[1] * by)))
    assert_same_mask(upscale_mask(logits, frame, reduced), two_steps(logits, frame, reduced))


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 3000), (3000, 1), (3, 2), (2000, 3000)])
@pytest.mark.parametrize("side", SIDES)
def test_the_far_ends_of_sizes_upscale_too(size_hw, side):
    logits, frame = blobs(3), Frame.fit(size_hw, side=side)
    assert_same_mask(upscale_mask(logits, frame, size_hw), two_steps(logits, frame, size_hw))


@pytest.mark.parametrize("place", [(0, 0), (0, 255), (255, 0), (255, 255), (100, 7)])
def test_a_single_positive_logit_is_not_lost_at_an_edge(place):
    logits, frame = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -0.1, np.float32), Frame.fit((640, 640), side=1024)
    logits[place] = 9
    mask = upscale_mask(logits, frame, (640, 640))
    assert mask.any()
    assert_same_mask(mask, two_steps(logits, frame, (640, 640)))


def test_logits_without_a_positive_one_make_an_empty_mask():
    frame = Frame.fit((30, 50), side=512)
    assert not upscale_mask(np.zeros((LOW_RES_SIDE, LOW_RES_SIDE), np.float32), frame, (30, 50)).any()


@given(side=st.sampled_from(SIDES), size=st.integers(1, 5000), data=st.data())
@settings(max_examples=50)
def test_upscale_weights_share_out_exactly_one(side, size, data):
    inner = data.draw(st.integers(1, side))
    outputs = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20)))
    weights = upscale_weights(outputs, side, inner, size)
    assert weights.shape == (len(outputs), LOW_RES_SIDE)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_a_prediction_gives_all_masks_and_each_by_itself():
    frame = Frame.fit((90, 120), side=512)
    logits = np.stack([blobs(seed) for seed in (1, 2, 3)])
    scores = np.array([0.2, 0.9, 0.5], np.float32)
    prediction = Prediction(logits, predicted_iou=scores, stability_score=stability_scores(logits, frame), frame=frame)
    assert prediction.best == 1
    assert prediction.masks.shape == (3, 90, 120)
    for index in range(3):
        assert np.array_equal(prediction.masks[index], prediction.mask(index))
    assert prediction.mask(0, (45, 60)).shape == (45, 60)


@given(height=st.integers(1, 20000), width=st.integers(1, 20000), side=st.sampled_from(SIDES))
def test_a_frame_keeps_the_longer_side_and_the_shape(height, width, side):
    frame = Frame.fit((height, width), side=side)
    assert max(frame.inner_hw) == side
    assert min(frame.inner_hw) >= 1
    for inner, length in zip(frame.inner_hw, (height, width), strict=True):
        assert abs(inner - length * side / max(height, width)) <= 0.5 + 1e-9 or inner == 1
    for low_res, inner in zip(frame.low_res_inner_hw, frame.inner_hw, strict=True):
        assert (low_res - 1) * side / LOW_RES_SIDE < inner <= low_res * side / LOW_RES_SIDE


def test_a_frame_rounds_half_pixels_up():
    assert Frame.fit((1024, 1023), side=512).inner_hw == (512, 512)
    assert Frame.fit((1024, 1), side=512).inner_hw == (512, 1)
    assert Frame.fit((768, 1024), side=512).low_res_inner_hw == (192, 256)


def test_a_stability_score_is_the_iou_of_a_stricter_and_a_looser_cut():
    frame = Frame.fit((100, 100), side=512)
    logits = np.full((2, LOW_RES_SIDE, LOW_RES_SIDE), -5, np.float32)
    logits[0, :10, :10] = 0.5
    logits[0, :6, :10] = 5
    assert stability_scores(logits, frame).tolist() == [pytest.approx(0.6), 0]


def test_a_stability_score_does_not_look_at_the_padding():
    frame = Frame.fit((50, 100), side=512)
    logits = np.full((1, LOW_RES_SIDE, LOW_RES_SIDE), 5, np.float32)
    logits[:, 128:] = 0.5
    assert stability_scores(logits, frame).tolist() == [1]


def test_a_prompt_takes_lists_and_keeps_arrays():
    prompt = Prompt([[3, 4], [5, 6]], [1, 0], box_xyxy=[0, 0, 2, 2])
    assert (prompt.point_coords.dtype, prompt.point_coords.shape) == (np.float32, (2, 2))
    assert (prompt.point_labels.dtype, prompt.point_labels.tolist()) == (np.int64, [1, 0])
    assert prompt.box_xyxy.tolist() == [0, 0, 2, 2]


def test_a_prompt_may_be_a_box_or_an_earlier_mask_alone():
    assert len(Prompt(box_xyxy=[0, 0, 1, 1]).point_coords) == 0
    assert len(Prompt(None, None, mask_input=np.zeros((LOW_RES_SIDE, LOW_RES_SIDE))).point_labels) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "needs a point"),
        ({"point_coords": [[1, 2]], "point_labels": []}, "1 points and 0 labels"),
        ({"point_coords": [[np.nan, 2]], "point_labels": [1]}, "finite"),
        ({"point_coords": [[1, np.inf]], "point_labels": [1]}, "finite"),
        ({"point_coords": [[1, 2]], "point_labels": [2]}, r"got \[2\]"),
        ({"box_xyxy": [5, 0, 5, 9]}, "x0 < x1"),
        ({"box_xyxy": [0, 9, 5, 3]}, "y0 < y1"),
        ({"box_xyxy": [0, 0, 5]}, "x0, y0, x1, y1"),
        ({"box_xyxy": [0, 0, np.nan, 5]}, "x0, y0, x1, y1"),
        ({"mask_input": np.zeros((3, 256, 256))}, r"\(3, 256, 256\)"),
    ],
)
def test_a_prompt_nobody_could_answer_is_refused_with_the_reason(wrong, said):
    with pytest.raises(PromptError, match=said):
        Prompt(**wrong)


@pytest.mark.parametrize("size_hw", [(20, 30), (40, 60), (80, 120), (40, 30)])
def test_a_resized_image_has_the_size_asked_for_and_the_colour_it_had(size_hw):
    image = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    resized = resize_image(image, size_hw)
    assert resized.shape == (*size_hw, 3)
    assert (resized == (200, 100, 50)).all()


def test_an_embedding_counts_its_bytes():
    arrays = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(5, np.float64)}
    assert Embedding(segmenter="x", frame=Frame.fit((2, 2), side=512), arrays=arrays).nbytes == 24 + 40
