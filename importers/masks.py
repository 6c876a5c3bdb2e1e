"""Shapes of a data set -> masks, painted as the format's own library paints them."""

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from importers.base import ImporterError, Shape
from storage.rle import Rle

_FAR = 1.0  # widths or heights that a point may lie outside; beyond, the coordinates are of something else

_LONGEST = 1e7  # pixels of outline; pycocotools would need gigabytes for more, and end the program without them
_ROUNDED = 0.01  # pixels: six digits of 5/60 are 0.0833333, which times 60 is less than 5


def mask_of(shape: Shape, size_hw: tuple[int, int]) -> Rle:
    """The mask that a shape is on a picture of H×W pixels; what lies outside the picture is cut off.

    Raises ImporterError with the reason alone (the caller knows the shape's name): another size, coordinates that are
    no numbers or far outside, nothing inside the picture.
    """
    if shape.rle is not None:
        rle = shape.rle
        if rle.size_hw != size_hw:
            raise ImporterError(f"Its mask is of {_size(rle.size_hw)} pixels, the picture has {_size(size_hw)}.")
    elif shape.polygons:
        rings = [_in_pixels(ring, shape, size_hw) for ring in shape.polygons]
        if (length := sum(map(_length, rings))) > _LONGEST:
            raise ImporterError(f"Its outline is {length:.2g} pixels long, longer than any real one.")
        rle = _edges(rings, size_hw) if shape.painted == "edges" else _pixels(rings, size_hw)
    elif shape.box_xyxy is not None:
        rle = _rectangle(_in_pixels(np.array(shape.box_xyxy).reshape(2, 2), shape, size_hw), size_hw)
    else:
        raise ImporterError("It has neither a mask nor points nor a box.")
    if not rle.area:
        raise ImporterError("Its mask is empty: no pixel of the picture is inside.")
    return rle


def _in_pixels(points: np.ndarray, shape: Shape, size_hw: tuple[int, int]) -> np.ndarray:
    """N×2 float64 pixels. Raises ImporterError for points that are nowhere near the picture."""
    points = np.asarray(points, np.float64)
    side = np.array([size_hw[1], size_hw[0]], np.float64)
    if not np.isfinite(points).all():
        raise ImporterError("One of its coordinates is no number (NaN or infinite).")
    if shape.relative:
        points = points * side
    if (points < -_FAR * side).any() or (points > (1 + _FAR) * side).any():
        worst = points[np.argmax(np.abs(points - side / 2).max(axis=1))]
        raise ImporterError(
            f"Its point ({worst[0]:g}, {worst[1]:g}) lies far outside the picture of {_size(size_hw)} pixels."
        )
    return points


def _length(ring: np.ndarray) -> float:
    """Pixels that a closed ring passes, about: what painting it costs in time, and pycocotools in memory too."""
    return float(np.abs(np.diff(ring, axis=0, append=ring[:1])).max(axis=1, initial=0.0).sum())


def _edges(rings: list[np.ndarray], size_hw: tuple[int, int]) -> Rle:
    """As pycocotools paints the segmentation of an annotation: each ring even-odd, all of them together."""
    painted = coco_mask.frPyObjects([ring.reshape(-1).tolist() for ring in rings], *size_hw)
    merged = coco_mask.merge(painted) if len(painted) > 1 else painted[0]
    return Rle(size_hw=size_hw, counts=merged["counts"].decode("ascii"))  # sound, for it is pycocotools' own


def _pixels(rings: list[np.ndarray], size_hw: tuple[int, int]) -> Rle:
    """As ultralytics, supervision and labelme's users paint: whole pixel numbers, the outline included."""
    painted = np.zeros(size_hw, np.uint8)
    for ring in rings:
        cv2.fillPoly(painted, [np.floor(ring + _ROUNDED).astype(np.int32)], (1,))
    return Rle.encode(painted)


def _rectangle(corners: np.ndarray, size_hw: tuple[int, int]) -> Rle:
    """2×2 two corners on pixel edges -> the pixels between them, a box of less than half a pixel being one."""
    low, high = np.sort(corners, axis=0)
    first = np.floor(low + 0.5).astype(int)
    last = np.maximum(np.floor(high + 0.5).astype(int), first + 1)
    left, top = (int(v) for v in np.maximum(first, 0))
    right, bottom = min(int(last[0]), size_hw[1]), min(int(last[1]), size_hw[0])
    if right <= left or bottom <= top:
        raise ImporterError("Its box lies outside the picture.")
    return Rle.encode_part(np.ones((bottom - top, right - left), bool), at=(top, left), size_hw=size_hw)


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]}×{size_hw[0]}"
