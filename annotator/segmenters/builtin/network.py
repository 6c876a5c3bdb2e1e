"""The built-in promptable network: a picture is encoded once, every prompt is answered from what was kept of it.

Inference form: batch normalisation is folded into the convolutions. The picture enters as a SIDE×SIDE square, its
longer side scaled to SIDE, the rest zeros after normalisation. Clicks, box and previous mask enter as maps at a quarter
of that.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from annotator.segmenters.builtin.architecture import BACKBONES, Architecture
from annotator.segmenters.builtin.judge import MaskJudge

SIDE = 512  # of the square input, in pixels
STRIDE = 4  # prompt maps are drawn at this fraction of the input
PROMPT_MAPS = 4  # foreground clicks, background clicks, box, previous mask as a probability
CANDIDATES = 3
SHUFFLE = 2  # the mask head answers this many times finer than the prompt maps: 256×256

STEM = 32  # channels after the first convolution


class Prepared(NamedTuple):
    """The picture's share of an answer, 1×C×H×W float each: made once, added to each prompt's own share.

    join0..join3: before the activation of the decoder's four joining convolutions, strides 4 to 32.
    query1..query3: unit vectors that are alike where the picture is, strides 8 to 32.
    """

    join0: Tensor
    join1: Tensor
    join2: Tensor
    join3: Tensor
    query1: Tensor
    query2: Tensor
    query3: Tensor


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """A convolution that pads evenly on all sides, and its activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


def downward(channels_in: int, channels_out: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """A convolution of stride 2 that pads as TensorFlow's SAME does (more to the right and below), and its ReLU6.

    The backbone's weights were learnt with that padding.
    """
    before = (kernel - 2) // 2
    after = kernel - 2 - before
    conv = nn.Conv2d(channels_in, channels_out, kernel, 2, groups=groups)
    return nn.Sequential(nn.ZeroPad2d((before, after, before, after)), conv, nn.ReLU6(inplace=True))


def resize_like(x: Tensor, other: Tensor) -> Tensor:
    """Bilinear, to the rows and columns of another map."""
    return F.interpolate(x, size=other.shape[-2:], mode="bilinear", align_corners=False)


class InvertedResidual(nn.Module):
    """The block that EfficientNet-Lite is built of: widen, filter each channel by itself, narrow."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels_in * expansion
        self.expand = convolution(channels_in, wide, 1, activation=nn.ReLU6) if expansion > 1 else nn.Identity()
        if stride == 2:
            self.depthwise = downward(wide, wide, kernel, groups=wide)
        else:
            self.depthwise = convolution(wide, wide, kernel, groups=wide, activation=nn.ReLU6)
        self.project = nn.Conv2d(wide, channels_out, 1)
        self.skips = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skips else y


class Encoder(nn.Module):
    """B×3×SIDE×SIDE normalised pictures -> four feature maps at strides 4, 8, 16, 32: backbone and feature pyramid."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        tapped, features = architecture.tapped, architecture.features
        self.taps = frozenset(tapped)
        self.stem = downward(3, STEM, 3)
        self.blocks = nn.ModuleList()
        channels = STEM
        for repeats, kernel, stride, expansion, channels_out in BACKBONES[architecture.backbone]:
            for repeat in range(repeats):
                self.blocks.append(
                    InvertedResidual(channels, channels_out, kernel, stride if repeat == 0 else 1, expansion)
                )
                channels = channels_out
        self.lateral = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(tapped.values(), features, strict=True))
        self.top_down = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(features))
        self.smooth = nn.ModuleList(convolution(width, width) for width in features)

    def forward(self, x: Tensor) -> list[Tensor]:
        x, kept = self.stem(x), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                kept.append(x)
        maps = [lateral(tapped) for lateral, tapped in zip(self.lateral, kept, strict=True)]
        for level in (2, 1, 0):
            maps[level] = maps[level] + resize_like(self.top_down[level](maps[level + 1]), maps[level])
        return [smooth(level) for smooth, level in zip(self.smooth, maps, strict=True)]


