"""Soft edges, and what is left of the old background in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.cutouts.edges import clean_colours, reach, soft_alpha
from tests.annotator.cutouts.scenes import Scene, scene


def edge_error(one: Scene, colours: np.ndarray, alpha: np.ndarray) -> float:
    """Mean distance, in levels, to the object's own colours where the edge shows, weighted by how much it shows."""
    in_edge = (alpha > 0) & (one.alpha < 0.98)
    shown = alpha[in_edge] / 255
    wrong = np.abs(colours - one.colours)[in_edge].mean(axis=-1)
    return float((wrong * shown).sum() / shown.sum())


@pytest.mark.parametrize("soft_edge", [1.0, 3.0, 8.0])
@pytest.mark.parametrize(
    ("grown", "least_gain"),
    [(-1, 1.5), (0, 3.0), (1, 2.0)],  # a mask that lies well inside has less of the old background to lose
    ids=["narrow", "exact", "wide"],
)
def test_cleaning_takes_the_old_background_out_of_the_edge(soft_edge: float, grown: int, least_gain: float) -> None:
    one = scene(grown=grown)
    coverage = one.mask.astype(np.uint8) * 255
    alpha = soft_alpha(coverage, soft_edge)
    before = edge_error(one, one.pixels.astype(float), alpha)
    after = edge_error(one, clean_colours(one.pixels, coverage, soft_edge), alpha)
    assert after < before / least_gain, f"{before:.1f} -> {after:.1f} levels"


def test_cleaning_leaves_the_inside_as_it_is() -> None:
    one = scene()
    coverage = one.mask.astype(np.uint8) * 255
    inside = np.zeros_like(one.mask)
    inside[85:95, 60:100] = True
    assert one.alpha[inside].min() > 0.999
    assert np.allclose(clean_colours(one.pixels, coverage, 3.0)[inside], one.pixels[inside], atol=1e-3)


def test_cleaning_changes_little_where_object_and_background_are_alike() -> None:
    rng = np.random.default_rng(1)
    pixels = (128 + rng.integers(-6, 7, (60, 60, 3))).astype(np.uint8)
    coverage = np.zeros((60, 60), np.uint8)
    coverage[20:40, 20:40] = 255
    assert np.abs(clean_colours(pixels, coverage, 3.0) - pixels)[coverage > 0].max() < 12


def test_a_line_of_one_pixel_keeps_colours_of_its_own() -> None:
    pixels = np.full((40, 40, 3), (200, 0, 0), np.uint8)
    pixels[:, 20] = (0, 200, 0)
    coverage = np.zeros((40, 40), np.uint8)
    coverage[:, 20] = 255
    assert np.allclose(clean_colours(pixels, coverage, 2.0)[:, 20], (0, 200, 0), atol=3)


@given(soft_edge=st.floats(0, 50), seed=st.integers(0, 99))
def test_alpha_is_the_mask_far_from_its_edge(soft_edge: float, seed: int) -> None:
    size, middle = 240, 120
    coverage = np.zeros((size, size), np.uint8)
    coverage[:, np.random.default_rng(seed).integers(100, middle) :] = 255
    alpha = soft_alpha(coverage, soft_edge)
    first = int(np.flatnonzero(coverage[0])[0])
    width = reach(soft_edge)
    assert (alpha[:, : max(0, first - width - 1)] == 0).all()
    assert (alpha[:, first + width + 1 :] == 255).all()
    assert (np.diff(alpha.astype(int), axis=1) >= 0).all()


def test_without_a_soft_edge_alpha_is_the_mask() -> None:
    coverage = (np.random.default_rng(0).random((30, 40)) > 0.5).astype(np.uint8) * 255
    assert (soft_alpha(coverage, 0) == coverage).all()


def test_the_edge_does_not_fade_at_the_pictures_border() -> None:
    coverage = np.full((20, 20), 255, np.uint8)
    assert (soft_alpha(coverage, 10.0) == 255).all()
