"""Where SAM's automatic mask generator looks: a grid of points over the picture, and over crops of it."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from annotator.automask.settings import AutomaskSettings


@dataclass(frozen=True, eq=False)
class View:
    """A part of the picture that is asked on its own. box_xyxy: in pixels of the picture, the last ones exclusive.

    point_coords: N×2 float64 (x, y) in pixels of the part.
    """

    box_xyxy: tuple[int, int, int, int]
    point_coords: np.ndarray

    @property
    def size_hw(self) -> tuple[int, int]:
        left, top, right, bottom = self.box_xyxy
        return bottom - top, right - left


def views(size_hw: tuple[int, int], settings: AutomaskSettings) -> list[View]:
    """The whole picture, then the crops of each layer: in layer n 2^n a side, that overlap."""
    height, width = size_hw
    found = [_view((0, 0, width, height), settings.points_per_side)]
    for layer in range(1, settings.crop_n_layers + 1):
        per_side = 2**layer
        overlap = int(settings.crop_overlap_ratio * min(size_hw) * (2 / per_side))
        crop_w, crop_h = (math.ceil((overlap * (per_side - 1) + length) / per_side) for length in (width, height))
        points = int(settings.points_per_side / settings.crop_n_points_downscale_factor**layer)
        for column, row in product(range(per_side), repeat=2):
            left, top = column * (crop_w - overlap), row * (crop_h - overlap)
            box = (left, top, min(left + crop_w, width), min(top + crop_h, height))
            if box[0] < box[2] and box[1] < box[3]:  # a picture of a few pixels has fewer crops
                found.append(_view(box, points))
    return found


def _view(box_xyxy: tuple[int, int, int, int], points_per_side: int) -> View:
    left, top, right, bottom = box_xyxy
    middles = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(middles * (right - left), middles * (bottom - top))
    return View(box_xyxy, np.stack([x, y], axis=-1).reshape(-1, 2))
