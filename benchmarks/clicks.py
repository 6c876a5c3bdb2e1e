"""How many clicks until a mask is right: the quality of segmenters on pictures with known masks, side by side.

    python benchmarks/clicks.py FOLDER... [--segmenter builtin grabcut random_walker] [--objects 100] [--json]

A FOLDER holds images/<name>.jpg (or .png) and masks/<name>.png: a label map of the same size, 0 unlabelled, 1..N one
object each, 65535 ignored. The protocol is NoC, as RITM and others use it: the first click is the pixel of the object
farthest from its edge; each further one the pixel farthest from the edge of the largest error, foreground where the
object was missed, background where something else was covered. After each click the candidate with the highest
predicted IoU is judged and fed back. noc85 is the mean number of clicks until IoU 0.85, MOST_CLICKS where it is never
reached; small90 the same for 0.9 and objects below SMALL of their picture alone. picked_best: how often the candidate
chosen after the first click is within NEAR of the best of three. drop: how much IoU a further click costs on the mean,
a click that costs none counted as 0. box: mIoU of a box around the object; best_click: of the best of CLICKS_TRIED
single clicks inside it, for comparison; both of networks alone. The segmenter no_close_ups is the built-in
model without its second look at small objects.
--worst draws the WORST_SHOWN objects that the first segmenter was worst at.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.errors import AnnotatorError
from annotator.prediction import Prediction, Prompt
from annotator.segmenters import SEGMENTERS, builtin, get_segmenter
from annotator.segmenters.base import LoadOptions, Segmenter
from benchmarks.peers import GrabCut, Peer, PeerAnswer, RandomWalker, peers
from benchmarks.targets import SMALLEST, Target, targets
from benchmarks.worst_sheet import sheet, worst

MOST_CLICKS = 20
LEAST_CLICKS = 10  # given even to a mask that is right at once, for miou@10
SMALL = 0.02  # of the picture, for an object to be called small
NEAR = 0.02  # an IoU so much below the best of three is as good
CLICKS_TRIED = 5  # single clicks that a box is compared with
GOOD = (0.8, 0.85, 0.9)
MIOU_AFTER = (1, 2, 3, 5, 10)
LOOKED_AT = (1, 3, 10)  # answers that are kept to be drawn, by their number of clicks
WORST_SHOWN = 32  # objects


@dataclass(frozen=True, eq=False)
class Answer:
    """What one more click brought: all clicks so far as (x, y, label), the answer, the mask chosen of it (H×W bool)."""

    clicks: tuple[tuple[int, int, int], ...]
    prediction: Prediction | PeerAnswer
    chosen: int
    mask: np.ndarray
    seconds: float


@dataclass(frozen=True, eq=False)
class Look:
    """An answer kept to be drawn: the clicks so far as (x, y, label), and the mask chosen (H×W bool)."""

    clicks: tuple[tuple[int, int, int], ...]
    mask: np.ndarray


@dataclass
class Trial:
    """What happened with one target: IoU after each click, some answers to look at, and how the rest went."""

    target: Target
    looks: dict[int, Look] = field(default_factory=dict)
    ious: list[float] = field(default_factory=list)
    best_of_three: float = 0.0
    box: float | None = None
    best_click: float | None = None
    obeyed: list[bool] = field(default_factory=list)
    embed_s: float = 0.0
    answer_s: list[float] = field(default_factory=list)

    @property
    def small(self) -> bool:
        return bool(self.target.truth.mean() < SMALL)

    def iou_after(self, clicks: int) -> float:
        """A trial ends early where nothing is left to be corrected; its last mask stands."""
        return self.ious[min(clicks, len(self.ious)) - 1]

    def clicks_until(self, iou: float) -> int:
        return next((number for number, reached in enumerate(self.ious, 1) if reached >= iou), MOST_CLICKS)


def next_click(mask: np.ndarray, target: Target) -> tuple[int, int, int] | None:
    """(x, y, label) in the middle of the largest error, or None where there is none."""
    best, depth = None, 0.0
    missed, covered = target.truth & ~mask & target.valid, mask & ~target.truth & target.valid
    for label, error in ((1, missed), (0, covered)):
        inside = cv2.distanceTransform(np.pad(error.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
        if inside.max() > depth:
            depth = float(inside.max())
            y, x = np.unravel_index(int(inside.argmax()), inside.shape)
            best = (int(x), int(y), label)
    return best


def iou(mask: np.ndarray, target: Target) -> float:
    union = ((mask | target.truth) & target.valid).sum()
    return float((mask & target.truth & target.valid).sum() / union) if union else 1.0


def answers(
    segmenter: Segmenter | Peer, embedding: Any, target: Target, choose: Callable[[Any], int]
) -> Iterator[Answer]:
    """Click where the chosen mask of the last answer is most wrong, until MOST_CLICKS or until nothing is."""
    clicks: list[tuple[int, int, int]] = []
    fed_back: np.ndarray | None = None
    mask = np.zeros(target.truth.shape, bool)
    while len(clicks) < MOST_CLICKS and (click := next_click(mask, target)) is not None:
        clicks.append(click)
        given = np.array(clicks)
        start = time.perf_counter()
        prediction = segmenter.predict(embedding, Prompt(given[:, :2], given[:, 2], mask_input=fed_back))
        chosen = choose(prediction)
        mask = prediction.mask(chosen)
        yield Answer(tuple(clicks), prediction, chosen, mask, time.perf_counter() - start)
        fed_back = None if prediction.low_res_logits is None else prediction.low_res_logits[chosen]


def try_target(segmenter: Segmenter | Peer, target: Target) -> Trial:
    """Click until MOST_CLICKS, or until nothing is wrong or (after LEAST_CLICKS) little."""
    trial = Trial(target)
    start = time.perf_counter()
    embedding = segmenter.embed(target.image)
    trial.embed_s = time.perf_counter() - start
    for answer in answers(segmenter, embedding, target, lambda prediction: prediction.best):
        trial.answer_s.append(answer.seconds)
        if len(answer.clicks) == 1:
            candidates = range(len(answer.prediction.predicted_iou))
            trial.best_of_three = max(iou(answer.prediction.mask(number), target) for number in candidates)
        if len(answer.clicks) in LOOKED_AT:
            trial.looks[len(answer.clicks)] = Look(answer.clicks, answer.mask)
        trial.ious.append(iou(answer.mask, target))
        trial.obeyed += [bool(answer.mask[y, x]) == bool(label) for x, y, label in answer.clicks]
        if len(answer.clicks) >= LEAST_CLICKS and trial.ious[-1] >= max(GOOD):
            break
    if not isinstance(segmenter, (GrabCut, RandomWalker)):
        trial.box, trial.best_click = box_and_best_click(segmenter, embedding, target)
    return trial


def box_and_best_click(segmenter: Segmenter | Peer, embedding: Any, target: Target) -> tuple[float, float]:
    """IoU of the answer to the object's box, and of the best of several single clicks on it."""
    rows, columns = np.flatnonzero(target.truth.any(1)), np.flatnonzero(target.truth.any(0))
    none = np.zeros((0, 2)), np.zeros(0, int)
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    inside = np.argwhere(target.truth)[:, ::-1]
    places = np.random.default_rng(len(inside)).choice(len(inside), CLICKS_TRIED)
    prompts = [Prompt(*none, box_xyxy=box)] + [Prompt(inside[place][None], np.array([1])) for place in places]
    found = []
    for prompt in prompts:
        prediction = segmenter.predict(embedding, prompt)
        found.append(iou(prediction.mask(prediction.best), target))
    return found[0], max(found[1:])


