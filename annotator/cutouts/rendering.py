"""From pixels and a mask to the cut-out's pixels, tile by tile, so that only a little is in floats at a time."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from annotator.cutouts.backgrounds import BackgroundKind, BlurredBackground, cover
from annotator.cutouts.edges import MIXED, clean_colours, halo, soft_alpha
from annotator.cutouts.frames import Box, Frame
from annotator.cutouts.options import CutoutOptions

TILE = 192  # small, for a tile without an edge costs nothing


@dataclass(frozen=True, eq=False)
class Placed:
    """An object's mask: h×w bool, and where in the picture its first pixel lies."""

    mask: np.ndarray
    at_xy: tuple[int, int]

    @property
    def box_xywh(self) -> Box:
        return (*self.at_xy, self.mask.shape[1], self.mask.shape[0])

    def coverage(self, box: Box) -> np.ndarray:
        """h×w uint8, 255 in the mask, of that part of the picture."""
        x, y, width, height = box
        found = np.zeros((height, width), np.uint8)
        left, top = max(x, self.at_xy[0]), max(y, self.at_xy[1])
        right = min(x + width, self.at_xy[0] + self.mask.shape[1])
        bottom = min(y + height, self.at_xy[1] + self.mask.shape[0])
        if left < right and top < bottom:
            own = self.mask[top - self.at_xy[1] : bottom - self.at_xy[1], left - self.at_xy[0] : right - self.at_xy[0]]
            np.multiply(own, 255, out=found[top - y : bottom - y, left - x : right - x], casting="unsafe")
        return found


def render(
    pixels: np.ndarray, object_mask: Placed, frame: Frame, options: CutoutOptions, *, backdrop: np.ndarray | None = None
) -> np.ndarray:
    """The cut-out: H×W×4 uint8 RGBA where the background is transparent, else H×W×3 RGB; of the frame's size.

    pixels: the whole picture, H×W×3 uint8 RGB. backdrop: the other picture that comes behind the object, where the
    options say so. Where the picture ends within the frame, the background goes on.
    """
    canvas = _background(pixels, object_mask, frame, options, backdrop)
    around = math.ceil(halo(options.soft_edge * max(1.0, frame.scale)) / min(1.0, frame.scale))
    x, y, width, height = frame.box_xywh
    seen = replace(frame, box_xywh=(x - around, y - around, width + 2 * around, height + 2 * around))
    box = seen.within(pixels.shape[:2])  # what the edges within the frame depend on
    if not box[2] or not box[3]:
        return canvas
    part, coverage = pixels[box[1] : box[1] + box[3], box[0] : box[0] + box[2]], object_mask.coverage(box)
    left, top, across, down = frame.placed(box)
    if not frame.is_plain:
        part, coverage = _resized(part, (down, across)), _resized(coverage, (down, across))
    _lay_over(canvas, part, coverage, (left, top), options.soft_edge * frame.scale, options.clean_edge)
    return canvas


def _lay_over(
    canvas: np.ndarray, pixels: np.ndarray, coverage: np.ndarray, at_xy: tuple[int, int], soft: float, clean: bool
) -> None:
    """Put the object on a canvas: with its alpha where the canvas has four channels. at_xy: where the first pixel of
    the object's pixels comes to lie; they may reach beyond the canvas."""
    height, width = coverage.shape
    left_of, top_of = at_xy
    around = halo(soft)
    for top, left in _tiles(*canvas.shape[:2]):
        first, last = max(top - top_of, 0), min(top + TILE, canvas.shape[0]) - top_of
        start, end = max(left - left_of, 0), min(left + TILE, canvas.shape[1]) - left_of
        last, end = min(last, height), min(end, width)
        rows = slice(max(0, first - around), min(height, last + around))
        columns = slice(max(0, start - around), min(width, end + around))
        covered = coverage[rows, columns]
        if last <= first or end <= start or not covered.any():
            continue
        tile = canvas[top_of + first : top_of + last, left_of + start : left_of + end]
        if covered.min() == 255:
            tile[..., :3] = pixels[first:last, start:end]
            tile[..., 3:] = 255
            continue
        part = pixels[rows, columns]
        own = np.s_[first - rows.start : last - rows.start, start - columns.start : end - columns.start]
        alpha = soft_alpha(covered, soft)[own]
        colours = clean_colours(part, covered, soft)[own] if clean else part[own]
        if canvas.shape[2] == 4:
            shown = alpha > 0  # under nothing nothing is kept: it would be there for all to see
            tile[..., :3] = np.where(shown[..., None], np.rint(colours), 0)
            tile[..., 3] = alpha
        else:
            part_of = (alpha / np.float32(255))[..., None]
            tile[...] = np.rint(tile + part_of * (colours - tile.astype(np.float32)))


def _tiles(height: int, width: int) -> Iterator[tuple[int, int]]:
    return ((top, left) for top in range(0, height, TILE) for left in range(0, width, TILE))


def _background(
    pixels: np.ndarray, object_mask: Placed, frame: Frame, options: CutoutOptions, backdrop: np.ndarray | None
) -> np.ndarray:
    """The frame without the object: H×W×4 zeros, or H×W×3 uint8."""
    height, width = frame.size_hw
    background = options.background
    if background.kind is BackgroundKind.TRANSPARENT:
        return np.zeros((height, width, 4), np.uint8)
    if background.kind is BackgroundKind.COLOUR:
        return np.full((height, width, 3), background.colour, np.uint8)
    if background.kind is BackgroundKind.PICTURE:
        assert backdrop is not None, "a picture as background was not given"
        return cover(backdrop, frame.size_hw)
    return _blurred(pixels, object_mask, frame, options)


def _blurred(pixels: np.ndarray, object_mask: Placed, frame: Frame, options: CutoutOptions) -> np.ndarray:
    """The picture around the object, blurred, of the frame's size."""
    sigma = options.background.blur / 1000 * max(pixels.shape[:2])
    around = int(3 * sigma) + 1
    x, y, width, height = frame.box_xywh
    seen = replace(frame, box_xywh=(x - around, y - around, width + 2 * around, height + 2 * around))
    box = seen.within(pixels.shape[:2])
    part = pixels[box[1] : box[1] + box[3], box[0] : box[0] + box[2]]
    grown = options.soft_edge / 2 + MIXED
    if not part.size:  # a photo's frame that was pushed off the picture
        return np.full((*frame.size_hw, 3), options.background.colour, np.uint8)
    blurred = BlurredBackground(part, object_mask.coverage(box), sigma=sigma, grown=grown)
    canvas = np.empty((*frame.size_hw, 3), np.uint8)
    for top, left in _tiles(*frame.size_hw):
        bottom, right = min(frame.size_hw[0], top + TILE), min(frame.size_hw[1], left + TILE)
        canvas[top:bottom, left:right] = np.rint(
            blurred.part((x - box[0], y - box[1]), frame.scale, (left, top, right - left, bottom - top))
        )
    return canvas


def _resized(values: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    how = cv2.INTER_AREA if size_hw[0] < values.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(values, (size_hw[1], size_hw[0]), interpolation=how)
