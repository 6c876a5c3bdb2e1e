"""What comes behind an object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.cutouts.backgrounds import Background, BackgroundKind, BlurredBackground, cover, fill_holes, parse_colour
from annotator.errors import CutoutError


@pytest.mark.parametrize("sigma", [1.5, 6.0, 40.0])
def test_a_blurred_background_shows_nothing_of_the_object(sigma: float) -> None:
    pixels = np.full((200, 300, 3), (20, 40, 200), np.uint8)
    hole = np.zeros((200, 300), np.uint8)
    hole[60:150, 100:220] = 255
    pixels[hole > 0] = (255, 0, 0)
    blurred = BlurredBackground(pixels, hole, sigma=sigma, grown=1.0).part((0, 0), 1.0, (0, 0, 300, 200))
    assert np.allclose(blurred, (20, 40, 200), atol=1.5)


def test_the_blur_is_as_wide_as_asked() -> None:
    pixels = np.zeros((128, 400, 3), np.uint8)
    pixels[:, 200:] = 255
    row = BlurredBackground(pixels, np.zeros((128, 400), np.uint8), sigma=12, grown=0).part(
        (0, 0), 1.0, (0, 64, 400, 1)
    )
    at_one_sigma = row[0, [187, 212], 0] / 255
    assert at_one_sigma == pytest.approx([0.159, 0.841], abs=0.02)


def test_parts_of_a_blurred_background_fit_together() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    blurred = BlurredBackground(pixels, np.zeros((90, 120), np.uint8), sigma=7, grown=0)
    whole = blurred.part((-10, 5), 1.5, (0, 0, 100, 80))
    assert np.allclose(blurred.part((-10, 5), 1.5, (30, 20, 40, 50)), whole[20:70, 30:70], atol=0.2)


def test_a_hole_goes_on_smoothly_from_its_rim() -> None:
    values = np.dstack([np.tile(np.linspace(0, 200, 64, dtype=np.float32), (64, 1))] * 3)
    known = np.ones((64, 64), bool)
    known[16:48, 16:48] = False
    damaged = np.where(known[..., None], values, 999).astype(np.float32)
    filled = fill_holes(damaged, known)
    assert (filled[known] == values[known]).all()
    assert filled.min() >= 0 and filled.max() <= 200
    assert filled[16:48, 20].mean() < filled[16:48, 44].mean()


@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 50))
def test_filling_leaves_no_hole_and_invents_no_colour(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.random((height, width)) > 0.7
    filled = fill_holes(np.full((height, width, 3), 77, np.float32), known)
    assert np.isfinite(filled).all()
    assert np.allclose(filled, 77 if known.any() else 128, atol=0.01)


@given(
    picture=st.tuples(st.integers(1, 60), st.integers(1, 60)), wanted=st.tuples(st.integers(1, 90), st.integers(1, 90))
)
def test_another_picture_covers_every_size_exactly(picture: tuple[int, int], wanted: tuple[int, int]) -> None:
    covered = cover(np.full((*picture, 3), 9, np.uint8), wanted)
    assert covered.shape == (*wanted, 3)
    assert (covered == 9).all()


def test_covering_keeps_the_middle_and_the_proportions() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 255
    assert (cover(wide, (50, 50)) == 255).all()


@pytest.mark.parametrize("text", ["transparent", "WHITE", "grey", "#1f5FD0", "blur"])
def test_names_and_colours_are_understood(text: str) -> None:
    assert Background.named(text).kind in set(BackgroundKind)


@pytest.mark.parametrize("text", ["pink", "", "#12345", "#12345g", "/etc/hostname"])
def test_a_page_can_name_no_file_as_background(text: str) -> None:
    with pytest.raises(CutoutError, match=r"colour|background"):
        Background.named(text)


def test_a_missing_picture_is_said_to_be_missing() -> None:
    with pytest.raises(CutoutError, match=r"no picture .*beach\.jpg"):
        Background.parse("holidays/beach.jpg")


def test_a_colour_is_read_in_order_red_green_blue() -> None:
    assert parse_colour("#0102ff") == (1, 2, 255)
