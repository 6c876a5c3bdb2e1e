"""The edge of an object: how it fades out, and which colours it has there without those of the old background.

A pixel on an object's edge shows a mix of the object and of what is behind it; laid over another background, that mix
is a halo. So the colours in the edge are estimated anew from further inside: a mean over the neighbourhood in which a
pixel counts the more, the surer it is the object's own (a normalised blur, as in Forte, "Approximate Fast Foreground
Colour Estimation", 2021). It is written here with OpenCV's box filters, whose time does not grow with the width of the
edge: the solvers of pymatting want a true alpha, which a yes-or-no mask is not, and bring a compiler with them.
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
    colours = pixels.astype(np.float32)
    own, own_known = _mean(colours, depth, soft_edge)
    other, other_known = _mean(colours, away, soft_edge)
    apart = np.where(own_known & other_known, other - own, 0)
    length = np.einsum("ijk,ijk->ij", apart, apart) + _ALIKE
    mixed = np.clip(np.einsum("ijk,ijk->ij", colours - own, apart) / length, 0, 1)[..., None]
    without = own + (1 - mixed) * (colours - mixed * apart - own)
    sure = np.clip((depth - soft_edge / 2) / MIXED, 0, 1)[..., None]
    return np.clip(np.where(own_known, without + sure * (colours - without), colours), 0, 255)


def _mean(colours: np.ndarray, depth: np.ndarray, soft_edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean colours of one side of the edge, H×W×3 float32, and where there are any, H×W×1 bool. depth: distance to the
    other side, 0 there."""
    deep = soft_edge / 2 + MIXED
    sure = np.clip((depth - soft_edge / 2) / MIXED, 0, 1)
    weight = sure * sure + _LAST_RESORT * np.square(np.minimum(depth / deep, 1))
    sums = np.dstack([colours * weight[..., None], weight])
    side = 2 * _radius(soft_edge) + 1
    for _ in range(3):  # three boxes are nearly a bell
        sums = cv2.blur(sums, (side, side), borderType=cv2.BORDER_REPLICATE)
    total = sums[..., 3:]
    known = total > _NONE
    return np.divide(sums[..., :3], total, out=np.zeros_like(colours), where=known), known


def _blur_reach(soft_edge: float) -> int:
    return max(math.ceil(2.5 * _SMOOTH), math.ceil(soft_edge * 2.5 / 4))


def _radius(soft_edge: float) -> int:
    """Of each box: from the outermost pixel that is seen to the first sure one, and as far again for an even mean."""
    return math.ceil((soft_edge + 2 * MIXED + 1) / 2)
