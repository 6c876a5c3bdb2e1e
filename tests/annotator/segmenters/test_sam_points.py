"""Points of a grid, decoded the short way, against SAM's own decoder."""

import numpy as np
import pytest
import torch

from annotator.errors import PromptError
from annotator.prediction import Embedding, PointAnswers, single_points
from annotator.segmenters.sam import SamSegmenter
from tests.annotator.segmenters.networks import picture, small_sam

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def segmenter() -> SamSegmenter:
    sam = small_sam()
    with torch.no_grad():  # logits and predicted IoUs as wide apart as trained ones, and some beyond 1
        for head in sam.mask_decoder.output_hypernetworks_mlps:
            head.layers[-1].weight.mul_(300)
        sam.mask_decoder.iou_prediction_head.layers[-1].weight.mul_(10)
        sam.mask_decoder.iou_prediction_head.layers[-1].bias.fill_(1.1)
        # trained biases are not as near to zero as made ones
        for name, parameter in sam.mask_decoder.transformer.named_parameters():
            if name.endswith("proj.bias"):
                parameter.uniform_(-1, 1)
    return SamSegmenter(sam, name="vit_b", title="small", fingerprint="small-1", device=CPU)


def points(size_hw: tuple[int, int], count: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(0, np.array(size_hw[::-1]) - 1, (count, 2))


def in_picture(answers: PointAnswers, embedding: Embedding) -> np.ndarray:
    """The logits that bear on the picture: the row and column beyond it are interpolated with, too."""
    rows, columns = (length + 1 for length in embedding.frame.low_res_inner_hw)
    return answers.low_res_logits[:, :rows, :columns]


@pytest.mark.parametrize("size_hw", [(120, 200), (300, 200), (64, 64), (5, 700)])
def test_points_are_answered_as_one_by_one(segmenter, size_hw):
    embedding = segmenter.embed(picture(*size_hw))
    coords = points(size_hw, 7)
    found = segmenter.predict_points(embedding, coords, above=-np.inf)
    expected = PointAnswers.of(segmenter.predict_batch(embedding, single_points(coords)), above=-np.inf)
    np.testing.assert_array_equal(found.point_index, np.repeat(np.arange(7), 3))
    np.testing.assert_array_equal(expected.point_index, found.point_index)
    np.testing.assert_allclose(found.predicted_iou.clip(0, 1), expected.predicted_iou, atol=1e-4)
    rounding = 1e-4 * np.abs(expected.low_res_logits).max()
    np.testing.assert_allclose(in_picture(found, embedding), in_picture(expected, embedding), rtol=0, atol=rounding)
    assert np.abs(expected.low_res_logits).max() > 1, "nothing was compared"


def test_only_candidates_above_the_predicted_iou_come_in_the_order_of_all(segmenter):
    embedding, coords = segmenter.embed(picture(120, 200)), points((120, 200), 6)
    everything = segmenter.predict_points(embedding, coords, above=-np.inf)
    above = float(np.median(everything.predicted_iou))
    found = segmenter.predict_points(embedding, coords, above=above)
    chosen = everything.predicted_iou > above
    np.testing.assert_array_equal(found.point_index, everything.point_index[chosen])
    np.testing.assert_allclose(found.predicted_iou, everything.predicted_iou[chosen], atol=1e-5)
    np.testing.assert_allclose(found.low_res_logits, everything.low_res_logits[chosen], atol=1e-3)
    assert 0 < chosen.sum() < len(chosen)


def test_a_predicted_iou_beyond_1_is_not_cut_off_so_that_the_order_stays(segmenter):
    embedding = segmenter.embed(picture(120, 200))
    found = segmenter.predict_points(embedding, points((120, 200), 6), above=-np.inf)
    assert found.predicted_iou.max() > 1


@pytest.mark.parametrize("count", [0, 3])
def test_where_nothing_is_good_enough_the_answer_is_empty(segmenter, count):
    found = segmenter.predict_points(segmenter.embed(picture(120, 200)), points((120, 200), count), above=1e6)
    assert [len(found.point_index), len(found.predicted_iou)] == [0, 0]
    assert found.low_res_logits.shape == (0, 256, 256)


def test_the_embedding_of_another_segmenter_is_refused(segmenter):
    embedding = segmenter.embed(picture(120, 200))
    foreign = Embedding(segmenter="another-1", frame=embedding.frame, arrays=embedding.arrays)
    with pytest.raises(PromptError, match="another-1"):
        segmenter.predict_points(foreign, points((120, 200), 2), above=0)
