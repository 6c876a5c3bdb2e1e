"""What the encoder saw under a mask, and how alike two such places are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.automask.likeness import describe, likeness
from storage.rle import Rle


def mask_of(size_hw: tuple[int, int], rows: slice, columns: slice) -> Rle:
    mask = np.zeros(size_hw, bool)
    mask[rows, columns] = True
    return Rle.encode(mask)


def halves() -> np.ndarray:
    """4×8×2 features: (1, 0) in the left half, (0, 1) in the right one."""
    features = np.zeros((4, 8, 2), np.float32)
    features[:, :4, 0] = features[:, 4:, 1] = 1
    return features


def test_a_mask_is_described_by_the_features_under_it():
    size = (40, 80)
    left, right = mask_of(size, slice(5, 35), slice(0, 30)), mask_of(size, slice(0, 40), slice(50, 80))
    np.testing.assert_allclose(describe(halves(), left, size), [1, 0], atol=1e-6)
    np.testing.assert_allclose(describe(halves(), right, size), [0, 1], atol=1e-6)


def test_features_count_by_the_share_of_their_place_that_is_masked():
    both = describe(
        halves(), mask_of((40, 80), slice(0, 40), slice(10, 50)), (40, 80)
    )  # three times as much on the left
    np.testing.assert_allclose(both, np.array([3, 1]) / np.sqrt(10), atol=1e-6)


def test_a_mask_of_a_reduced_picture_is_described_as_that_of_the_original():
    features = np.random.default_rng(0).normal(size=(8, 16, 5)).astype(np.float32)
    large = mask_of((160, 320), slice(20, 100), slice(40, 240))
    small = mask_of((80, 160), slice(10, 50), slice(20, 120))
    found = [describe(features, rle, (160, 320)) for rle in (large, small)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_single_pixel_anywhere_in_a_picture_of_any_size_has_a_description(height, width, data):
    features = np.random.default_rng(0).normal(size=(16, 16, 4)).astype(np.float32) + 3
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    found = describe(
        features, mask_of((height, width), slice(row, row + 1), slice(column, column + 1)), (height, width)
    )
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


def test_an_empty_mask_and_features_without_a_word_are_like_nothing():
    size = (40, 80)
    empty = describe(halves(), mask_of(size, slice(0, 0), slice(0, 0)), size)
    silent = describe(np.zeros((4, 8, 2), np.float32), mask_of(size, slice(0, 9), slice(0, 9)), size)
    assert empty.tolist() == silent.tolist() == [0, 0]
    assert likeness(np.array([[1, 0]]), empty).tolist() == [0]


def test_likeness_is_the_cosine():
    vectors = np.array([[1, 0], [0, 1], [-1, 0], [0.6, 0.8]], np.float32)
    np.testing.assert_allclose(likeness(vectors, vectors[0]), [1, 0, -1, 0.6], atol=1e-6)
    assert likeness(np.zeros((0, 2)), vectors[0]).shape == (0,)
