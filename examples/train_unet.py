"""Train a small U-Net on a semantic export of the tool, in plain torch.

    python launch.py export semantic EXPORT --split 0.8,0.2,0
    python examples/train_unet.py EXPORT

It learns from the pictures in train/, and after each epoch it measures on those in val/ the IoU of each class: of all
pixels that are of the class or were taken for it, the part where both agree. The weights of the best epoch are kept.
No pictures at hand? `python examples/make_shapes.py shapes` makes some.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

IGNORED = 255  # what lies outside the picture in its square; the export never uses this number


class UNet(nn.Module):
    """A contracting path, an expansive path, and at each size a skip connection from the one to the other.

    Going down, a picture is halved `depth` times while its channels double: what is where becomes coarser, what it is
    becomes clearer. Going up, it is doubled again, and each time joined with what the contracting path saw at that
    size, so that outlines come out sharp. Input N×3×H×W, H and W divisible by 2**depth; output N×classes×H×W logits.
    """

    def __init__(self, classes: int, width: int = 16, depth: int = 3) -> None:
        super().__init__()
        sizes = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(block(before, after) for before, after in zip([3, *sizes], sizes[:-1], strict=False))
        self.bottom = block(sizes[-2], sizes[-1])
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(2 * size, size, kernel_size=2, stride=2) for size in reversed(sizes[:-1])
        )
        self.up = nn.ModuleList(block(2 * size, size) for size in reversed(sizes[:-1]))
        self.head = nn.Conv2d(width, classes, kernel_size=1)

    def forward(self, pictures: Tensor) -> Tensor:
        skipped = []
        features = pictures
        for layer in self.down:
            features = layer(features)
            skipped.append(features)
            features = functional.max_pool2d(features, 2)
        features = self.bottom(features)
        for grow, layer in zip(self.grow, self.up, strict=True):
            features = layer(torch.cat([skipped.pop(), grow(features)], dim=1))
        return self.head(features)


def block(before: int, after: int) -> nn.Sequential:
    """Two 3×3 convolutions, each normalised and cut at zero; the size stays."""
    layers: list[nn.Module] = []
    for channels in (before, after):
        layers += [nn.Conv2d(channels, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


@dataclass(frozen=True)
class Pair:
    """A picture and its label map."""

    picture: Path
    mask: Path


def pairs_of(export: Path, split: str) -> list[Pair]:
    """The pictures of a split with their maps, by name. Ends the program with a line of advice where there are none."""
    pictures = sorted((export / "images" / split).glob("*"))
    if not pictures:
        stop(
            f"{export} has no pictures in images/{split}. Export with a split: "
            f"python launch.py export semantic {export} --split 0.8,0.2,0"
        )
    pairs = [Pair(picture, export / "masks" / split / f"{picture.stem}.png") for picture in pictures]
    if missing := [pair.mask for pair in pairs if not pair.mask.is_file()]:
        stop(f"{missing[0]} is missing. Export the data set again.")
    return pairs


def class_names(export: Path) -> list[str]:
    """From categories.json: names[number] is what the number means; 0 is background."""
    path = export / "categories.json"
    if not path.is_file():
        stop(f"{export} is no semantic export: it has no categories.json. Make one: launch.py export semantic {export}")
    return [category["name"] for category in json.loads(path.read_text(encoding="utf-8"))["categories"]]


class Squares(Dataset[tuple[Tensor, Tensor]]):
    """Pairs, fitted into size×size: 3×size×size float32 0..1, and size×size int64 class numbers, IGNORED outside.

    vary: mirror the picture, change its light and shift its colours by lot, so that fewer pictures teach as much.
    """

    def __init__(self, pairs: list[Pair], size: int, *, vary: bool) -> None:
        self.pairs = pairs
        self.size = size
        self.vary = vary

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        pair = self.pairs[number]
        with Image.open(pair.picture) as opened:
            picture = opened.convert("RGB")
        pixels = torch.zeros(3, self.size, self.size)
        labels = torch.full((self.size, self.size), IGNORED)
        width, height = fitted(picture.size, self.size)
        resized = np.array(picture.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
        pixels[:, :height, :width] = torch.from_numpy(resized).permute(2, 0, 1) / 255
        numbers = Image.fromarray(read_map(pair.mask)).resize((width, height), Image.Resampling.NEAREST)
        labels[:height, :width] = torch.from_numpy(np.array(numbers, dtype=np.int64))
        return self._varied(pixels, labels) if self.vary else (pixels, labels)

    def _varied(self, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        for axis in (-1, -2):
            if torch.rand(()) < 0.5:
                pixels, labels = pixels.flip(axis), labels.flip(axis)
        light, shift = 0.8 + 0.4 * torch.rand(()), 0.1 * (torch.rand(3, 1, 1) - 0.5)
        return (pixels * light + shift).clamp(0, 1), labels


def read_map(path: Path) -> np.ndarray:
    """H×W int32 class numbers."""
    with Image.open(path) as opened:
        return np.array(opened).astype(np.int32)


def fitted(size_wh: tuple[int, int], side: int) -> tuple[int, int]:
    """Width and height of a picture whose longer side is made `side`."""
    scale = side / max(size_wh)
    return max(1, round(size_wh[0] * scale)), max(1, round(size_wh[1] * scale))


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, which asks each pixel, and 1 - Dice, which asks each class: small ones count as much as large."""
    entropy = functional.cross_entropy(logits, labels, ignore_index=IGNORED)
    known = (labels != IGNORED).unsqueeze(1)
    wanted = functional.one_hot(labels.where(labels != IGNORED, 0), logits.shape[1]).permute(0, 3, 1, 2) * known
    found = logits.softmax(dim=1) * known
    both = 2 * (found * wanted).sum(dim=(0, 2, 3))
    dice = (both + 1) / (found.sum(dim=(0, 2, 3)) + wanted.sum(dim=(0, 2, 3)) + 1)
    return entropy + 1 - dice.mean()


