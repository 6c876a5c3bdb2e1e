"""Every mask that a grid of points finds in a picture: the answer of segment_anything's SamAutomaticMaskGenerator.

Of each point's candidates those of too low a predicted IoU go first, then the unstable ones; only the rest are
upscaled, one at a time, and kept as run lengths. Boxes are those of the masks (segment_anything's are a pixel short).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from annotator.automask.grid import View, views
from annotator.automask.measuring import Measure
from annotator.automask.settings import AutomaskSettings
from annotator.automask.sifting import Candidates, box_nms, by_score, corners, prune, visible
from annotator.errors import Cancelled
from annotator.prediction import Embedding
from annotator.segmenters.base import Segmenter
from storage.rle import Rle

Progress = Callable[[int, int], None]  # grid points done, grid points in all
EDGE = 20  # pixels: a mask this near to the edge of a crop goes on beyond it


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mask that one grid point found.

    rle: of the picture's size. bbox_xywh: the mask's. point_xy: the point, crop_box_xyxy: the part of the picture that
    was looked at, both in pixels of the picture. predicted_iou: as the network gave it, which may be a little above 1.
    """

    rle: Rle
    bbox_xywh: tuple[int, int, int, int]
    area: int
    predicted_iou: float
    stability_score: float
    point_xy: tuple[float, float]
    crop_box_xyxy: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Proposals:
    """What was found in a picture: every candidate above `settings.floor` that some thresholds can show, best first.

    Keep the order: it decides between candidates of equal predicted IoU.
    """

    size_hw: tuple[int, int]
    settings: AutomaskSettings
    found: tuple[Proposal, ...]

    def visible(
        self,
        *,
        pred_iou_thresh: float | None = None,
        stability_score_thresh: float | None = None,
        min_area: int = 0,
    ) -> list[Proposal]:
        """Those that thresholds above the floor show, best first; the settings' own where None is given."""
        settings = self.settings
        indices = visible(
            Candidates.of(self.found),
            pred_iou_thresh=settings.pred_iou_thresh if pred_iou_thresh is None else pred_iou_thresh,
            stability_score_thresh=(
                settings.stability_score_thresh if stability_score_thresh is None else stability_score_thresh
            ),
            box_nms_thresh=settings.floor.box_nms_thresh,
            min_area=min_area,
        )
        return [self.found[index] for index in indices]


