import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from exporters.edges import edge_parts
from exporters.rings import hang_holes, join_rings, worth_joining
from storage.rle import Rle


def square(x, y, side):
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]])


def read_by_pycocotools(ring, size_hw):
    return coco_mask.decode(coco_mask.frPyObjects([ring.reshape(-1).astype(float).tolist()], *size_hw))[..., 0]


def test_a_single_ring_stays_as_it_is():
    ring = square(2, 3, 4)
    assert join_rings([ring]) is ring


def test_a_hole_is_left_open_by_its_keyhole():
    ring = join_rings([square(0, 0, 20), square(6, 6, 8)])
    painted = read_by_pycocotools(ring, (20, 20))
    assert painted.sum() == 20 * 20 - 8 * 8
    assert not painted[6:14, 6:14].any()


def test_a_bridge_leaves_from_the_middle_of_a_long_edge_where_that_is_shorter():
    ring = join_rings([square(0, 0, 100), square(110, 50, 4)])
    painted = np.zeros((120, 120), dtype=np.uint8)
    cv2.fillPoly(painted, [ring.astype(np.int32)], 1)
    assert painted.sum() == 101 * 101 + 5 * 5 + 9


def test_parts_and_holes_become_one_ring_that_pycocotools_reads_without_its_bridges():
    parts = [square(0, 0, 20), square(5, 5, 5), square(30, 0, 10), square(30, 30, 10), square(33, 33, 4)]
    expected = np.zeros((50, 50), dtype=np.uint8)
    for x, y, side in ((0, 0, 20), (5, 5, 5), (30, 0, 10), (30, 30, 10), (33, 33, 4)):
        expected[y : y + side, x : x + side] ^= 1
    assert np.array_equal(read_by_pycocotools(join_rings(parts), (50, 50)), expected)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_rings_of_one_point_are_reached_too(count):
    dots = [np.array([[7 * number, 3]]) for number in range(count)]
    joined = join_rings([square(0, 10, 5), *dots])
    assert {tuple(point) for dot in dots for point in dot} <= {tuple(point) for point in joined}


def test_thousands_of_parts_one_behind_the_other_are_walked_without_recursion():
    dots = [np.array([[3 * number, 0]]) for number in range(2000)]
    joined = join_rings(dots)
    assert len({tuple(point) for point in joined}) == 2000
    assert np.abs(np.diff(joined, axis=0)).max() == 3


@settings(max_examples=150)
@given(mask=hnp.arrays(bool, st.tuples(st.integers(3, 12), st.integers(3, 12))).filter(np.any))
def test_holes_hang_on_bridges_that_never_leave_their_part(mask):
    for rings in edge_parts([Rle.encode(mask)])[0]:
        part, joined = shapely.Polygon(rings[0], rings[1:]), hang_holes(rings)
        assert part.covers(shapely.LinearRing(joined))
        expected = shapely.contains_xy(part, *(np.indices(mask.shape)[::-1] + 0.5))
        assert np.array_equal(read_by_pycocotools(joined, mask.shape), expected)


def test_a_bridge_may_land_on_a_slanted_edge():
    diamond = np.array([[10, 0], [20, 10], [10, 20], [0, 10]])
    joined = hang_holes([diamond, square(9, 5, 3)])
    assert [5.0, 5.0] in joined.tolist()
    assert shapely.Polygon(diamond, [square(9, 5, 3)]).covers(shapely.LinearRing(joined))


def test_crumbs_are_not_worth_a_bridge_that_paints_more_than_they_hold():
    mask = np.zeros((40, 60), dtype=np.uint8)
    block, near, far, behind = square(0, 0, 20), square(22, 4, 2), square(22, 36, 1), square(44, 2, 6)
    for ring in (block, near, far, behind):
        cv2.fillPoly(mask, [ring], 1)
    pixels = [21 * 21, 9, 4, 49]
    # The block behind pays for its bridge, which starts at the near crumb; the far one does not.
    assert worth_joining([block, near, far, behind], pixels, mask) == [0, 1, 3]
    assert worth_joining([block, near, far, behind], [*pixels[:3], 18], mask) == [0, 1]
