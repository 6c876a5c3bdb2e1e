"""A click is obeyed: candidates that leave out a foreground click or cover a background click are mended.

Networks ignore a click now and then, mostly on thin parts. A labeler who clicked there knows better, so the answer is
changed where the click was and as far as its own logits say that the same thing reaches.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from annotator.prediction import LOW_RES_SIDE, MASK_THRESHOLD, Frame, Prompt, upscale_weights

MARGIN = 0.5  # by how much a mended click's pixel passes the threshold
ROUNDING = 1e-4  # nearer to the threshold than this, a pixel may be upscaled to either side of it
DISC_RADIUS = 2.0  # of the least that changes around a disobeyed click, in low-res pixels
REACH = 40  # how far a plateau may stretch from its click in each direction, in low-res pixels
PLATEAUS = (0.5, 0.25, 0.1)  # how far below the click's own logit a plateau goes, as a share of it; widest first
TAPS = 4  # in each direction, at least as many as the two bilinear steps can reach
ROUNDS = 6  # of settling clicks so close together that they share logits


def obey(low_res_logits: np.ndarray, prompt: Prompt, frame: Frame) -> np.ndarray:
    """K×256×256 float32 logits -> the same, mended so that the upscaled masks obey every click.

    Candidates that obey already are returned unchanged; where all do, that is the very array passed in. In the others,
    for each disobeyed click the nearest region changes sides:

    - a covered background click drops its whole part of the mask, where that part is separate and holds no foreground
      click but another part does; a missed foreground click likewise fills its hole;
    - else the plateau around it: the connected pixels on the wrong side whose logits are close to the click's own and
      which are not nearer to an opposing click, as long as they form a region of their own and do not run on and on;
    - at least a disc of DISC_RADIUS low-res pixels, without what is nearer to an opposing click.

    Of two opposing clicks on the very same pixel the later one is obeyed.
    """
    if not len(prompt.point_coords):
        return low_res_logits
    clicks = _Clicks(prompt.point_coords, prompt.point_labels, frame)
    wrong = clicks.values(low_res_logits) * clicks.signs <= ROUNDING  # K×N
    if not wrong.any():
        return low_res_logits
    mended = low_res_logits.copy()
    for logits, disobeyed in zip(mended, wrong, strict=True):
        for click in np.flatnonzero(disobeyed):
            _move_region(logits, clicks, int(click))
        if disobeyed.any():
            _settle(logits, clicks, disobeyed)
    return mended


@dataclass(frozen=True)
class _Clicks:
    """The clicks of a prompt as they lie on the low-res logits of one frame."""

    point_coords: np.ndarray
    point_labels: np.ndarray
    frame: Frame

    @cached_property
    def signs(self) -> np.ndarray:
        """N float32: +1 foreground, -1 background."""
        return np.where(self.point_labels == 1, 1, -1).astype(np.float32)

    @cached_property
    def pixels(self) -> np.ndarray:
        """N×2 int64 (row, column) of the original image's pixel under each click."""
        last = np.array(self.frame.size_hw) - 1
        return np.clip(np.rint(self.point_coords[:, ::-1]), 0, last).astype(np.int64)

    @cached_property
    def places(self) -> np.ndarray:
        """N×2 float64 (row, column) in low-res pixels, centres at whole numbers."""
        scale = np.array(self.frame.inner_hw) / np.array(self.frame.size_hw) * (LOW_RES_SIDE / self.frame.side)
        return (self.pixels + 0.5) * scale - 0.5

    @cached_property
    def cells(self) -> np.ndarray:
        """N×2 int64 (row, column) of the low-res pixel nearest to each click."""
        return np.clip(np.rint(self.places), 0, np.array(self.frame.low_res_inner_hw) - 1).astype(np.int64)

    @cached_property
    def taps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows N×4×1, columns N×1×4 and weights N×4×4 of the logits that make the upscaled logit at each pixel."""
        places, weights = [], []
        for axis in (0, 1):
            frame = self.frame
            whole = upscale_weights(self.pixels[:, axis], frame.side, frame.inner_hw[axis], frame.size_hw[axis])
            first = np.minimum((whole > 0).argmax(1), LOW_RES_SIDE - TAPS)
            places.append(first[:, None] + np.arange(TAPS))
            weights.append(np.take_along_axis(whole, places[-1], axis=1))
        (rows, columns), (down, across) = places, weights
        return rows[:, :, None], columns[:, None, :], down[:, :, None] * across[:, None, :]

    def values(self, logits: np.ndarray) -> np.ndarray:
        """...×256×256 logits -> ...×N: how far the upscaled logit at each click's pixel is above the threshold."""
        rows, columns, weights = self.taps
        return (logits[..., rows, columns] * weights).sum((-2, -1)) - MASK_THRESHOLD

    @cached_property
    def nearer_to_foreground(self) -> np.ndarray:
        """256×256 bool: which pixels are nearer to a foreground than to any background click."""
        return self._distance(self.point_labels == 1) <= self._distance(self.point_labels == 0)

    def _distance(self, chosen: np.ndarray) -> np.ndarray:
        """256×256 float32: how far the nearest of the chosen clicks is."""
        elsewhere = np.ones((LOW_RES_SIDE, LOW_RES_SIDE), np.uint8)
        if not chosen.any():
            return np.full(elsewhere.shape, np.inf, np.float32)
        elsewhere[tuple(self.cells[chosen].T)] = 0
        return cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_3)

    @cached_property
    def discs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each click rows and columns of the low-res pixels around it that are not nearer to an opposing one.

        They hold all its taps, but for those that are an opposing click's.
        """
        reach = int(DISC_RADIUS) + 1
        offsets = np.indices((2 * reach + 1, 2 * reach + 1)).reshape(2, -1).T - reach
        around = self.cells[:, None] + offsets  # N×P×2
        distances = np.linalg.norm(around[:, :, None] - self.places, axis=3)  # N×P×N: to every click
        numbers = np.arange(len(around))
        own = distances[numbers, :, numbers][:, :, None]
        opposing = (self.signs[:, None] != self.signs)[:, None]
        later = (numbers > numbers[:, None])[:, None]
        taken = (opposing & ((distances < own) | (later & (distances == own)))).any(2)
        inside = ((around >= 0) & (around < LOW_RES_SIDE)).all(2)
        chosen = inside & ~taken & (own[:, :, 0] <= DISC_RADIUS)
        return [(spots[keep, 0], spots[keep, 1]) for spots, keep in zip(around, chosen, strict=True)]


def _move_region(logits: np.ndarray, clicks: _Clicks, click: int) -> None:
    """Bring the region that a disobeyed click belongs to over to its side, in place; none where there is no such."""
    sign = clicks.signs[click]
    height, width = clicks.frame.low_res_inner_hw
    row, column = clicks.cells[click]
    signed = (logits[:height, :width] - MASK_THRESHOLD) * sign  # positive on the click's side
    depth = -float(signed[row, column])
    if depth < 0:
        return  # only the pixel between low-res pixels is on the wrong side: the disc is enough
    region = _separate_part(signed, clicks, click)
    share = 1.0
    if region is None:
        opposing = clicks.nearer_to_foreground[:height, :width] != (sign > 0)
        for share in PLATEAUS:
            region = _plateau(signed, (int(row), int(column)), depth * share, opposing)
            if region is not None:
                break
    if region is not None:
        moved = logits[:height, :width]
        lifted = np.maximum(signed[region] + depth * (1 + share), MARGIN)
        moved[region] = MASK_THRESHOLD + sign * lifted


def _separate_part(signed: np.ndarray, clicks: _Clicks, click: int) -> np.ndarray | None:
    """The whole part on the wrong side around a click, where it is an island of its own; else None."""
    row, column = (int(v) for v in clicks.cells[click])
    part = _flood(signed, (row, column), np.inf, signed > 0)
    opposing = clicks.cells[clicks.signs != clicks.signs[click]]
    if part[tuple(opposing.T)].any():
        return None
    if clicks.signs[click] < 0:
        return part if len(opposing) else None  # with no foreground click it may be all there is
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    enclosed = rows[0] > 0 and columns[0] > 0 and rows[-1] < part.shape[0] - 1 and columns[-1] < part.shape[1] - 1
    small = rows[-1] - rows[0] <= REACH and columns[-1] - columns[0] <= REACH
    return part if enclosed and small else None


def _plateau(signed: np.ndarray, cell: tuple[int, int], tolerance: float, opposing: np.ndarray) -> np.ndarray | None:
    """The connected pixels on the wrong side with logits within `tolerance` below the click's; None if they run on."""
    (row, column), (height, width) = cell, signed.shape
    top, left, bottom, right = max(0, row - REACH), max(0, column - REACH), row + REACH + 1, column + REACH + 1
    near = np.s_[top:bottom, left:right]
    found = _flood(signed[near], (row - top, column - left), tolerance, (signed[near] > 0) | opposing[near])
    runs_on = (
        (top > 0 and found[0].any())
        or (left > 0 and found[:, 0].any())
        or (bottom < height and found[-1].any())
        or (right < width and found[:, -1].any())
    )
    if runs_on:
        return None
    region = np.zeros(signed.shape, bool)
    region[near] = found
    return region


