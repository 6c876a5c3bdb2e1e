"""Masks as polygons, in the two ways in which the training libraries read them.

pycocotools takes coordinates on the pixel grid's lines: the first pixel reaches from 0 to 1, and a pixel is inside
when its centre is. `edge_polygons` follows the outer edges of the pixels and comes back from it exactly.

ultralytics (truncates) and supervision (rounds) make whole pixel numbers of the coordinates and give them to
cv2.fillPoly, which paints the outline itself too. Edges would come back one pixel too wide and too high there, so
`pixel_ring` goes through the pixels of the outline, and its decimals are such that both find the same pixel.

Outlines are made coarser up to the tolerance, but never so far that the polygon, read back by its library, has an IoU
below 0.99 with the mask, where finer can help: one pixel off is nothing on a large mask and half of a small one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from pycocotools import mask as coco_mask
from shapely.geometry.base import BaseGeometry

from exporters.rings import join_rings

_WANTED_IOU = 0.99


@dataclass(frozen=True)
class Outline:
    """What a mask became.

    rings: each N×2 float64 (x, y) in pixels of the whole picture, N >= 3, not closed. parts, holes: how many the mask
    has. iou: of the mask and the rings as their library will paint them, 0..1.
    """

    rings: list[np.ndarray]
    parts: int
    holes: int
    iou: float


def edge_polygons(mask: np.ndarray, tolerance: float) -> Outline:
    """Polygons along pixel edges, for pycocotools: one ring a part, its holes in it by keyholes.

    mask: H×W bool with at least one pixel (ValueError if not). tolerance: pixels, see the module.
    """
    crop, origin = _crop(mask)
    parts = _edge_parts(crop)

    def rings_at(tolerance: float) -> list[np.ndarray]:
        simple = shapely.get_parts(shapely.MultiPolygon(parts).simplify(tolerance, preserve_topology=True))
        return [join_rings([_vertices(part.exterior), *map(_vertices, part.interiors)]) for part in simple]

    rings, iou = _coarsest(rings_at, lambda rings: _iou_by_pycocotools(rings, crop), tolerance)
    holes = sum(len(part.interiors) for part in parts)
    return Outline([ring + origin.astype(np.float64) for ring in rings], len(parts), holes, iou)


def pixel_ring(mask: np.ndarray, tolerance: float) -> Outline:
    """One ring through the pixels of the outline, for YOLO rows: parts joined by bridges, holes by keyholes.

    mask: H×W bool with at least one pixel (ValueError if not). tolerance: pixels, see the module.
    """
    crop, origin = _crop(mask)
    contours, hierarchy = cv2.findContours(crop.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    contours = sorted(contours, key=cv2.contourArea, reverse=True)

    def rings_at(tolerance: float) -> list[np.ndarray]:
        return [join_rings([cv2.approxPolyDP(contour, tolerance, True).reshape(-1, 2) for contour in contours])]

    (ring,), iou = _coarsest(rings_at, lambda rings: _iou_by_fill_poly(rings[0], crop), tolerance)
    parts = int((hierarchy[0, :, 3] < 0).sum())
    return Outline([_between_pixel_numbers(ring + origin, max(mask.shape))], parts, len(contours) - parts, iou)


def _crop(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the mask inside its box, that box's corner (x, y)): masks are mostly much smaller than their picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("Expected a mask with at least one pixel, got an empty one.")
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.array([columns[0], rows[0]])


def _coarsest(
    rings_at: Callable[[float], list[np.ndarray]], iou_of: Callable[[list[np.ndarray]], float], tolerance: float
) -> tuple[list[np.ndarray], float]:
    """The rings at the largest tolerance that is good enough, else the best ones; with their IoU."""
    best: tuple[list[np.ndarray], float] = ([], -1.0)
    for share in (1.0, 0.75, 0.5, 0.25, 0.0):
        rings = rings_at(tolerance * share)
        iou = iou_of(rings)
        if iou > best[1]:
            best = rings, iou
        if iou >= _WANTED_IOU:
            break
    return best


def _edge_parts(crop: np.ndarray) -> list[shapely.Polygon]:
    """The mask's parts as valid polygons whose corners are the pixels' corners."""
    # At twice the size cv2's way through the pixels of the outline passes next to every pixel corner, inside the
    # mask; (v + 1) // 2 moves it onto the corner, on each of the four sides, and in holes too.
    doubled = np.repeat(np.repeat(crop.astype(np.uint8), 2, axis=0), 2, axis=1)
    contours, hierarchy = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    rings = [_without_repeats((contour.reshape(-1, 2) + 1) // 2) for contour in contours]
    parents = hierarchy[0, :, 3]
    holes: dict[int, list[np.ndarray]] = {}
    for ring, parent in zip(rings, parents, strict=True):
        if parent >= 0:
            holes.setdefault(int(parent), []).append(ring)
    parts = []
    for number in np.flatnonzero(parents < 0):
        part: BaseGeometry = shapely.Polygon(rings[number], holes.get(int(number)))
        if not part.is_valid:  # it touches itself at the corner of a pixel: split there
            part = shapely.make_valid(part, method="structure", keep_collapsed=False)
        parts += [piece for piece in shapely.get_parts(part) if piece.area > 0]
    return parts


def _without_repeats(ring: np.ndarray) -> np.ndarray:
    return ring[(ring != np.roll(ring, 1, axis=0)).any(axis=1)]


def _vertices(ring: shapely.LinearRing) -> np.ndarray:
    return np.asarray(ring.coords[:-1]).astype(np.int64)  # they are corners of pixels, whole numbers


def _between_pixel_numbers(ring: np.ndarray, longer_side: int) -> np.ndarray:
    """Pixel numbers -> coordinates that truncating and rounding both take back to them.

    All are moved by just under half a pixel: ultralytics puts points of its own between them before it truncates, and
    so these come to the nearest pixel. A ring without an inside (a single pixel, a line one pixel wide) gets four
    corners and a little width, because a box without any is thrown away.
    """
    high = 0.499 - 1e-6 * longer_side  # what six digits of 0..1 may take away or add is left free
    low = high / 4
    first, last = ring.min(axis=0), ring.max(axis=0)
    if (first != last).all():
        if len(ring) >= 3:
            return ring + high
        first, last = ring[0], ring[-1]
    return np.stack([first, last, last, first]) + np.array([(low, low), (high, low), (high, high), (low, high)])


def _iou_by_pycocotools(rings: list[np.ndarray], crop: np.ndarray) -> float:
    flat = [ring.reshape(-1).astype(np.float64).tolist() for ring in rings]
    painted = coco_mask.merge(coco_mask.frPyObjects(flat, *crop.shape))
    return float(coco_mask.iou([painted], [coco_mask.encode(np.asfortranarray(crop, dtype=np.uint8))], [0])[0, 0])


def _iou_by_fill_poly(ring: np.ndarray, crop: np.ndarray) -> float:
    painted = np.zeros(crop.shape, dtype=np.uint8)
    cv2.fillPoly(painted, [ring.astype(np.int32)], (1,))
    return float(np.count_nonzero(painted & crop) / np.count_nonzero(painted | crop))
