"""What one labeler's prompts on one image come to: a pure fold over the steps that were taken.

A step is recorded as an event (kind and payload, both plain JSON). Undoing takes the last event away, redoing puts it
back, so the state is always `fold(events that are not undone)` and nothing here remembers anything.

kind and payload:

- "point" {x, y, label}            "box" {x0, y0, x1, y1}  (a new box takes the old one's place)
- "move_point" {index, x, y}       "delete_point" {index}
- "clear" {}                       "choose" {candidate}
- "commit" {category_id, changes}  saves the chosen candidate: the prompt is empty afterwards
- "edit_instance" {instance_id, steps, version}   its prompts come back; the next commit replaces its mask
- "delete_instance", "set_category" {changes}  leave the prompt as it is
- "accept_proposals" {category_id, changes}, "reject_proposals" {rejected}  leave it, too
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotator.errors import PromptError
from annotator.prediction import CANDIDATES, Prediction, Prompt

PROMPT_KINDS = ("point", "box", "move_point", "delete_point", "clear", "choose")
INSTANCE_KINDS = ("commit", "delete_instance", "set_category", "edit_instance")
PROPOSAL_KINDS = ("accept_proposals", "reject_proposals")


@dataclass(frozen=True)
class Step:
    """A point or a box of the prompt, and the candidate that was chosen after it (None: the best predicted IoU)."""

    kind: str  # "point" or "box"
    at: tuple[float, ...]  # (x, y) or (x0, y0, x1, y1) in pixels of the original image
    label: int = 1  # of a point: 1 foreground, 0 background
    choice: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "at": list(self.at), "label": self.label, "choice": self.choice}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Step":
        return cls(value["kind"], tuple(float(v) for v in value["at"]), int(value["label"]), value["choice"])


@dataclass(frozen=True)
class SessionState:
    """The prompt as it stands. steps: points and at most one box, in the order they were given."""

    steps: tuple[Step, ...] = ()
    editing: int | None = None  # the instance whose mask the next commit replaces
    editing_version: int | None = None  # the one that the edit began with

    @property
    def points(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind == "point")

    @property
    def box(self) -> Step | None:
        return next((step for step in self.steps if step.kind == "box"), None)

    @property
    def choice(self) -> int | None:
        """The candidate that the labeler chose for the prompt as it stands, None for the best."""
        return self.steps[-1].choice if self.steps else None

    def chosen(self, prediction: Prediction) -> int:
        """The candidate of the answer to this prompt that counts: the labeler's choice, else the best predicted IoU."""
        return prediction.best if self.choice is None else self.choice

    def prompt(self, mask_input: np.ndarray | None = None) -> Prompt:
        """The segmenter's form of the prompt; mask_input as in Prompt. Raises PromptError when there are no steps."""
        return Prompt(
            point_coords=np.array([step.at for step in self.points], np.float32).reshape(-1, 2),
            point_labels=np.array([step.label for step in self.points], np.int64),
            box_xyxy=np.array(self.box.at, np.float32) if self.box else None,
            mask_input=mask_input,
        )

    def before_last(self) -> "SessionState":
        """The state one step earlier, whose chosen answer the last step refines."""
        return replace(self, steps=self.steps[:-1])

    def take(self, kind: str, payload: dict[str, Any]) -> "SessionState":
        """The state after one more event. Raises PromptError for one that does not fit this state."""
        if kind == "point":
            step = Step("point", (float(payload["x"]), float(payload["y"])), int(payload["label"]))
            return replace(self, steps=(*self.steps, step))
        if kind == "box":
            step = Step("box", tuple(float(payload[name]) for name in ("x0", "y0", "x1", "y1")))
            return replace(self, steps=(*(s for s in self.steps if s.kind != "box"), step))
        if kind == "move_point":
            at = self._step_of_point(payload["index"])
            moved = replace(self.steps[at], at=(float(payload["x"]), float(payload["y"])))
            return replace(self, steps=_without_choices((*self.steps[:at], moved, *self.steps[at + 1 :]), since=at))
        if kind == "delete_point":
            at = self._step_of_point(payload["index"])
            return replace(self, steps=_without_choices(self.steps[:at] + self.steps[at + 1 :], since=at))
        if kind == "choose":
            if not self.steps:
                raise PromptError("There is no candidate to choose: click on the picture first.")
            if payload["candidate"] not in range(CANDIDATES):
                raise PromptError(f"A candidate is 0, 1 or 2, got {payload['candidate']!r}.")
            return replace(self, steps=(*self.steps[:-1], replace(self.steps[-1], choice=int(payload["candidate"]))))
        if kind in ("clear", "commit"):
            return SessionState()
        if kind == "edit_instance":
            steps = tuple(Step.from_json(step) for step in payload["steps"])
            return SessionState(steps, editing=int(payload["instance_id"]), editing_version=payload.get("version"))
        if kind in ("delete_instance", "set_category"):
            gone = kind == "delete_instance" and any(change["id"] == self.editing for change in payload["changes"])
            return replace(self, editing=None, editing_version=None) if gone else self
        if kind in PROPOSAL_KINDS:
            return self
        known = ", ".join(PROMPT_KINDS + INSTANCE_KINDS + PROPOSAL_KINDS)
        raise PromptError(f"No step is called {kind!r}; known are {known}.")

    def _step_of_point(self, index: Any) -> int:
        places = [at for at, step in enumerate(self.steps) if step.kind == "point"]
        if not isinstance(index, int) or not 0 <= index < len(places):
            raise PromptError(f"There is no point number {index}: the prompt has {len(places)}.")
        return places[index]


def fold(events: Iterable[tuple[str, dict[str, Any]]]) -> SessionState:
    """The state that these (kind, payload), in order, lead to."""
    state = SessionState()
    for kind, payload in events:
        state = state.take(kind, payload)
    return state


def describe(kind: str, payload: dict[str, Any]) -> str:
    """A step in a few words, for "Undo …"."""
    if kind == "point":
        return "foreground point" if payload["label"] else "background point"
    if kind == "accept_proposals":
        return f"naming of {_proposals(payload['changes'])}"
    if kind == "reject_proposals":
        return f"rejection of {_proposals(payload['rejected'])}"
    names = {"move_point": "move point", "delete_point": "delete point", "clear": "clear prompt", "choose": "choice"}
    names |= {"commit": "save", "delete_instance": "delete instance", "set_category": "change category"}
    several = len(payload["changes"]) if kind in ("delete_instance", "set_category") else 1
    if several > 1:  # from the gallery
        return f"delete {several} instances" if kind == "delete_instance" else f"change category of {several} instances"
    return names.get(kind, "edit instance" if kind == "edit_instance" else kind)


def _proposals(some: Sequence[Any]) -> str:
    return f"{len(some)} proposal{'' if len(some) == 1 else 's'}"


def _without_choices(steps: Sequence[Step], *, since: int) -> tuple[Step, ...]:
    """A candidate chosen for another prompt says nothing about this one."""
    return tuple(replace(step, choice=None) if at >= since else step for at, step in enumerate(steps))
