"""A mask's outline along the edges of its pixels."""

from itertools import chain

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from exporters.edges import edge_parts
from storage.rle import Rle
from tests.exporters.datasets import real_masks, ring_and_dot

any_mask = hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def inside(part, size_hw):
    """The pixels whose centres lie in a polygon, as geometry says it."""
    y, x = np.indices(size_hw) + 0.5
    return shapely.contains_xy(part, x, y)


@settings(max_examples=300)
@given(mask=any_mask)
def test_parts_are_valid_polygons_that_hold_the_pixels_and_no_others(mask):
    parts = [shapely.Polygon(rings[0], rings[1:]) for rings in edge_parts([Rle.encode(mask)])[0]]
    assert all(part.is_valid for part in parts)
    found = sum((inside(part, mask.shape).astype(int) for part in parts), np.zeros(mask.shape, int))
    assert np.array_equal(found, mask)
    assert sum(part.area for part in parts) == mask.sum()


@settings(max_examples=200)
@given(mask=any_mask)
def test_parts_are_what_hangs_together_by_sides(mask):
    count, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    assert len(edge_parts([Rle.encode(mask)])[0]) == count - 1


@settings(max_examples=200)
@given(mask=any_mask)
def test_rings_have_corners_alone_and_pass_no_place_twice(mask):
    for ring in (ring for part in edge_parts([Rle.encode(mask)])[0] for ring in part):
        assert len(ring) >= 4
        assert len(np.unique(ring, axis=0)) == len(ring)
        steps = np.roll(ring, -1, axis=0) - ring
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert ((steps[:, 0] == 0) != (np.roll(steps, 1, axis=0)[:, 0] == 0)).all()


def test_a_frame_has_a_hole_and_the_block_beside_it_has_none():
    frame, block = edge_parts([Rle.encode(ring_and_dot())])[0]
    assert [ring.tolist() for ring in block] == [[[23, 5], [30, 5], [30, 12], [23, 12]]]
    assert sorted(frame[1].tolist()) == [[8, 8], [8, 14], [13, 8], [13, 14]]


@pytest.mark.parametrize("size_hw", [(3, 100_000), (100_000, 3), (6000, 6000)])
def test_corners_of_the_largest_pictures_are_exact(size_hw):
    mask = np.zeros(size_hw, dtype=bool)
    mask[-3:, -2:] = mask[0, 0] = True
    first, last = edge_parts([Rle.encode(mask)])[0]
    assert first[0].max(axis=0).tolist() == [1, 1]
    assert last[0].max(axis=0).tolist() == list(size_hw[::-1])


def test_things_from_photographs_keep_their_area():
    for mask in real_masks():
        parts = [shapely.Polygon(rings[0], rings[1:]) for rings in edge_parts([Rle.encode(mask)])[0]]
        assert all(part.is_valid for part in parts)
        assert sum(part.area for part in parts) == mask.sum()


@settings(max_examples=60)
@given(masks=st.lists(hnp.arrays(bool, (7, 6)), min_size=1, max_size=5))
def test_masks_done_together_come_out_as_each_alone(masks):
    rles = [Rle.encode(mask) for mask in masks]
    together, alone = edge_parts(rles), [edge_parts([rle])[0] for rle in rles]
    assert [[len(part) for part in parts] for parts in together] == [[len(part) for part in parts] for parts in alone]
    for one, other in zip(together, alone, strict=True):
        for ring, same in zip(chain(*one), chain(*other), strict=True):
            assert np.array_equal(ring, same)
