"""What labelling costs: how often each action is taken for a mask, and the seconds that an action takes.

Nothing is measured here. The times are parameters with published defaults: who doubts one sets another.
"""

import math
from collections.abc import Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace

import numpy as np

from annotator.errors import SettingsError

# Operators of the keystroke-level model (Card, Moran and Newell, 1980): seconds of a practised user without mistakes.
KEY = 0.28  # a key or a mouse button, average typist who is no secretary; 0.2 for a skilled one
POINT = 1.1  # the mouse to a target on the screen
THINK = 1.35  # one act of mental preparation

KLM = "KLM"  # as sources name it; the report says once what it is
RESAMPLES = 2000  # of the pictures, for an interval
PERCENTILES = (5, 25, 50, 75, 95)


def _seconds(default: float, what: str, source: str) -> float:
    return field(default=default, metadata={"what": what, "source": source})


@dataclass(frozen=True)
class ActionTimes:
    """Seconds of each action. Raises SettingsError for one that is negative or no number, and for a polygon of none."""

    polygon: float = _seconds(
        79.2,
        "draw one object by hand, corner by corner",
        "COCO: 22 worker hours for 1000 masks, Lin et al. 2014",
    )
    picture: float = _seconds(
        2 * KEY + THINK,
        "open the next picture, hide its proposals (once a picture)",
        f"two keys and a thought: 2·{KEY} + {THINK}, {KLM}",
    )
    seek: float = _seconds(THINK, "settle on the next object", f"one thought, {KLM}; that one is enough is assumed")
    propose: float = _seconds(
        THINK + POINT + KEY,
        "see that a proposal fits, and click it",
        f"a thought and a click: {THINK} + {POINT} + {KEY}, {KLM}",
    )
    click: float = _seconds(POINT + KEY, "click a point", f"{POINT} + {KEY}, {KLM}")
    wait: float = _seconds(0.11, "wait for the mask", "median of benchmarks/click_latency.py with the built-in model")
    judge: float = _seconds(
        THINK, "judge a mask, or a proposal that does not fit", f"one thought, {KLM}; that one is enough is assumed"
    )
    choose: float = _seconds(
        THINK + KEY, "take another of the three candidates", f"a thought and a key: {THINK} + {KEY}, {KLM}"
    )
    name: float = _seconds(
        THINK + KEY, "name the category, which saves the mask", f"a thought and a key: {THINK} + {KEY}, {KLM}"
    )

    def __post_init__(self) -> None:
        for name, seconds in asdict(self).items():
            if not math.isfinite(seconds) or seconds < 0 or (name == "polygon" and seconds == 0):
                least = "above 0" if name == "polygon" else "0 or more"
                raise SettingsError(f"The time of the action {name!r} is a number of seconds, {least}; got {seconds}.")

    def scaled(self, names: Sequence[str], factor: float) -> "ActionTimes":
        """The same times, those of `names` multiplied."""
        return replace(self, **{name: factor * getattr(self, name) for name in names})

    def vector(self) -> np.ndarray:
        """Float64 seconds, in the order of ACTIONS."""
        return np.array([getattr(self, name) for name in ACTIONS])


ACTION_FIELDS: tuple[Field, ...] = fields(ActionTimes)
ACTIONS = tuple(one.name for one in ACTION_FIELDS)
OF_THE_TOOL = tuple(name for name in ACTIONS if name != "polygon")


@dataclass(frozen=True)
class Outcome:
    """What one object took.

    picture: number of its picture. chose: for each click, whether another candidate than the one shown was taken.
    reached: whether the last click's mask was good enough. proposed: whether a proposal was, before any click.
    tempting: whether one was near enough to be judged.
    """

    picture: int
    chose: tuple[bool, ...]
    reached: bool
    proposed: bool = False
    tempting: bool = False


@dataclass(frozen=True)
class Way:
    """A way of working. proposals: they are looked at first. patience: clicks before a polygon is drawn instead."""

    proposals: bool
    patience: int


