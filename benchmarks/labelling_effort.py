"""How much work the tool saves against drawing polygons by hand: a simulation, not a measurement of people.

    python benchmarks/labelling_effort.py [--data FOLDER] [--model builtin] [--pictures 12] [--json] [--click-s 1.4 ...]

FOLDER is a set as clicks.py takes it, or a folder of such sets. Every object of a picture gets a mask. The simulated
labeler knows the true mask. A proposal with IoU 0.85 or more is taken and named; every other object is clicked by the
NoC protocol of clicks.py until IoU 0.85, and after each click the labeler takes another of the three candidates where
that one is good enough or clearly better. What is not reached after 20 clicks is drawn as a polygon, on top of them.
Each action costs a time that is a parameter (--help names them; where they come from is printed with the results).
saving_median, saving_p05 and saving_p95 are of single masks: 1 - seconds / seconds of a polygon; saving_total is that
of all masks together, which is what a project feels. Proposals are made ahead, by a job: nobody waits for them.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.automask import AutomaskSettings, generate
from annotator.errors import AnnotatorError
from annotator.prediction import Embedding, Prediction
from annotator.segmenters import SEGMENTERS, get_segmenter
from annotator.segmenters.base import Segmenter
from benchmarks.clicks import MOST_CLICKS, answers, iou
from benchmarks.effort_model import (
    ACTION_FIELDS,
    PERCENTILES,
    ActionTimes,
    Outcome,
    Way,
    action_counts,
    speed_needed,
    summary,
    tornado,
)
from benchmarks.targets import IGNORED, SMALLEST, LabelledPicture, Target, pictures

DATA = ROOT.parent / "shared" / "data" / "dev"
GOAL = 0.85
TEMPTING = 0.5  # IoU from which a proposal looks as if it might do, and has to be judged
CLEARLY = 0.1  # of IoU: so much better a candidate must be for a labeler to see it and to bother
PATIENCE = (3, 5, 10, MOST_CLICKS)  # clicks, after which a labeler may give up
PROPOSING = ("points_per_side", "pred_iou_thresh", "stability_score_thresh")
CLAIMED = 0.9  # the saving that the tool's lecture claims


@dataclass(frozen=True)
class Labeler:
    """Makes a labeler's decisions. goal: IoU at which a mask is good enough."""

    segmenter: Segmenter
    goal: float

    def label(
        self, picture: LabelledPicture, number: int, embedding: Embedding, proposals: Sequence[np.ndarray]
    ) -> Iterator[Outcome]:
        """One Outcome an object of picture `number`. proposals: H×W bool each."""
        fits = best_fit(picture, proposals)
        for chosen in picture.ids:
            chose, reached = self.click(embedding, picture.target(chosen))
            fit = fits[int(chosen)]
            yield Outcome(number, chose, reached, proposed=fit >= self.goal, tempting=fit >= TEMPTING)

    def click(self, embedding: Embedding, target: Target) -> tuple[tuple[bool, ...], bool]:
        """For each click whether another candidate was taken after it, and whether the last mask is good enough."""

        def choose(prediction: Prediction) -> int:
            ious = [iou(mask, target) for mask in prediction.masks]
            other, shown = int(np.argmax(ious)), prediction.best
            worth_it = ious[shown] < self.goal <= ious[other] or ious[other] > ious[shown] + CLEARLY
            return other if worth_it else shown

        chose: list[bool] = []
        for answer in answers(self.segmenter, embedding, target, choose):
            chose.append(answer.chosen != answer.prediction.best)
            if iou(answer.mask, target) >= self.goal:
                return tuple(chose), True
        return tuple(chose), False


@dataclass(frozen=True)
class Work:
    """What was found in one set, or in several: the outcomes, and what was offered for them."""

    outcomes: list[Outcome]
    proposals: list[int]  # a picture
    propose_s: list[float]  # a picture, without encoding it

    def __add__(self, other: "Work") -> "Work":
        return Work(self.outcomes + other.outcomes, self.proposals + other.proposals, self.propose_s + other.propose_s)


