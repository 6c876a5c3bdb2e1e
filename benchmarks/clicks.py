"""How many clicks until a mask is right: the quality of a segmenter on pictures with known masks.

    python benchmarks/clicks.py FOLDER [--segmenter builtin] [--objects 100] [--json]

FOLDER holds images/<name>.jpg (or .png) and masks/<name>.png: a label map of the same size, 0 unlabelled, 1..N one
object each, 65535 ignored. The protocol is NoC, as RITM and others use it: the first click is the pixel of the object
farthest from its edge; each further one the pixel farthest from the edge of the largest error, foreground where the
object was missed, background where something else was covered. After each click the candidate with the highest
predicted IoU is judged and fed back. noc85 is the mean number of clicks until IoU 0.85, MOST_CLICKS where it is never
reached.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.errors import AnnotatorError
from annotator.prediction import Embedding, Prediction, Prompt
from annotator.segmenters import SEGMENTERS, get_segmenter
from annotator.segmenters.base import Segmenter

IGNORED = 65535
MOST_CLICKS = 20
LEAST_CLICKS = 10  # given even to a mask that is right at once, for miou@10
SMALLEST = 0.005  # of the picture, for an object to be tried
GOOD = (0.8, 0.85, 0.9)
MIOU_AFTER = (1, 2, 3, 5, 10)
WAYS = (cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED)  # of reading a picture and its label map


@dataclass(frozen=True)
class Target:
    """One object to be found: H×W×3 uint8 RGB, H×W bool where it is, H×W bool where an answer is judged."""

    image: np.ndarray
    truth: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class LabelledPicture:
    """A picture whose objects are known: H×W×3 uint8 RGB, H×W label map, ids of the objects that are large enough."""

    image: np.ndarray
    labels: np.ndarray
    ids: np.ndarray

    def target(self, chosen: int) -> Target:
        return Target(image=self.image, truth=self.labels == chosen, valid=self.labels != IGNORED)


@dataclass(frozen=True, eq=False)
class Answer:
    """What one more click brought: all clicks so far as (x, y, label), the answer, the mask chosen of it (H×W bool)."""

    clicks: tuple[tuple[int, int, int], ...]
    prediction: Prediction
    chosen: int
    mask: np.ndarray
    seconds: float


@dataclass
class Trial:
    """What happened with one target: IoU after each click, and how the rest went."""

    ious: list[float] = field(default_factory=list)
    best_of_three: float = 0.0
    obeyed: list[bool] = field(default_factory=list)
    embed_s: float = 0.0
    answer_s: list[float] = field(default_factory=list)

    def iou_after(self, clicks: int) -> float:
        """A trial ends early where nothing is left to be corrected; its last mask stands."""
        return self.ious[min(clicks, len(self.ious)) - 1]

    def clicks_until(self, iou: float) -> int:
        return next((number for number, reached in enumerate(self.ious, 1) if reached >= iou), MOST_CLICKS)


def pictures(folder: Path, random: np.random.Generator, smallest: float = SMALLEST) -> Iterator[LabelledPicture]:
    """The pictures of a set in random order, with their objects of at least `smallest` of the picture, if any."""
    pairs = [
        (image, mask)
        for mask in sorted((folder / "masks").glob("*.png"))
        for image in sorted((folder / "images").glob(f"{mask.stem.split('__a')[0]}.*"))[:1]
    ]
    if not pairs:
        raise AnnotatorError(f"{folder} has no masks/*.png with a picture of the same name in images/.")
    for number in random.permutation(len(pairs)):
        image, labels = (cv2.imread(str(path), way) for path, way in zip(pairs[number], WAYS, strict=True))
        if image is None or labels is None or image.shape[:2] != labels.shape:
            raise AnnotatorError(f"{pairs[number][1]} is not a label map of the size of {pairs[number][0]}.")
        ids, areas = np.unique(labels, return_counts=True)
        fit = ids[(ids > 0) & (ids < IGNORED) & (areas > smallest * labels.size)]
        yield LabelledPicture(image=np.ascontiguousarray(image[:, :, ::-1]), labels=labels, ids=fit)


def targets(folder: Path, count: int, seed: int) -> Iterator[Target]:
    """Up to `count` targets, one a picture, drawn with a fixed seed."""
    random = np.random.default_rng(seed)
    with_objects = (picture for picture in pictures(folder, random) if len(picture.ids))
    for picture in islice(with_objects, count):
        yield picture.target(random.choice(picture.ids))


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
    segmenter: Segmenter, embedding: Embedding, target: Target, choose: Callable[[Prediction], int]
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
        fed_back = prediction.low_res_logits[chosen]


def try_target(segmenter: Segmenter, target: Target) -> Trial:
    """Click until MOST_CLICKS, or until nothing is wrong or (after LEAST_CLICKS) little."""
    trial = Trial()
    start = time.perf_counter()
    embedding = segmenter.embed(target.image)
    trial.embed_s = time.perf_counter() - start
    for answer in answers(segmenter, embedding, target, lambda prediction: prediction.best):
        trial.answer_s.append(answer.seconds)
        if len(answer.clicks) == 1:
            trial.best_of_three = max(iou(candidate, target) for candidate in answer.prediction.masks)
        trial.ious.append(iou(answer.mask, target))
        trial.obeyed += [bool(answer.mask[y, x]) == bool(label) for x, y, label in answer.clicks]
        if len(answer.clicks) >= LEAST_CLICKS and trial.ious[-1] >= max(GOOD):
            break
    return trial


def summary(trials: list[Trial]) -> dict[str, float | int]:
    """The figures of many trials: means, and p50 and p95 of times in milliseconds."""
    figures: dict[str, float | int] = {"objects": len(trials)}
    for clicks in MIOU_AFTER:
        figures[f"miou@{clicks}"] = mean([trial.iou_after(clicks) for trial in trials])
    figures["best_of_3@1"] = mean([trial.best_of_three for trial in trials])
    for level in GOOD:
        needed = [trial.clicks_until(level) for trial in trials]
        figures[f"noc{round(100 * level)}"] = mean(needed)
        figures[f"noc{round(100 * level)}_standard_error"] = round(float(np.std(needed) / np.sqrt(len(needed))), 3)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--segmenter", default="builtin", choices=SEGMENTERS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    arguments = parser.parse_args()
    try:
        segmenter = get_segmenter(arguments.segmenter, device=arguments.device, checkpoint=arguments.checkpoint)
        trials = []
        for target in targets(arguments.folder, arguments.objects, arguments.seed):
            trials.append(try_target(segmenter, target))
            print(f"\r{len(trials)} / {arguments.objects}", end="", file=sys.stderr, flush=True)
        if not trials:
            raise AnnotatorError(f"{arguments.folder} has no object that takes {SMALLEST:.1%} of its picture.")
    except AnnotatorError as error:
        sys.exit(f"clicks.py: {error}")
    print(file=sys.stderr)
    figures = summary(trials)
    for name, value in figures.items():
        print(f"{name:24} {value}")
    if arguments.json:
        about = {"segmenter": segmenter.fingerprint, "device": segmenter.device, "set": arguments.folder.name}
        print(json.dumps(about | figures))


if __name__ == "__main__":
    main()
