"""How well a network answers on held-out pictures: a short version of benchmarks/clicks.py, many objects at a time.

    python -m training.validation DATA_FOLDER WEIGHTS.safetensors [--objects 300] [--device auto]

Pictures go in as for inference (longer side 512), clicks are made in the middle of the largest error, and the network's
answers are taken as they are, without the mending of disobeyed clicks.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from annotator.prediction import Frame, resize_image
from annotator.segmenters.builtin.network import SIDE, Network
from annotator.segmenters.builtin.weights import network_from
from annotator.segmenters.devices import pick_device
from training.batches import shrunk
from training.data import IGNORED, Picture, read, shares, split
from training.losses import iou
from training.prompts import Prompts
from training.step import normalised, on_maps

SMALLEST = 0.005  # of the picture, for an object to be tried
TOGETHER = 16  # pictures
CLICKS = 5
NEAR = 0.02  # an IoU so much below the best of three is as good


@dataclass(frozen=True, eq=False)
class Sample:
    """One object: SIDE×SIDE×3 uint8 and SIDE×SIDE bool as for normalised(), and at half that side truth and valid."""

    image: np.ndarray
    inside: np.ndarray
    truth: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, eq=False)
class Shown:
    """One object, the first click (row, column) on it, and the answer to that: logits and predicted IoUs."""

    sample: Sample
    click: tuple[int, int]
    logits: np.ndarray
    predicted_iou: np.ndarray


def samples(pictures: Sequence[Picture], count: int) -> list[Sample]:
    """Up to `count` objects, one a label map, drawn by weight: always the same ones of the same pictures."""
    random = np.random.default_rng(0)
    found: list[Sample] = []
    if not pictures:
        return found
    for number in random.choice(len(pictures), len(pictures), replace=False, p=shares(pictures)):
        picture = pictures[number]
        fit = large_enough(picture)
        if len(fit):
            found.append(sample(picture, int(random.choice(fit))))
        if len(found) == count:
            break
    return found


def large_enough(picture: Picture) -> np.ndarray:
    """The labels of the objects in a picture that are worth trying."""
    ids, areas = np.unique(picture.labels, return_counts=True)
    return ids[(ids > 0) & (ids < IGNORED) & (areas > SMALLEST * picture.labels.size)]


def sample(picture: Picture, chosen: int) -> Sample:
    """The object with one label of a picture, as inference sees it."""
    frame = Frame.fit((picture.labels.shape[0], picture.labels.shape[1]), side=SIDE)
    height, width = frame.inner_hw
    image, inside = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), bool)
    truth, valid = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    image[:height, :width], inside[:height, :width] = resize_image(picture.image, frame.inner_hw), True
    for whole, mask in ((truth, picture.labels == chosen), (valid, picture.labels != IGNORED)):
        whole[:height, :width] = resize_image(mask.astype(np.uint8) * 255, frame.inner_hw) > 127
    return Sample(image=image, inside=inside, truth=shrunk(truth) > 127, valid=shrunk(valid) > 127)


@torch.inference_mode()
def validate(network: Network, chosen: Sequence[Sample], device: torch.device) -> tuple[dict[str, float], list[Shown]]:
    """Figures over all samples, and the answers to the first clicks. The network is in inference form."""
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    rounds = [
        one for start in range(0, len(chosen), TOGETHER) for one in [_try(network, chosen[start:][:TOGETHER], device)]
    ]
    ious = torch.cat([one.iou for one in rounds], 1)  # CLICKS×N×3
    picks = torch.cat([one.picked for one in rounds], 1)
    shown = ious.gather(2, picks[..., None])[..., 0]
    figures = {f"miou@{clicks}": float(shown[clicks - 1].mean()) for clicks in (1, 2, 3, 5)}
    figures["best_of_3@1"] = float(ious[0].max(1).values.mean())
    figures["picked_best@1"] = float((shown[0] >= ious[0].max(1).values - NEAR).float().mean())
    figures["obeyed"] = float(torch.cat([one.obeyed for one in rounds]).float().mean())
    figures["box_miou"] = float(torch.cat([one.by_box for one in rounds]).mean())
    figures["drop"] = float((shown[:-1] - shown[1:]).clamp(min=0).mean())
    return figures, [one for each in rounds for one in each.shown]


@dataclass(frozen=True, eq=False)
class _Round:
    iou: Tensor
    picked: Tensor
    obeyed: Tensor
    by_box: Tensor
    shown: list[Shown]


def _try(network: Network, chosen: Sequence[Sample], device: torch.device) -> _Round:
    image, inside, truth, valid = (
        np.stack([getattr(sample, name) for sample in chosen]) for name in ("image", "inside", "truth", "valid")
    )
    image_on, inside_on, truth_on, valid_on = (
        torch.from_numpy(one).to(device) for one in (image, inside, truth, valid)
    )
    prepared = network.decoder.prepare(network.encoder(normalised(image_on, inside_on)))
    within = on_maps(inside_on)

    def asked() -> Prompts:
        return Prompts(truth, valid, random=np.random.default_rng(0), device=device, exact=True)

    boxes = asked()
    boxes.draw_boxes(np.ones(len(chosen), bool))
    logits, predicted = network.decoder(prepared, boxes.maps, within)
    by_box = iou(logits, truth_on.float(), valid_on).gather(1, predicted.argmax(1, keepdim=True))[:, 0]
    prompts = asked()
    prompts.begin()
    ious, picks, obeyed, shown = [], [], [], []
    for number in range(CLICKS):
        logits, predicted = network.decoder(prepared, prompts.maps, within)
        picked = predicted.argmax(1)
        taken = logits[torch.arange(len(picked), device=device), picked]
        ious.append(iou(logits, truth_on.float(), valid_on).cpu())
        picks.append(picked.cpu())
        obeyed.append(torch.cat(list(_obeyed(taken, prompts.clicks))).cpu())
        if number == 0:
            places = prompts.clicks[:, 0].tolist()
            answers = zip(chosen, places, logits.float().cpu().numpy(), predicted.float().cpu().numpy(), strict=True)
            shown = [Shown(sample, (row, column), *answer) for sample, (row, column, _), *answer in answers]
        if number + 1 < CLICKS:
            prompts.correct(taken)
    return _Round(torch.stack(ious), torch.stack(picks), torch.cat(obeyed), by_box.cpu(), shown)


def _obeyed(logits: Tensor, clicks: Tensor) -> Iterator[Tensor]:
    """P×s×s logits, P×N×3 clicks -> for each prompt, bool of each click that was given."""
    for own, given in zip(logits, clicks, strict=True):
        given = given[given[:, 2] >= 0]
        yield (own[given[:, 0], given[:, 1]] > 0) == (given[:, 2] == 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--objects", type=int, default=300)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    _, held_out = split(read(arguments.data))
    try:
        network = network_from(arguments.weights.read_bytes())
    except (OSError, ValueError) as error:
        raise SystemExit(f"{arguments.weights}: {error}") from error
    figures, _ = validate(network, samples(held_out, arguments.objects), pick_device(arguments.device))
    for name, value in figures.items():
        print(f"{name:16} {value:.4f}")


if __name__ == "__main__":
    main()
