"""SamSegmenter against segment_anything's own SamPredictor, and the loading of weights."""

import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from segment_anything import SamPredictor, sam_model_registry
from segment_anything.modeling import Sam
from segment_anything.utils.transforms import ResizeLongestSide

from annotator.errors import CheckpointError
from annotator.prediction import Embedding, Frame, Prediction, Prompt
from annotator.segmenters import get_segmenter
from annotator.segmenters.sam import SamSegmenter
from tests.annotator.segmenters.networks import picture, small_sam

SIZE_HW = (300, 417)
MASK_INPUT = np.random.default_rng(1).normal(0, 4, (256, 256)).astype(np.float32)
PROMPTS = {
    "a point": Prompt([[100, 50]], [1]),
    "points of both kinds": Prompt([[100, 50], [300.5, 200.25], [20, 280]], [1, 0, 1]),
    "a box": Prompt(box_xyxy=[30, 40, 250.5, 260]),
    "points and a box": Prompt([[100, 50], [200, 100]], [1, 0], box_xyxy=[30, 40, 250, 260]),
    "a point and a mask": Prompt([[100, 50]], [1], mask_input=MASK_INPUT),
    "a box and a mask": Prompt(box_xyxy=[30, 40, 250, 260], mask_input=MASK_INPUT),
    "a mask alone": Prompt(mask_input=MASK_INPUT),
}


def ask_predictor(predictor: SamPredictor, prompt: Prompt):
    """SamPredictor's logits of the upscaled masks, predicted IoU and low-res logits."""
    has_points = len(prompt.point_labels) > 0
    return predictor.predict(
        point_coords=prompt.point_coords if has_points else None,
        point_labels=prompt.point_labels if has_points else None,
        box=prompt.box_xyxy,
        mask_input=None if prompt.mask_input is None else prompt.mask_input[None],
        return_logits=True,
    )


def assert_same_answer(found: Prediction, predictor: SamPredictor, prompt: Prompt):
    mask_logits, iou, low_res = ask_predictor(predictor, prompt)
    rounding = 1e-4 * np.abs(low_res).max()
    np.testing.assert_allclose(found.low_res_logits, low_res, rtol=0, atol=rounding)
    np.testing.assert_allclose(found.predicted_iou, iou.clip(0, 1), atol=1e-5)
    assert found.masks.shape == mask_logits.shape
    assert np.abs(mask_logits[found.masks != (mask_logits > 0)]).max(initial=0) < rounding
    assert 0 < found.masks.mean() < 1, "nothing was compared"


@pytest.fixture(scope="module")
def small() -> tuple[SamSegmenter, SamPredictor, Embedding]:
    sam = small_sam()
    segmenter = SamSegmenter(sam, name="vit_b", title="small", fingerprint="small-1", device=torch.device("cpu"))
    predictor = SamPredictor(sam)
    predictor.set_image(picture(*SIZE_HW))
    return segmenter, predictor, segmenter.embed(picture(*SIZE_HW))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_an_answer_is_the_one_that_sam_predictor_gives(small, prompt):
    segmenter, predictor, embedding = small
    assert_same_answer(segmenter.predict(embedding, prompt), predictor, prompt)


@pytest.mark.parametrize("size_hw", [SIZE_HW, (417, 300), (1024, 1024), (2100, 1300), (90, 1500), (5, 3)])
def test_an_embedding_is_the_one_that_sam_predictor_makes(small, size_hw):
    segmenter, _, _ = small
    predictor = SamPredictor(segmenter._model._model)
    predictor.set_image(picture(*size_hw))
    embedding = segmenter.embed(picture(*size_hw))
    assert embedding.frame.inner_hw == predictor.input_size
    np.testing.assert_array_equal(embedding.arrays["image_embedding"][None], predictor.features.numpy())


@given(st.integers(1, 12_000), st.integers(1, 12_000))
def test_a_frame_is_rounded_as_resize_longest_side_rounds(height, width):
    theirs = ResizeLongestSide.get_preprocess_shape(height, width, 1024)
    assert Frame.fit((height, width), side=1024).inner_hw == tuple(max(1, length) for length in theirs)


def test_many_prompts_of_all_forms_come_back_in_their_order(small):
    segmenter, predictor, embedding = small
    prompts = [*PROMPTS.values(), *(Prompt([[20 * step, 10 * step]], [1]) for step in range(9)), PROMPTS["a box"]]
    for found, prompt in zip(segmenter.predict_batch(embedding, prompts), prompts, strict=True):
        assert_same_answer(found, predictor, prompt)