def action_counts(outcomes: Sequence[Outcome], way: Way) -> np.ndarray:
    """N×len(ACTIONS) float64: how often each action is taken for each object.

    Opening a picture is shared among its objects. The polygon of a failure comes on top of the clicks before it.
    """
    _, place, objects = np.unique([one.picture for one in outcomes], return_inverse=True, return_counts=True)
    rows = []
    for outcome, beside in zip(outcomes, objects[place], strict=True):
        taken = {"picture": 1 / beside, "seek": 1.0, "name": 1.0}
        if way.proposals and outcome.proposed:
            taken["propose"] = 1
        else:
            clicks = min(len(outcome.chose), way.patience)
            reached = outcome.reached and len(outcome.chose) <= way.patience
            taken |= {"click": clicks, "wait": clicks, "judge": clicks + (way.proposals and outcome.tempting)}
            taken |= {"choose": sum(outcome.chose[:clicks]), "polygon": not reached}
        rows.append([float(taken.get(name, 0)) for name in ACTIONS])
    return np.array(rows).reshape(-1, len(ACTIONS))


def seconds_per_mask(counts: np.ndarray, times: ActionTimes) -> np.ndarray:
    """N×len(ACTIONS) counts -> N float64 seconds."""
    return counts @ times.vector()


def saving_in_total(counts: np.ndarray, times: ActionTimes) -> float:
    """1 - time with the tool / time with polygons, over all objects together; below 0 where the tool costs time."""
    return 1 - float(seconds_per_mask(counts, times).mean()) / times.polygon


def saving_interval(outcomes: Sequence[Outcome], seconds: np.ndarray, times: ActionTimes) -> tuple[float, float]:
    """The middle 95 % of the saving in total when the pictures, not their objects, are drawn anew (bootstrap)."""
    _, place = np.unique([one.picture for one in outcomes], return_inverse=True)
    spent, objects = np.bincount(place, seconds), np.bincount(place)
    drawn = np.random.default_rng(0).integers(0, len(objects), (RESAMPLES, len(objects)))
    savings = 1 - spent[drawn].sum(1) / objects[drawn].sum(1) / times.polygon
    low, high = np.percentile(savings, (2.5, 97.5))
    return float(low), float(high)


def summary(outcomes: Sequence[Outcome], way: Way, times: ActionTimes) -> dict[str, float]:
    """Seconds per mask and saving per mask as distributions, and the saving in total with its interval."""
    counts = action_counts(outcomes, way)
    seconds = seconds_per_mask(counts, times)
    savings = 1 - seconds / times.polygon
    low, high = saving_interval(outcomes, seconds, times)
    figures: dict[str, float] = {"masks": len(outcomes)}
    figures |= {f"seconds_p{percent:02}": float(np.percentile(seconds, percent)) for percent in PERCENTILES}
    figures |= {"seconds_mean": float(seconds.mean())}
    figures |= {"saving_median": float(np.median(savings))}
    figures |= {f"saving_p{percent:02}": float(np.percentile(savings, percent)) for percent in (5, 95)}
    figures |= {"saving_total": 1 - float(seconds.mean()) / times.polygon, "saving_total_low": low}
    figures |= {"saving_total_high": high, "masks_saving_90": float((savings >= 0.9).mean())}
    figures |= {f"{name}_per_mask": float(count) for name, count in zip(ACTIONS, counts.mean(0), strict=True)}
    return {name: round(value, 4) for name, value in figures.items()}


def tornado(counts: np.ndarray, times: ActionTimes) -> dict[str, tuple[float, float]]:
    """Saving in total with each time halved and doubled, the ones that matter most first, then all of the tool's."""
    rows = {name: _halved_and_doubled(counts, times, [name]) for name in ACTIONS}
    by_swing = dict(sorted(rows.items(), key=lambda row: -abs(row[1][1] - row[1][0])))
    return by_swing | {"all but polygon": _halved_and_doubled(counts, times, OF_THE_TOOL)}


def _halved_and_doubled(counts: np.ndarray, times: ActionTimes, names: Sequence[str]) -> tuple[float, float]:
    half, double = (round(saving_in_total(counts, times.scaled(names, factor)), 4) for factor in (0.5, 2))
    return half, double


def speed_needed(counts: np.ndarray, times: ActionTimes, *, saving: float) -> float | None:
    """What all of the tool's times have to be multiplied by for that saving in total; above 1 it has more time than
    it takes. None where no speed is enough, because the polygons of failures alone cost too much."""
    own = ACTIONS.index("polygon")
    mean = counts.mean(0)
    left = (1 - saving - mean[own]) * times.polygon
    spent = float(np.delete(mean, own) @ np.delete(times.vector(), own))
    return float(left / spent) if left > 0 else None
