"""A candidate measured from its logits, against the same done at full size with torch as segment_anything does."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_anything.utils.amg import calculate_stability_score
from torch.nn.functional import interpolate

from annotator.automask.measuring import Measure
from annotator.prediction import Frame

SIZES = st.sampled_from([(75, 100), (300, 417), (1024, 1024), (1300, 700), (540, 960), (40, 900)])


def blobs(seed: int, grain: float, level: float) -> np.ndarray:
    """256×256 logits: noise of any grain, shifted so that much or little of it is inside."""
    noise = np.random.default_rng(seed).normal(size=(256, 256)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), grain)
    return (smooth / smooth.std() + level) * 8


def upscaled(logits: np.ndarray, frame: Frame) -> torch.Tensor:
    """1×H×W: Sam.postprocess_masks."""
    whole = interpolate(torch.tensor(logits)[None, None], (frame.side,) * 2, mode="bilinear", align_corners=False)
    inner = whole[..., : frame.inner_hw[0], : frame.inner_hw[1]]
    return interpolate(inner, frame.size_hw, mode="bilinear", align_corners=False)[0]


@given(SIZES, st.integers(0, 99), st.floats(0.5, 30), st.floats(-3, 2), st.sampled_from([0.5, 1.0, 3.0]))
def test_mask_and_stability_are_those_at_full_size(size_hw, seed, grain, level, offset):
    frame, logits = Frame.fit(size_hw, side=1024), blobs(seed, grain, level)
    full = upscaled(logits, frame)
    found = Measure(frame, offset=offset, least_stability=0)(logits)
    expected = full[0].numpy() > 0
    if found is None:
        assert expected.mean() < 1e-4
        return
    mask = np.zeros(size_hw, bool)
    (top, left), (height, width) = found.at, found.part.shape
    mask[top : top + height, left : left + width] = found.part
    assert np.abs(full[0].numpy()[mask != expected]).max(initial=0) < 1e-3, "not a matter of rounding"
    assert found.stability_score == pytest.approx(float(calculate_stability_score(full, 0, offset)), abs=2e-3)


@given(SIZES, st.integers(0, 99), st.floats(0.5, 30), st.floats(-3, 2), st.floats(0.2, 1))
def test_the_look_at_the_logits_alone_never_refuses_what_is_stable_enough(size_hw, seed, grain, level, least):
    frame, logits = Frame.fit(size_hw, side=1024), blobs(seed, grain, level)
    found = Measure(frame, offset=1, least_stability=0)(logits)
    strict = Measure(frame, offset=1, least_stability=least)(logits)
    assert (strict is None) == (found is None or found.stability_score < least)


def test_the_look_at_the_logits_alone_refuses_what_is_far_from_stable():
    measure = Measure(Frame.fit((1080, 1920), side=1024), offset=1, least_stability=0.95)
    assert measure._most_stable(blobs(0, 20, 0) / 8) < 0.95


@pytest.mark.parametrize("level", [-5.0, -0.5])
def test_logits_without_a_pixel_inside_are_no_mask(level):
    measure = Measure(Frame.fit((300, 400), side=1024), offset=1, least_stability=0)
    assert measure(np.full((256, 256), level, np.float32)) is None
