"""Cut-outs of known objects: sizes, alpha, and where everything lies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.cutouts import Background, BackgroundKind, CutoutOptions
from annotator.cutouts.frames import Frame, frame_of
from annotator.cutouts.rendering import Placed, render
from tests.annotator.cutouts.scenes import over, placed, scene

PLAIN = CutoutOptions(soft_edge=0, clean_edge=False)
ON_WHITE = Background(kind=BackgroundKind.COLOUR)
BACKGROUNDS = [Background(), ON_WHITE, Background(kind=BackgroundKind.BLUR, blur=20)]


def cut(pixels: np.ndarray, mask: np.ndarray, options: CutoutOptions) -> tuple[np.ndarray, Frame]:
    where = placed(mask)
    frame = frame_of(where.box_xywh, mask.shape, options)
    return render(pixels, where, frame, options), frame


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    mask = np.random.default_rng(draw(st.integers(0, 999))).random((height, width)) > draw(st.floats(0, 0.95))
    mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return mask


@settings(max_examples=60)
@given(
    mask=masks(),
    crop=st.booleans(),
    margin=st.integers(0, 9),
    soft=st.floats(0, 12),
    background=st.sampled_from(BACKGROUNDS),
)
def test_every_cutout_has_exactly_the_size_that_was_asked_for(
    mask: np.ndarray, crop: bool, margin: int, soft: float, background: Background
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8)
    options = CutoutOptions(background=background, crop=crop, margin=margin, soft_edge=soft)
    out, frame = cut(pixels, mask, options)
    if crop:
        reach = int(np.ceil(soft / 2))
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        height = min(mask.shape[0], rows[-1] + 1 + reach) - max(0, rows[0] - reach) + 2 * margin
        width = min(mask.shape[1], columns[-1] + 1 + reach) - max(0, columns[0] - reach) + 2 * margin
        assert frame.size_hw == (height, width)
    else:
        assert frame.size_hw == mask.shape
    assert out.shape == (*frame.size_hw, 4 if background.kind is BackgroundKind.TRANSPARENT else 3)
    assert out.dtype == np.uint8


@given(mask=masks(), margin=st.integers(0, 5))
def test_a_hard_edge_is_the_mask_and_the_pixels_in_it_are_the_pictures(mask: np.ndarray, margin: int) -> None:
    pixels = np.random.default_rng(0).integers(1, 255, (*mask.shape, 3), np.uint8)
    out, frame = cut(pixels, mask, replace(PLAIN, margin=margin))
    x, y, width, height = frame.box_xywh
    whole = np.zeros((*mask.shape, 4), np.uint8)
    whole[..., :3] = pixels * mask[..., None]
    whole[..., 3] = mask * 255
    padded = np.pad(whole, ((margin, margin), (margin, margin), (0, 0)))
    assert (out == padded[y + margin : y + margin + height, x + margin : x + margin + width]).all()


@settings(max_examples=40)
@given(mask=masks(), soft=st.floats(0, 8), background=st.sampled_from(BACKGROUNDS[:2]))
def test_a_crop_is_a_part_of_the_full_cutout(mask: np.ndarray, soft: float, background: Background) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*mask.shape, 3), np.uint8)
    options = CutoutOptions(soft_edge=soft, background=background)
    full, _ = cut(pixels, mask, replace(options, crop=False))
    part, frame = cut(pixels, mask, options)
    x, y, width, height = frame.box_xywh
    assert np.abs(full[y : y + height, x : x + width].astype(int) - part).max() <= 1


def test_tiles_leave_no_seam() -> None:
    one = scene(size=480)
    options = CutoutOptions(soft_edge=6, crop=False)
    out, _ = cut(one.pixels, one.mask, options)
    moved = np.roll(one.pixels, 37, axis=1), np.roll(one.mask, 37, axis=1)
    shifted, _ = cut(*moved, options)
    assert np.abs(np.roll(out, 37, axis=1).astype(int) - shifted)[:, 60:-60].max() <= 1


def test_no_halo_is_left_on_a_new_background() -> None:
    one = scene()
    truth = over(one.colours, np.full_like(one.colours, 255), one.alpha)
    edge = (one.alpha > 0.02) & (one.alpha < 0.98)

    def error(clean: bool) -> float:
        options = CutoutOptions(background=ON_WHITE, soft_edge=4, clean_edge=clean, crop=False)
        return float(np.abs(cut(one.pixels, one.mask, options)[0] - truth)[edge].mean())

    assert error(clean=True) < error(clean=False) / 2


def test_the_blurred_background_has_nothing_of_the_object() -> None:
    pixels = np.full((120, 160, 3), (10, 60, 200), np.uint8)
    mask = np.zeros((120, 160), bool)
    mask[30:90, 50:110] = True
    pixels[mask] = (250, 10, 10)
    out, _ = cut(pixels, mask, CutoutOptions(background=Background(kind=BackgroundKind.BLUR, blur=60), crop=False))
    around = np.ones_like(mask)
    around[27:93, 47:113] = False
    assert (np.abs(out[around].astype(int) - (10, 60, 200)) <= 2).all()
    assert (np.abs(out[40:80, 60:100].astype(int) - (250, 10, 10)) <= 2).all()


def test_another_picture_shines_through_where_the_object_is_not() -> None:
    one = scene()
    options = CutoutOptions(background=Background(kind=BackgroundKind.PICTURE, picture=1), crop=False)
    where = placed(one.mask)
    backdrop = np.full((20, 30, 3), (1, 2, 3), np.uint8)
    out = render(one.pixels, where, frame_of(where.box_xywh, one.mask.shape, options), options, backdrop=backdrop)
    assert (out[:8] == (1, 2, 3)).all()


def test_the_background_goes_on_where_the_picture_ends() -> None:
    pixels = np.full((20, 30, 3), 50, np.uint8)
    mask = np.zeros((20, 30), bool)
    mask[10:, 5:20] = True
    options = replace(PLAIN, background=ON_WHITE)
    beyond = Frame(box_xywh=(-5, 5, 40, 30), size_hw=(30, 40))
    out = render(pixels, placed(mask), beyond, options)
    assert (out[15:] == 255).all()
    assert (out[5:15, 10:25] == 50).all()
    far_off = Frame(box_xywh=(500, 500, 10, 10), size_hw=(10, 10))
    assert (render(pixels, placed(mask), far_off, options) == 255).all()


@pytest.mark.parametrize("scale", [0.25, 0.6, 2.0])
def test_a_frame_given_out_smaller_or_larger_shows_the_same(scale: float) -> None:
    one = scene(size=200)
    where = placed(one.mask)
    options = CutoutOptions(background=ON_WHITE)
    frame = frame_of(where.box_xywh, one.mask.shape, options)
    height, width = (round(side * scale) for side in frame.size_hw)
    out = render(one.pixels, where, replace(frame, size_hw=(height, width)), options)
    plain = render(one.pixels, where, frame, options)
    assert out.shape == (height, width, 3)
    assert np.abs(out.mean(axis=(0, 1)) - plain.mean(axis=(0, 1))).max() < 4


def test_a_mask_covers_the_part_of_the_picture_that_it_lies_in() -> None:
    where = Placed(mask=np.ones((2, 3), bool), at_xy=(4, 1))
    assert where.coverage((3, 0, 3, 3)).tolist() == [[0, 0, 0], [0, 255, 255], [0, 255, 255]]
    assert not where.coverage((50, 50, 3, 3)).any()
