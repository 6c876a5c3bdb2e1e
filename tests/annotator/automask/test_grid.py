"""The grid of points and the crops, against segment_anything's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from segment_anything.utils.amg import build_all_layer_point_grids, generate_crop_boxes

from annotator.automask import AutomaskSettings
from annotator.automask.grid import views

SIDE = st.integers(30, 3000)


@given(SIDE, SIDE, st.integers(0, 3), st.floats(0, 0.9), st.integers(1, 2))
def test_crops_and_their_points_are_those_of_segment_anything(height, width, layers, overlap, factor):
    settings = AutomaskSettings(
        points_per_side=8,
        crop_n_layers=layers,
        crop_overlap_ratio=overlap,
        crop_n_points_downscale_factor=factor,
    )
    boxes, numbers = generate_crop_boxes((height, width), layers, overlap)
    grids = build_all_layer_point_grids(8, layers, factor)
    found = views((height, width), settings)
    assert [list(view.box_xyxy) for view in found] == boxes
    for view, number in zip(found, numbers, strict=True):
        np.testing.assert_allclose(view.point_coords, grids[number] * view.size_hw[::-1], rtol=1e-12)


def test_points_run_row_by_row_and_lie_in_the_middles_of_equal_parts():
    (whole,) = views((100, 200), AutomaskSettings(points_per_side=2))
    assert whole.size_hw == (100, 200)
    assert whole.point_coords.tolist() == [[50, 25], [150, 25], [50, 75], [150, 75]]


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_picture_of_a_few_pixels_has_no_crop_outside_of_it(height, width):
    settings = AutomaskSettings(points_per_side=32, crop_n_layers=4)
    for view in views((height, width), settings):
        left, top, right, bottom = view.box_xyxy
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
