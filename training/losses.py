"""What an answer is worth: three masks, of which the best counts most, and three guesses of how good they are."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

GAMMA = 2.0  # of focal loss
MARGIN = 1.0  # by how much a logit under a click should be on the click's side
SHARPNESS = 0.05  # of the choice among three IoUs: a difference of this much matters
WEIGHTS = {"mask": 1.0, "mean": 0.7, "iou": 3.0, "rank": 1.0, "obey": 0.3}


class Losses(NamedTuple):
    """The sum to be minimised, and its parts for the log; true IoUs of the candidates, P×3."""

    total: Tensor
    parts: dict[str, Tensor]
    iou: Tensor


def losses(logits: Tensor, predicted_iou: Tensor, target: Tensor, valid: Tensor, clicks: Tensor) -> Losses:
    """logits P×3×s×s, predicted_iou P×3 (0..1), target P×s×s (0..1), valid P×s×s (bool), clicks P×N×3 (see Prompts)."""
    logits, predicted_iou = logits.float(), predicted_iou.float()
    each = focal(logits, target, valid) + dice(logits, target, valid)  # P×3
    true = iou(logits.detach(), target, valid)
    parts = {
        "mask": each.min(1).values.mean(),
        "mean": each.mean(),
        "iou": iou_error(predicted_iou, true),
        "rank": ranking(predicted_iou, true),
        "obey": disobedience(logits, clicks),
    }
    total = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
    return Losses(total=total, parts={name: part.detach() for name, part in parts.items()}, iou=true)


def focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """P×3: focal loss whose weights add up to 1 (Sofiiuk et al. 2019), so that it does not fade as masks get better."""
    target = target[:, None].expand_as(logits)
    weight = (logits.detach().sigmoid() - target).abs() ** GAMMA * valid[:, None]
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (weight * each).sum((2, 3)) / weight.sum((2, 3)).clamp(min=1)


def dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """P×3: one less the share of both that is common."""
    probability, target = logits.sigmoid() * valid[:, None], (target * valid)[:, None]
    common, both = (probability * target).sum((2, 3)), probability.sum((2, 3)) + target.sum((2, 3))
    return 1 - (2 * common + 1) / (both + 1)


def iou(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """P×3 float32 of the masks as they would be shown; 0 where both are empty."""
    mask, truth = (logits > 0) & valid[:, None], ((target > 0.5) & valid)[:, None]
    return (mask & truth).sum((2, 3)).float() / (mask | truth).sum((2, 3)).clamp(min=1)


def iou_error(predicted_iou: Tensor, true: Tensor) -> Tensor:
    """How far the guesses are off; large errors do not count more than in proportion."""
    return F.smooth_l1_loss(predicted_iou, true, beta=0.1)


def ranking(predicted_iou: Tensor, true: Tensor) -> Tensor:
    """How far the odds of the candidates to be chosen are from what they should be (Kullback-Leibler); 0 is right."""
    wanted, odds = (true / SHARPNESS).log_softmax(1), (predicted_iou / SHARPNESS).log_softmax(1)
    return F.kl_div(odds, wanted, reduction="batchmean", log_target=True)


def disobedience(logits: Tensor, clicks: Tensor) -> Tensor:
    """How far the logits under the clicks are from being MARGIN on the right side, on the mean of all clicks."""
    given = clicks[:, :, 2] >= 0  # P×N
    flat = clicks[:, :, 0] * logits.shape[-1] + clicks[:, :, 1]
    under = logits.flatten(2).gather(2, flat[:, None].expand(-1, logits.shape[1], -1))  # P×3×N
    sign = (2 * clicks[:, :, 2] - 1)[:, None]
    short = F.relu(MARGIN - sign * under) * given[:, None]
    return short.sum() / (given.sum() * logits.shape[1]).clamp(min=1)
