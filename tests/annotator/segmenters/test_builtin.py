"""The built-in segmenter on real pictures: it works at once, finds things, obeys clicks. See test_contract.py too."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from annotator.errors import CheckpointError
from annotator.prediction import LOW_RES_SIDE, Embedding, Frame, Prediction, Prompt
from annotator.samples import sample_paths
from annotator.segmenters import builtin
from annotator.segmenters.base import LoadOptions
from annotator.segmenters.builtin.drawing import prompt_maps
from annotator.segmenters.builtin.segmenter import CHUNK, WEIGHTS
from annotator.segmenters.builtin.weights import content_of, network_from
from annotator.segmenters.builtin.window import WHOLE

MAP_SIDE = WHOLE.map_side
ON_CPU = LoadOptions(device="cpu")


def sample(name: str) -> np.ndarray:
    path = next(path for path in sample_paths() if path.stem == name)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def segmenter() -> builtin.BuiltinSegmenter:
    return builtin.load(ON_CPU)


@pytest.fixture(scope="module")
def coffee(segmenter) -> Embedding:
    return segmenter.embed(sample("coffee"))


def test_it_needs_no_file_but_the_one_beside_it(segmenter):
    assert (segmenter.name, segmenter.title, segmenter.device) == ("builtin", "built-in", "cpu")
    assert WEIGHTS.stat().st_size < 10e6


def test_its_model_card_stands_beside_the_weights():
    card = WEIGHTS.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    for said in ("Apache-2.0", "non-commercial", "DUTS", "BSDS500", "COCO", "CamVid", "EfficientNet-Lite0"):
        assert said in card


def test_an_embedding_is_small_and_channels_are_innermost(coffee):
    assert {name: array.shape for name, array in coffee.arrays.items()} == {
        "join0": (128, 128, 24),
        "join1": (64, 64, 48),
        "join2": (32, 32, 80),
        "join3": (16, 16, 128),
        "query1": (64, 64, 32),
        "query2": (32, 32, 32),
        "query3": (16, 16, 32),
        "picture": (400, 600, 3),
    }
    assert all(array.flags.c_contiguous for array in coffee.arrays.values())
    assert {str(array.dtype) for name, array in coffee.arrays.items() if name != "picture"} == {"float32"}
    assert coffee.frame == Frame.fit((400, 600), side=512)


def cup() -> np.ndarray:
    """Its outline in the picture, roughly: 400×600 bool."""
    mask = np.zeros((400, 600), np.uint8)
    cv2.ellipse(mask, (290, 105), (118, 88), 0, 0, 360, 1, -1)
    cv2.fillPoly(mask, [np.array([[173, 110], [180, 190], [230, 260], [330, 265], [395, 180], [408, 105]])], 1)
    return mask > 0


def test_a_click_in_the_cup_finds_cup_and_saucer_and_clicks_on_the_saucer_leave_the_cup(segmenter, coffee):
    saucer = np.zeros((400, 600), np.uint8)
    cv2.ellipse(saucer, (278, 238), (202, 160), 0, 0, 360, 1, -1)
    found = segmenter.predict(coffee, Prompt([[300, 150]], [1]))
    assert overlap(found.mask(found.best), (saucer > 0) | cup()) > 0.8
    clicks = [[300, 150], [120, 200], [250, 360]]
    for count in (2, 3):
        labels = [1] + [0] * (count - 1)
        found = segmenter.predict(coffee, Prompt(clicks[:count], labels, mask_input=found.low_res_logits[found.best]))
    assert overlap(found.mask(found.best), cup()) > 0.85


def test_clicks_given_at_once_are_answered_as_if_the_first_had_been_asked_before(segmenter, coffee):
    coords, labels = [[120, 200], [300, 150], [250, 360]], [0, 1, 0]
    first = segmenter.predict(coffee, Prompt(coords[1:2], labels[1:2]))
    fed_back = Prompt(coords, labels, mask_input=first.low_res_logits[first.best])
    at_once = segmenter.predict(coffee, Prompt(coords, labels))
    assert (at_once.low_res_logits == segmenter.predict(coffee, fed_back).low_res_logits).all()


def test_a_box_around_the_cup_finds_it_without_its_saucer(segmenter, coffee):
    found = segmenter.predict(coffee, Prompt(box_xyxy=[170, 15, 412, 290]))
    assert overlap(found.mask(found.best), cup()) > 0.8


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_box_is_honoured_by_each_candidate(segmenter, coffee):
    box = np.array([165, 10, 480, 330])  # cup and spoon
    for mask in segmenter.predict(coffee, Prompt(box_xyxy=box)).masks:
        inside = mask[box[1] : box[3], box[0] : box[2]].sum()
        assert inside > 0.25 * (box[2] - box[0]) * (box[3] - box[1])
        assert inside > 0.9 * mask.sum()


def test_an_earlier_mask_fed_back_is_kept_to(segmenter, coffee):
    prompt = Prompt([[300, 150]], [1])
    first = segmenter.predict(coffee, prompt)
    for index in range(3):
        fed = Prompt(prompt.point_coords, prompt.point_labels, mask_input=first.low_res_logits[index])
        again = segmenter.predict(coffee, fed)
        earlier, later = first.mask(index), again.mask(again.best)
        assert overlap(earlier, later) > 0.6


def obeyed_pairs(prediction: Prediction, prompt: Prompt) -> np.ndarray:
    columns, rows = prompt.point_coords.astype(int).T
    return prediction.masks[:, rows, columns] == (prompt.point_labels == 1)


@settings(max_examples=15)
@given(count=st.integers(1, 10), seed=st.integers(0, 2**32 - 1))
def test_random_clicks_on_a_real_picture_are_obeyed_in_every_candidate(segmenter, coffee, count, seed):
    random = np.random.default_rng(seed)
    coords, labels = random.integers(0, (600, 400), (count, 2)), random.integers(0, 2, count)
    low_res_pixels_apart = np.linalg.norm(coords[:, None] - coords, axis=2) * LOW_RES_SIDE / 600
    assume((low_res_pixels_apart[labels[:, None] != labels] >= 2).all())
    prompt = Prompt(coords, labels)
    assert obeyed_pairs(segmenter.predict(coffee, prompt), prompt).all()


def test_mending_leaves_most_of_an_answer_as_the_network_gave_it(segmenter, coffee):
    at_first = segmenter.predict(coffee, Prompt([[300, 150], [310, 210], [60, 60]], [1, 1, 0]))
    mask = at_first.mask(at_first.best)
    fed_back = at_first.low_res_logits[at_first.best]
    wrong = Prompt([[300, 150], [310, 210], [60, 60], [560, 350]], [1, 1, 0, 1], mask_input=fed_back)
    after = segmenter.predict(coffee, wrong)
    later = after.mask(after.best)
    assert later[350, 560]
    assert (mask & later).sum() / mask.sum() > 0.8


def test_a_batch_longer_than_a_chunk_is_answered_whole_and_in_order(segmenter, coffee):
    places = [(20 * n % 600, 37 * n % 400) for n in range(2 * CHUNK["cpu"] + 3)]
    found = segmenter.predict_batch(coffee, [Prompt([place], [1]) for place in places])
    assert len(found) == len(places)
    for (x, y), prediction in zip(places, found, strict=True):
        assert prediction.masks[:, y, x].all()


def test_the_decoder_never_sees_more_prompts_at_once_than_a_chunk(segmenter, coffee):
    seen = []
    with torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, given: seen.append(len(given[1])) if type(module).__name__ == "Decoder" else None
    ):
        segmenter.predict_batch(coffee, [Prompt([[9, 9]], [1])] * (CHUNK["cpu"] + 1))
    assert seen == [CHUNK["cpu"], 1]


# Close-ups


def spoon_prompt(clicks: int = 2) -> Prompt:
    """Something small in the picture: the bowl of the spoon, found and clicked again."""
    places = [[366, 284], [384, 262], [350, 302]][:clicks]
    earlier = np.full((400, 600), -4, np.float32)
    cv2.ellipse(earlier, (366, 285), (36, 36), 0, 0, 360, 4, -1)
    low_res = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -4, np.float32)
    low_res[:171] = cv2.resize(earlier, (256, 171), interpolation=cv2.INTER_AREA)
    return Prompt(places, [1] * len(places), mask_input=low_res)


def encodings(ask) -> int:
    """How often something was encoded while ask() ran."""
    seen = []
    with torch.nn.modules.module.register_module_forward_hook(
        lambda module, *_: seen.append(1) if type(module).__name__ == "Encoder" else None
    ):
        ask()
    return len(seen)


def test_a_small_thing_is_looked_at_again_in_the_pictures_own_pixels(segmenter, coffee):
    prompt = spoon_prompt()
    once = builtin.load(ON_CPU, close_ups=False)
    assert encodings(lambda: once.predict(coffee, prompt)) == 0
    twice, single = segmenter.predict(coffee, prompt), once.predict(coffee, prompt)
    assert not np.allclose(twice.low_res_logits, single.low_res_logits, atol=0.1)
    assert overlap(twice.mask(twice.best), single.mask(single.best)) > 0.5
    blank = Embedding(coffee.segmenter, coffee.frame, {**coffee.arrays, "picture": coffee.arrays["picture"] * 0})
    assert not np.allclose(segmenter.predict(blank, prompt).low_res_logits, twice.low_res_logits, atol=0.1)


def test_a_small_box_is_answered_from_close_up_at_once(segmenter, coffee):
    box = [325, 240, 408, 328]
    bowl = np.zeros((400, 600), np.uint8)
    cv2.circle(bowl, (366, 285), 41, 1, -1)
    assert encodings(lambda: segmenter.predict(segmenter.embed(sample("coffee")), Prompt(box_xyxy=box))) == 2
    found = segmenter.predict(coffee, Prompt(box_xyxy=box))
    assert overlap(found.mask(found.best), bowl > 0) > 0.8


def test_a_window_is_encoded_once_for_all_clicks_in_it(segmenter):
    embedding = segmenter.embed(sample("coffee"))
    first, further = (spoon_prompt(clicks) for clicks in (2, 3))
    assert encodings(lambda: segmenter.predict(embedding, first)) == 1
    assert encodings(lambda: segmenter.predict(embedding, further)) == 0
    assert encodings(lambda: segmenter.predict(segmenter.embed(sample("coffee")), first)) == 2


def test_windows_go_with_their_embedding_and_there_are_never_many(segmenter, monkeypatch):
    own = builtin.load(ON_CPU)
    monkeypatch.setattr("annotator.segmenters.builtin.segmenter.KEPT_WINDOWS", 2)
    embeddings = [own.embed(sample("coffee")) for _ in range(3)]
    for embedding in embeddings:
        own.predict(embedding, spoon_prompt())
    assert len(own._windows) == 2
    del embedding
    embeddings.clear()
    embedding = own.embed(sample("coffee"))
    own.predict(embedding, spoon_prompt())
    assert len(own._windows) == 1


@settings(max_examples=15)
@given(count=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_clicks_are_obeyed_in_close_ups_and_outside_of_their_windows(segmenter, coffee, count, seed):
    random = np.random.default_rng(seed)
    coords, labels = random.integers((320, 240), (410, 330), (count, 2)), random.integers(0, 2, count)
    coords[0], labels[0] = (30, 390), 0  # far away
    low_res_pixels_apart = np.linalg.norm(coords[:, None] - coords, axis=2) * LOW_RES_SIDE / 600
    assume((low_res_pixels_apart[labels[:, None] != labels] >= 2).all())
    prompt = Prompt(coords, labels, mask_input=spoon_prompt().mask_input)
    assert obeyed_pairs(segmenter.predict(coffee, prompt), prompt).all()


def test_close_ups_in_a_batch_are_answered_in_their_places(segmenter, coffee):
    whole, close = Prompt([[300, 150]], [1]), spoon_prompt()
    answers = segmenter.predict_batch(coffee, [whole, close, whole])
    for prompt, answer in zip((whole, close, whole), answers, strict=True):
        assert answer.low_res_logits == pytest.approx(segmenter.predict(coffee, prompt).low_res_logits, abs=0.5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
def test_a_gpu_gives_the_same_candidates_as_the_cpu(segmenter, coffee):
    on_gpu = builtin.load(LoadOptions(device="cuda"))
    prompt = Prompt([[300, 150]], [1])
    found = on_gpu.predict(on_gpu.embed(sample("coffee")), prompt).masks
    expected = segmenter.predict(coffee, prompt).masks
    assert (found & expected).sum() / (found | expected).sum() > 0.98


# Weights


def test_other_weights_have_another_fingerprint(tmp_path, segmenter):
    network = network_from(WEIGHTS.read_bytes())
    network.decoder.masks.bias.data += 1
    (tmp_path / "own.safetensors").write_bytes(content_of(network, {}))
    own = builtin.load(LoadOptions(device="cpu", checkpoint=tmp_path / "own.safetensors"))
    assert own.fingerprint != segmenter.fingerprint
    assert builtin.load(ON_CPU).fingerprint == segmenter.fingerprint


def missing(path: Path) -> None:
    assert not path.exists()


def cut(path: Path) -> None:
    path.write_bytes(WEIGHTS.read_bytes()[:5000])


def pickled(path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, path)


def of_another_network(path: Path) -> None:
    save_file({"a": torch.zeros(1)}, path)


def of_another_shape(path: Path) -> None:
    network = network_from(WEIGHTS.read_bytes())
    network.decoder.masks.bias.data = torch.zeros(5)
    path.write_bytes(content_of(network, {}))


@pytest.mark.parametrize("spoil", [missing, cut, pickled, of_another_network, of_another_shape])
def test_weights_that_are_not_its_own_are_refused_by_name_with_what_to_do(tmp_path, spoil):
    path = tmp_path / "weights.safetensors"
    spoil(path)
    with pytest.raises(CheckpointError) as caught:
        builtin.load(LoadOptions(device="cpu", checkpoint=path))
    assert str(path) in str(caught.value)
    assert "leave out --checkpoint" in str(caught.value)


# Drawing


def test_clicks_are_drawn_where_they_are_foreground_and_background_apart():
    frame = Frame.fit((512, 512), side=512)
    maps = prompt_maps(Prompt([[41.5, 81.5], [201.5, 301.5]], [1, 0]), frame)
    assert (maps.shape, maps.dtype) == ((4, MAP_SIDE, MAP_SIDE), np.float32)
    for channel, (row, column) in enumerate(((20, 10), (75, 50))):
        rows, columns = np.mgrid[:MAP_SIDE, :MAP_SIDE]
        far = np.hypot(rows - row, columns - column)
        assert (maps[channel][far <= 2.5] == 1).all()
        assert (maps[channel][far >= 3.5] == 0).all()
    assert not maps[2:].any()


def test_a_box_is_drawn_over_every_map_pixel_it_touches_and_clipped_to_the_map():
    frame = Frame.fit((512, 512), side=512)
    maps = prompt_maps(Prompt(box_xyxy=[9, 20, 39, 44.5]), frame)
    assert (maps[2, 5:12, 2:10] == 1).all()
    assert maps[2].sum() == 7 * 8
    beyond = prompt_maps(Prompt(box_xyxy=[-50, -50, 9999, 4]), frame)
    assert beyond[2].sum() == MAP_SIDE


def test_an_earlier_mask_is_drawn_as_probabilities_however_large_its_logits():
    logits = np.full((LOW_RES_SIDE, LOW_RES_SIDE), -1e9, np.float32)
    logits[:2, :2], logits[10:12, 10:12] = 0, 1e9
    drawn = prompt_maps(Prompt(mask_input=logits), Frame.fit((512, 512), side=512))[3]
    assert (drawn[0, 0], drawn[5, 5]) == (0.5, pytest.approx(1))
    assert drawn.sum() == pytest.approx(1.5, abs=1e-3)