def summary(trials: list[Trial]) -> dict[str, float | int]:
    """The figures of many trials: means, and p50 and p95 of times in milliseconds."""
    figures: dict[str, float | int] = {"objects": len(trials)}
    for clicks in MIOU_AFTER:
        figures[f"miou@{clicks}"] = mean([trial.iou_after(clicks) for trial in trials])
    figures["best_of_3@1"] = mean([trial.best_of_three for trial in trials])
    figures["picked_best@1"] = mean([trial.ious[0] >= trial.best_of_three - NEAR for trial in trials])
    for level in GOOD:
        needed = [trial.clicks_until(level) for trial in trials]
        figures[f"noc{round(100 * level)}"] = mean(needed)
        figures[f"noc{round(100 * level)}_standard_error"] = round(float(np.std(needed) / np.sqrt(len(needed))), 3)
    small = [trial.clicks_until(max(GOOD)) for trial in trials if trial.small]
    figures["small"] = len(small)
    if small:
        figures["small90"] = mean(small)
    figures["drop"] = mean([max(0.0, a - b) for trial in trials for a, b in pairwise(trial.ious)])
    for name in ("box", "best_click"):
        known = [value for trial in trials if (value := getattr(trial, name)) is not None]
        if known:
            figures[name] = mean(known)
    figures["clicks_obeyed"] = mean([hit for trial in trials for hit in trial.obeyed])
    for name, seconds in (
        ("embed_ms", [trial.embed_s for trial in trials]),
        ("answer_ms", [s for trial in trials for s in trial.answer_s]),
    ):
        for percent in (50, 95):
            figures[f"{name}_p{percent}"] = round(1000 * float(np.percentile(seconds, percent)), 1)
    return figures


