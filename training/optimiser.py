"""How weights follow their gradients: two rates of learning, a schedule, and a running average of the weights."""

import copy
import math

import torch
from torch import nn

from annotator.segmenters.builtin.network import Network

BACKBONE = ("encoder.stem", "encoder.blocks")  # knows ImageNet already, so it learns more slowly
WARM_UP = 300  # steps; of a short run a twentieth
STEADY = 0.5  # of the steps at the full rate; then it falls as a cosine does
LAST = 0.01  # of the full rate, at the end
DECAY = 0.01  # of weights; none for biases and normalisation
LONGEST = 2.0  # of all gradients together


def optimiser(network: Network, *, rate: float, backbone_rate: float) -> torch.optim.AdamW:
    """AdamW; every group keeps its full rate as "rate"."""
    groups = []
    for slow in (True, False):
        named = [(name, weight) for name, weight in network.named_parameters() if name.startswith(BACKBONE) == slow]
        full = backbone_rate if slow else rate
        for decays in (True, False):
            weights = [weight for _, weight in named if (weight.ndim > 1) == decays]
            groups.append({"params": weights, "lr": full, "rate": full, "weight_decay": DECAY if decays else 0.0})
    return torch.optim.AdamW(groups, betas=(0.9, 0.99))


def is_late(step: int, steps: int) -> bool:
    """Whether a step is one of those in which the rate falls."""
    return step > STEADY * steps


def share_of_rate(step: int, steps: int) -> float:
    """What part of its full rate a step learns at: rising, steady, falling."""
    rising = min(1.0, (step + 1) / max(1, min(WARM_UP, steps // 20)))
    done = max(0.0, (step / steps - STEADY) / (1 - STEADY))
    return rising * (LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def apply(optimizer: torch.optim.Optimizer, network: nn.Module, step: int, steps: int) -> None:
    """One step with the gradients that are there, which are used up."""
    nn.utils.clip_grad_norm_(network.parameters(), LONGEST)
    for group in optimizer.param_groups:
        group["lr"] = group["rate"] * share_of_rate(step, steps)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


class Average:
    """A network whose weights and statistics follow another's slowly."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network, self.decay = copy.deepcopy(network).eval().requires_grad_(False), decay

    @torch.no_grad()
    def follow(self, network: Network, step: int) -> None:
        """Take a small share of the other's; early on a larger one, so that the beginning is forgotten."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        own, others = self.network.state_dict(), network.state_dict()
        moving = [name for name in own if own[name].is_floating_point()]
        torch._foreach_lerp_([own[name] for name in moving], [others[name] for name in moving], share)
