"""Where the head of a person is, as far as the outline of a mask tells."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

_ROWS = 400  # the mask is looked at in about so many rows
_NARROWER = 0.85  # a neck is so much narrower than the widest row above it, or less
_WIDER = 1.25  # shoulders are so much wider than the neck
_CLOSED = 0.1  # the jaw has met the neck when so much of their difference is left
_POINTED = 0.5  # a mask whose last row is narrower than this part of its widest ends with the chin
_LIKELY = (0.9, 2.2)  # a head's height in its widths, hair included; anything else is no head
_USUAL = 1.3
_AT_EYES = 0.65  # half of that: how far below the crown, in widths, a head is as wide as it is counted


class Told(StrEnum):
    """What told where the chin is."""

    NECK = "neck"  # the mask gets narrow below the head, and wide again or ends
    END = "end"  # the mask ends there
    GUESS = "guess"  # nothing: long hair or a collar hides the neck, so the usual proportions were taken


@dataclass(frozen=True, kw_only=True)
class Head:
    """In pixels of the mask. The crown is the mask's top, so hair and hats count. centre_x: the middle of its width."""

    crown_y: float
    chin_y: float
    centre_x: float
    told: Told

    @property
    def height(self) -> float:
        return self.chin_y - self.crown_y


def find_head(mask: np.ndarray, *, at_xy: tuple[int, int] = (0, 0)) -> Head:
    """h×w bool with at least one pixel -> the head of the person that it is taken to be, seen from the front, upright.

    at_xy: where the mask's first pixel lies; added to what is returned.
    """
    step = max(1, mask.shape[0] // _ROWS)
    small = _largest_part(mask[::step, ::step])
    rows = np.flatnonzero(small.any(axis=1))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    widths = _smooth(small[top:bottom].sum(axis=1).astype(np.float64))
    chin, told = _chin(widths)
    columns = np.flatnonzero(small[top : top + max(1, round(chin))].any(axis=0))
    middle = float(columns[0] + columns[-1] + 1) / 2
    return Head(
        crown_y=at_xy[1] + top * step,
        chin_y=at_xy[1] + (top + chin) * step,
        centre_x=at_xy[0] + middle * step,
        told=told,
    )


def _chin(widths: np.ndarray) -> tuple[float, Told]:
    """The chin's distance from the crown, in rows, of a mask whose rows have these widths."""
    peak = low = 0
    for row, width in enumerate(widths):
        if low > peak and widths[low] < _NARROWER * widths[peak] and width > _WIDER * widths[low]:
            break
        if width > widths[peak]:
            peak = low = row
        elif width < widths[low]:
            low = row
    else:
        if widths[-1] < _POINTED * widths[peak]:  # no neck at all
            return _if_likely(len(widths), widths[peak], Told.END, widths)
    if low > peak and widths[low] < _NARROWER * widths[peak]:
        limit = widths[low] + _CLOSED * (widths[peak] - widths[low])
        chin = peak + int(np.argmax(widths[peak:] <= limit))
        return _if_likely(chin, widths[peak], Told.NECK, widths)
    return _guess(widths)


def _if_likely(chin: float, width: float, told: Told, widths: np.ndarray) -> tuple[float, Told]:
    least, most = _LIKELY
    return (chin, told) if least <= chin / max(width, 1) <= most else _guess(widths)


def _guess(widths: np.ndarray) -> tuple[float, Told]:
    at_eyes = np.flatnonzero(np.arange(1, len(widths) + 1) >= _AT_EYES * widths)
    width = widths[at_eyes[0]] if at_eyes.size else widths.max()
    return max(1.0, min(float(len(widths)), _USUAL * float(width))), Told.GUESS


def _largest_part(mask: np.ndarray) -> np.ndarray:
    """Crumbs beside a person would be taken for its crown."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask).view(np.uint8), connectivity=8)
    largest = 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA]))
    return np.asarray(labels == largest)


def _smooth(widths: np.ndarray) -> np.ndarray:
    """Single hairs are no neck: a mean over a fiftieth of the rows."""
    side = 2 * (len(widths) // 100) + 1
    return np.convolve(np.pad(widths, side // 2, mode="edge"), np.ones(side) / side, mode="valid")
