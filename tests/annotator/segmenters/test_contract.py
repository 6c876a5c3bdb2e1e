"""What every registered segmenter promises. A new line in the registry is tested here the day it is added.

The SAM variants run with the small network of networks.py (real input, prompt encoder and decoder, a shallow
encoder): the real ViT-B is held against SamPredictor in test_sam.py. ViT-L and ViT-H differ from ViT-B by that encoder
alone, so here they would run ViT-B's tests once more: `slow`.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from annotator.errors import ImageError, PromptError
from annotator.prediction import Embedding, Prediction, Prompt
from annotator.segmenters import SEGMENTERS, get_segmenter
from annotator.segmenters.base import Segmenter
from annotator.segmenters.checkpoints import CHECKPOINTS
from tests.annotator.segmenters.networks import picture, small_segmenter

MASK_INPUT = np.random.default_rng(1).normal(0, 4, (256, 256)).astype(np.float32)
PROMPTS = {
    "foreground": Prompt([[100, 50]], [1]),
    "background": Prompt([[100, 50]], [0]),
    "both": Prompt([[100, 50], [150, 80], [20, 90]], [1, 0, 1]),
    "box": Prompt(box_xyxy=[30, 40, 150.5, 100]),
    "points and box": Prompt([[100, 50], [40, 50]], [1, 0], box_xyxy=[30, 40, 150, 100]),
    "mask": Prompt(mask_input=MASK_INPUT),
    "point and mask": Prompt([[100, 50]], [1], mask_input=MASK_INPUT),
    "box and mask": Prompt(box_xyxy=[30, 40, 150, 100], mask_input=MASK_INPUT),
    "everything": Prompt([[100, 50], [40, 50]], [1, 0], box_xyxy=[30, 40, 150, 100], mask_input=MASK_INPUT),
}
SIZE_HW = (120, 200)


NAMES = [pytest.param(name, marks=pytest.mark.slow if name in ("vit_l", "vit_h") else ()) for name in SEGMENTERS]


@pytest.fixture(scope="module", params=NAMES)
def segmenter(request) -> Segmenter:
    return small_segmenter(request.param) if request.param in CHECKPOINTS else get_segmenter(request.param)


@pytest.fixture(scope="module")
def embedding(segmenter) -> Embedding:
    return segmenter.embed(picture(*SIZE_HW))


@pytest.fixture(scope="module")
def other_embedding(segmenter) -> Embedding:
    return segmenter.embed(picture(170, 130, seed=7))


def assert_same(found: Prediction, expected: Prediction):
    rounding = 1e-4 * max(1.0, float(np.abs(expected.low_res_logits).max()))
    np.testing.assert_allclose(found.low_res_logits, expected.low_res_logits, rtol=0, atol=rounding)
    np.testing.assert_allclose(found.predicted_iou, expected.predicted_iou, atol=1e-4)
    np.testing.assert_allclose(found.stability_score, expected.stability_score, atol=1e-2)


def test_it_is_a_segmenter_and_says_what_it_is(segmenter):
    assert isinstance(segmenter, Segmenter)
    assert segmenter.name in SEGMENTERS
    assert segmenter.title
    assert re.fullmatch(r"cpu|mps|cuda:\d+", segmenter.device)


def test_its_fingerprint_can_stand_in_a_file_name(segmenter):
    assert re.fullmatch(r"[A-Za-z0-9._-]{4,80}", segmenter.fingerprint)


def test_an_embedding_is_arrays_of_floats_or_pixels_with_a_frame_and_the_fingerprint(segmenter, embedding):
    assert embedding.segmenter == segmenter.fingerprint
    assert embedding.frame.size_hw == SIZE_HW
    assert embedding.arrays
    assert all(array.dtype.kind == "f" or array.dtype == np.uint8 for array in embedding.arrays.values())
    assert 0 < embedding.nbytes < 32e6


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_each_form_of_prompt_is_answered_with_three_candidates(segmenter, embedding, prompt):
    prediction = segmenter.predict(embedding, prompt)
    assert (prediction.low_res_logits.shape, prediction.low_res_logits.dtype) == ((3, 256, 256), np.float32)
    assert np.isfinite(prediction.low_res_logits).all()
    for scores in (prediction.predicted_iou, prediction.stability_score):
        assert (scores.shape, scores.dtype) == ((3,), np.float32)
        assert ((scores >= 0) & (scores <= 1)).all()
    assert (prediction.masks.shape, prediction.masks.dtype) == ((3, *SIZE_HW), np.bool_)
    assert prediction.frame == embedding.frame


def test_each_part_of_a_prompt_has_a_say(segmenter, embedding):
    answers = {name: segmenter.predict(embedding, prompt).low_res_logits for name, prompt in PROMPTS.items()}
    names = list(answers)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            assert not np.array_equal(answers[one], answers[other]), f"{one} is answered as {other}"


def test_two_pictures_in_turns_are_not_mixed_up(segmenter, embedding, other_embedding):
    prompt = PROMPTS["foreground"]
    first, other = segmenter.predict(embedding, prompt), segmenter.predict(other_embedding, prompt)
    assert not np.array_equal(first.low_res_logits, other.low_res_logits)
    for _ in range(2):
        assert_same(segmenter.predict(embedding, prompt), first)
        assert_same(segmenter.predict(other_embedding, prompt), other)


def test_threads_get_their_own_answers(segmenter, embedding, other_embedding):
    calls = [(whose, PROMPTS[name]) for name in ("both", "box") for whose in (embedding, other_embedding)] * 2
    expected = [segmenter.predict(*call) for call in calls[:4]] * 2
    with ThreadPoolExecutor(4) as threads:
        encoding = threads.submit(segmenter.embed, picture(*SIZE_HW))
        for found, one in zip(threads.map(lambda call: segmenter.predict(*call), calls), expected, strict=True):
            assert_same(found, one)
    for name, array in encoding.result().arrays.items():
        np.testing.assert_allclose(array, embedding.arrays[name], atol=1e-4)


def test_a_batch_gives_the_answers_of_one_by_one_in_order(segmenter, embedding):
    forms = [PROMPTS[name] for name in ("both", "box", "foreground", "everything", "mask")]
    prompts = [*forms, *(Prompt([[9 * step, 5 * step]], [1]) for step in range(8)), *forms[:2]]
    found = segmenter.predict_batch(embedding, prompts)
    assert len(found) == len(prompts)
    for one, prompt in zip(found, prompts, strict=True):
        assert_same(one, segmenter.predict(embedding, prompt))


def test_a_batch_of_nothing_is_nothing(segmenter, embedding):
    assert segmenter.predict_batch(embedding, []) == []


def test_an_earlier_answer_can_be_fed_back(segmenter, embedding):
    first = segmenter.predict(embedding, PROMPTS["foreground"])
    again = Prompt([[100, 50]], [1], mask_input=first.low_res_logits[first.best])
    assert segmenter.predict(embedding, again).low_res_logits.shape == (3, 256, 256)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 5000), (5000, 1), (3, 4001), (2500, 40)])
def test_tiny_and_very_long_pictures_are_taken(segmenter, size_hw):
    height, width = size_hw
    embedding = segmenter.embed(picture(height, width))
    prediction = segmenter.predict(embedding, Prompt([[(width - 1) / 2, (height - 1) / 2]], [1]))
    assert prediction.masks.shape == (3, height, width)


def test_encoding_a_picture_twice_gives_the_same(segmenter, embedding):
    again = segmenter.embed(picture(*SIZE_HW))
    assert again.arrays.keys() == embedding.arrays.keys()
    for name, array in again.arrays.items():
        np.testing.assert_allclose(array, embedding.arrays[name], atol=1e-5)


def test_a_picture_is_left_as_it_was_and_need_not_lie_in_one_piece(segmenter, embedding):
    image = picture(*SIZE_HW)
    in_pieces = np.asfortranarray(image)
    in_pieces.setflags(write=False)
    for name, array in segmenter.embed(in_pieces).arrays.items():
        np.testing.assert_allclose(array, embedding.arrays[name], atol=1e-5)
    assert np.array_equal(in_pieces, image)


def test_an_embedding_that_came_back_from_disk_is_as_good(segmenter, embedding):
    def frozen(array: np.ndarray) -> np.ndarray:
        copy = array.copy()
        copy.setflags(write=False)
        return copy

    arrays = {name: frozen(array) for name, array in embedding.arrays.items()}
    back = Embedding(segmenter=embedding.segmenter, frame=embedding.frame, arrays=arrays)
    assert_same(segmenter.predict(back, PROMPTS["both"]), segmenter.predict(embedding, PROMPTS["both"]))


@pytest.mark.parametrize("ask", ["predict", "predict_batch"])
def test_the_embedding_of_another_segmenter_is_refused(segmenter, embedding, ask):
    foreign = Embedding(segmenter="another-1", frame=embedding.frame, arrays=embedding.arrays)
    prompt = PROMPTS["foreground"]
    with pytest.raises(PromptError, match="another-1"):
        getattr(segmenter, ask)(foreign, prompt if ask == "predict" else [prompt])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
    ],
    ids=["float", "16 bits", "grey", "RGBA", "channels first", "empty"],
)
def test_what_is_no_rgb_picture_is_refused_with_what_it_is(segmenter, image):
    with pytest.raises(ImageError) as caught:
        segmenter.embed(image)
    assert str(image.dtype) in str(caught.value)
    assert str(image.shape) in str(caught.value)
