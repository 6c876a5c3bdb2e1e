"""The generator against segment_anything.SamAutomaticMaskGenerator with the same weights, and its own manners."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from segment_anything import SamAutomaticMaskGenerator, sam_model_registry
from segment_anything.modeling import Sam
from skimage import data

from annotator.automask import AutomaskSettings, Proposal, generate
from annotator.errors import Cancelled
from annotator.prediction import resize_image
from annotator.segmenters.sam import SamSegmenter
from benchmarks.automask import pairs
from storage.rle import Rle
from tests.annotator.segmenters.networks import make_lively, small_sam
from tests.fakes import FakeSegmenter

# Lower than SAM's own, so that many masks are compared.
LOW = {"points_per_side": 5, "pred_iou_thresh": 0.8, "stability_score_thresh": 0.8, "box_nms_thresh": 0.9}


def picture(size_hw: tuple[int, int] = (300, 420)) -> np.ndarray:
    return resize_image(data.coffee(), size_hw)


def lively(sam: Sam, image: np.ndarray, *, predicted_iou: float = 0.87) -> SamSegmenter:
    segmenter = SamSegmenter(sam, name="vit_b", title="made", fingerprint="made-1", device=torch.device("cpu"))
    make_lively(sam, segmenter.embed(image), predicted_iou=predicted_iou)
    return segmenter


@pytest.fixture(scope="module")
def small() -> SamSegmenter:
    return lively(small_sam(), picture())


def theirs_of(segmenter: SamSegmenter, image: np.ndarray, settings: AutomaskSettings) -> list[dict[str, Any]]:
    own = SamAutomaticMaskGenerator(segmenter._model._model, **settings.to_json(), output_mode="coco_rle")
    return own.generate(image)


def assert_same_masks(ours: list[Proposal], theirs: list[dict[str, Any]], *, least: int) -> None:
    matched = pairs([one.rle for one in ours], [Rle.from_coco(one["segmentation"]) for one in theirs])
    assert max(len(ours), len(theirs)) >= least, "too little was compared"
    assert len(matched) >= 0.99 * max(len(ours), len(theirs)), (len(matched), len(ours), len(theirs))
    for number, other in matched:
        our, their = ours[number], theirs[other]
        assert our.predicted_iou == pytest.approx(their["predicted_iou"], abs=1e-4)
        assert our.stability_score == pytest.approx(their["stability_score"], abs=2e-3)
        assert our.point_xy == pytest.approx(their["point_coords"][0])
        left, top, right, bottom = our.crop_box_xyxy
        assert [left, top, right - left, bottom - top] == their["crop_box"]
        assert our.area == pytest.approx(their["area"], rel=0.01)
        x, y, width, height = our.bbox_xywh
        assert np.abs(np.subtract([x, y, width - 1, height - 1], their["bbox"])).max() <= 2  # theirs are a pixel short


@pytest.mark.parametrize(
    ("least", "given"),
    [
        (10, {}),
        (2, {"box_nms_thresh": 0.8, "stability_score_offset": 2.0, "points_per_batch": 7}),
        (40, {"box_nms_thresh": 1.0, "stability_score_thresh": 0.0, "pred_iou_thresh": 0.0}),
        (5, {"points_per_side": 4, "min_mask_region_area": 200}),
        (5, {"points_per_side": 3, "crop_n_layers": 1, "crop_nms_thresh": 0.9}),
    ],
    ids=str,
)
def test_the_masks_are_those_of_sams_own_generator(small, least, given):
    settings = AutomaskSettings(**LOW | given)
    ours = generate(small, picture(), settings).visible()
    theirs = [one for one in theirs_of(small, picture(), settings) if one["area"]]  # no thresholds: empty ones too
    assert_same_masks(ours, theirs, least=least)


@pytest.mark.parametrize("size_hw", [(90, 700), (1100, 900)])
def test_the_masks_are_those_of_sams_own_generator_for_a_picture_of_any_shape(small, size_hw):
    settings = AutomaskSettings(**LOW | {"points_per_side": 4, "box_nms_thresh": 1.0})
    ours = generate(small, picture(size_hw), settings).visible()
    assert_same_masks(ours, theirs_of(small, picture(size_hw), settings), least=5)


def test_predicted_ious_above_1_still_say_which_mask_is_best():
    segmenter = lively(small_sam(), picture(), predicted_iou=1.02)
    settings = AutomaskSettings(**LOW | {"points_per_side": 4})
    ours = generate(segmenter, picture(), settings).visible()
    assert_same_masks(ours, theirs_of(segmenter, picture(), settings), least=5)


def test_thresholds_moved_afterwards_show_what_a_new_run_would_find(small):
    settings = AutomaskSettings(**LOW | {"points_per_side": 4, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.88})
    once, embedding = generate(small, picture(), settings), small.embed(picture())
    for iou, stability in ((0.88, 0.9), (0.72, 0.79)):
        again = AutomaskSettings(
            **LOW | {"points_per_side": 4, "pred_iou_thresh": iou, "stability_score_thresh": stability}
        )
        fresh = generate(small, picture(), again, embedding=embedding).visible()
        moved = once.visible(pred_iou_thresh=iou, stability_score_thresh=stability)
        assert [one.rle for one in moved] == [one.rle for one in fresh]
        assert moved


@pytest.mark.heavy  # a real ViT-B encodes the picture in 5 to 50 seconds, and here twice
def test_the_masks_of_the_real_vit_b_are_those_of_sams_own_generator():
    torch.manual_seed(0)
    image, settings = picture(), AutomaskSettings(**LOW)
    segmenter = SamSegmenter(
        sam_model_registry["vit_b"](), name="vit_b", title="made", fingerprint="made-1", device=torch.device("cpu")
    )
    embedding = segmenter.embed(image)
    make_lively(segmenter._model._model, embedding)
    ours = generate(segmenter, image, settings, embedding=embedding).visible()
    assert_same_masks(ours, theirs_of(segmenter, image, settings), least=10)


def test_best_come_first_and_each_is_what_its_mask_says(small):
    found = generate(small, picture(), AutomaskSettings(**LOW | {"points_per_side": 3})).found
    assert [one.predicted_iou for one in found] == sorted((one.predicted_iou for one in found), reverse=True)
    for one in found:
        assert one.rle.size_hw == (300, 420)
        assert (one.area, one.bbox_xywh) == (one.rle.area, one.rle.bbox_xywh)


def test_an_embedding_that_is_there_is_not_made_again_and_crops_are_embedded():
    segmenter = FakeSegmenter()
    embedding = segmenter.embed(picture())
    generate(segmenter, picture(), AutomaskSettings(points_per_side=2), embedding=embedding)
    assert segmenter.embeds == 1
    generate(segmenter, picture(), AutomaskSettings(points_per_side=2, crop_n_layers=1), embedding=embedding)
    assert segmenter.embeds == 5


def test_progress_counts_grid_points_of_all_crops_to_the_end():
    told: list[tuple[int, int]] = []
    settings = AutomaskSettings(points_per_side=4, points_per_batch=6, crop_n_layers=1)
    generate(FakeSegmenter(), picture(), settings, progress=lambda *numbers: told.append(numbers))
    assert told[:4] == [(6, 80), (12, 80), (16, 80), (22, 80)]
    assert told[-1] == (80, 80)


@pytest.mark.parametrize("after", [0, 1])
def test_a_cancelled_run_ends_with_the_batch_it_is_in(after):
    segmenter, stop = FakeSegmenter(), threading.Event()

    def progress(done: int, total: int) -> None:
        stop.set()

    asked: Callable[[], bool] = stop.is_set if after else lambda: True
    with pytest.raises(Cancelled):
        generate(
            segmenter,
            picture(),
            AutomaskSettings(points_per_side=8, points_per_batch=16),
            progress=progress,
            cancelled=asked,
        )
    assert segmenter.predicts == 16 * after


def test_nothing_above_the_thresholds_is_no_proposals_and_no_error():
    settings = AutomaskSettings(points_per_side=2, pred_iou_thresh=1.0, crop_n_layers=1, min_mask_region_area=5)
    found = generate(FakeSegmenter(), picture(), settings)
    assert found.found == ()
    assert found.visible() == []
