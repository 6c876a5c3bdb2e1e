"""The last stage: the judge of candidates goes on learning alone, on whole pictures as inference shows them.

    python -m training.judge DATA_FOLDER WEIGHTS.safetensors OUT.safetensors [--pictures 2000] [--device auto]

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

from annotator.segmenters.builtin.network import MaskJudge, Network
from annotator.segmenters.builtin.weights import content_of, network_from, notes_in
from annotator.segmenters.devices import pick_device
from training.data import Picture, read, shares, split
from training.export import write_weights
from training.losses import WEIGHTS, iou, iou_error, ranking
from training.prompts import Prompts
from training.step import normalised
from training.validation import Sample, large_enough, sample

OBJECTS = 3  # of a picture, at most
ROUNDS = 2  # of prompts on each
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
    """Prompt each object as in training, ROUNDS times, and keep what the judge sees. The network is for inference."""
    given: list[tuple[Tensor, ...]] = []
    judge = judge_of(network)
    watch = judge.register_forward_pre_hook(lambda _judge, inputs: given.append(inputs))
    rows: list[Seen] = []
    try:
        for number, group in enumerate(shown):
            image, inside = (torch.from_numpy(one)[None].to(device) for one in (group[0].image, group[0].inside))
            pixels = normalised(image, inside).contiguous(memory_format=torch.channels_last)
            prepared = network.decoder.prepare(network.encoder(pixels))
            repeated = type(prepared)(*(one.repeat_interleave(len(group), 0) for one in prepared))
            truth, valid = (np.stack([getattr(one, name) for one in group]) for name in ("truth", "valid"))
            truth_on, valid_on = torch.from_numpy(truth).to(device).float(), torch.from_numpy(valid).to(device)
            prompts = Prompts(truth, valid, random=np.random.default_rng((seed, number)), device=device)
            prompts.begin()
            for _ in range(ROUNDS):
                logits, predicted = network.decoder(repeated, prompts.maps)
                overview, features, judged = given.pop()
                rows.append(Seen(overview, judge.look(features, judged), iou(logits, truth_on, valid_on)))
                prompts.correct(logits[torch.arange(len(group), device=device), predicted.argmax(1)])
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


def judge_of(network: Network) -> MaskJudge:
    """Raises SystemExit for a network that does not look under its masks."""
    if not isinstance(network.decoder.iou, MaskJudge):
        raise SystemExit("These weights have no judge that looks under the masks; it is trained with the network.")
    return network.decoder.iou


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors")
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args(words)
    try:
        content = arguments.weights.read_bytes()
        network = network_from(content)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{arguments.weights}: {error}") from error
    judge, device = judge_of(network), pick_device(arguments.device)
    network = network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    pictures, _ = split(read(arguments.data))
    found = seen(network, groups(pictures, arguments.pictures, arguments.seed), device, arguments.seed)
    print(f"{len(found.iou)} prompts seen on {arguments.pictures} pictures", flush=True)
    learn(judge, Seen(*(one.clone() for one in found)), arguments.seed)  # cloned: free of inference mode
    notes = notes_in(content) | {"judged": f"{arguments.pictures} pictures"}
    write_weights(arguments.out, content_of(network, notes))
    print(arguments.out)


if __name__ == "__main__":
    main()