def test_a_kept_answer_does_not_keep_its_batch_in_memory(small):
    segmenter, _, embedding = small
    answers = segmenter.predict_batch(embedding, [Prompt([[step, step]], [1]) for step in range(4)])
    assert all(answer.low_res_logits.base is None for answer in answers)


class CrampedSam(Sam):
    """A SAM on a GPU without room: the move there, or one of its parts, fails until it is moved to the CPU.

    The GPU is torch's "meta" device, which takes tensors on every machine; the network itself stays where it is.
    """

    fails_in = "image_encoder"
    moves: list[str]

    @classmethod
    def make(cls, fails_in: str) -> "CrampedSam":
        sam = small_sam()
        sam.__class__ = cls
        sam.fails_in, sam.moves = fails_in, []
        if fails_in != "move":
            sam.get_submodule(fails_in).register_forward_pre_hook(lambda module, inputs: sam.refuse())
        return sam

    def refuse(self) -> None:
        if self.moves[-1] != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    def to(self, device):
        self.moves.append(str(device))
        if self.fails_in == "move" and str(device) != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self

    def preprocess(self, x):
        return super().preprocess(x) if x.device.type == "cpu" else x


@pytest.mark.parametrize("fails_in", ["move", "image_encoder", "prompt_encoder"])
def test_a_gpu_out_of_memory_is_said_once_and_the_cpu_answers(small, fails_in):
    said: list[str] = []
    segmenter = SamSegmenter(
        CrampedSam.make(fails_in),
        name="vit_b",
        title="SAM ViT-B",
        fingerprint="small-1",
        device=torch.device("meta"),
        notify=said.append,
    )
    assert segmenter.device == ("cpu" if fails_in == "move" else "meta")
    _, predictor, embedding = small
    if fails_in != "prompt_encoder":
        found = segmenter.embed(picture(*SIZE_HW))
        np.testing.assert_array_equal(found.arrays["image_embedding"], embedding.arrays["image_embedding"])
    assert_same_answer(segmenter.predict(embedding, PROMPTS["a point"]), predictor, PROMPTS["a point"])
    assert segmenter.device == "cpu"
    assert said == ["SAM ViT-B: meta is out of memory. Going on on the CPU, more slowly."]


def test_encoding_an_image_does_not_hold_up_a_click(small):
    sam, entered, go_on = small_sam(), threading.Event(), threading.Event()

    def linger(module, inputs):
        entered.set()
        assert go_on.wait(60)

    sam.image_encoder.register_forward_pre_hook(linger)
    segmenter = SamSegmenter(sam, name="vit_b", title="small", fingerprint="small-1", device=torch.device("cpu"))
    encoding = threading.Thread(target=segmenter.embed, args=(picture(*SIZE_HW),))
    encoding.start()
    try:
        assert entered.wait(60)
        segmenter.predict(small[2], PROMPTS["a point"])  # would hang on a common lock
        assert encoding.is_alive()
    finally:
        go_on.set()
        encoding.join()


@pytest.fixture(scope="session")
def vit_b_file(tmp_path_factory) -> Iterator[Path]:
    """375 MB: a real ViT-B with weights made here."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "vit_b.pth"
    torch.save(sam_model_registry["vit_b"]().state_dict(), path)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def vit_b(vit_b_file) -> SamSegmenter:
    return load_vit_b(vit_b_file)


def load_vit_b(checkpoint: Path) -> SamSegmenter:
    segmenter = get_segmenter("vit_b", device="cpu", checkpoint=checkpoint)
    assert isinstance(segmenter, SamSegmenter)
    return segmenter


def official_predictor(checkpoint: Path, features: np.ndarray, frame: Frame) -> SamPredictor:
    """SamPredictor over segment_anything's own loading of the file, with an image encoded elsewhere."""
    predictor = SamPredictor(sam_model_registry["vit_b"](checkpoint=str(checkpoint)))
    predictor.features = torch.tensor(features)[None]
    predictor.original_size, predictor.input_size, predictor.is_image_set = frame.size_hw, frame.inner_hw, True
    return predictor


