"""Maps of numbers as masks, and the PNGs that hold them."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import importers.regions
from importers.base import ImporterError
from importers.rasters import png_header, read_raster
from importers.regions import boxes_of, by_color, color_number, masks_of, voc_color
from tests.importers.reading import complaint


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(out, "PNG")
    return out.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is of this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


maps = arrays.arrays(np.int32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-3, 5))


@given(maps, st.integers(1, 40))
def test_the_masks_of_a_map_are_its_numbers_whatever_the_strips(pixels, strip):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importers.regions, "_STRIP_PIXELS", strip)
        found = dict(masks_of(pixels, leave_out=(0,)))
    assert set(found) == set(pixels.ravel().tolist()) - {0}
    for number, rle in found.items():
        assert (rle.decode() == (pixels == number)).all()


def test_a_picture_taken_for_a_map_is_refused_before_it_fills_the_memory():
    with pytest.raises(ValueError, match="a picture and no map"):
        boxes_of(np.arange(300 * 300).reshape(300, 300))


def test_numbers_scattered_all_over_are_refused_before_they_take_hours():
    noise = np.random.default_rng(0).integers(0, 2000, (500, 500))
    with pytest.raises(ValueError, match="scattered all over"):
        next(masks_of(noise))


@given(arrays.arrays(np.uint8, (3, 4, 3), elements=st.integers(0, 2)))
def test_colours_become_the_numbers_of_the_list(pixels):
    numbers = {color_number((1, 1, 1)): 7, color_number((0, 2, 0)): 3}
    found = by_color(pixels, numbers, other=-1)
    for place in np.ndindex(3, 4):
        assert found[place] == {(1, 1, 1): 7, (0, 2, 0): 3}.get(tuple(pixels[place].tolist()), -1)


def test_the_palette_is_that_of_the_devkit():
    assert [voc_color(number) for number in (0, 1, 2, 15, 20, 255)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (192, 128, 128), (0, 64, 128), (224, 224, 192),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_numbers_come_as_they_are_in_every_kind_of_png(mode):
    pixels = np.zeros((4, 5), np.uint8)
    pixels[1, 2] = 255
    raster = read_raster(png(pixels, mode), "a.png")
    assert raster.size_hw == (4, 5)
    assert (raster.palette is not None) == (mode == "P")
    first = raster.pixels if raster.pixels.ndim == 2 else raster.pixels[..., 0]
    assert np.flatnonzero(first).tolist() == [7]


def test_sixteen_bits_are_not_cut_to_eight():
    assert read_raster(png(np.array([[0, 40_000]], np.uint16)), "a.png").pixels.tolist() == [[0, 40_000]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no PNG"),
        (b"GIF89a" + bytes(50), "no PNG"),
        (claiming(60_000, 60_000), "60000×60000 pixels, more than 100 million"),
        (claiming(2**31 - 1, 2**31 - 1), "more than 100 million"),
        (claiming(0, 0), "damaged"),
        (claiming(50, 50), "damaged"),
        (png(np.ones((50, 50), np.uint8))[:60], "damaged"),
    ],
)
def test_a_png_that_cannot_be_used_is_an_error_before_it_is_unpacked(data, reason):
    with pytest.raises(ImporterError, match=r"^a\.png: ") as error:
        read_raster(data, "a.png")
    assert reason in str(error.value)


@given(st.binary(max_size=80), st.integers(8, 60))
def test_no_bytes_make_a_png_fail_in_another_way(noise, at):
    whole = png(np.arange(30, dtype=np.uint8).reshape(5, 6))
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    png_header(damaged)
    said = complaint(read_raster, damaged, "a.png")
    assert said == "" or said.startswith("a.png: ")
