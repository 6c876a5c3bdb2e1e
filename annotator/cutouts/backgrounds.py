"""What comes behind an object: nothing, one colour, its own picture blurred, or another picture."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from annotator.errors import CutoutError

PRESETS = {"white": (255, 255, 255), "blue": (67, 142, 219), "grey": (216, 218, 221)}  # as identity photos have them
BACKGROUNDS = "transparent, white, blue, grey, #rrggbb, blur"
BLURS = (1.0, 100.0)  # least and most; in thousandths of the picture's longer side
_WORK_SIGMA = 4.0  # pixels: a blur as wide as this is as smooth in a picture that was reduced until it is no wider
_NOTHING_KNOWN = 128.0  # grey, where the object covers all that there is

Rect = tuple[int, int, int, int]  # x, y, width, height


class BackgroundKind(StrEnum):
    TRANSPARENT = "transparent"
    COLOUR = "colour"
    BLUR = "blur"
    PICTURE = "picture"


@dataclass(frozen=True, kw_only=True)
class Background:
    """colour: 0..255 RGB. blur: thousandths of the picture's longer side, the blur's sigma. picture: a file, or the id
    of a picture in the workspace. Raises CutoutError for what cannot be."""

    kind: BackgroundKind = BackgroundKind.TRANSPARENT
    colour: tuple[int, int, int] = PRESETS["white"]
    blur: float = 15.0
    picture: Path | int | None = None

    def __post_init__(self) -> None:
        least, most = BLURS
        if not (math.isfinite(self.blur) and least <= self.blur <= most):
            raise CutoutError(f"The blur's strength is a number from {least:g} to {most:g}, got {self.blur:g}.")
        if (self.kind is BackgroundKind.PICTURE) != (self.picture is not None):
            raise CutoutError("A picture as background needs the picture: choose one, or another background.")

    @classmethod
    def named(cls, text: str, *, blur: float = 15.0) -> "Background":
        """ "transparent", "white", "blue", "grey", "#rrggbb" or "blur". Raises CutoutError for anything else."""
        word = text.strip().lower()
        if word == "transparent":
            return cls(blur=blur)
        if word == "blur":
            return cls(kind=BackgroundKind.BLUR, blur=blur)
        if word in PRESETS:
            return cls(kind=BackgroundKind.COLOUR, colour=PRESETS[word], blur=blur)
        if word.startswith("#"):
            return cls(kind=BackgroundKind.COLOUR, colour=parse_colour(word), blur=blur)
        raise CutoutError(f"The background {text!r} is none: choose one of {BACKGROUNDS}, or a picture.")

    @classmethod
    def parse(cls, text: str, *, blur: float = 15.0) -> "Background":
        """The same, or the path of a picture; for those who may read this machine's files. Raises CutoutError."""
        path = Path(text).expanduser()
        if not text.startswith("#") and path.is_file():
            return cls(kind=BackgroundKind.PICTURE, picture=path, blur=blur)
        try:
            return cls.named(text, blur=blur)
        except CutoutError as error:
            if path.suffix:
                raise CutoutError(f"There is no picture {text} to put behind. Check the path.") from error
            raise


def parse_colour(text: str) -> tuple[int, int, int]:
    """ "#rrggbb" -> 0..255 RGB. Raises CutoutError."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise CutoutError(f"A colour is # and six hexadecimal digits, like #1f5fd0; got {text!r}.")
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def cover(pixels: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """H×W×3 uint8 RGB -> size_hw: as much of its middle as has these proportions."""
    height, width = pixels.shape[:2]
    scale = max(size_hw[0] / height, size_hw[1] / width)
    rows, columns = min(height, round(size_hw[0] / scale)) or 1, min(width, round(size_hw[1] / scale)) or 1
    top, left = (height - rows) // 2, (width - columns) // 2
    part = pixels[top : top + rows, left : left + columns]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(part, (size_hw[1], size_hw[0]), interpolation=how)


class BlurredBackground:
    """A picture blurred, the object taken out of it first, so that none of its colours spread around it."""

    def __init__(self, pixels: np.ndarray, hole: np.ndarray, *, sigma: float, grown: float) -> None:
        """pixels: H×W×3 uint8 RGB. hole: H×W uint8, not 0 where the object is; grown: pixels by which it is made
        wider, for the pixels on the object's edge show some of it. sigma: of the blur, in pixels."""
        reduction = max(1.0, sigma / _WORK_SIGMA)
        height, width = pixels.shape[:2]
        small_wh = (max(1, round(width / reduction)), max(1, round(height / reduction)))
        self._scale_xy = (small_wh[0] / width, small_wh[1] / height)
        small = cv2.resize(pixels, small_wh, interpolation=cv2.INTER_AREA).astype(np.float32)
        reach = math.ceil(grown * self._scale_xy[0])
        covered = cv2.resize(hole, small_wh, interpolation=cv2.INTER_AREA)
        taken: np.ndarray = (covered > 0).view(np.uint8)
        if reach:
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
            taken = cv2.dilate(taken, disc)
        filled = fill_holes(small, taken == 0)
        self._small = cv2.GaussianBlur(filled, (0, 0), sigma * self._scale_xy[0], borderType=cv2.BORDER_REPLICATE)

    def part(self, frame_xy: tuple[float, float], scale: float, rect: Rect) -> np.ndarray:
        """h×w×3 float32, what a rectangle of a frame shows; beyond the picture its border goes on.

        frame_xy: the frame's first pixel in pixels of the picture. scale: pixels of the frame for one of the picture.
        rect: in pixels of the frame.
        """
        x, y, width, height = rect
        across, down = (own / scale for own in self._scale_xy)
        left = frame_xy[0] * self._scale_xy[0] + (x + 0.5) * across - 0.5
        top = frame_xy[1] * self._scale_xy[1] + (y + 0.5) * down - 0.5
        there = np.array([[across, 0, left], [0, down, top]], np.float32)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self._small, there, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)


def fill_holes(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """H×W×3 float32, H×W bool -> H×W×3 float32: what is not known becomes a smooth continuation of what is.

    Each hole is filled from a copy of half the size, in which it is smaller, and so on until none is left.
    """
    if known.all():
        return values
    if not known.any():
        return np.full_like(values, _NOTHING_KNOWN)
    weight = known.astype(np.float32)
    sums = cv2.pyrDown(np.dstack([values * weight[..., None], weight]), borderType=cv2.BORDER_REPLICATE)
    has_any = sums[..., 3] > 1e-3
    means = np.divide(sums[..., :3], sums[..., 3:], out=np.zeros_like(sums[..., :3]), where=has_any[..., None])
    coarse = fill_holes(means, has_any) if means.shape[0] > 1 or means.shape[1] > 1 else means
    height, width = known.shape
    return np.where(known[..., None], values, cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
