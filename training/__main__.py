"""Make a checkpoint of the built-in model from a folder of pictures with label maps.

    python -m training DATA_FOLDER --out RUN_FOLDER

Ctrl-C (or SIGTERM) ends it after the step it is at, with everything saved; --resume goes on from there.
training/README.md says how the data lies in its folder, on whose terms, and how long it takes.
"""

import argparse
import os
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from annotator.errors import SettingsError
from annotator.segmenters.builtin.architecture import BACKBONES, Architecture
from annotator.segmenters.devices import pick_device
from training.data import read, split
from training.loop import Options, Pace, Trainer
from training.run_folder import RunFolder
from training.team import Team, run_team
from training.validation import samples


def arguments_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Options()
    size = default.architecture
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN_FOLDER")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--steps", type=int, help=f"of the whole run ({default.steps}); the rate falls after half")
    parser.add_argument("--minutes", type=float, help="stop after so many; --resume goes on")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--workers", type=int, help="processes that prepare pictures (default: none on a CPU)")
    parser.add_argument("--save-every", type=float, default=3, metavar="MINUTES")
    parser.add_argument("--validate-every", type=float, default=10, metavar="MINUTES")
    parser.add_argument("--validate-on", type=int, default=200, metavar="OBJECTS")
    parser.add_argument("--single", action="store_true", help="single precision all through")
    parser.add_argument("--compile", action="store_true", help="with torch.compile: minutes at first, then faster")
    new = parser.add_argument_group("a new run (one that goes on keeps its own)")
    new.add_argument("--batch", type=int, default=default.batch, help="pictures a step, in each process")
    new.add_argument("--processes", type=int, default=1, help="that learn as one (a CPU: one a core; Linux, macOS)")
    new.add_argument("--objects", type=int, default=default.objects, help="targets a picture")
    new.add_argument("--sides", type=int, nargs="+", default=list(default.sides), help="of crops, multiples of 32")
    new.add_argument("--late-sides", type=int, nargs="+", default=[], help="of crops while the rate falls (as --sides)")
    new.add_argument("--rate", type=float, default=default.rate)
    new.add_argument("--backbone-rate", type=float, default=default.backbone_rate)
    new.add_argument("--average", type=float, default=default.average, help="share of the average kept at a step")
    new.add_argument("--seed", type=int, default=default.seed)
    new.add_argument("--no-imagenet", action="store_true", help="begin from random weights alone")
    new.add_argument("--backbone", choices=BACKBONES, default=size.backbone)
    new.add_argument("--features", type=int, nargs=4, default=size.features, help="channels at strides 4 to 32")
    new.add_argument("--decoder", type=int, nargs=4, default=size.decoder, help="channels at strides 4 to 32")
    return parser


def main(words: list[str] | None = None) -> None:
    parser = arguments_parser()
    given = parser.parse_args(words)
    if any(side % 32 or side < 64 for side in given.sides + given.late_sides):
        parser.error(f"sides are multiples of 32 from 64 on, got {given.sides + given.late_sides}")
    folder = RunFolder(given.out)
    if given.resume and not folder.has_checkpoint:
        parser.error(f"{given.out} holds no checkpoint to go on from; leave out --resume")
    if folder.has_checkpoint and not given.resume:
        parser.error(f"{given.out} holds a run already; add --resume, or give another folder")
    try:
        device = pick_device(given.device)
    except SettingsError as error:
        parser.error(str(error))
    size = Architecture(given.backbone, tuple(given.features), tuple(given.decoder))
    options = Options(
        steps=given.steps or Options.steps,
        batch=given.batch,
        processes=given.processes,
        objects=given.objects,
        sides=tuple(given.sides),
        late_sides=tuple(given.late_sides),
        rate=given.rate,
        backbone_rate=given.backbone_rate,
        average=given.average,
        seed=given.seed,
        imagenet=not given.no_imagenet,
        architecture=size,
    )
    if given.resume:
        saved = Options.from_json(folder.load()["options"])
        options = replace(saved, steps=given.steps or saved.steps)
    cores = os.cpu_count() or 1
    workers = given.workers if given.workers is not None else (min(12, cores - 2) if device.type == "cuda" else 0)
    pace = Pace(
        device=device,
        minutes=given.minutes,
        save_every=given.save_every,
        validate_every=given.validate_every,
        workers=max(0, workers),
        half=not given.single,
        compile=given.compile,
    )
    cv2.setNumThreads(1)  # its own pool of threads does not survive the fork of worker processes, and hangs there
    training, held_out = split(read(given.data))
    print(f"{len(training)} label maps to learn from, {len(held_out)} held out; on {device}", flush=True)
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: told.append(number))
    chosen = samples(held_out, given.validate_on)

    def work(team: Team) -> None:
        if team.count > 1:
            torch.set_num_threads(max(1, cores // team.count))
        trainer = Trainer(folder, options, pace, resume=given.resume, team=team)
        trainer.run(training, chosen, stop=lambda: bool(told), say=lambda line: print(line, flush=True))
        if team.is_first:
            print(
                f"{trainer.step} of {trainer.options.steps} steps, {trainer.prompts} prompts; {given.out}", flush=True
            )

    run_team(options.processes, work)


if __name__ == "__main__":
    main()