def best_fit(picture: LabelledPicture, proposals: Sequence[np.ndarray]) -> dict[int, float]:
    """For each of the picture's objects the IoU of the proposal that fits it best, 0 without any."""
    labels = np.where(picture.labels == IGNORED, 0, picture.labels)
    valid = picture.labels != IGNORED
    areas = np.bincount(labels.ravel(), minlength=int(picture.ids.max(initial=0)) + 1)
    best = np.zeros(len(areas))
    for mask in proposals:
        judged = mask & valid
        shared = np.bincount(labels[judged], minlength=len(areas))
        best = np.maximum(best, shared / np.maximum(areas + int(judged.sum()) - shared, 1))
    return {int(chosen): float(best[chosen]) for chosen in picture.ids}


def sets_in(folder: Path) -> list[Path]:
    """The folder itself if it is a set (images/ and masks/), else the sets in it. Raises AnnotatorError for none."""
    found = [folder] if (folder / "masks").is_dir() else sorted(path.parent for path in folder.glob("*/masks"))
    if not found:
        raise AnnotatorError(f"{folder} is no set of labelled pictures and holds none: a set has images/ and masks/.")
    return found


def work_through(
    labeler: Labeler, folder: Path, settings: AutomaskSettings | None, arguments: argparse.Namespace, first: int
) -> Work:
    """Label a set's pictures, numbered from `first`. settings: of the proposals, None for none at all."""
    work = Work([], [], [])
    random = np.random.default_rng(arguments.seed)
    with_objects = (picture for picture in pictures(folder, random, arguments.smallest) if len(picture.ids))
    for number, picture in enumerate(islice(with_objects, arguments.pictures), first):
        embedding = labeler.segmenter.embed(picture.image)
        proposals: list[np.ndarray] = []
        if settings is not None:
            start = time.perf_counter()
            found = generate(labeler.segmenter, picture.image, settings, embedding=embedding)
            work.propose_s.append(time.perf_counter() - start)
            proposals = [one.rle.decode() for one in found.visible()]
            work.proposals.append(len(proposals))
        work.outcomes.extend(labeler.label(picture, number, embedding, proposals))
        done = f"{number - first + 1} / {arguments.pictures} pictures, {len(work.outcomes)} masks"
        print(f"\r{folder.name}: {done}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if not work.outcomes:
        raise AnnotatorError(f"{folder} has no object that takes {arguments.smallest:.2%} of its picture.")
    return work


def report(sets: dict[str, Work], times: ActionTimes, *, proposals: bool) -> dict[str, Any]:
    """Everything that is printed, as plain JSON. proposals: whether they were made."""
    work = sum(sets.values(), Work([], [], []))
    way = Way(proposals=proposals, patience=MOST_CLICKS)
    counts = action_counts(work.outcomes, way)
    figures: dict[str, Any] = summary(work.outcomes, way, times)
    figures |= {"clicks_alone": summary(work.outcomes, Way(proposals=False, patience=MOST_CLICKS), times)}
    figures |= {"sets": {name: summary(one.outcomes, way, times) for name, one in sets.items()}}
    figures |= {"patience": {n: summary(work.outcomes, Way(proposals, n), times) for n in PATIENCE}}
    figures |= {"tornado": tornado(counts, times), "times": asdict(times)}
    figures |= {"speed_needed_for_claim": speed_needed(counts, times, saving=CLAIMED)}
    figures |= {"pictures": len({one.picture for one in work.outcomes})}
    if proposals:
        figures |= {"proposals_per_picture": float(np.mean(work.proposals))}
        figures |= {"propose_s_p50": round(float(np.median(work.propose_s)), 2)}
    return figures


def show(figures: dict[str, Any], times: ActionTimes, *, proposals: bool) -> None:
    """Print the report for a reader."""
    print("A simulation: the labeler knows the true mask, never errs, and takes these seconds for each action.")
    print("KLM: the keystroke-level model of Card, Moran and Newell, 1980.\n")
    for action in ACTION_FIELDS:
        seconds = getattr(times, action.name)
        source = action.metadata["source"] if seconds == action.default else "as given"
        print(f"{action.name:8} {seconds:5.2f}  {action.metadata['what']} ({source})")
    offered = f", {figures['proposals_per_picture']:.0f} proposals a picture" if proposals else ""
    print(f"\n{figures['masks']} masks in {figures['pictures']} pictures{offered}\n")
    ways = _ways(figures, proposals=proposals)
    percents = " ".join(f"  p{percent:02}" for percent in PERCENTILES)
    print(f"{'seconds per mask':34} mean {percents}  proposed  by hand")
    for name, one in ways.items():
        spread = " ".join(f"{one[f'seconds_p{percent:02}']:5.1f}" for percent in PERCENTILES)
        by = f"{one['propose_per_mask']:9.0%} {one['polygon_per_mask']:8.0%}"
        print(f"{name:33} {one['seconds_mean']:5.1f} {spread} {by}")
    print(f"\n{'saving against polygons':33} in all (95 %, other pictures)  a mask: p05 median    p95  90 % or more")
    for name, one in ways.items():
        interval = f"({one['saving_total_low']:.1%} to {one['saving_total_high']:.1%})"
        single = f"{one['saving_p05']:13.1%} {one['saving_median']:6.1%} {one['saving_p95']:6.1%}"
        print(f"{name:33} {one['saving_total']:6.1%} {interval:18} {single} {one['masks_saving_90']:13.0%}")
    print(f"\nsaving in all when a time halves or doubles (as it is: {figures['saving_total']:.1%})")
    for name, (half, double) in figures["tornado"].items():
        print(f"{name:16} halved {half:7.1%}   doubled {double:7.1%}")
    needed = figures["speed_needed_for_claim"]
    print(f"\nFor a saving of {CLAIMED:.0%} in all, ", end="")
    if needed is None:
        print("no speed is enough: the polygons of what clicks did not reach cost more by themselves.")
    else:
        print(f"all but polygons would have to take {needed:.3g} times as long.")


def _ways(figures: dict[str, Any], *, proposals: bool) -> dict[str, dict[str, float]]:
    """The lines of the report's tables: the way that is simulated first, then others beside it."""
    ways = {"proposals, then clicks": figures} if proposals else {}
    ways |= {"clicks alone": figures["clicks_alone"]}
    ways |= {f"{'as first' if proposals else 'the same'}, {name}": one for name, one in figures["sets"].items()}
    return ways | {f"giving up after {n} clicks": one for n, one in figures["patience"].items() if n != MOST_CLICKS}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a set of labelled pictures, or a folder of sets")
    parser.add_argument("--model", default="builtin", choices=SEGMENTERS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--pictures", type=int, default=12, help="of each set")
    parser.add_argument("--smallest", type=float, default=SMALLEST, help="of a picture, for an object to be labelled")
    parser.add_argument("--goal", type=float, default=GOAL, help="IoU at which a mask is good enough")
    parser.add_argument("--no-proposals", action="store_true", help="clicks alone")
    for name in PROPOSING[1:]:
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, help="of proposals; the model's own if not given"
        )
    # The pictures are small: every 35th pixel of 560 is asked, which misses few objects that take 0.5 % of them.
    parser.add_argument("--points-per-side", type=int, default=16, help="grid points that proposals are made from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    times = parser.add_argument_group("seconds of each action")
    for action in ACTION_FIELDS:
        times.add_argument(f"--{action.name}-s", type=float, default=action.default, help=action.metadata["what"])
    return parser.parse_args()


def main() -> None:
    arguments = parsed()
    proposals = not arguments.no_proposals
    try:
        times = ActionTimes(**{action.name: getattr(arguments, f"{action.name}_s") for action in ACTION_FIELDS})
        given = {name: value for name in PROPOSING if (value := getattr(arguments, name)) is not None}
        settings = AutomaskSettings.for_segmenter(arguments.model, **given) if proposals else None
        folders = sets_in(arguments.data)
        segmenter = get_segmenter(arguments.model, device=arguments.device, checkpoint=arguments.checkpoint)
        labeler = Labeler(segmenter, arguments.goal)
        sets: dict[str, Work] = {}
        for folder in folders:
            first = len(sets) * arguments.pictures
            sets[folder.name] = work_through(labeler, folder, settings, arguments, first)
    except AnnotatorError as error:
        sys.exit(f"labelling_effort.py: {error}")
    figures = report(sets, times, proposals=proposals)
    show(figures, times, proposals=proposals)
    if arguments.json:
        about: dict[str, Any] = {"simulation": True, "segmenter": segmenter.fingerprint, "device": segmenter.device}
        about |= {"proposing": settings.to_json() if settings is not None else None}
        print(json.dumps(about | {"goal": arguments.goal, "smallest": arguments.smallest} | figures))


if __name__ == "__main__":
    main()
