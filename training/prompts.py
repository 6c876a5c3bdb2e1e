"""Clicks and boxes as a labeler would give them (SAM's loop: click where it is wrong), drawn for the decoder."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from annotator.segmenters.builtin.depth import depth
from annotator.segmenters.builtin.drawing import CLICK_RADIUS
from annotator.segmenters.builtin.network import PROMPT_MAPS, SHUFFLE

BOXES = 0.25  # of the objects are asked for by a box at first
CLICK_TOO = 0.25  # of these have a click besides
LED = 0.35  # of the prompts begin in the middle: with a mask that is partly wrong, and clicks before this one
MOST_BEFORE = 6  # clicks before, then
ASTRAY = 0.25  # of these masks are far off: an answer must not hold on to a mask that clicks speak against
RIVALS = 0.3  # of them are of something else that the first click may have meant: the cup with its saucer
DEEPEST = 0.5  # of the clicks are in the very middle of the error, where a benchmark clicks; the rest anywhere deep
SHALLOWEST = 0.2  # of the deepest depth, where a click may still be
JITTER = 0.06  # of a box's sides, standard deviation


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


def spoilt(target: np.ndarray, random: np.random.Generator, *, astray: bool = False) -> np.ndarray:
    """s×s bool -> s×s float32 logits of a mask that is wrong in places: edges off, pieces missing or too many.

    astray: wrong by parts of the picture instead, which may leave little of the target or lie all over it.
    """
    edge = depth(target) - depth(~target)
    size = np.sqrt(max(1, target.sum()))
    reach = len(target) * random.uniform(0.1, 0.5) if astray else size * random.uniform(0.03, 0.3)
    waves = random.normal(0, reach, (int(random.integers(2, 8)),) * 2).astype(np.float32)
    logits = edge + cv2.resize(waves, target.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (logits + random.normal(0, 0.06 * size)) * np.float32(random.uniform(0.3, 2))


class Prompts:
    """P prompts being clicked, each on its target, and their maps.

    target, valid: P×s×s bool. rival: the same of what could be taken for each target, if that is known. `exact`: clicks
    in the very middle of the largest error and no boxes, as benchmarks do.

    A third of the prompts begin in the middle, and some begin anew between, because normalisation sees a whole batch:
    were all of it first clicks and then all second ones, it would meet mixtures in use that it never met in training.
    """

    def __init__(
        self,
        target: np.ndarray,
        valid: np.ndarray,
        *,
        random: np.random.Generator,
        device: torch.device,
        exact: bool = False,
        rival: np.ndarray | None = None,
    ) -> None:
        self.target, self.valid, self.random, self.exact = target, valid, random, exact
        self.rival = target if rival is None else rival
        self.count, self.side = int(target.shape[0]), int(target.shape[1])
        side = self.side // SHUFFLE
        self.maps = torch.zeros(self.count, PROMPT_MAPS, side, side, device=device)
        self.first = np.ones(self.count, bool)  # which have nothing but their first prompt
        self._clicks: list[np.ndarray] = []

    @property
    def clicks(self) -> Tensor:
        """P×N×3 int64 on the maps' device: row, column (in pixels of the logits) and label, -1 for none."""
        if not self._clicks:
            return torch.zeros(self.count, 0, 3, dtype=torch.long, device=self.maps.device)
        return torch.from_numpy(np.stack(self._clicks, 1)).to(self.maps.device)

    def begin(self) -> None:
        """The first prompts: a click in the object, for some a box, or both; others as if some had been before."""
        everyone = np.ones(self.count, bool)
        led = (self.random.random(self.count) < LED) & (not self.exact)
        clicked = self._first_prompts(everyone) | led
        masks = np.zeros_like(self.target)
        if led.any():
            self._clicks_before(led)
        for index in np.flatnonzero(led).tolist():
            lot = self.random.random()
            shown = self.rival if lot >= 1 - RIVALS else self.target
            logits = spoilt(shown[index], self.random, astray=lot < ASTRAY)
            self._feed_back(index, torch.from_numpy(logits)[None])
            masks[index] = logits > 0
        self.first = ~led
        self._click(masks, clicked)

    def _first_prompts(self, chosen: np.ndarray) -> np.ndarray:
        """P bool: boxes for some of the chosen; which of them get a click (now or besides)."""
        boxed = (self.random.random(self.count) < BOXES) & chosen & (not self.exact)
        clicked = ~boxed | (self.random.random(self.count) < CLICK_TOO)
        self.draw_boxes(boxed)
        return clicked & chosen

    def _clicks_before(self, led: np.ndarray) -> None:
        """Clicks on the right side of the target's edge, in no order, as they are left by some rounds."""
        counts = self.random.integers(0, MOST_BEFORE + 1, self.count) * led
        for number in range(counts.max()):
            clicks = np.full((self.count, 3), (0, 0, -1), np.int64)
            for index in np.flatnonzero(counts > number):
                foreground = self.random.random() < 0.6
                side = (self.target if foreground else ~self.target)[index] & self.valid[index]
                if side.any():
                    clicks[index] = *click_in(depth(side), SHALLOWEST / 2, self.random.random()), foreground
            self._clicks.append(clicks)
            self._draw(torch.from_numpy(clicks).to(self.maps.device))

    def draw_boxes(self, boxed: np.ndarray) -> None:
        """P bool: which objects are asked for by a box, a little off unless `exact`."""
        for index in np.flatnonzero(boxed):
            x0, y0, x1, y1 = self._box(self.target[index])
            self.maps[index, 2, y0:y1, x0:x1] = 1

    def correct(self, logits: Tensor, anew: np.ndarray | None = None) -> None:
        """P×s×s logits of the candidates that were taken: fed back, and each gets a click where it is wrong.

        anew, P bool: these forget what was and begin with a first prompt.
        """
        anew = np.zeros(self.count, bool) if anew is None else anew
        masks, clicked = (logits > 0).cpu().numpy(), np.ones(self.count, bool)
        self._feed_back(slice(None), logits.float())
        if anew.any():
            self.maps[torch.from_numpy(anew).to(self.maps.device)] = 0
            for clicks in self._clicks:
                clicks[anew, 2] = -1
            masks[anew] = False
            clicked = self._first_prompts(anew) | ~anew
        self.first = anew
        self._click(masks, clicked)

    def _feed_back(self, index: slice | int, logits: Tensor) -> None:
        self.maps[index, 3] = F.avg_pool2d(logits.sigmoid()[:, None], SHUFFLE)[:, 0].to(self.maps.device).squeeze(0)

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
