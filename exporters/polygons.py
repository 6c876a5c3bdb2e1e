"""Masks as polygons, in the two ways in which the training libraries read them.

pycocotools takes coordinates on the pixel grid's lines: the first pixel reaches from 0 to 1, and a pixel is inside
when its centre is. `edge_polygons` follows the outer edges of the pixels and comes back from it exactly.

ultralytics (truncates), supervision (rounds) and labelme (truncates) make whole pixel numbers of the coordinates and
give them to a painter of polygons that paints the outline itself too. Edges would come back one pixel too wide and too
high there, so `pixel_rings` and `pixel_ring` go through the pixels of the outline, and their decimals are such that
truncating and rounding find the same pixel.

Outlines are made coarser up to the tolerance, but never so far that the polygon, read back by its library, has an IoU
below 0.99 with the mask, where finer can help: one pixel off is nothing on a large mask and half of a small one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from pycocotools import mask as coco_mask

from exporters.edges import Part, edge_parts
from exporters.rings import hang_holes, join_rings, worth_joining
from storage.rle import Rle

_WANTED_IOU = 0.99
_MAX_DROPPED = 0.1  # of a mask's pixels
_AT_ONCE = 64  # masks, so that memory stays bounded


@dataclass(frozen=True)
class Outline:
    """What a mask became.

    rings: each N×2 float64 (x, y) in pixels of the whole picture, N >= 3, not closed. parts, holes: how many the mask
    has. iou: of the mask and the rings as their library will paint them, 0..1. dropped: how many parts no ring holds.
    """

    rings: list[np.ndarray]
    parts: int
    holes: int
    iou: float
    dropped: int = 0


@dataclass(frozen=True)
class _Growth:
    """How the error grows with the tolerance, found by trying it on a thousand masks that people drew.

    at_one: wrong pixels per pixel of outline at a tolerance of 1; below that they fall with the square of it.
    harmless: the tolerance in pixels up to which hardly any pixel changes.
    """

    at_one: float
    harmless: float

    def first_trial(self, tolerance: float, thickness: float) -> float:
        """A tolerance that should do. thickness: the mask's area to its outline's length, in pixels."""
        bearable = (1 - _WANTED_IOU) * thickness / self.at_one
        return min(tolerance, max(bearable if bearable > 1 else bearable**0.5, self.harmless))

    def next_trial(self, tolerance: float, iou: float) -> float:
        """The one after a tolerance that did not do; 0, the outline itself, at last."""
        finer = 0.95 * tolerance * ((1 - _WANTED_IOU) / (1 - iou)) ** 0.5
        return max(finer, self.harmless) if tolerance > self.harmless else 0.0


_EDGES = _Growth(at_one=0.14, harmless=0.5)
_PIXELS = _Growth(at_one=0.22, harmless=0.3)


def edge_polygons(rles: Sequence[Rle], tolerance: float) -> list[Outline]:
    """Polygons along pixel edges, for pycocotools: for each mask one ring a part, its holes in it by keyholes.

    rles: masks of one size, each of one pixel at least (ValueError if not). tolerance: pixels, see the module. Pixels
    that touch at a corner alone are two parts.
    """
    found: list[Outline] = []
    for begin in range(0, len(rles), _AT_ONCE):
        found += _edge_polygons(rles[begin : begin + _AT_ONCE], tolerance)
    return found


def _edge_polygons(rles: Sequence[Rle], tolerance: float) -> list[Outline]:
    masks = edge_parts(rles)
    if not all(masks):
        raise ValueError("Expected masks with at least one pixel, got an empty one.")
    found: dict[int, Outline] = {}
    trials = {}
    for number, (rle, parts) in enumerate(zip(rles, masks, strict=True)):
        length = sum(cv2.arcLength(ring, True) for part in parts for ring in part)
        trials[number] = _EDGES.first_trial(tolerance, rle.area / length)
    while trials:
        flat = [(part, trial) for number, trial in trials.items() for part in masks[number]]
        simple = iter(_simple_parts(flat))
        for number, trial in list(trials.items()):
            parts, rle = masks[number], rles[number]
            rings = [hang_holes(part) for part in itertools.islice(simple, len(parts))]
            iou = _iou_by_pycocotools(rings, rle) if trial else 1.0
            if iou >= _WANTED_IOU:
                found[number] = Outline(rings, len(parts), sum(map(len, parts)) - len(parts), iou)
                del trials[number]
            else:
                trials[number] = _EDGES.next_trial(trial, iou)
    return [found[number] for number in range(len(rles))]


def pixel_rings(rle: Rle, tolerance: float) -> Outline:
    """Rings through the pixels of the outline, for labelme: one a part, its holes in it by keyholes.

    rle: of one pixel at least (ValueError if not). tolerance: pixels, see the module. Pixels that touch at a corner
    alone are one part.
    """
    walk = _PixelWalk(rle)
    rings, iou = walk.coarsest(tolerance)
    parts = walk.hung(rings)
    iou = walk.iou_of(parts) if len(parts) < len(rings) else iou
    return Outline([walk.finished(ring) for ring in parts], len(parts), len(rings) - len(parts), iou)


def pixel_ring(rle: Rle, tolerance: float) -> Outline:
    """One ring through the pixels of the outline, for YOLO rows: parts joined by bridges, holes by keyholes.

    rle: of one pixel at least (ValueError if not). tolerance: pixels, see the module. Crumbs, a tenth of the mask at
    most, are left out where the bridge to them would paint more pixels than they have.
    """
    walk = _PixelWalk(rle)
    rings, iou = walk.coarsest(tolerance)
    parts, dropped = walk.hung(rings), 0
    ring = join_rings(parts)
    if len(rings) > 1 and (iou := walk.iou_of([ring])) < _WANTED_IOU:
        rings, _ = walk.coarsest(0.0)  # keyholes and bridges are wrong enough
        parts = walk.worth_joining(walk.hung(rings))
        dropped = len(walk.parts) - len(parts)
        ring = join_rings(parts)
        iou = walk.iou_of([ring])
    return Outline([walk.finished(ring)], len(walk.parts), len(rings) - len(walk.parts), iou, dropped)


def _simple_parts(parts: Sequence[tuple[Part, float]]) -> list[Part]:
    """Valid polygons along pixel edges, each with its tolerance -> valid ones with fewer corners."""
    simple = [[_simple(ring, tolerance) for ring in part] for part, tolerance in parts]
    flat = [ring for part in simple for ring in part]
    lengths, counts = [len(ring) for ring in flat], [len(part) for part in simple]
    rings = np.asarray(shapely.linearrings(np.concatenate(flat), indices=np.repeat(np.arange(len(flat)), lengths)))
    polygons = shapely.polygons(rings, indices=np.repeat(np.arange(len(simple)), counts))
    for number in np.flatnonzero(~shapely.is_valid(polygons)).tolist():
        # Seldom: in a thin limb one side came over the other. This way is slower, and looks after that.
        (outer, *holes), tolerance = parts[number]
        whole = shapely.Polygon(outer, holes).simplify(tolerance, preserve_topology=True)
        simple[number] = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(whole)]
    return simple


def _iou_by_pycocotools(rings: list[np.ndarray], rle: Rle) -> float:
    painted = coco_mask.frPyObjects([ring.reshape(-1) for ring in rings], *rle.size_hw)
    whole = coco_mask.merge(painted) if len(painted) > 1 else painted[0]
    return float(coco_mask.iou([whole], [rle.to_coco()], [0])[0, 0])


def _simple(ring: np.ndarray, tolerance: float) -> np.ndarray:
    if len(ring) == 4:
        return ring
    found = cv2.approxPolyDP(ring, tolerance, True).reshape(-1, 2)
    return found if len(found) >= 3 else ring


class _PixelWalk:
    """A mask's outlines through its outermost pixels, inside its box.

    parts: for each part the numbers of its rings, the outer one first; the largest part is the first.
    """

    def __init__(self, rle: Rle) -> None:
        corner = rle.bbox_xywh[:2]
        if not rle.area:
            raise ValueError("Expected a mask with at least one pixel, got an empty one.")
        self._crop = np.ascontiguousarray(rle.decode_part()).view(np.uint8)
        self._corner, self._longer_side = np.array(corner), max(rle.size_hw)
        contours, hierarchy = cv2.findContours(self._crop, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        parents = hierarchy[0, :, 3]
        outer = np.flatnonzero(parents < 0).tolist()
        outer.sort(key=lambda number: cv2.contourArea(contours[number]), reverse=True)
        self._contours: list[np.ndarray] = []
        self.parts: list[list[int]] = []
        for number in outer:
            of_part = [number, *np.flatnonzero(parents == number).tolist()]
            self.parts.append([len(self._contours) + ring for ring in range(len(of_part))])
            self._contours += [contours[ring] for ring in of_part]

    def coarsest(self, tolerance: float) -> tuple[list[np.ndarray], float]:
        """The rings, each N×2 int32 from the box's corner, N >= 1, and their IoU before they are joined."""
        length = sum(cv2.arcLength(contour, True) for contour in self._contours) + len(self._contours)
        trial = _PIXELS.first_trial(tolerance, np.count_nonzero(self._crop) / length)
        while True:
            rings = [cv2.approxPolyDP(contour, trial, True).reshape(-1, 2) for contour in self._contours]
            iou = self.iou_of(rings)
            if iou >= _WANTED_IOU or not trial:
                return rings, iou
            trial = _PIXELS.next_trial(trial, iou)

    def iou_of(self, rings: list[np.ndarray]) -> float:
        """Of the mask and the rings, painted together."""
        painted = np.zeros(self._crop.shape, dtype=np.uint8)
        cv2.fillPoly(painted, rings, (1,))
        return float(np.count_nonzero(painted & self._crop) / np.count_nonzero(painted | self._crop))

    def hung(self, rings: list[np.ndarray]) -> list[np.ndarray]:
        """One ring a part: its outer one, on which its holes hang."""
        return [
            np.round(hang_holes([rings[number] for number in part])).astype(np.int32)
            if len(part) > 1
            else rings[part[0]]
            for part in self.parts
        ]

    def worth_joining(self, parts: list[np.ndarray]) -> list[np.ndarray]:
        """Those of the parts' rings that are not crumbs far away."""
        worth = []
        for part in parts:
            filled = np.zeros(self._crop.shape, dtype=np.uint8)
            cv2.fillPoly(filled, [part], (1,))
            worth.append(int(np.count_nonzero(filled)))
        kept = worth_joining(parts, worth, self._crop)
        if sum(worth) - sum(worth[number] for number in kept) > _MAX_DROPPED * np.count_nonzero(self._crop):
            return parts
        return [parts[number] for number in kept]

    def finished(self, ring: np.ndarray) -> np.ndarray:
        """The ring in pixels of the whole picture, as it is to be written."""
        return _between_pixel_numbers(ring + self._corner, self._longer_side)


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
