"""The training loop: steps until it is time to stop, checkpoints and validations in between."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from annotator.segmenters.builtin.architecture import Architecture
from training.batches import Batch, Batches
from training.data import Picture
from training.export import exported
from training.model import folded, imagenet_weights, learning, trainable
from training.optimiser import Average, apply, is_late, optimiser
from training.pictures import contact_sheet, curves
from training.run_folder import CURVES, VALIDATION, RunFolder
from training.step import learn, rhythm
from training.team import Team
from training.validation import Sample, validate
from training.workers import set_up_worker

PROMPTING, PLANNING = 1, 2  # keep the random numbers of prompts and of plans apart from those of pictures
ROW_EVERY = 20  # steps, for a row of the curves
SHOWN = 10  # objects on the contact sheet
EXPORT = "weights.safetensors"


@dataclass(frozen=True)
class Options:
    """What makes a run the run it is; kept in its checkpoint. `steps` may change when it goes on.

    batch: pictures a step, of each process. processes: how many learn as one. sides, late_sides: of crops while the
    rate is at its full height, and once it falls (empty: no others). Small ones teach most of it for a third of the
    time, large ones the fine work.
    """

    steps: int = 20000
    batch: int = 8
    processes: int = 1
    objects: int = 4
    sides: tuple[int, ...] = (256, 320, 384)
    late_sides: tuple[int, ...] = ()
    rate: float = 8e-4
    backbone_rate: float = 1.5e-4
    average: float = 0.999
    seed: int = 0
    imagenet: bool = True
    architecture: Architecture = field(default_factory=Architecture)

    def side_at(self, step: int) -> int:
        """Of all crops of one step, in every process: they wait for each other."""
        sides = self.late_sides if self.late_sides and is_late(step, self.steps) else self.sides
        return int(self.random(step, PLANNING).choice(sides))

    def random(self, step: int, *purpose: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, step, *purpose))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Options":
        values = json.loads(text)
        for name in ("sides", "late_sides"):
            values[name] = tuple(values.get(name, ()))
        return cls(**{**values, "architecture": Architecture(**values["architecture"])})


@dataclass(frozen=True)
class Pace:
    """What differs between machines and not between results: minutes, None for no limit, and where it runs."""

    device: torch.device
    minutes: float | None = None
    save_every: float = 3.0
    validate_every: float = 10.0
    workers: int = 0
    half: bool = True
    compile: bool = False


class Trainer:
    """One run in its folder. `resume`: go on from the checkpoint there, whose options `options` are.

    team: the processes that learn as one; the first of them keeps the folder.
    """

    def __init__(
        self, folder: RunFolder, options: Options, pace: Pace, *, resume: bool, team: Team | None = None
    ) -> None:
        self.folder, self.pace, self.team = folder, pace, team or Team()
        state = folder.load() if resume else None
        self.options = options
        torch.manual_seed(options.seed)
        backbone = imagenet_weights(options.architecture.backbone) if options.imagenet and not state else None
        network = trainable(options.architecture, backbone=backbone)
        network = network.to(pace.device).to(memory_format=torch.channels_last)
        self.network = learning(network) if options.imagenet else network.train()
        self.average = Average(self.network, options.average)
        self.optimizer = optimiser(self.network, rate=options.rate, backbone_rate=options.backbone_rate)
        self.step, self.prompts, self.seconds = 0, 0, 0.0
        self.rows: list[dict[str, float]] = []
        self.validations: list[dict[str, float]] = []
        if state:
            self._take_up(state)
        if pace.compile:
            self.network.encoder.compile()
            self.network.decoder.compile()

    def _take_up(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.prompts, self.seconds = int(state["step"]), int(state["prompts"]), float(state["seconds"])
        # what was written after the checkpoint is done again
        self.rows = [row for row in self.folder.rows(CURVES) if row["step"] <= self.step]
        self.validations = [row for row in self.folder.rows(VALIDATION) if row["step"] <= self.step]

    def state(self) -> dict[str, Any]:
        """Everything a run needs to go on as if it had never stopped: random numbers follow from seed and step."""
        return {
            "architecture": self.options.architecture.to_metadata(),
            "options": self.options.to_json(),
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "prompts": self.prompts,
            "seconds": self.seconds,
        }

    def run(
        self,
        pictures: Sequence[Picture],
        held_out: Sequence[Sample],
        *,
        stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Train until the last step or minute, then save, validate and export; when told to `stop`, only save."""
        began = saved = validated = time.monotonic()
        recent: list[tuple[dict[str, float], int, float]] = []
        keeps = self.team.is_first
        for batch in self._batches(pictures):
            start = time.monotonic()
            late = self.pace.minutes is not None and start - began > 60 * self.pace.minutes
            told, over = self._learn(batch, recent, stop(), late)
            now = time.monotonic()
            self.seconds += now - start
            if keeps and self.step % ROW_EVERY == 0:
                say(self._row(recent))
                recent.clear()
            if keeps and now - saved > 60 * self.pace.save_every:
                self._save()
                saved = time.monotonic()
            if keeps and now - validated > 60 * self.pace.validate_every:
                say(self._validate(held_out))
                validated = time.monotonic()
            if told:
                if keeps:
                    self._save()
                return
            if over:
                break
        if keeps:
            self._save()
            say(self._validate(held_out))

    def _batches(self, pictures: Sequence[Picture]) -> Iterator[Batch]:
        options, workers, team = self.options, self.pace.workers, self.team
        batches = Batches(
            pictures,
            side=lambda number: options.side_at(number // team.count),
            batch=options.batch,
            objects=options.objects,
            seed=options.seed,
        )
        numbers = range(self.step * team.count + team.rank, options.steps * team.count, team.count)
        if not workers:
            return (batches[number] for number in numbers)
        return iter(
            DataLoader(
                batches,
                batch_size=None,
                sampler=numbers,
                num_workers=workers,
                pin_memory=self.pace.device.type == "cuda",
                worker_init_fn=set_up_worker,
            )
        )

    def _learn(
        self, batch: Batch, recent: list[tuple[dict[str, float], int, float]], told: bool, over: bool
    ) -> tuple[bool, bool]:
        """One step; whether any process of the team was told to stop, and whether its time is over."""
        start = time.monotonic()
        options, team = self.options, self.team
        outcome = learn(
            self.network,
            batch,
            rhythm(options.random(self.step, PLANNING, 1)),
            random=options.random(self.step, PROMPTING, team.rank),
            device=self.pace.device,
            half=self.pace.half,
        )
        told, over = team.agree(self.network, (told, over))
        apply(self.optimizer, self.network, self.step, options.steps)
        self.average.follow(self.network, self.step)
        self.step += 1
        self.prompts += outcome.prompts * team.count
        recent.append((outcome.parts, outcome.prompts * team.count, time.monotonic() - start))
        return told, over

    def _row(self, recent: list[tuple[dict[str, float], int, float]]) -> str:
        row: dict[str, float] = {"step": self.step, "prompts": self.prompts, "seconds": self.seconds}
        row["rate"] = self.optimizer.param_groups[-1]["lr"]
        row["prompts_per_s"] = sum(prompts for _, prompts, _ in recent) / sum(seconds for *_, seconds in recent)
        for name in sorted({name for parts, *_ in recent for name in parts}):
            row[name] = float(np.mean([parts[name] for parts, *_ in recent if name in parts]))
        self.rows.append(row)
        return "  ".join(f"{name} {value:.4g}" for name, value in row.items())

    def _save(self) -> None:
        self.folder.save(self.state())
        self.folder.write_rows(CURVES, self.rows)
        self.folder.write_rows(VALIDATION, self.validations)
        self.folder.write_picture("curves.png", curves([self.rows, self.validations]))

    def _validate(self, held_out: Sequence[Sample]) -> str:
        self.folder.write_bytes(EXPORT, exported(self.state()))
        if not held_out:
            return "nothing is held out"
        figures, shown = validate(folded(self.average.network), held_out, self.pace.device)
        about: dict[str, float] = {"step": self.step, "prompts": self.prompts, "seconds": self.seconds}
        self.validations = [row for row in self.validations if row["step"] < self.step] + [about | figures]
        self.folder.write_rows(VALIDATION, self.validations)
        self.folder.write_picture("curves.png", curves([self.rows, self.validations]))
        self.folder.write_picture("samples.png", contact_sheet(shown[:SHOWN]))
        return "held out: " + "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
