"""Masks as COCO run-length encoding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from storage.rle import Rle

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(masks)
def test_decoding_gives_back_the_mask_that_was_encoded(mask):
    decoded = Rle.encode(mask).decode()
    assert decoded.dtype == bool
    np.testing.assert_array_equal(decoded, mask)


@given(masks)
def test_area_and_box_are_those_of_the_pixels(mask):
    rle = Rle.encode(mask)
    rows, columns = np.nonzero(mask)
    assert rle.area == len(rows)
    if len(rows):
        box = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
        assert rle.bbox_xywh == tuple(int(v) for v in box)
    else:
        assert rle.bbox_xywh == (0, 0, 0, 0)


@given(masks)
def test_the_coco_form_reads_back_as_the_same_mask(mask):
    rle = Rle.encode(mask)
    assert rle.to_coco()["size"] == list(mask.shape)
    assert Rle.from_coco(rle.to_coco()) == rle
    as_bytes = rle.to_coco() | {"counts": rle.counts.encode()}
    assert Rle.from_coco(as_bytes) == rle


@pytest.mark.parametrize("inside", [True, False])
def test_a_picture_of_one_pixel_has_a_mask(inside):
    rle = Rle.encode(np.array([[inside]]))
    assert rle.decode().tolist() == [[inside]]
    assert (rle.area, rle.bbox_xywh) == ((1, (0, 0, 1, 1)) if inside else (0, (0, 0, 0, 0)))


def test_an_empty_mask_has_no_area_and_no_box():
    rle = Rle.encode(np.zeros((7, 5), bool))
    assert (rle.area, rle.bbox_xywh) == (0, (0, 0, 0, 0))
    assert not rle.decode().any()


def test_the_box_of_the_first_pixel_is_one_pixel_at_the_corner():
    mask = np.zeros((9, 6), bool)
    mask[0, 0] = True
    assert Rle.encode(mask).bbox_xywh == (0, 0, 1, 1)


def test_any_number_but_zero_is_inside():
    mask = np.array([[0, 1, 255], [7, 255, 0]], np.uint8)
    assert Rle.encode(mask) == Rle.encode(mask > 0)
    assert Rle.encode(mask.astype(np.float32) / 255) == Rle.encode(mask > 0)


def test_the_runs_go_down_the_columns():
    mask = np.zeros((4, 4), bool)
    mask[1:, 0] = True  # runs 1, 3, 12: as written by pycocotools for this mask
    assert Rle.encode(mask) == Rle(size_hw=(4, 4), counts="13<")


def test_a_mask_of_many_megapixels_with_long_runs_reads_back():
    mask = np.zeros((3000, 4000), bool)
    mask[:, 1500:] = True
    rle = Rle.from_coco(Rle.encode(mask).to_coco())
    assert rle.area == 3000 * 2500
    assert rle.bbox_xywh == (1500, 0, 2500, 3000)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 1), (0, 4), (4, 0)])
def test_only_a_mask_of_rows_and_columns_is_encoded(shape):
    with pytest.raises(ValueError, match="H×W"):
        Rle.encode(np.zeros(shape, bool))


@pytest.mark.parametrize(
    "coded",
    [
        {"size": [4, 4]},
        {"counts": "13<"},
        {"size": [4], "counts": "13<"},
        {"size": [4, 4], "counts": ""},
        {"size": [4, 4], "counts": "13\n"},
        {"size": [4, 4], "counts": "13é"},
        {"size": [4, 4], "counts": None},
        {"size": [4, 4], "counts": "1" + "o" * 12 + "1"},
        {"size": None, "counts": "13<"},
    ],
)
def test_what_is_no_mask_is_refused(coded):
    with pytest.raises(ValueError, match="Expected a mask"):
        Rle.from_coco(coded)


@pytest.mark.parametrize(
    "coded",
    [
        {"size": [4, 5], "counts": "13<"},  # too few pixels
        {"size": [4, 3], "counts": "13<"},  # too many
        {"size": [0, 0], "counts": "0"},
        {"size": [-4, -4], "counts": "13<"},
        {"size": [4, 4], "counts": "O10`0"},  # a run of -1
    ],
)
def test_runs_that_do_not_fill_the_picture_are_refused(coded):
    with pytest.raises(ValueError, match="add up"):
        Rle.from_coco(coded)


def test_runs_of_no_pixels_are_taken_out():
    rle = Rle.from_coco({"size": [4, 4], "counts": "20>"})  # 2 out, 0 in, 14 out
    assert rle == Rle.encode(np.zeros((4, 4), bool))
    assert rle.bbox_xywh == (0, 0, 0, 0)
    assert Rle.from_coco({"size": [4, 4], "counts": "0002>"}).counts == "02>"  # 2 in, 14 out


@given(st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=30), st.integers(1, 6), st.integers(1, 6))
def test_any_string_is_either_refused_or_a_mask_that_pycocotools_reads_alike(counts, height, width):
    try:
        rle = Rle.from_coco({"size": [height, width], "counts": counts})
    except ValueError:
        return
    np.testing.assert_array_equal(rle.decode(), coco_mask.decode({"size": [height, width], "counts": counts}) > 0)
    assert rle == Rle.encode(rle.decode())


@given(masks)
def test_the_part_in_the_box_is_decoded_alone(mask):
    rle = Rle.encode(mask)
    x, y, width, height = rle.bbox_xywh
    assert np.array_equal(rle.decode_part(), mask[y : y + height, x : x + width])


@given(masks, st.tuples(*[st.integers(0, 12)] * 4))
def test_a_part_is_encoded_as_the_whole_mask_around_it(part, margins):
    whole = np.pad(part, (margins[:2], margins[2:]))
    assert Rle.encode_part(part, at=(margins[0], margins[2]), size_hw=whole.shape) == Rle.encode(whole)
