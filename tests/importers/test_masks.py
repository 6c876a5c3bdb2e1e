"""Shapes become the pixels that their format's own library paints."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.base import ImporterError, Shape
from importers.masks import mask_of
from storage.rle import Rle

SIZE = (20, 30)


def painted(**values: object) -> np.ndarray:
    return mask_of(Shape(name="x", category="cup", **values), SIZE).decode()


def rows_and_columns(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def test_edges_leave_the_last_row_and_column_out_and_pixels_include_them():
    square = np.array([[4, 3], [10, 3], [10, 8], [4, 8]], float)
    assert rows_and_columns(painted(polygons=(square,), painted="edges")) == (3, 8, 4, 10)
    assert rows_and_columns(painted(polygons=(square,), painted="pixels")) == (3, 9, 4, 11)


def test_parts_of_the_picture_are_scaled_to_its_size():
    ring = np.array([[0.1, 0.1], [0.5, 0.1], [0.5, 0.6], [0.1, 0.6]])
    assert rows_and_columns(painted(polygons=(ring,), painted="pixels", relative=True)) == (2, 13, 3, 16)
    assert rows_and_columns(painted(box_xyxy=(0.1, 0.1, 0.5, 0.6), relative=True)) == (2, 12, 3, 15)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 29), st.floats(0, 19)), min_size=3, max_size=8))
def test_pixels_are_painted_as_fill_poly_does(points):
    wanted = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(wanted, [np.floor(np.array(points) + 0.01).astype(np.int32)], (1,))  # 4.999998 was written for 5
    assert np.array_equal(painted(polygons=(np.array(points),), painted="pixels"), wanted.astype(bool))


@settings(max_examples=150)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(-25, 55), st.floats(-18, 38)), min_size=3, max_size=7), min_size=1, max_size=3
    )
)
def test_what_pycocotools_paints_is_sound_wherever_the_points_lie(rings):
    shape = Shape(name="x", category="cup", polygons=tuple(np.array(ring) for ring in rings))
    try:
        rle = mask_of(shape, SIZE)
    except ImporterError as error:
        assert "no pixel of the picture is inside" in str(error)  # noqa: PT017 - either is right
        return
    assert Rle.from_coco(rle.to_coco()) == rle
    assert rle == Rle.encode(rle.decode())


def test_rings_that_overlap_are_joined_and_not_cut_out_of_each_other():
    one, other = (np.array([[x, 3], [x + 8, 3], [x + 8, 9], [x, 9]], float) for x in (2, 6))
    for how in ("edges", "pixels"):
        assert painted(polygons=(one, other), painted=how)[5, 3:13].all()


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ((2, 3, 5, 7), (3, 7, 2, 5)),
        ((5, 7, 2, 3), (3, 7, 2, 5)),
        ((2.4, 3.4, 2.6, 3.6), (3, 4, 2, 3)),
        ((-5, -5, 4, 4), (0, 4, 0, 4)),
        ((25, 15, 40, 30), (15, 20, 25, 30)),
    ],
)
def test_a_box_is_the_pixels_between_its_corners(box, found):
    assert rows_and_columns(painted(box_xyxy=box)) == found
    assert painted(box_xyxy=box).sum() == (found[1] - found[0]) * (found[3] - found[2])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "neither a mask nor points nor a box"),
        ({"box_xyxy": (31, 3, 35, 7)}, "outside the picture"),
        ({"box_xyxy": (float("nan"), 3, 35, 7)}, "no number"),
        ({"polygons": (np.array([[1, 1], [2, 2], [1e12, 5]]),)}, "far outside"),
        ({"polygons": (np.array([[-1e5, 1], [2, 2], [7, 5]]),), "painted": "pixels"}, "far outside"),
    ],
)
def test_what_no_mask_can_be_made_of_is_refused_with_the_reason(values, reason):
    with pytest.raises(ImporterError, match=reason):
        painted(**values)


@pytest.mark.parametrize("kind", ["edges", "pixels"])
def test_an_outline_longer_than_any_is_refused_before_it_costs_the_memory(kind):
    there_and_back = np.tile([[0.0, 0.0], [30.0, 20.0]], (400_000, 1))
    with pytest.raises(ImporterError, match=r"outline is 2\.4e\+07 pixels long"):
        painted(polygons=(there_and_back,), painted=kind)
