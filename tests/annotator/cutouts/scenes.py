"""Objects that were laid over a background by known alpha, so that what a cut-out should be is known."""

from dataclasses import dataclass

import cv2
import numpy as np

from annotator.cutouts.rendering import Placed


@dataclass(frozen=True, eq=False)
class Scene:
    """pixels: H×W×3 uint8, the object over the background. colours: the object's own, everywhere. alpha: 0..1."""

    pixels: np.ndarray
    colours: np.ndarray
    alpha: np.ndarray
    mask: np.ndarray


def scene(*, size: int = 160, blur: float = 1.0, grown: int = 0, seed: int = 0) -> Scene:
    """A greenish ellipse with a thin limb on a reddish background, both with a texture. grown: pixels by which the mask
    is wider (or narrower) than the object."""
    rng = np.random.default_rng(seed)
    sharp = np.zeros((size, size), np.uint8)
    cv2.ellipse(sharp, (size // 2, size // 2 + 10), (size // 3, size // 4), 20, 0, 360, 255, -1)
    cv2.rectangle(sharp, (size // 2 - 4, 10), (size // 2 + 4, size // 2), 255, -1)
    alpha = cv2.GaussianBlur(sharp, (0, 0), blur).astype(float) / 255
    colours, behind = (_textured(rng, size, colour) for colour in ((60, 140, 60), (220, 60, 50)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(grown) + 1,) * 2)
    mask = cv2.dilate(sharp, disc) if grown > 0 else cv2.erode(sharp, disc)
    return Scene(
        pixels=np.rint(over(colours, behind, alpha)).astype(np.uint8), colours=colours, alpha=alpha, mask=mask > 127
    )


def over(colours: np.ndarray, behind: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return alpha[..., None] * colours + (1 - alpha[..., None]) * behind


def placed(mask: np.ndarray) -> Placed:
    """A mask of a whole picture, as the renderer takes it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return Placed(mask=mask[top : rows[-1] + 1, left : columns[-1] + 1], at_xy=(left, top))


def _textured(rng: np.random.Generator, size: int, colour: tuple[int, int, int]) -> np.ndarray:
    coarse = rng.normal(0, 12, (size // 8, size // 8, 3))
    return np.clip(np.array(colour) + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), 0, 255)
