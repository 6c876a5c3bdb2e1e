"""Clicks and boxes as a labeler would give them (SAM's loop: click where it is wrong), drawn for the decoder."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from annotator.segmenters.builtin.drawing import CLICK_RADIUS
from annotator.segmenters.builtin.network import PROMPT_MAPS, SHUFFLE

BOXES = 0.2  # of the objects are asked for by a box at first
CLICK_TOO = 0.3  # of these have a click besides
DEEPEST = 0.5  # of the clicks are in the very middle of the error, where a benchmark clicks; the rest anywhere deep
SHALLOWEST = 0.2  # of the deepest depth, where a click may still be
JITTER = 0.06  # of a box's sides, standard deviation


def depth(mask: np.ndarray) -> np.ndarray:
    """s×s bool -> s×s float32: how far each pixel is from the nearest outside the mask, the border included."""
    return cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]


def click_in(depths: np.ndarray, lowest: float, lot: float) -> tuple[int, int]:
    """(row, column) of a pixel that is at least `lowest` (0..1) of the greatest depth deep; lot, 0..1, picks it."""
    if lowest >= 1:
        row, column = divmod(int(depths.argmax()), depths.shape[1])
        return row, column
    found = np.flatnonzero(depths >= lowest * depths.max())
    row, column = divmod(int(found[min(int(lot * len(found)), len(found) - 1)]), depths.shape[1])
    return row, column


def next_click(
    target: np.ndarray, mask: np.ndarray, valid: np.ndarray, lowest: float, lot: float
) -> tuple[int, int, int]:
    """(row, column, label) of a click in the largest error, s×s bool each; label -1 where nothing is wrong."""
    missed, covered = depth(target & ~mask & valid), depth(mask & ~target & valid)
    if not (missed.any() or covered.any()):
        return 0, 0, -1
    foreground = missed.max() >= covered.max()
    row, column = click_in(missed if foreground else covered, lowest, lot)
    return row, column, int(foreground)


class Prompts:
    """P prompts being clicked, each on its target, and their maps.

    target, valid: P×s×s bool. `exact`: clicks in the very middle of the largest error and no boxes, as benchmarks do.
    """

    def __init__(
        self,
        target: np.ndarray,
        valid: np.ndarray,
        *,
        random: np.random.Generator,
        device: torch.device,
        exact: bool = False,
    ) -> None:
        self.target, self.valid, self.random, self.exact = target, valid, random, exact
        self.count, self.side = int(target.shape[0]), int(target.shape[1])
        side = self.side // SHUFFLE
        self.maps = torch.zeros(self.count, PROMPT_MAPS, side, side, device=device)
        self._clicks: list[np.ndarray] = []

    @property
    def clicks(self) -> Tensor:
        """P×N×3 int64 on the maps' device: row, column (in pixels of the logits) and label, -1 for none."""
        if not self._clicks:
            return torch.zeros(self.count, 0, 3, dtype=torch.long, device=self.maps.device)
        return torch.from_numpy(np.stack(self._clicks, 1)).to(self.maps.device)

    def begin(self) -> None:
        """The first prompts: a click in the object, for some a box, or both."""
        boxed = (self.random.random(self.count) < BOXES) & (not self.exact)
        clicked = ~boxed | (self.random.random(self.count) < CLICK_TOO)
        self.draw_boxes(boxed)
        self._click(np.zeros_like(self.target), clicked)

    def draw_boxes(self, boxed: np.ndarray) -> None:
        """P bool: which objects are asked for by a box, a little off unless `exact`."""
        for index in np.flatnonzero(boxed):
            x0, y0, x1, y1 = self._box(self.target[index])
            self.maps[index, 2, y0:y1, x0:x1] = 1

    def correct(self, logits: Tensor) -> None:
        """P×s×s logits of the candidates that were taken: fed back, and each gets a click where it is wrong."""
        self.maps[:, 3] = F.avg_pool2d(logits.float().sigmoid()[:, None], SHUFFLE)[:, 0]
        self._click((logits > 0).cpu().numpy(), np.ones(self.count, bool))

    def _box(self, target: np.ndarray) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) in pixels of the maps, rounded outwards, a little off."""
        rows, columns = np.flatnonzero(target.any(1)), np.flatnonzero(target.any(0))
        if not len(rows):
            return 0, 0, 0, 0
        corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float64)
        sides = np.tile(corners[2:] - corners[:2], 2)
        if not self.exact:
            corners += self.random.normal(0, JITTER, 4).clip(-0.15, 0.15) * sides
        corners = (corners / SHUFFLE).clip(0, self.maps.shape[-1])
        x0, y0, x1, y1 = int(corners[0]), int(corners[1]), int(np.ceil(corners[2])), int(np.ceil(corners[3]))
        return x0, y0, x1, y1

    def _click(self, masks: np.ndarray, chosen: np.ndarray) -> None:
        lowest, lots = self.random.uniform(SHALLOWEST, 1, self.count), self.random.random(self.count)
        lowest[(self.random.random(self.count) < DEEPEST) | self.exact] = 1
        with ThreadPoolExecutor() as pool:  # OpenCV works outside Python's lock
            found = np.array(list(pool.map(next_click, self.target, masks, self.valid, lowest, lots)), np.int64)
        found[~chosen, 2] = -1
        self._clicks.append(found)
        self._draw(torch.from_numpy(found).to(self.maps.device))

    def _draw(self, clicks: Tensor) -> None:
        """P×3 (row, column, label): a disc each, as annotator/segmenters/builtin/drawing.py draws them."""
        places = torch.arange(self.maps.shape[-1], device=self.maps.device, dtype=torch.float32)
        at = (clicks[:, :2] + 0.5) / SHUFFLE - 0.5
        squared = (places[:, None] - at[:, 0, None, None]) ** 2 + (places - at[:, 1, None, None]) ** 2
        discs = (CLICK_RADIUS + 1 - squared.sqrt()).clamp(0, 1)
        for channel, label in enumerate((1, 0)):
            shown = discs * (clicks[:, 2] == label)[:, None, None]
            self.maps[:, channel] = torch.maximum(self.maps[:, channel], shown)
