"""Which proposals are shown: thresholds and box NMS, and what of a run can never be shown whatever the thresholds.

Everywhere, a candidate "of higher predicted IoU" is one that stands earlier in the order: highest predicted IoU first,
and of equal ones the one that came first. The page does the same as `visible` (static/sifting.js).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Scored(Protocol):
    """What sifting looks at in a proposal."""

    @property
    def bbox_xywh(self) -> tuple[int, int, int, int]: ...
    @property
    def area(self) -> int: ...
    @property
    def predicted_iou(self) -> float: ...
    @property
    def stability_score(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Candidates:
    """N proposals as arrays. boxes_xyxy: N×4 float64; area: N int64; predicted_iou, stability_score: N float64."""

    boxes_xyxy: np.ndarray
    area: np.ndarray
    predicted_iou: np.ndarray
    stability_score: np.ndarray

    @classmethod
    def of(cls, proposals: Iterable[Scored]) -> "Candidates":
        """Their numbers, in their order."""
        found = list(proposals)
        return cls(
            boxes_xyxy=corners([one.bbox_xywh for one in found]),
            area=np.array([one.area for one in found], np.int64),
            predicted_iou=np.array([one.predicted_iou for one in found], np.float64),
            stability_score=np.array([one.stability_score for one in found], np.float64),
        )

    def take(self, indices: np.ndarray) -> "Candidates":
        """Some of them, in the order of indices (or those that a bool array marks)."""
        return Candidates(
            self.boxes_xyxy[indices], self.area[indices], self.predicted_iou[indices], self.stability_score[indices]
        )


def corners(bboxes_xywh: object) -> np.ndarray:
    """N boxes in COCO form -> N×4 float64 corners (x0, y0, x1, y1), from the first pixel to the last.

    The last pixel, not the edge behind it: segment_anything measures overlaps so, and one pixel decides now and then.
    """
    boxes = np.array(bboxes_xywh, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2] - 1
    return boxes


def box_iou(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """4 and N×4 corners -> N float32 intersection over union; NaN where neither box has an area."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = sides.clip(0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    with np.errstate(invalid="ignore"):
        return (shared / (areas - shared)).astype(np.float32)  # rounded as torchvision does: 3/5 is above 0.6


def by_score(scores: np.ndarray) -> np.ndarray:
    """N scores -> N indices, highest first; equal ones keep their order."""
    return np.argsort(-np.asarray(scores), kind="stable")


def box_nms(boxes_xyxy: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Indices of the boxes kept, highest score first: each drops the later ones whose IoU with it is above threshold.

    The same as torchvision.ops.nms.
    """
    order = by_score(scores)
    boxes = np.asarray(boxes_xyxy, np.float64)[order]
    dropped = np.zeros(len(order), bool)
    for number, box in enumerate(boxes):
        if not dropped[number]:
            dropped[number + 1 :] |= box_iou(box, boxes[number + 1 :]).astype(np.float64) > threshold
    return order[~dropped]


def passing(candidates: Candidates, *, pred_iou_thresh: float, stability_score_thresh: float) -> np.ndarray:
    """N bool: above the one threshold, at least at the other; a threshold of 0 lets everything pass, as SAM's does."""
    passes = np.ones(len(candidates.area), bool)
    if pred_iou_thresh > 0:
        passes &= candidates.predicted_iou > pred_iou_thresh
    if stability_score_thresh > 0:
        passes &= candidates.stability_score >= stability_score_thresh
    return passes


def visible(
    candidates: Candidates,
    *,
    pred_iou_thresh: float,
    stability_score_thresh: float,
    box_nms_thresh: float,
    min_area: int = 0,
) -> np.ndarray:
    """Indices of the candidates that are shown, best first: those that pass, less overlapping ones, less small ones."""
    passes = passing(candidates, pred_iou_thresh=pred_iou_thresh, stability_score_thresh=stability_score_thresh)
    chosen = np.flatnonzero(passes)
    kept = chosen[box_nms(candidates.boxes_xyxy[chosen], candidates.predicted_iou[chosen], box_nms_thresh)]
    return kept[candidates.area[kept] >= min_area]


def prune(candidates: Candidates, box_nms_thresh: float) -> np.ndarray:
    """Indices, best first, of the candidates that some thresholds could show: `visible` needs no others.

    Left out is what overlaps a better one that is as stable, passes wherever this one passes, and is itself overlapped
    by none that is better, so that NMS always keeps it.
    """
    order = by_score(candidates.predicted_iou)
    boxes, stability = candidates.boxes_xyxy[order], candidates.stability_score[order]
    overlapped, never = np.zeros(len(order), bool), np.zeros(len(order), bool)
    for number, box in enumerate(boxes):
        later = slice(number + 1, None)
        overlaps = box_iou(box, boxes[later]).astype(np.float64) > box_nms_thresh
        if not overlapped[number]:
            never[later] |= overlaps & (stability[later] <= stability[number])
        overlapped[later] |= overlaps
    return order[~never]