def _flood(signed: np.ndarray, cell: tuple[int, int], below: float, barred: np.ndarray) -> np.ndarray:
    """Bool: the pixels joined to `cell` without touching a barred one, at most `below` under its value."""
    row, column = cell
    state = np.ones((signed.shape[0] + 2, signed.shape[1] + 2), np.uint8)
    state[1:-1, 1:-1] = barred
    state[row + 1, column + 1] = 0
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (2 << 8)
    cv2.floodFill(np.ascontiguousarray(signed), state, (column, row), 0, below, np.inf, flags)
    return state[1:-1, 1:-1] == 2


def _settle(logits: np.ndarray, clicks: _Clicks, disobeyed: np.ndarray) -> None:
    """Give each disobeyed click its disc, then push every click that is not obeyed yet just over, in place."""
    for click in np.flatnonzero(disobeyed):
        sign, disc = clicks.signs[click], clicks.discs[click]
        logits[disc] = MASK_THRESHOLD + sign * np.maximum(sign * (logits[disc] - MASK_THRESHOLD), MARGIN)
    rows, columns, weights = clicks.taps
    for _ in range(ROUNDS):
        values = clicks.values(logits) * clicks.signs
        wrong = np.flatnonzero(values <= ROUNDING)
        if not len(wrong):
            return
        for click in wrong:
            share = np.zeros_like(logits)
            share[rows[click], columns[click]] = weights[click]
            share = share[clicks.discs[click]]
            power = float(share @ share)
            if power > 0:  # nothing is its own where a later opposing click lies on the same pixel
                logits[clicks.discs[click]] += clicks.signs[click] * (MARGIN - values[click]) * share / power