def test_the_real_vit_b_loads_from_its_file_and_answers_as_sam_predictor_does(vit_b, vit_b_file):
    frame = Frame.fit(SIZE_HW, side=1024)
    features = np.random.default_rng(0).normal(0, 0.3, (256, 64, 64)).astype(np.float32)
    embedding = Embedding(segmenter=vit_b.fingerprint, frame=frame, arrays={"image_embedding": features})
    predictor = official_predictor(vit_b_file, features, frame)
    for prompt in (PROMPTS["a point"], PROMPTS["points and a box"], PROMPTS["a point and a mask"]):
        assert_same_answer(vit_b.predict(embedding, prompt), predictor, prompt)
    ours, theirs = vit_b._model._model.state_dict(), predictor.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert torch.equal(vit_b._model._model.pixel_mean, predictor.model.pixel_mean)
    assert torch.equal(vit_b._model._model.pixel_std, predictor.model.pixel_std)


@pytest.mark.heavy  # a real ViT-B encodes a picture in 5 to 50 seconds, and here two
def test_the_real_vit_b_encodes_and_answers_as_sam_predictor_does(vit_b, vit_b_file):
    predictor = SamPredictor(sam_model_registry["vit_b"](checkpoint=str(vit_b_file)))
    predictor.set_image(picture(*SIZE_HW))
    embedding = vit_b.embed(picture(*SIZE_HW))
    np.testing.assert_allclose(embedding.arrays["image_embedding"][None], predictor.features.numpy(), atol=1e-5)
    for prompt in PROMPTS.values():
        assert_same_answer(vit_b.predict(embedding, prompt), predictor, prompt)


def test_a_fingerprint_follows_the_weights_and_loading_hashes_them_once(vit_b, vit_b_file):
    again = load_vit_b(vit_b_file)
    assert again.fingerprint == vit_b.fingerprint
    assert again.fingerprint.startswith("vit_b-")
    assert vit_b_file.with_name("vit_b.pth.md5.json").exists()


@pytest.mark.parametrize("name", ["vit_l", "vit_h"])
def test_the_weights_of_another_size_are_refused_with_the_model_they_are_for(vit_b_file, name):
    with pytest.raises(CheckpointError, match=r"vit_b\.pth does not hold .* use --model vit_b"):
        get_segmenter(name, checkpoint=vit_b_file)


def test_weights_with_an_entry_missing_are_refused(tmp_path):
    state = small_sam().state_dict()
    path = tmp_path / "own.pth"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=r"own\.pth does not hold the weights of SAM ViT-B\. \d+ entries"):
        get_segmenter("vit_b", checkpoint=path)


class Trap:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return os.remove, (str(self.victim),)


@pytest.mark.parametrize("save", [torch.save, lambda obj, path: path.write_bytes(pickle.dumps(obj))])
def test_a_pickle_in_a_weights_file_is_never_executed(tmp_path, save):
    victim, path = tmp_path / "victim", tmp_path / "trap.pth"
    victim.touch()
    save({"image_encoder.pos_embed": Trap(victim)}, path)
    with pytest.raises(CheckpointError, match=r"trap\.pth cannot be read as weights"):
        get_segmenter("vit_b", checkpoint=path)
    assert victim.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"<html>Log in</html>", bytes(4096)])
def test_a_file_that_holds_no_weights_is_refused_by_name(tmp_path, content):
    path = tmp_path / "odd.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"odd\.pth cannot be read as weights"):
        get_segmenter("vit_b", checkpoint=path)


def test_a_weights_file_cut_short_is_refused_by_name(tmp_path):
    whole, path = tmp_path / "whole.pth", tmp_path / "short.pth"
    torch.save(small_sam().state_dict(), whole)
    path.write_bytes(whole.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match=r"short\.pth cannot be read as weights"):
        get_segmenter("vit_b", checkpoint=path)


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"model": {"pos_embed": torch.zeros(2)}}])
def test_a_file_of_other_things_than_a_dictionary_of_tensors_is_refused(tmp_path, content):
    path = tmp_path / "wrapped.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"wrapped\.pth holds something else"):
        get_segmenter("vit_b", checkpoint=path)


def test_half_precision_weights_run_in_single_precision(tmp_path, vit_b_file):
    path = tmp_path / "half.pth"
    state = torch.load(vit_b_file, weights_only=True, mmap=True)
    torch.save({key: value.half() for key, value in state.items()}, path)
    segmenter = load_vit_b(path)
    assert {value.dtype for value in segmenter._model._model.state_dict().values()} == {torch.float32}
    path.unlink()
