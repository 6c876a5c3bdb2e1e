"""The edge of an object: how it fades out, and which colours it has there without those of the old background.

A pixel on an object's edge shows a mix of the object and of what is behind it; laid over another background, that mix
is a halo. So the mean colours of both sides are taken from pixels that are surely theirs (normalised blurs, as in
Forte, "Approximate Fast Foreground Colour Estimation", 2021), and what a pixel in the edge has of the other side, along
the line from one mean to the other, is taken out of it. Forte, like the solvers of pymatting, reads from alpha how much
that is; a yes-or-no mask that is a pixel too wide says nothing of it, the pixel's own colour does. OpenCV's box filters
do it, whose time does not grow with the width of the edge; pymatting would bring a compiler with it.
"""

import math

import cv2
import numpy as np

# Pixels inside the edge in which lens, demosaicing and JPEG's halved colours still mix object and background.
MIXED = 2.5
_SMOOTH = 1.0  # sigma in pixels by which the steps of a mask's outline are smoothed, however narrow the edge is to be
_TAIL = 0.02275  # of a normal distribution beyond two sigma: cut off, so that the edge ends where it is said to
_NONE = 1e-9
_ALIKE = 12.0**2  # levels squared: where the two sides differ no more than this, nothing can be told from colours
_LAST_RESORT = 1e-3  # the weight of mixed pixels: they count alone where an object is too thin to have others


def reach(soft_edge: float) -> int:
    """Pixels beyond the mask in which alpha is not 0."""
    return math.ceil(soft_edge / 2)


def halo(soft_edge: float) -> int:
    """Pixels around a part that its edge depends on."""
    return max(3 * _radius(soft_edge) + math.ceil(soft_edge / 2 + MIXED) + 2, _blur_reach(soft_edge))


def soft_alpha(coverage: np.ndarray, soft_edge: float) -> np.ndarray:
    """H×W uint8, how much of each pixel the mask covers -> H×W uint8 alpha. Beyond the array it goes on as it ends."""
    if not soft_edge:
        return coverage
    sigma = max(_SMOOTH, soft_edge / 4)
    side = 2 * _blur_reach(soft_edge) + 1
    blurred = cv2.GaussianBlur(coverage, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
    steepness = 4 * sigma / soft_edge / (1 - 2 * _TAIL)
    ramp = np.clip(0.5 + (np.arange(256) / 255 - 0.5) * steepness, 0, 1)
    return cv2.LUT(blurred, np.rint(ramp * 255).astype(np.uint8))


def clean_colours(pixels: np.ndarray, coverage: np.ndarray, soft_edge: float) -> np.ndarray:
    """H×W×3 uint8 RGB and H×W uint8 coverage -> H×W×3 float32: the object's colours, also some way beyond the mask.

    What lies deep enough inside stays as it is. Beyond the array the mask is taken to go on as it ends.
    """
    inside = (coverage >= 128).view(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    cleaned = pixels.astype(np.float32)
    # only the edge costs: elsewhere pixels are sure, or not seen
    edge = np.nonzero((depth < soft_edge / 2 + MIXED) & (away <= _blur_reach(soft_edge) + 1))
    colours = cleaned[edge]
    own, own_known = _mean(cleaned, depth, soft_edge, edge)
    other, other_known = _mean(cleaned, away, soft_edge, edge)
    apart = np.where(own_known & other_known, other - own, 0)
    length = np.square(apart).sum(axis=1, keepdims=True) + _ALIKE
    mixed = np.clip(((colours - own) * apart).sum(axis=1, keepdims=True) / length, 0, 1)
    without = own + (1 - mixed) * (colours - mixed * apart - own)
    sure = np.clip((depth[edge][:, None] - soft_edge / 2) / MIXED, 0, 1)
    cleaned[edge] = np.clip(np.where(own_known, without + sure * (colours - without), colours), 0, 255)
    return cleaned


def _mean(
    colours: np.ndarray, depth: np.ndarray, soft_edge: float, where: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean colours of one side of the edge at N places, N×3 float32, and whether there are any, N×1 bool.

    colours: H×W×3. depth: H×W, the distance to the other side, 0 there.
    """
    deep = soft_edge / 2 + MIXED
    sure = np.clip((depth - soft_edge / 2) / MIXED, 0, 1)
    weight = sure * sure + _LAST_RESORT * np.square(np.minimum(depth / deep, 1))
    sums = cv2.merge([*cv2.split(colours * weight[..., None]), weight])
    side = 2 * _radius(soft_edge) + 1
    for _ in range(3):  # three boxes are nearly a bell
        sums = cv2.blur(sums, (side, side), borderType=cv2.BORDER_REPLICATE)
    found = sums[where]
    known = found[:, 3:] > _NONE
    return np.divide(found[:, :3], found[:, 3:], out=np.zeros_like(found[:, :3]), where=known), known


def _blur_reach(soft_edge: float) -> int:
    return max(math.ceil(2.5 * _SMOOTH), math.ceil(soft_edge * 2.5 / 4))


def _radius(soft_edge: float) -> int:
    """Of each box: from the outermost pixel that is seen to the first sure one, and as far again for an even mean."""
    return math.ceil((soft_edge + 2 * MIXED + 1) / 2)