def generate(
    segmenter: Segmenter,
    image: np.ndarray,
    settings: AutomaskSettings,
    *,
    embedding: Embedding | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Proposals:
    """Propose masks for image, H×W×3 uint8 RGB. embedding: of the whole picture, where it is there already.

    progress(done, total) counts grid points. cancelled() is asked after every batch of points; raises Cancelled.
    """
    size_hw = (int(image.shape[0]), int(image.shape[1]))
    looks = views(size_hw, settings)
    done, total = 0, sum(len(view.point_coords) for view in looks)
    found: list[Proposal] = []
    for view in looks:
        _stop_if(cancelled)
        if embedding is None or view is not looks[0]:
            left, top, right, bottom = view.box_xyxy
            seen = segmenter.embed(np.ascontiguousarray(image[top:bottom, left:right]))
        else:
            seen = embedding
        in_view: list[Proposal] = []
        for start in range(0, len(view.point_coords), settings.points_per_batch):
            points = view.point_coords[start : start + settings.points_per_batch]
            in_view += _ask(segmenter, seen, points, view, size_hw, settings)
            done += len(points)
            if progress is not None:
                progress(done, total)
            _stop_if(cancelled)
        found += in_view if settings.live else _sifted(in_view, settings)
    if not settings.live:
        found = _cleaned(_across_views(found, settings), settings)
        order = by_score(np.array([one.predicted_iou for one in found]))
    else:
        order = prune(Candidates.of(found), settings.box_nms_thresh)
    return Proposals(size_hw=size_hw, settings=settings, found=tuple(found[index] for index in order))


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled("Stopped while masks were proposed.")


def _ask(
    segmenter: Segmenter,
    embedding: Embedding,
    points: np.ndarray,
    view: View,
    size_hw: tuple[int, int],
    settings: AutomaskSettings,
) -> Iterator[Proposal]:
    """What N points, N×2 (x, y) in pixels of the view, find there that is above the floor."""
    floor = settings.floor
    left, top = view.box_xyxy[:2]
    measure = Measure(
        embedding.frame, offset=settings.stability_score_offset, least_stability=floor.stability_score_thresh
    )
    above = floor.pred_iou_thresh if floor.pred_iou_thresh > 0 else -np.inf
    answers = segmenter.predict_points(embedding, points, above=above)
    for number, iou, logits in zip(answers.point_index, answers.predicted_iou, answers.low_res_logits, strict=True):
        measured = measure(logits)
        if measured is None:
            continue
        rle = Rle.encode_part(measured.part, at=(measured.at[0] + top, measured.at[1] + left), size_hw=size_hw)
        bbox = rle.bbox_xywh
        if _goes_on_beyond(bbox, view, size_hw):
            continue
        yield Proposal(
            rle=rle,
            bbox_xywh=bbox,
            area=measured.area,
            predicted_iou=float(iou),
            stability_score=measured.stability_score,
            point_xy=(float(points[number][0]) + left, float(points[number][1]) + top),
            crop_box_xyxy=view.box_xyxy,
        )


def _goes_on_beyond(bbox_xywh: tuple[int, int, int, int], view: View, size_hw: tuple[int, int]) -> bool:
    """Whether a mask ends at an edge of its crop that is not one of the picture."""
    box, crop = corners(bbox_xywh)[0], np.array(view.box_xyxy)
    picture = np.array([0, 0, size_hw[1], size_hw[0]])
    return bool(((np.abs(box - crop) <= EDGE) & (np.abs(box - picture) > EDGE)).any())


def _sifted(found: list[Proposal], settings: AutomaskSettings) -> list[Proposal]:
    """Those of one view that the settings' own thresholds and box NMS leave, best first."""
    candidates = Candidates.of(found)
    chosen = visible(
        candidates,
        pred_iou_thresh=settings.pred_iou_thresh,
        stability_score_thresh=settings.stability_score_thresh,
        box_nms_thresh=settings.box_nms_thresh,
    )
    return [found[index] for index in chosen]


def _across_views(found: list[Proposal], settings: AutomaskSettings) -> list[Proposal]:
    """Without those that overlap one from a smaller crop, which has seen it in more detail."""
    if not settings.crop_n_layers:
        return found
    boxes = corners([one.bbox_xywh for one in found])
    crops = np.array([one.crop_box_xyxy for one in found], np.float64).reshape(-1, 4)
    kept = box_nms(boxes, 1 / (crops[:, 2:] - crops[:, :2]).prod(1), settings.crop_nms_thresh)
    return [found[index] for index in kept]


def _cleaned(found: list[Proposal], settings: AutomaskSettings) -> list[Proposal]:
    """With small holes filled and small islands gone, and without the duplicates that this makes."""
    if not settings.min_mask_region_area:
        return found
    clean = [_without_small_regions(one, settings.min_mask_region_area) for one in found]
    unchanged = np.array([float(one is before) for one, before in zip(clean, found, strict=True)])
    boxes = corners([one.bbox_xywh for one in clean])
    kept = box_nms(boxes, unchanged, max(settings.box_nms_thresh, settings.crop_nms_thresh))
    return [clean[index] for index in sorted(kept)]


def _without_small_regions(proposal: Proposal, least_area: int) -> Proposal:
    """The very same where it has no holes or islands of fewer pixels; the largest island stays in any case."""
    mask = proposal.rle.decode()
    changed = False
    for side in (False, True):  # holes first: they are islands of what is outside
        _, regions, stats, _ = cv2.connectedComponentsWithStats((mask == side).view(np.uint8), connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        small = areas < least_area
        if not small.any():
            continue
        changed = True
        if side and small.all():
            small[areas.argmax()] = False
        mask = np.where(np.concatenate(([False], small))[regions], not side, mask)
    if not changed:
        return proposal
    rle = Rle.encode(mask)
    return replace(proposal, rle=rle, bbox_xywh=rle.bbox_xywh, area=rle.area)
