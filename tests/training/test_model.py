"""The trained form is the inference network and normalisation; folding it changes nothing but rounding."""

import pytest
import torch
from torch import nn

from annotator.segmenters.builtin.architecture import Architecture
from annotator.segmenters.builtin.network import Network
from annotator.segmenters.builtin.weights import content_of, network_from
from training.model import Normalised, folded, lay_in, learning, trainable
from training.optimiser import Average, share_of_rate

SMALL = Architecture(features=(8, 8, 8, 8), decoder=(8, 8, 8, 8), query=4)
LARGER = Architecture(backbone="lite2", features=(24, 40, 80, 112), decoder=(32, 64, 96, 160))


def answers(network: Network, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    image = torch.randn(2, 3, side, side, generator=random)
    prompts = torch.rand(2, 4, side // 4, side // 4, generator=random)
    return network.decoder(
        network.decoder.prepare(network.encoder(image)), prompts, torch.ones(1, 1, side // 4, side // 4)
    )


def lived_in(architecture: Architecture) -> Network:
    """A trainable network whose statistics are those of something seen."""
    torch.manual_seed(0)
    network = trainable(architecture).train()
    with torch.no_grad():
        for _ in range(60):
            answers(network)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.bias.normal_(std=0.3)
                module.weight.uniform_(0.5, 1.5)
    return network.eval()


@torch.no_grad()
def test_folding_changes_answers_by_rounding_alone():
    network = lived_in(SMALL)
    plain = folded(network)
    assert not [module for module in plain.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for trained, inferred in zip(answers(network), answers(plain), strict=True):
        assert (trained - inferred).abs().max() < 1e-4 * trained.abs().max()


@pytest.mark.parametrize("architecture", [Architecture(), SMALL, LARGER])
def test_a_weights_file_says_what_network_it_holds(architecture):
    network = Network(architecture)
    content = content_of(network, {"step": "7"})
    again = network_from(content)
    assert again.architecture == architecture
    assert len(content) < 16e6
    for name, weight in again.state_dict().items():
        assert torch.equal(weight, network.state_dict()[name].half().float())


def test_weights_of_an_architecture_unknown_here_are_refused():
    with pytest.raises(ValueError, match="unknown"):
        Architecture.from_metadata({"architecture": '{"wings": 2}'})
    with pytest.raises(ValueError, match="lite7"):
        Architecture(backbone="lite7")
    with pytest.raises(ValueError, match="4 widths"):
        Architecture(decoder=(1, 2, 3))


def published(network: Network) -> dict[str, torch.Tensor]:
    """Weights under the names of the ImageNet packages, made here: every tensor of stem and blocks another number."""
    found: dict[str, torch.Tensor] = {}
    units = [module for part in (network.encoder.stem, network.encoder.blocks) for module in part.modules()]
    units = [module for module in units if isinstance(module, Normalised)]
    names = [("_conv_stem", "_bn0"), ("_blocks.0._depthwise_conv", "_blocks.0._bn1")]
    names += [("_blocks.0._project_conv", "_blocks.0._bn2")]
    for block in range(1, len(network.encoder.blocks)):
        for part, norm in (("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")):
            names.append((f"_blocks.{block}._{part}_conv", f"_blocks.{block}.{norm}"))
    for number, ((conv, norm), unit) in enumerate(zip(names, units, strict=True)):
        found[f"{conv}.weight"] = torch.full_like(unit.conv.weight, number)
        for name, value in unit.norm.state_dict().items():
            found[f"{norm}.{name}"] = torch.full_like(value, number + 1)
    return found


@pytest.mark.parametrize("backbone", ["lite0", "lite1", "lite2"])
def test_published_backbone_weights_all_find_their_place(backbone):
    network = trainable(Architecture(backbone, SMALL.features, SMALL.decoder, 4))
    weights = published(network)
    lay_in(network, weights)
    units = [module for part in (network.encoder.stem, network.encoder.blocks) for module in part.modules()]
    for number, unit in enumerate(unit for unit in units if isinstance(unit, Normalised)):
        assert (unit.conv.weight == number).all()
        assert (unit.norm.running_var == number + 1).all()
    del weights["_blocks.3._bn1.running_mean"]
    with pytest.raises(KeyError):
        lay_in(network, weights)


def test_the_backbone_keeps_its_statistics_while_all_else_learns_them():
    network = learning(trainable(SMALL))

    def means() -> list[torch.Tensor]:
        return [module.running_mean.clone() for module in network.modules() if isinstance(module, nn.BatchNorm2d)]

    before = means()
    answers(network)
    moved = [not torch.equal(one, other) for one, other in zip(before, means(), strict=True)]
    of_backbone = sum(
        isinstance(m, nn.BatchNorm2d) for part in (network.encoder.stem, network.encoder.blocks) for m in part.modules()
    )
    assert moved == [False] * of_backbone + [True] * (len(moved) - of_backbone)


def test_the_rate_rises_stays_and_falls():
    shares = [share_of_rate(step, 10000) for step in range(10001)]
    assert shares[0] < 0.01 and shares[300] == 1 == shares[5000]
    assert shares[5001:] == sorted(shares[5001:], reverse=True)
    assert shares[-1] == pytest.approx(0.01)


def test_an_average_follows_slowly_and_forgets_the_beginning():
    network = trainable(SMALL)
    average = Average(network, decay=0.9)
    for weight in network.parameters():
        weight.data.fill_(3.0)
    average.follow(network, 0)
    assert average.network.decoder.masks.weight.mean() > 2.5
    for step in range(1, 200):
        average.follow(network, step)
    assert all((weight - 3).abs().max() < 1e-3 for weight in average.network.parameters())
