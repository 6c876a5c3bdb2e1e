"""Sifting by thresholds and box NMS, against torchvision and against itself without pruning."""

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torchvision.ops import box_iou as torchvision_box_iou
from torchvision.ops import nms

from annotator.automask.sifting import Candidates, box_iou, box_nms, corners, prune, visible

# Few places and few scores, so that equal ones, boxes within boxes and boxes of no area come up.
BOX = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 6), st.integers(1, 6))
SCORE = st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0, 1.02])
THRESHOLD = st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 1.0])
CANDIDATES = st.lists(st.tuples(BOX, SCORE, SCORE), max_size=25)


def candidates_of(rows: list[tuple[tuple[int, int, int, int], float, float]]) -> Candidates:
    return Candidates(
        boxes_xyxy=corners([box for box, _, _ in rows]),
        area=np.array([box[2] * box[3] for box, _, _ in rows], np.int64),
        predicted_iou=np.array([iou for _, iou, _ in rows], np.float64),
        stability_score=np.array([stability for _, _, stability in rows], np.float64),
    )


@given(st.lists(st.tuples(BOX, SCORE), max_size=30), THRESHOLD)
@example([((0, 0, 4, 6), 0.9), ((0, 0, 4, 4), 0.8)], 0.6)  # an IoU of 3/5, which float32 rounds up
def test_box_nms_keeps_what_torchvision_keeps_in_its_order(rows, threshold):
    boxes, scores = corners([box for box, _ in rows]), np.array([score for _, score in rows], np.float64)
    theirs = nms(torch.tensor(boxes, dtype=torch.float32), torch.tensor(scores, dtype=torch.float32), threshold)
    np.testing.assert_array_equal(box_nms(boxes, scores, threshold), theirs.numpy())


@given(BOX, st.lists(BOX, min_size=1, max_size=10))
def test_box_iou_is_torchvisions(box, boxes):
    one, many = corners(box), corners(boxes)
    theirs = torchvision_box_iou(*(torch.tensor(each, dtype=torch.float32) for each in (one, many)))[0].numpy()
    np.testing.assert_array_equal(box_iou(one[0], many), theirs)


@given(CANDIDATES, SCORE, SCORE, THRESHOLD, st.integers(0, 20))
def test_what_was_pruned_is_never_shown_and_nothing_else_is_missed(rows, iou, stability, box_nms_thresh, min_area):
    everything = candidates_of(rows)
    kept = prune(everything, box_nms_thresh)
    limits = {
        "pred_iou_thresh": iou,
        "stability_score_thresh": stability,
        "box_nms_thresh": box_nms_thresh,
        "min_area": min_area,
    }
    shown = visible(everything, **limits)
    np.testing.assert_array_equal(kept[visible(everything.take(kept), **limits)], shown)


def test_pruning_drops_what_a_better_and_as_stable_one_always_hides():
    box, apart = (0, 0, 10, 10), (50, 50, 10, 10)
    rows = [(box, 0.8, 0.9), (box, 0.9, 0.9), (apart, 0.7, 0.8), (box, 0.7, 0.95)]
    assert prune(candidates_of(rows), 0.7).tolist() == [
        1,
        2,
        3,
    ]  # the last one shows where the best is not stable enough


def test_a_better_one_that_is_hidden_itself_prunes_nothing():
    # 0 hides 1, 1 would hide 2, and 0 does not reach 2: with 0 shown, so is 2.
    rows = [((0, 0, 11, 2), 0.9, 0.5), ((3, 0, 11, 2), 0.8, 0.9), ((6, 0, 11, 2), 0.7, 0.6)]
    everything = candidates_of(rows)
    assert prune(everything, 0.5).tolist() == [0, 1, 2]
    limits = {"pred_iou_thresh": 0.1, "box_nms_thresh": 0.5}
    assert visible(everything, stability_score_thresh=0.1, **limits).tolist() == [0, 2]
    assert visible(everything, stability_score_thresh=0.55, **limits).tolist() == [1]


def test_a_predicted_iou_lies_above_its_threshold_and_a_stability_score_at_least_at_it():
    rows = [
        ((20 * number, 0, 9, 9), iou, stability) for number, (iou, stability) in enumerate([(0.8, 0.9), (0.9, 0.8)])
    ]
    limits = {"box_nms_thresh": 0.7}
    assert visible(candidates_of(rows), pred_iou_thresh=0.8, stability_score_thresh=0.8, **limits).tolist() == [1]
    assert visible(candidates_of(rows), pred_iou_thresh=0.7, stability_score_thresh=0.9, **limits).tolist() == [0]


def test_thresholds_of_zero_let_everything_pass():
    rows = [((0, 0, 9, 9), -0.1, 0.0)]
    assert visible(candidates_of(rows), pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=1).tolist() == [0]


def test_a_small_mask_still_hides_those_it_overlaps():
    rows = [((0, 0, 10, 10), 0.9, 1.0), ((0, 0, 10, 11), 0.8, 1.0)]
    limits = {"pred_iou_thresh": 0.5, "stability_score_thresh": 0.5, "box_nms_thresh": 0.7}
    assert visible(candidates_of(rows), min_area=105, **limits).tolist() == []


def test_nothing_sifted_is_nothing():
    nothing = candidates_of([])
    assert prune(nothing, 0.7).tolist() == []
    assert visible(nothing, pred_iou_thresh=0.5, stability_score_thresh=0.5, box_nms_thresh=0.7).tolist() == []
