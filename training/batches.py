"""What one step of training sees: crops, and objects in them to be found. A function of seed and step alone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from annotator.segmenters.builtin.network import SHUFFLE, STRIDE
from training.augment import PASTED, crop, paste, recoloured
from training.data import IGNORED, Picture, shares

FINE = STRIDE // SHUFFLE  # pixels of the crop for one of the mask logits
SMALLEST = 0.0006  # of the crop, for an object to be asked for
UNITED = 0.3  # of the targets in region data are several touching regions
MOST_UNITED = 4
TRIES = 20  # crops with nothing in them before giving up


class Batch(NamedTuple):
    """B crops with K targets each; S is the crop's side, s = S / FINE that of the logits.

    image: B×S×S×3 uint8 RGB. inside: B×S×S bool, False in the padding. target: B×K×s×s uint8, share of each pixel that
    is the object, 0..255. rival: the same of what could be taken for the object, more or less than it (see `rival`).
    valid: B×s×s bool, where an answer is judged.
    """

    image: Tensor
    inside: Tensor
    target: Tensor
    rival: Tensor
    valid: Tensor


class Batches(Dataset[Batch]):
    """Batch number n, for n = 0, 1, ...: the same one whoever asks, so a run can go on where it stopped.

    side: of the crops of batch n.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        *,
        side: Callable[[int], int],
        batch: int,
        objects: int,
        seed: int,
    ) -> None:
        self.pictures, self.side, self.batch, self.objects, self.seed = pictures, side, batch, objects, seed
        self.shares = shares(pictures)

    def __getitem__(self, number: int) -> Batch:
        random = np.random.default_rng((self.seed, number))
        side = self.side(number)
        parts = [self._part(side, random) for _ in range(self.batch)]
        stacked = [torch.from_numpy(np.stack(one)) for one in zip(*parts, strict=True)]
        return Batch(*stacked)

    def _picture(self, random: np.random.Generator) -> Picture:
        return self.pictures[random.choice(len(self.pictures), p=self.shares)]

    def _part(self, side: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        for _ in range(TRIES):
            picture = self._picture(random)
            cut = crop(picture, side, random)
            if random.random() < PASTED:
                cut = paste(cut, crop(self._picture(random), side, random), random)
            masks = targets(cut.labels, self.objects, random, regions=picture.regions)
            if masks is not None:
                valid = shrunk(cut.labels != IGNORED) > 127
                rivals = np.stack([shrunk(rival(cut.labels, mask, random)) for mask in masks])
                wanted = np.stack([shrunk(mask) for mask in masks])
                return recoloured(cut.image, random), cut.inside, wanted, rivals, valid
        raise SystemExit(f"{TRIES} crops in a row held nothing to be found; are the label maps right?")


def shrunk(mask: np.ndarray) -> np.ndarray:
    """S×S bool -> s×s uint8, the share of each coarser pixel, 0..255."""
    return cv2.resize(mask.astype(np.uint8) * 255, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)


def targets(labels: np.ndarray, count: int, random: np.random.Generator, *, regions: bool) -> list[np.ndarray] | None:
    """`count` masks, S×S bool: objects, in region data also unions of touching ones. None where there is nothing.

    Larger ones come more often, slowly. A crop with fewer objects gives the same one again, to be prompted otherwise.
    """
    ids, areas = np.unique(labels, return_counts=True)
    fit = (ids > 0) & (ids < IGNORED) & (areas >= SMALLEST * labels.size)
    ids, areas = ids[fit], areas[fit]
    if not len(ids):
        return None
    odds = areas**0.3 / (areas**0.3).sum()
    chosen = list(random.choice(ids, min(count, len(ids)), replace=False, p=odds))
    chosen += list(random.choice(ids, count - len(chosen), p=odds))
    return [
        united(labels, int(one), random) if regions and random.random() < UNITED else labels == one for one in chosen
    ]


def united(labels: np.ndarray, start: int, random: np.random.Generator) -> np.ndarray:
    """One region and some that touch it, those with the longer common border rather: S×S bool."""
    mask = labels == start
    for _ in range(int(random.integers(1, MOST_UNITED))):
        if not len(touching := neighbours(labels, mask, random)):
            break
        mask |= labels == touching[0]
    return mask


def rival(labels: np.ndarray, target: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What could be taken for the target at first, S×S bool: one of its regions, or it and another, touching rather.

    The target itself, where nothing else is labelled.
    """
    own = np.unique(labels[target])
    if len(own) > 1 and random.random() < 0.5:
        return labels == random.choice(own)
    others = neighbours(labels, target, random)
    if not len(others):
        others = random.permutation(np.setdiff1d(labels, [*own, 0, IGNORED]))
    return target | (labels == others[0]) if len(others) else target


def neighbours(labels: np.ndarray, mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The labels that touch a mask, in a random order, those with the longer common border rather first."""
    around = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    ids, border = np.unique(labels[around], return_counts=True)
    known = (ids > 0) & (ids < IGNORED)
    ids, border = ids[known], border[known]
    return random.choice(ids, len(ids), replace=False, p=border / border.sum()) if len(ids) else ids
