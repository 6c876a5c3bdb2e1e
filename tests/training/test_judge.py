"""The judge learns on alone: its guesses get better on what was seen, masks stay as they are."""

import pytest
import torch
from safetensors.torch import load

from annotator.segmenters.builtin.architecture import Architecture
from annotator.segmenters.builtin.depth import CENTREDNESS
from annotator.segmenters.builtin.network import Network
from annotator.segmenters.builtin.weights import content_of, network_from, notes_in
from tests.training.made import data_folder
from training.data import read, split
from training.judge import Seen, groups, learn, main, seen
from training.losses import iou_error, ranking

SMALL = Architecture(features=(8, 8, 8, 8), decoder=(8, 8, 8, 8), query=4)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data"), 24)


def network() -> Network:
    torch.manual_seed(0)
    return Network(SMALL).eval().requires_grad_(False)


def test_what_is_seen_of_each_prompt_gives_the_guess_that_the_network_made(data):
    own = network()
    pictures, _ = split(read(data))
    guesses = []
    with own.decoder.register_forward_hook(lambda _module, _given, answer: guesses.append(answer[1])):
        found = seen(own, groups(pictures, 3, seed=1), CPU, seed=1)
    assert len(found.overview) == len(found.each) == len(found.iou) >= 3 * 3
    assert ((found.iou >= 0) & (found.iou <= 1)).all()
    again = own.decoder.judge.judge(found.overview, found.each).sigmoid()
    assert torch.allclose(again, torch.cat(guesses), atol=1e-6)


def test_a_judge_gets_better_at_what_it_sees():
    judge = network().decoder.judge
    random = torch.Generator().manual_seed(3)
    each, overview = torch.randn(400, 3, 18 + CENTREDNESS, generator=random), torch.randn(400, 24, generator=random)
    shown = Seen(overview, each, each[:, :, 0].sigmoid())

    def off() -> tuple[float, float]:
        guesses = judge.judge(shown.overview, shown.each).sigmoid()
        return float(iou_error(guesses, shown.iou)), float(ranking(guesses, shown.iou))

    before = off()
    learn(judge, shown, seed=0)
    assert all(now < was for now, was in zip(off(), before, strict=True))


def test_the_file_it_writes_differs_in_the_judge_alone(data, tmp_path):
    weights, out = tmp_path / "weights.safetensors", tmp_path / "judged.safetensors"
    weights.write_bytes(content_of(network(), {"step": "7"}))
    main([str(data), str(weights), str(out), "--pictures", "4", "--device", "cpu"])
    before, after = load(weights.read_bytes()), load(out.read_bytes())
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("decoder.judge.") for name in changed)
    assert network_from(out.read_bytes()).architecture == SMALL
    assert notes_in(out.read_bytes()) == {"step": "7", "judged": "4 pictures"}
