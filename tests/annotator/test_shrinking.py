"""Masks in the size of a reduced picture."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.shrinking import shrunk
from storage.rle import Rle

sizes = st.integers(1, 60)


@settings(max_examples=150)
@given(height=sizes, width=sizes, share=st.floats(0.05, 1), seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1))
def test_a_mask_shrinks_as_a_picture_does(height: int, width: int, share: float, seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    top, left = rng.integers(height), rng.integers(width)
    part = mask[top : top + rng.integers(1, height + 1), left : left + rng.integers(1, width + 1)]
    part[:] = rng.random(part.shape) < density
    size_hw = max(1, round(height * share)), max(1, round(width * share))
    covered = cv2.resize(mask.astype(np.float64), size_hw[::-1], interpolation=cv2.INTER_AREA)
    found = shrunk(Rle.encode(mask), size_hw)
    assert found.size_hw == size_hw
    certain = np.abs(covered - 0.5) > 1e-3
    assert (found.decode() == (covered >= 0.5))[certain].all()


def test_half_a_pixel_is_enough() -> None:
    mask = np.zeros((4, 4), bool)
    mask[:, 0] = True
    assert shrunk(Rle.encode(mask), (2, 2)).decode().tolist() == [[True, False], [True, False]]


def test_the_same_size_is_the_same_mask() -> None:
    rle = Rle.encode(np.eye(5, dtype=bool))
    assert shrunk(rle, (5, 5)) is rle
