"""mask -> polygon -> mask, read back as the training libraries read it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from exporters import polygons
from storage.rle import Rle
from tests.exporters.datasets import iou, real_masks, ring_and_dot

SHARED = Path(__file__).resolve().parents[3] / "shared/data/dev"
any_mask = hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))).filter(np.any)
tolerances = st.sampled_from([0.0, 0.5, 1.0, 3.0])


def edge_polygons(mask, tolerance):
    return polygons.edge_polygons([Rle.encode(mask)], tolerance)[0]


def pixel_ring(mask, tolerance):
    return polygons.pixel_ring(Rle.encode(mask), tolerance)


def pixel_rings(mask, tolerance):
    return polygons.pixel_rings(Rle.encode(mask), tolerance)


def by_pycocotools(rings, size_hw):
    flat = [ring.reshape(-1).tolist() for ring in rings]
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(flat, *size_hw))).astype(bool)


def written(ring, size_hw):
    """The ring as it stands in a YOLO row, times the size again, as both YOLO readers compute it."""
    scale = np.array(size_hw[::-1])
    return np.array([[float(f"{v:.6f}") for v in point] for point in ring / scale], dtype=np.float32) * scale


def fill_poly(points, size_hw):
    painted = np.zeros(size_hw, dtype=np.uint8)
    cv2.fillPoly(painted, [points.astype(np.int32)], 1)
    return painted.astype(bool)


def by_ultralytics(rings, size_hw):
    return fill_poly(written(rings[0], size_hw), size_hw)


def by_labelme(rings, size_hw):
    """labelme paints every shape by itself with Pillow, outline and inside (labelme.utils.shape_to_mask)."""
    whole = Image.new("1", size_hw[::-1])
    for ring in rings:
        ImageDraw.Draw(whole).polygon([tuple(point) for point in ring.round(3).tolist()], fill=1, outline=1)
    return np.array(whole)


def by_supervision(rings, size_hw):
    return fill_poly(np.round(written(rings[0], size_hw)), size_hw)


def dev_masks():
    for path in sorted(SHARED.glob("*/masks/*.png"))[::8]:
        labels = np.array(Image.open(path))
        yield from (labels == value for value in np.unique(labels) if value not in (0, 65535))


READERS = {
    "coco": (edge_polygons, by_pycocotools),
    "ultralytics": (pixel_ring, by_ultralytics),
    "supervision": (pixel_ring, by_supervision),
    "labelme": (pixel_rings, by_labelme),
}
every_reader = pytest.mark.parametrize(("outline_of", "read"), READERS.values(), ids=READERS)


def check_quality(masks, outline_of, read):
    outlines = [outline_of(mask, 1.0) for mask in masks]
    found = [iou(read(outline.rings, mask.shape), mask) for mask, outline in zip(masks, outlines, strict=True)]
    assert np.median(found) >= 0.99
    assert np.percentile(found, 1) >= 0.95
    assert any(outline.holes for outline in outlines)
    assert any(outline.parts > 1 for outline in outlines)


@every_reader
def test_masks_from_real_photographs_come_back(outline_of, read):
    check_quality(real_masks(), outline_of, read)


@every_reader
@pytest.mark.skipif(not SHARED.exists(), reason="the measuring pictures are not on this machine")
def test_masks_that_people_drew_come_back(outline_of, read):
    check_quality(list(dev_masks()), outline_of, read)


@settings(max_examples=300)
@given(mask=any_mask)
def test_polygons_along_pixel_edges_are_exact_without_a_tolerance(mask):
    outline = edge_polygons(mask, 0.0)
    assert np.array_equal(by_pycocotools(outline.rings, mask.shape), mask)


@settings(max_examples=200)
@given(mask=any_mask, tolerance=tolerances)
def test_polygons_along_pixel_edges_are_never_worse_than_they_say(mask, tolerance):
    outline = edge_polygons(mask, tolerance)
    assert all(len(ring) >= 3 for ring in outline.rings)
    assert iou(by_pycocotools(outline.rings, mask.shape), mask) == pytest.approx(outline.iou)
    assert outline.iou >= 0.99
    for ring in outline.rings:
        assert (ring >= 0).all()
        assert (ring <= mask.shape[::-1]).all()


@settings(max_examples=300)
@given(mask=any_mask, tolerance=tolerances)
def test_both_yolo_readers_find_the_pixels_that_the_ring_was_measured_with(mask, tolerance):
    outline = pixel_ring(mask, tolerance)
    (ring,) = outline.rings
    assert len(ring) >= 3
    assert (ring > 0).all()
    assert (ring < mask.shape[::-1]).all()
    one, other = by_ultralytics([ring], mask.shape), by_supervision([ring], mask.shape)
    assert np.array_equal(one, other)
    assert iou(one, mask) == pytest.approx(outline.iou)


@settings(max_examples=200)
@given(mask=any_mask)
def test_a_ring_without_a_tolerance_adds_bridges_and_loses_crumbs_at_most(mask):
    outline = pixel_ring(mask, 0.0)
    back = by_ultralytics(outline.rings, mask.shape)
    lost = (mask & ~back).sum()
    assert lost <= 0.1 * mask.sum()
    assert (lost > 0) == (outline.dropped > 0)
    if outline.parts == 1 and not outline.holes:
        assert np.array_equal(back, mask)


@pytest.mark.parametrize("read", [by_ultralytics, by_supervision])
@pytest.mark.parametrize("size_hw", [(40, 100_000), (100_000, 40), (4000, 6000)])
def test_six_digits_are_enough_for_the_largest_pictures(size_hw, read):
    mask = np.zeros(size_hw, dtype=bool)
    mask[-31:-9, -35:-2] = True
    mask[-28:-20, -30:-20] = False
    outline = pixel_ring(mask, 0.0)
    assert np.array_equal(read(outline.rings, size_hw), mask)


@pytest.mark.parametrize(
    "pixels",
    [
        [(5, 5)],
        [(0, 0)],
        [(9, 9)],
        [(3, x) for x in range(2, 9)],
        [(y, 9) for y in range(10)],
        [(i, i) for i in range(10)],
        [(i, 9 - i) for i in range(10)],
        [(0, 0), (9, 9)],
    ],
    ids=["pixel", "first", "last", "row", "column", "diagonal", "other diagonal", "two corners"],
)
def test_the_thinnest_masks_survive_with_a_width(pixels):
    mask = np.zeros((10, 10), dtype=bool)
    mask[tuple(zip(*pixels, strict=True))] = True
    (ring,) = pixel_ring(mask, 1.0).rings
    assert len(ring) >= 3
    assert (np.ptp(ring, axis=0) > 0.2).all()  # a box without width is thrown away by ultralytics
    assert by_ultralytics([ring], mask.shape)[mask].all()
    assert np.array_equal(by_pycocotools(edge_polygons(mask, 1.0).rings, mask.shape), mask)


def test_holes_and_parts_are_counted():
    for outline in (edge_polygons(ring_and_dot(), 1.0), pixel_ring(ring_and_dot(), 1.0)):
        assert (outline.parts, outline.holes) == (2, 1)


def test_a_part_that_touches_itself_at_a_corner_keeps_its_hole():
    mask = np.ones((6, 6), dtype=bool)
    mask[2, 2] = mask[3, 3] = mask[0, 0] = mask[1, 1] = False  # holes that touch, and one that touches the outside
    assert np.array_equal(by_pycocotools(edge_polygons(mask, 0.0).rings, mask.shape), mask)


def test_a_larger_tolerance_gives_fewer_points_and_still_a_good_mask():
    horse = max(real_masks(), key=np.sum)
    counts = [sum(map(len, edge_polygons(horse, tolerance).rings)) for tolerance in (0.0, 1.0)]
    assert counts[1] < counts[0] / 3


def test_an_empty_mask_is_refused():
    for outline_of in (edge_polygons, pixel_ring):
        with pytest.raises(ValueError, match="at least one pixel"):
            outline_of(np.zeros((4, 4), dtype=bool), 1.0)


@settings(max_examples=150)
@given(mask=any_mask, tolerance=tolerances)
def test_rings_without_keyholes_are_valid_polygons(mask, tolerance):
    outline = edge_polygons(mask, tolerance)
    if not outline.holes:
        assert all(shapely.Polygon(ring).is_valid for ring in outline.rings)


def test_rings_of_real_things_are_valid_polygons():
    outlines = polygons.edge_polygons([Rle.encode(mask) for mask in real_masks()[:20]], 1.0)
    assert all(shapely.Polygon(ring).is_valid for outline in outlines if not outline.holes for ring in outline.rings)


def test_masks_of_a_picture_done_together_are_what_each_is_alone():
    masks = [mask for mask in real_masks() if mask.shape == real_masks()[0].shape][:70]  # more than go at once
    together = polygons.edge_polygons([Rle.encode(mask) for mask in masks], 1.0)
    for mask, outline in zip(masks, together, strict=True):
        alone = edge_polygons(mask, 1.0)
        assert (outline.parts, outline.holes, outline.iou) == (alone.parts, alone.holes, alone.iou)
        assert all(np.array_equal(one, other) for one, other in zip(outline.rings, alone.rings, strict=True))


def test_a_crumb_is_left_out_of_a_ring_and_counted_where_its_bridge_would_paint_more():
    mask = np.zeros((60, 90), dtype=bool)
    mask[10:30, 10:40] = mask[50:52, 80:82] = True
    outline = pixel_ring(mask, 1.0)
    assert (outline.parts, outline.dropped) == (2, 1)
    assert outline.iou == pytest.approx(600 / 604)
    mask[50:52, 80:82] = False
    mask[20:40, 60:80] = True  # as much as the bridge to it costs, and more
    assert pixel_ring(mask, 1.0).dropped == 0
