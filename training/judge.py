"""The last stage: the judge of candidates goes on learning alone, on whole pictures as inference shows them.

    python -m training.judge DATA_FOLDER WEIGHTS.safetensors OUT.safetensors [--pictures 4000] [--device auto]

While masks still change, the judge runs after them. Here they stand still, and what the judge sees of them is so little
(kilobytes a prompt) that one pass over the pictures serves for many over what was seen.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from annotator.segmenters.builtin.judge import MaskJudge
from annotator.segmenters.builtin.network import Network
from annotator.segmenters.builtin.weights import content_of, network_from, notes_in
from annotator.segmenters.devices import multiplies_bfloat16, pick_device
from training.data import Picture, read, shares, split
from training.export import write_weights
from training.losses import WEIGHTS, iou, iou_error, ranking
from training.prompts import Prompts
from training.step import normalised, on_maps
from training.validation import Sample, large_enough, sample

OBJECTS = 3  # of a picture, at most
PLANS = ((True, 1), (False, 2))  # how each is prompted: by a click in its very middle, and as in training, two rounds
EPOCHS = 10
BATCH = 128  # prompts
RATE = 2e-4  # at first; falls to nothing as a cosine does
DECAY = 1e-2


class Seen(NamedTuple):
    """What the judge is given of P prompts, see MaskJudge: P×C and P×3×E; the true IoUs, P×3."""

    overview: Tensor
    each: Tensor
    iou: Tensor


def groups(pictures: Sequence[Picture], count: int, seed: int) -> Iterator[list[Sample]]:
    """`count` pictures drawn by weight, of each up to OBJECTS of its objects."""
    random = np.random.default_rng(seed)
    odds = shares(pictures)
    while count:
        picture = pictures[int(random.choice(len(pictures), p=odds))]
        fit = large_enough(picture)
        if len(fit):
            yield [sample(picture, int(one)) for one in random.choice(fit, min(len(fit), OBJECTS), replace=False)]
            count -= 1


@torch.inference_mode()
def seen(network: Network, shown: Iterator[list[Sample]], device: torch.device, seed: int) -> Seen:
    """Prompt each object as PLANS says, and keep what the judge sees. The network is for inference."""
    given: list[tuple[Tensor, ...]] = []
    judge = network.decoder.judge
    watch = judge.register_forward_pre_hook(lambda _judge, inputs: given.append(inputs))
    rows: list[Seen] = []
    half = device.type == "cpu" and multiplies_bfloat16()  # as the segmenter computes
    try:
        for number, group in enumerate(shown):
            image, inside = (torch.from_numpy(one)[None].to(device) for one in (group[0].image, group[0].inside))
            pixels = normalised(image, inside).contiguous(memory_format=torch.channels_last)
            within = on_maps(inside)
            prepared = network.decoder.prepare(network.encoder(pixels))
            repeated = type(prepared)(*(one.repeat_interleave(len(group), 0) for one in prepared))
            truth, valid = (np.stack([getattr(one, name) for one in group]) for name in ("truth", "valid"))
            truth_on, valid_on = torch.from_numpy(truth).to(device).float(), torch.from_numpy(valid).to(device)
            for exact, rounds in PLANS:
                prompts = Prompts(
                    truth, valid, random=np.random.default_rng((seed, number)), device=device, exact=exact
                )
                prompts.begin()
                for _ in range(rounds):
                    with torch.autocast(device.type, torch.bfloat16, enabled=half):
                        logits, predicted = network.decoder(repeated, prompts.maps, within)
                    overview, *shown_to_judge = given.pop()
                    rows.append(Seen(overview, judge.look(*shown_to_judge), iou(logits, truth_on, valid_on)))
                    prompts.correct(logits.float()[torch.arange(len(group), device=device), predicted.argmax(1)])
    finally:
        watch.remove()
    return Seen(*(torch.cat(column) for column in zip(*rows, strict=True)))


def learn(judge: MaskJudge, all_seen: Seen, seed: int) -> None:
    """Fit the judge to what was seen, in place: the errors of its IoUs, and their order."""
    random = torch.Generator().manual_seed(seed)
    judge.requires_grad_(True)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=RATE, weight_decay=DECAY)
    count = len(all_seen.iou)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * -(-count // BATCH))
    for _ in range(EPOCHS):
        for some in torch.randperm(count, generator=random).split(BATCH):
            overview, each, true = (one[some.to(one.device)] for one in all_seen)
            predicted = judge.judge(overview, each).sigmoid()
            loss = WEIGHTS["iou"] * iou_error(predicted, true) + WEIGHTS["rank"] * ranking(predicted, true)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    judge.requires_grad_(False)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors")
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args(words)
    try:
        content = arguments.weights.read_bytes()
        network = network_from(content)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{arguments.weights}: {error}") from error
    device = pick_device(arguments.device)
    network = network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    pictures, _ = split(read(arguments.data))
    found = seen(network, groups(pictures, arguments.pictures, arguments.seed), device, arguments.seed)
    print(f"{len(found.iou)} prompts seen on {arguments.pictures} pictures", flush=True)
    learn(network.decoder.judge, Seen(*(one.clone() for one in found)), arguments.seed)  # clones leave inference mode
    notes = notes_in(content) | {"judged": f"{arguments.pictures} pictures"}
    write_weights(arguments.out, content_of(network, notes))
    print(arguments.out)


if __name__ == "__main__":
    main()
