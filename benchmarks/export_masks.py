"""Masks to export: of folders of labelled pictures, of scikit-image's own pictures, and drawn by dice."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

KINDS = ("holes", "parts", "thin", "any")  # a quarter of a choice each
_THIN = 0.25  # of the mask is gone where it is not five pixels wide
_PICTURES = ("coins", "horse", "coffee", "hubble_deep_field", "camera", "page", "clock", "cell", "rocket", "chelsea",
             "immunohistochemistry", "text")  # fmt: skip


def real_masks(folder: Path | None, count: int, seed: int) -> list[np.ndarray]:
    """`count` masks, H×W bool each: a quarter with holes, one of several parts, one thin, the rest as they come.

    folder: holds <any folders>/masks/*.png, label maps (0 and 65535 are no object), picked evenly from each such
    folder; one object of a picture. None for things in scikit-image's pictures. Fewer where there are not as many.
    """
    dice = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    for mask in _labelled(folder, dice) if folder else _from_skimage(dice):
        kinds = _kinds(mask)
        for number, kind in enumerate(KINDS):
            if kind in kinds and len(found[kind]) < (count + number) // len(KINDS):
                found[kind].append(mask)
                break
        if sum(map(len, found.values())) == count:
            break
    return [mask for masks in found.values() for mask in masks]


def blob(dice: np.random.Generator, size_hw: tuple[int, int]) -> np.ndarray:
    """H×W bool: smooth noise inside a box, between two levels; many have holes and several parts."""
    height, width = dice.integers(40, 300, 2)
    noise = cv2.GaussianBlur(dice.random((height, width)), (0, 0), float(dice.uniform(4, 16)))
    low = np.quantile(noise, dice.uniform(0.2, 0.5))
    mask = np.zeros(size_hw, dtype=bool)
    top, left = dice.integers(0, size_hw[0] - height), dice.integers(0, size_hw[1] - width)
    mask[top : top + height, left : left + width] = noise > low
    return mask


def _kinds(mask: np.ndarray) -> set[str]:
    framed = np.pad(mask.astype(np.uint8), 1)
    parts = cv2.connectedComponents(framed, connectivity=8)[0] - 1
    outside = cv2.connectedComponents(1 - framed, connectivity=4)[0] - 1
    wide = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    is_of = {"holes": outside > 1, "parts": parts > 1, "thin": wide.sum() < (1 - _THIN) * mask.sum(), "any": True}
    return {kind for kind, holds in is_of.items() if holds}


def _labelled(folder: Path, dice: np.random.Generator) -> Iterator[np.ndarray]:
    sets = [[*dice.permutation(sorted(each.glob("*.png")))] for each in sorted(folder.rglob("masks")) if each.is_dir()]
    if not any(sets):
        raise SystemExit(f"There is no masks/*.png under {folder}. Name a folder of label maps, or leave --data out.")
    while any(sets):
        for files in (files for files in sets if files):
            labels = np.array(Image.open(files.pop()))
            values = [value for value in np.unique(labels) if value not in (0, 65535)]
            if values:
                yield labels == values[dice.integers(len(values))]


def _from_skimage(dice: np.random.Generator) -> Iterator[np.ndarray]:
    from skimage import data

    things = []
    for name in _PICTURES:
        picture = getattr(data, name)()
        grey = cv2.GaussianBlur(picture.mean(axis=2) if picture.ndim == 3 else picture.astype(float), (0, 0), 1.5)
        for share in (0.2, 0.35, 0.5, 0.65, 0.8):
            inside = grey > np.quantile(grey, share)
            _, labels, stats, middles = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
            large = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:30] + 1
            large = large[stats[large, cv2.CC_STAT_AREA] >= 30]
            single = [labels == number for number in large]
            things += single
            if len(single) > 1:  # those of two parts are a thing and the one nearest to it, where that is near
                apart = np.abs(middles[large][:, None] - middles[large]).sum(axis=2)
                np.fill_diagonal(apart, np.inf)
                reach = 1.5 * np.sqrt(stats[large, cv2.CC_STAT_AREA])
                pairs = enumerate(apart.argmin(axis=1).tolist())
                things += [single[n] | single[other] for n, other in pairs if apart[n, other] < reach[n] + reach[other]]
    for number in dice.permutation(len(things)):
        yield things[number]
