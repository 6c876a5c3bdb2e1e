"""One step: pictures encoded once, each prompted in several rounds, gradients of all rounds together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from annotator.segmenters.builtin.network import STRIDE, Network, Prepared
from annotator.segmenters.builtin.segmenter import MEAN, STD
from training.batches import Batch
from training.losses import losses
from training.prompts import Prompts

ROUNDS = (0.1, 0.15, 0.2, 0.2, 0.15, 0.1, 0.05, 0.05)  # how often a step has 1, 2, ... rounds
ANEW = 0.1  # of the prompts begin anew in each further round
LEARNT_FROM = 0.7  # of the rounds between the first and the last; the others only lead on, at a third of the cost
BEST_TAKEN = 0.3  # of the rounds go on from the candidate that is best, not from the one that is thought to be


class Outcome(NamedTuple):
    """Of one step: parts of the loss and IoUs of the chosen candidate, by name; number of prompts learnt from."""

    parts: dict[str, float]
    prompts: int


def normalised(image: Tensor, inside: Tensor) -> Tensor:
    """B×S×S×3 uint8, B×S×S bool -> B×3×S×S float32, zero outside; channels innermost in memory."""
    mean, std = (torch.from_numpy(one).to(image.device) for one in (MEAN, STD))
    scaled = (image.float() / 255 - mean) / std * inside[..., None]
    return scaled.permute(0, 3, 1, 2)


def on_maps(inside: Tensor) -> Tensor:
    """B×S×S bool, where pictures are -> the same for the decoder: B×1×m×m float at the scale of prompt maps."""
    return inside[:, None, ::STRIDE, ::STRIDE].float()


def rhythm(random: np.random.Generator) -> list[bool]:
    """The rounds of one step, and which of them are learnt from: the first and the last always."""
    rounds = 1 + int(random.choice(len(ROUNDS), p=ROUNDS))
    return [number in (0, rounds - 1) or bool(random.random() < LEARNT_FROM) for number in range(rounds)]


def learn(
    network: Network,
    batch: Batch,
    learnt: Sequence[bool],
    *,
    random: np.random.Generator,
    device: torch.device,
    half: bool,
) -> Outcome:
    """Add the gradients of one batch to the network's.

    learnt: see rhythm. half: the decoder (on a GPU the encoder too) in bfloat16.
    """
    objects = batch.target.shape[1]
    truth = (batch.target > 127).flatten(0, 1).numpy()
    rival = (batch.rival > 127).flatten(0, 1).numpy()
    judged = batch.valid.repeat_interleave(objects, 0).numpy()
    prompts = Prompts(truth, judged, random=random, device=device, rival=rival)
    image, inside = (tensor.to(device, non_blocking=True) for tensor in (batch.image, batch.inside))
    target = batch.target.flatten(0, 1).to(device, non_blocking=True).float() / 255
    valid = batch.valid.to(device, non_blocking=True).repeat_interleave(objects, 0)
    with torch.autocast(device.type, torch.bfloat16, enabled=half and device.type == "cuda"):
        features = network.encoder(normalised(image, inside))
        prepared = network.decoder.prepare(features)
    within = on_maps(inside).repeat_interleave(objects, 0)
    leaves = Prepared(*(tensor.detach().requires_grad_() for tensor in prepared))
    parts: dict[str, list[Tensor]] = {}
    prompts.begin()
    for number, counts in enumerate(learnt):
        with torch.set_grad_enabled(counts), torch.autocast(device.type, torch.bfloat16, enabled=half):
            repeated = Prepared(*(leaf.repeat_interleave(objects, 0) for leaf in leaves))
            logits, predicted = network.decoder(repeated, prompts.maps.clone(), within)
        result = losses(logits, predicted, target, valid, prompts.clicks)
        if counts:
            (result.total / sum(learnt)).backward()
            first = torch.from_numpy(prompts.first).to(device)
            picked = result.iou.gather(1, predicted.argmax(1, keepdim=True))[:, 0]
            best = result.iou.max(1).values
            shown = {"iou_first": picked[first], "best_first": best[first], "iou_later": picked[~first]}
            for name, part in (result.parts | {name: each.mean() for name, each in shown.items() if len(each)}).items():
                parts.setdefault(name, []).append(part)
        if number + 1 < len(learnt):
            by = result.iou if random.random() < BEST_TAKEN else predicted.detach()
            taken = logits.detach()[torch.arange(len(by), device=device), by.argmax(1)]
            prompts.correct(taken.float(), random.random(prompts.count) < ANEW)
    torch.autograd.backward(list(prepared), [leaf.grad for leaf in leaves])
    means = {name: torch.stack(values).mean().item() for name, values in parts.items()}
    return Outcome(parts=means, prompts=prompts.count * sum(learnt))