class Residual(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class Join(nn.Module):
    """Where picture and prompt meet: a 3×3 convolution over both, and its ReLU.

    A convolution is linear, so the picture's part of its sum is the same for every prompt and is made only once.
    """

    def __init__(self, features: int, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.of_picture = nn.Conv2d(features, channels_out, 3, padding=1)
        self.of_prompt = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)

    def forward(self, prepared: Tensor, x: Tensor) -> Tensor:
        return F.relu(self.of_prompt(x) + prepared)


class Decoder(nn.Module):
    """A prompt's maps and what was prepared of its picture -> three masks and how good each is thought to be."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        f0, f1, f2, f3 = architecture.features
        w0, w1, w2, w3 = architecture.decoder
        self.query = nn.ModuleList(nn.Conv2d(width, architecture.query, 1) for width in (f1, f2, f3))
        self.join0, self.refine0 = Join(f0, PROMPT_MAPS + 2 * len(self.query), w0), convolution(w0, w0)
        self.down1, self.join1, self.refine1 = convolution(w0, w1, stride=2), Join(f1, w1, w1), Residual(w1)
        self.down2, self.join2, self.refine2 = convolution(w1, w2, stride=2), Join(f2, w2, w2), Residual(w2)
        self.down3, self.join3 = convolution(w2, w3, stride=2), Join(f3, w3, w3)
        self.refine3 = nn.Sequential(Residual(w3), Residual(w3))
        self.overview = nn.Sequential(nn.Linear(w3, w3), nn.ReLU(), nn.Linear(w3, w3))
        self.up2, self.up1 = convolution(w3 + w2, w2), convolution(w2 + w1, w1)
        self.up0 = nn.Sequential(convolution(w1 + w0, w0), convolution(w0, w0))
        self.masks = nn.Conv2d(w0, CANDIDATES * SHUFFLE**2, 1)
        self.judge = MaskJudge(CANDIDATES, w3 + w2 + w1, w1)

    def prepare(self, features: list[Tensor]) -> Prepared:
        """Do everything that does not depend on the prompt."""
        joins = (self.join0, self.join1, self.join2, self.join3)
        shares = [join.of_picture(level) for join, level in zip(joins, features, strict=True)]
        queries = [F.normalize(query(level), dim=1) for query, level in zip(self.query, features[1:], strict=True)]
        return Prepared(*shares, *queries)

    def forward(self, prepared: Prepared, prompts: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """B×4×128×128 prompt maps -> B×3×256×256 mask logits and B×3 predicted IoU, 0..1.

        inside: B×1×128×128 or 1×1×128×128 float, 1 where the picture is and 0 beyond it.
        """
        queries = (prepared.query1, prepared.query2, prepared.query3)
        alike = [resize_like(likeness(query, prompts[:, :2]), prompts) for query in queries]
        x0 = self.refine0(self.join0(prepared.join0, torch.cat([prompts, *alike], 1)))
        x1 = self.refine1(self.join1(prepared.join1, self.down1(x0)))
        x2 = self.refine2(self.join2(prepared.join2, self.down2(x1)))
        x3 = self.refine3(self.join3(prepared.join3, self.down3(x2)))
        x3 = x3 + self.overview(x3.mean((2, 3)))[..., None, None]
        y2 = self.up2(torch.cat([resize_like(x3, x2), x2], 1))
        y1 = self.up1(torch.cat([resize_like(y2, x1), x1], 1))
        y0 = self.up0(torch.cat([resize_like(y1, x0), x0], 1))
        logits = F.pixel_shuffle(self.masks(y0), SHUFFLE)
        overview = torch.cat([level.mean((2, 3)) for level in (x3, y2, y1)], 1)
        with torch.autocast(
            logits.device.type, enabled=False
        ):  # candidates may differ by less than half precision tells
            judged = self.judge(overview.float(), y1.float(), logits.float(), prompts[:, :1].float(), inside.float())
        return logits, judged.sigmoid()


def likeness(query: Tensor, clicks: Tensor) -> Tensor:
    """How like the places under the clicks each place of a picture is, -1..1.

    query: 1×C×H×W unit vectors (or B×C×H×W, of one picture a prompt), clicks: B×2×M×M maps of foreground and background
    clicks -> B×2×H×W.
    """
    height, width = query.shape[-2:]
    vectors = query[0].flatten(1) if len(query) == 1 else query.flatten(2)  # C×HW or B×C×HW
    weight = F.interpolate(clicks, size=(height, width), mode="area").flatten(2)  # B×2×HW
    mean = weight @ vectors.mT / (weight.sum(2, keepdim=True) + 1e-4)  # B×2×C
    return (mean @ vectors).unflatten(2, (height, width))


class Network(nn.Module):
    """Encoder and decoder together, under the names of the weights file."""

    def __init__(self, architecture: Architecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or Architecture()
        self.encoder, self.decoder = Encoder(self.architecture), Decoder(self.architecture)
