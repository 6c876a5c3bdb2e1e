"""A candidate's logits -> its mask, box and stability in the picture's size, and only for what can pass."""

from dataclasses import dataclass

import cv2
import numpy as np

from annotator.prediction import LOW_RES_SIDE, MASK_THRESHOLD, Frame, upscaled_strips

KERNEL = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Measured:
    """part: h×w bool, the mask where it can have pixels; at: row and column of its first pixel in the picture."""

    part: np.ndarray
    at: tuple[int, int]
    area: int
    stability_score: float


class Measure:
    """Measures candidates of one frame. offset: by how much the cut is shifted for the stability score."""

    def __init__(self, frame: Frame, *, offset: float, least_stability: float) -> None:
        self._frame, self._offset, self._least = frame, offset, least_stability
        self._pixels = [_pixels_per_cell(frame, axis) for axis in (0, 1)]

    def __call__(self, logits: np.ndarray) -> Measured | None:
        """256×256 float32 logits -> the mask; None where it is empty or not as stable as the least.

        The stability score is that of the upscaled logits, as segment_anything has it.
        """
        if self._most_stable(logits) < self._least:
            return None
        low, high = MASK_THRESHOLD - self._offset, MASK_THRESHOLD + self._offset
        parts, at, area, inside, union = [], [], 0, 0, 0
        for top, left, strip in upscaled_strips(logits, self._frame, self._frame.size_hw, above=low):
            at.append((top, left))
            inside += int(np.count_nonzero(strip > high))
            union += int(np.count_nonzero(strip > low))
            parts.append(strip > MASK_THRESHOLD)
            area += int(np.count_nonzero(parts[-1]))
        if not area or inside / union < self._least:
            return None
        return Measured(part=np.concatenate(parts), at=at[0], area=area, stability_score=inside / union)

    def _most_stable(self, logits: np.ndarray) -> float:
        """No less than the stability score, from the low-res logits alone.

        A pixel's upscaled logit lies between the least and the greatest of the 3×3 logits around it.
        """
        inside = cv2.dilate((logits > MASK_THRESHOLD + self._offset).view(np.uint8), KERNEL)
        union = cv2.erode((logits > MASK_THRESHOLD - self._offset).view(np.uint8), KERNEL)
        rows, columns = self._pixels
        most_inside, least_union = rows @ inside @ columns, rows @ union @ columns
        return float(most_inside / least_union) if least_union else np.inf


def _pixels_per_cell(frame: Frame, axis: int) -> np.ndarray:
    """256 float32: how many rows (or columns) of the picture lie nearest to each row (or column) of the logits."""
    outputs, inner, size = np.arange(frame.size_hw[axis]), frame.inner_hw[axis], frame.size_hw[axis]
    places = (outputs + 0.5) * (inner / size) * (LOW_RES_SIDE / frame.side) - 0.5
    cells = np.rint(places).clip(0, LOW_RES_SIDE - 1).astype(np.int64)
    return np.bincount(cells, minlength=LOW_RES_SIDE).astype(np.float32)
