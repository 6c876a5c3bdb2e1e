"""How deep a place lies in a mask: labelers click in the middle of what they mean, and benchmarks do."""

import cv2
import numpy as np
import torch
from torch import Tensor

CENTREDNESS = 5  # figures that centredness() gives of each mask


def depth(mask: np.ndarray) -> np.ndarray:
    """H×W bool -> H×W float32: how far each pixel is from the nearest outside the mask, the border included."""
    return cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]


def depths(masks: Tensor) -> Tensor:
    """B×K×H×W bool -> the same of float32, the depth in each mask, on the masks' device."""
    flat = masks.flatten(0, 1).cpu().numpy()
    return torch.from_numpy(np.stack([depth(mask) for mask in flat])).unflatten(0, masks.shape[:2]).to(masks.device)


def centredness(masks: Tensor, clicks: Tensor) -> Tensor:
    """How near the middle of each mask the foreground clicks are: B×K×CENTREDNESS float32.

    masks: B×K×m×m bool. clicks: B×1×m×m map of foreground clicks, 1 where one is. For each mask: the clicks' mean
    depth as a share of the greatest, the share of the mask that is deeper than they are, how far their mean place is
    from the deepest one, and the greatest depth (both as multiples of the root of the mask's area), and that root as a
    share of m. The first three are 0 where nobody clicked.
    """
    deep, side = depths(masks), masks.shape[-1]
    area = masks.flatten(2).sum(2).clamp(min=1)
    across = area.sqrt()
    weight = clicks.flatten(2)  # B×1×mm
    clicked = weight.sum(2) > 0
    weight = weight / weight.sum(2, keepdim=True).clamp(min=1e-6)
    flat = deep.flatten(2)
    deepest, where = flat.max(2)
    at = (flat * weight).sum(2)
    places = torch.arange(side, device=masks.device, dtype=weight.dtype)
    row = (weight.unflatten(2, (side, side)).sum(3) * places).sum(2)
    column = (weight.unflatten(2, (side, side)).sum(2) * places).sum(2)
    away = torch.hypot(where // side - row, where % side - column)
    of_clicks = [at / deepest.clamp(min=1), (flat > at[..., None]).sum(2) / area, away / across]
    shares = [one * clicked for one in of_clicks]
    return torch.stack([*shares, deepest / across, across / side], 2)
