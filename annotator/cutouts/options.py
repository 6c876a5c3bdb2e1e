"""How a cut-out is made: one frozen value, checked where it is built."""

import math
from dataclasses import dataclass, field

from annotator.cutouts.backgrounds import Background
from annotator.cutouts.photosizes import PHOTO_SIZES, PhotoSize
from annotator.errors import CutoutError

MOST_SOFT = 50.0
MOST_MARGIN = 4096
ZOOMS = (0.25, 4.0)
MOST_SHIFT = 1.0


@dataclass(frozen=True, kw_only=True)
class CutoutOptions:
    """soft_edge: width in pixels of the picture in which the object fades out, half of it on each side of the mask's
    edge; 0 for the mask as it is. margin: pixels left free around the object (crop alone). size: a key of PHOTO_SIZES;
    crop and margin mean nothing then, and zoom (above 1: nearer) and shift (parts of the photo's width and height,
    right and down) correct where the head was taken to be. Raises CutoutError for what cannot be.
    """

    background: Background = field(default_factory=Background)
    soft_edge: float = 3.0
    clean_edge: bool = True  # colours of the old background are taken out of the edge
    crop: bool = True
    margin: int = 0
    size: str | None = None
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def __post_init__(self) -> None:
        _check("The soft edge", self.soft_edge, 0, MOST_SOFT, " pixels")
        _check("The margin", self.margin, 0, MOST_MARGIN, " pixels")
        _check("The zoom", self.zoom, *ZOOMS)
        _check("The shift to the right", self.shift_x, -MOST_SHIFT, MOST_SHIFT)
        _check("The shift down", self.shift_y, -MOST_SHIFT, MOST_SHIFT)
        if self.size is not None and self.size not in PHOTO_SIZES:
            raise CutoutError(f"There is no photo size {self.size!r}. Choose one of: {', '.join(PHOTO_SIZES)}.")

    @property
    def photo(self) -> PhotoSize | None:
        return None if self.size is None else PHOTO_SIZES[self.size]


def _check(what: str, value: float, least: float, most: float, unit: str = "") -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise CutoutError(f"{what} is a number from {least:g} to {most:g}{unit}, got {value:g}.")
