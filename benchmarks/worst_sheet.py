"""The objects that a segmenter was worst at, as one picture to look at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from benchmarks.clicks import Trial

ACROSS = 4  # objects side by side
PANEL = 150  # pixels, the longer side of one answer
LINE = 18  # pixels, for the words under it
GAP = 6
PAPER, INK, NOT_JUDGED = (255, 255, 255), (40, 40, 40), (225, 225, 225)
MISSED, COVERED, RIGHT = (66, 120, 220), (220, 70, 60), (90, 170, 90)
CLICKED = {1: (0, 90, 0), 0: (120, 0, 0)}


def worst(trials: Sequence["Trial"], count: int) -> list["Trial"]:
    """The `count` trials of the lowest mean IoU over the answers that were looked at, worst first."""
    return sorted(trials, key=lambda trial: float(np.mean([trial.iou_after(clicks) for clicks in trial.looks])))[:count]


def sheet(trials: Sequence["Trial"], *, pictures: bool) -> np.ndarray:
    """H×W×3 uint8 RGB: for each object its answers after some clicks; right green, missed blue, covered red.

    pictures: draw over the picture, where its licence lets the sheet be shown; else over paper.
    """
    cells = [_object(trial, pictures=pictures) for trial in trials]
    blank = np.full_like(cells[0], PAPER[0])
    cells += [blank] * (-len(cells) % ACROSS)
    return np.vstack([np.hstack(cells[start : start + ACROSS]) for start in range(0, len(cells), ACROSS)])


def _object(trial: "Trial", *, pictures: bool) -> np.ndarray:
    panels = []
    for clicks, look in trial.looks.items():
        panel = np.full((PANEL + LINE, PANEL, 3), PAPER, np.uint8)
        drawn = _answer(trial, clicks, pictures=pictures)
        panel[: drawn.shape[0], : drawn.shape[1]] = drawn
        words = f"{len(look.clicks)} click{'s' * (len(look.clicks) > 1)}: {trial.iou_after(clicks):.2f}"
        cv2.putText(panel, words, (2, PANEL + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, INK, 1, cv2.LINE_AA)
        panels.append(panel)
    return cv2.copyMakeBorder(np.hstack(panels), 0, GAP, 0, 2 * GAP, cv2.BORDER_CONSTANT, value=PAPER)


def _answer(trial: "Trial", clicks: int, *, pictures: bool) -> np.ndarray:
    target, look = trial.target, trial.looks[clicks]
    height, width = target.truth.shape
    scale = PANEL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(target.image, size, interpolation=cv2.INTER_AREA) if pictures else _paper(target.valid, size)
    shown = small.astype(np.float32)
    for colour, where in (
        (RIGHT, target.truth & look.mask),
        (MISSED, target.truth & ~look.mask),
        (COVERED, look.mask & ~target.truth),
    ):
        judged = (where & target.valid).astype(np.float32)
        share = 0.6 * cv2.resize(judged, size, interpolation=cv2.INTER_AREA)[:, :, None]
        shown += share * (np.array(colour, np.float32) - shown)
    drawn = np.ascontiguousarray(shown.astype(np.uint8))
    for x, y, label in look.clicks:
        cv2.circle(drawn, (int(x * scale), int(y * scale)), 2, CLICKED[label], -1, cv2.LINE_AA)
    return drawn


def _paper(valid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    judged = cv2.resize(valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return np.where(judged[:, :, None], 245, NOT_JUDGED).astype(np.uint8)