def train_epoch(
    model: nn.Module,
    batches: DataLoader[tuple[Tensor, Tensor]],
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """Each picture once; returns the mean loss."""
    model.train()
    device = next(model.parameters()).device
    losses = []
    for pixels, labels in batches:
        loss = loss_of(model(pixels.to(device)), labels.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.inference_mode()
def measure(model: nn.Module, pairs: list[Pair], size: int, classes: int) -> np.ndarray:
    """The IoU of each class over all pictures, at their own size; nan for a class that is nowhere."""
    model.eval()
    device = next(model.parameters()).device
    counts = np.zeros((classes, classes), np.int64)  # [what it is, what it was taken for]
    squares = Squares(pairs, size, vary=False)
    for number, pair in enumerate(pairs):
        pixels, _ = squares[number]
        truth = read_map(pair.mask)
        height, width = truth.shape
        inner_width, inner_height = fitted((width, height), size)
        logits = model(pixels[None].to(device))[:, :, :inner_height, :inner_width]
        found = functional.interpolate(logits, size=(height, width), mode="bilinear")[0].argmax(dim=0).cpu().numpy()
        counts += np.bincount(truth.ravel() * classes + found.ravel(), minlength=classes**2).reshape(classes, classes)
    agreed = counts.diagonal()
    either = counts.sum(axis=0) + counts.sum(axis=1) - agreed
    return np.where(either > 0, agreed / np.maximum(either, 1), np.nan)


def stop(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(1)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path, metavar="EXPORT", help="folder of a semantic export with a split")
    parser.add_argument("--epochs", type=int, default=30, help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=96, help="longer side in training (default: %(default)s pixels)")
    parser.add_argument("--batch", type=int, default=4, help="pictures a step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (default: %(default)s)")
    parser.add_argument("--width", type=int, default=16, help="channels of the first block (default: %(default)s)")
    parser.add_argument("--depth", type=int, default=3, help="how often it is halved (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=0, help="of the CPU (default: as torch chooses)")
    parser.add_argument("--out", type=Path, default=Path("unet.pt"), help="weights of the best epoch (%(default)s)")
    given = parser.parse_args(arguments)
    if min(given.epochs, given.batch, given.width, given.depth) < 1 or given.rate <= 0:
        parser.error("--epochs, --batch, --width and --depth are at least 1, and --rate is above 0.")
    step = 2**given.depth
    if given.size < 2 * step or given.size % step:
        parser.error(f"--size is a multiple of {step} (2 to the power of --depth), at least {2 * step}.")
    return given


def main(arguments: list[str] | None = None) -> float:
    """Train, print the IoU of each class, and return their mean in the best epoch."""
    given = options(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    names = class_names(given.export)
    if len(names) > IGNORED:
        stop(f"There are {len(names)} classes, and this example knows {IGNORED} at most. Export some categories alone.")
    train, val = pairs_of(given.export, "train"), pairs_of(given.export, "val")
    batches = DataLoader(Squares(train, given.size, vary=True), given.batch, shuffle=True)
    model = UNet(len(names), given.width, given.depth).to(given.device)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, given.rate, total_steps=given.epochs * len(batches))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{len(train)} pictures to learn from, {len(val)} to measure on, {parameters / 1e6:.2f} million parameters")
    best, best_mean, begun = np.full(len(names), np.nan), -1.0, time.monotonic()
    for epoch in range(1, given.epochs + 1):
        loss = train_epoch(model, batches, optimiser, schedule)
        iou = measure(model, val, given.size, len(names))
        mean = float(np.nanmean(iou))
        print(f"epoch {epoch:3}  loss {loss:.3f}  mean IoU {mean:.3f}  {time.monotonic() - begun:.0f} s", flush=True)
        if mean > best_mean:
            best, best_mean = iou, mean
            torch.save({"weights": model.state_dict(), "classes": names, "width": given.width}, given.out)
    print("IoU on val, best epoch:")
    for name, value in zip(names, best, strict=True):
        print(f"  {name:20} {'not in val' if np.isnan(value) else f'{value:.3f}'}")
    print(f"mean IoU {best_mean:.3f}; weights in {given.out}")
    return best_mean


if __name__ == "__main__":
    main()
