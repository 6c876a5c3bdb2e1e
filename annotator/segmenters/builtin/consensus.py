"""Candidates that are of one thing agree on its edge: together they draw it better than each alone."""

import torch
from torch import Tensor

ALIKE = 0.75  # IoU of two candidates from which on they are taken to be of one thing
TRUST = 5.0  # a candidate whose predicted IoU is x higher weighs e^(TRUST·x) times as much
SUREST = 8.0  # beyond, a logit says no more: one candidate that is very sure does not overrule two


def agreed(logits: Tensor, predicted_iou: Tensor) -> Tensor:
    """B×K×s×s logits and B×K predicted IoU -> B×K×s×s, each the mean of itself and those that are much like it.

    The better a candidate is thought to be, the more it weighs. One that is like no other only has its logits limited.
    """
    masks = (logits > 0).flatten(2).float()
    common, area = masks @ masks.mT, masks.sum(2)
    alike = common >= ALIKE * (area[:, :, None] + area[:, None] - common)
    weight = alike * torch.exp(TRUST * predicted_iou)[:, None]
    weight = weight / weight.sum(2, keepdim=True)
    return (weight @ logits.clamp(-SUREST, SUREST).flatten(2)).view_as(logits)