def mean(values: list) -> float:
    return round(float(np.mean(values)), 4)


SHOWN = (
    *("miou@1", "miou@2", "miou@3", "miou@5", "miou@10", "best_of_3@1", "picked_best@1", "noc85", "noc90", "small90"),
    *("drop", "box", "best_click", "clicks_obeyed", "answer_ms_p50", "embed_ms_p50"),
)


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: a line for each set and segmenter."""
    lines = [f"| set | segmenter | objects | {' | '.join(SHOWN)} |", "|---" * (len(SHOWN) + 3) + "|"]
    for row in rows:
        cells = [f"{row[name]:.3g}" if name in row else "" for name in SHOWN]
        lines.append(f"| {row['set']} | {row['name']} | {row['objects']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--segmenter", nargs="+", default=["builtin"], help=f"{', '.join(SEGMENTERS)} or a peer")
    parser.add_argument("--reference", type=Path, help="folder of an earlier network, for --segmenter reference")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--checkpoint", type=Path, help="weights of the first segmenter, in place of its own")
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worst", type=Path, metavar="PNG", help="draw the worst objects of the first segmenter")
    parser.add_argument("--no-pictures", action="store_true", help="draw them over paper, where licences ask for it")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    arguments = parser.parse_args()
    of_builtin = LoadOptions(device=arguments.device, checkpoint=arguments.checkpoint)
    known = peers(arguments.reference) | {"no_close_ups": partial(builtin.load, of_builtin, close_ups=False)}
    if unknown := [name for name in arguments.segmenter if name not in {*known, *SEGMENTERS}]:
        parser.error(f"there is no segmenter {unknown[0]!r}; there are {', '.join([*SEGMENTERS, *known])}")
    rows: list[dict[str, Any]] = []
    of_first: list[Trial] = []
    try:
        chosen: dict[str, Segmenter | Peer] = {}
        for number, name in enumerate(arguments.segmenter):
            checkpoint = None if number else arguments.checkpoint
            peer = known.get(name)
            chosen[name] = peer() if peer else get_segmenter(name, device=arguments.device, checkpoint=checkpoint)
        for folder in arguments.folders:
            # one object after another by all of them, so that a busy machine slows all of them alike
            trials: dict[str, list[Trial]] = {name: [] for name in chosen}
            for done, target in enumerate(targets(folder, arguments.objects, arguments.seed), 1):
                for name, segmenter in chosen.items():
                    trials[name].append(try_target(segmenter, target))
                print(f"\r{folder.name}: {done} / {arguments.objects}", end="", file=sys.stderr, flush=True)
            print(file=sys.stderr)
            of_first += trials[arguments.segmenter[0]]
            for name, own in trials.items():
                if not own:
                    raise AnnotatorError(f"{folder} has no object that takes {SMALLEST:.1%} of its picture.")
                about = {"set": folder.name, "name": name, "fingerprint": chosen[name].fingerprint}
                rows.append(about | {"device": chosen[name].device} | summary(own))
    except AnnotatorError as error:
        sys.exit(f"clicks.py: {error}")
    print(table(rows))
    if arguments.worst:
        drawn = sheet(worst(of_first, WORST_SHOWN), pictures=not arguments.no_pictures)
        cv2.imwrite(str(arguments.worst), drawn[:, :, ::-1])
    if arguments.json:
        print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
