"""What the parts of an action are: numbers, ids, points and boxes as a client sends them."""

import math
from typing import Any

from annotator.errors import PromptError
from annotator.prediction import CANDIDATES
from storage.records import ImageRecord

EDGE = 0.5  # a pixel's centre lies at a whole number, so the picture ends half a pixel beyond the last one


def given_number(action: dict[str, Any], name: str) -> float:
    """Raises PromptError for what is none."""
    value = action.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PromptError(f"{name} must be a number, got {value!r}.")
    return float(value)


def given_whole(action: dict[str, Any], name: str) -> int:
    """A whole number. Raises PromptError for what is none."""
    value = action.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PromptError(f"{name} must be a whole number, got {value!r}.")
    return value


def given_ids(action: dict[str, Any], name: str = "proposal_ids") -> list[int]:
    """The ids of that name, each once. Raises PromptError where there are none."""
    ids = action.get(name)
    if not isinstance(ids, list) or not ids or not all(isinstance(i, int) and not isinstance(i, bool) for i in ids):
        whose = name.removesuffix("_ids")
        raise PromptError(f"{name} must be a list of {whose}s' ids, at least one; got {ids!r}. Select some first.")
    return list(dict.fromkeys(ids))


def given_seen(action: dict[str, Any]) -> dict[int, int]:
    """id -> version of the instances that the client has seen. Raises PromptError for what is no such thing."""
    seen = action.get("seen", {})
    if not isinstance(seen, dict) or not all(str(one).isdecimal() and type(seen[one]) is int for one in seen):
        raise PromptError(f"seen gives, for the ids of instances, the version that was seen; got {seen!r}.")
    return {int(one): version for one, version in seen.items()}


def given_steps(image: ImageRecord, action: dict[str, Any]) -> list[dict[str, Any]]:
    """The prompt that an edit begins with, as STATE tells it. Raises PromptError for what could not be given."""
    steps = action.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps) or not steps:
        raise PromptError(f"steps must be a list of points and boxes, got {steps!r}.")
    clean = []
    for step in steps:
        at, choice = step.get("at"), step.get("choice")
        if choice is not None and choice not in range(CANDIDATES):
            raise PromptError(f"A candidate is 0, 1 or 2, got {choice!r}.")
        is_point = step.get("kind") == "point"
        if not isinstance(at, list) or len(at) != (2 if is_point else 4):
            raise PromptError(f"A point is at x and y, a box at x0, y0, x1 and y1; got {at!r}.")
        if is_point:
            x, y = given_inside(image, {"x": at[0], "y": at[1]}, "x", "y")
            clean.append({"kind": "point", "at": [x, y], "label": given_label(step), "choice": choice})
        else:
            box = given_box(image, dict(zip(("x0", "y0", "x1", "y1"), at, strict=True)))
            clean.append({"kind": "box", "at": list(box.values()), "label": 1, "choice": choice})
    return clean


def given_label(action: dict[str, Any]) -> int:
    """1 or 0, else PromptError."""
    label = given_whole(action, "label")
    if label not in (0, 1):
        raise PromptError(f"label is 1 (foreground) or 0 (background), got {label}.")
    return label


def given_inside(image: ImageRecord, action: dict[str, Any], across: str, down: str) -> tuple[float, float]:
    """A point on the picture, in pixels of the original. Raises PromptError."""
    x, y = given_number(action, across), given_number(action, down)
    if not (-EDGE <= x <= image.width - EDGE and -EDGE <= y <= image.height - EDGE):
        raise PromptError(f"The point ({x:g}, {y:g}) lies outside the picture of {image.width}×{image.height} pixels.")
    return x, y


def given_box(image: ImageRecord, action: dict[str, Any]) -> dict[str, float]:
    """The part of the box that lies on the picture. Raises PromptError when there is none."""
    x0, y0, x1, y1 = (given_number(action, name) for name in ("x0", "y0", "x1", "y1"))
    x0, x1 = (min(max(x, 0.0), float(image.width)) for x in sorted((x0, x1)))
    y0, y1 = (min(max(y, 0.0), float(image.height)) for y in sorted((y0, y1)))
    if x1 - x0 < 1 or y1 - y0 < 1:
        raise PromptError("A box must be at least one pixel wide and high, and lie on the picture.")
    return {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
