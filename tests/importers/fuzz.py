"""Fuzz the readers of data sets for as long as it is given: `python -m tests.importers.fuzz --minutes 10`.

Led by atheris where that is installed (`pip install atheris`; Linux and Mac), which looks for inputs that reach new
code; by chance else. Each input is a sound data set with some changes. What raises anything but ImporterError, takes
more than SLOW_S or a gigabyte is kept in crashers/ as one JSON file, which test_fuzz.py reads from then on, and the
search goes on.
"""

import argparse
import base64
import contextlib
import hashlib
import importlib
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

CRASHERS = Path(__file__).parent / "crashers"
SLOW_S = 10.0
MOST_KB = 2**20  # by which one input may raise the most memory ever used


class Hunt:
    """Runs inputs and keeps what breaks."""

    def __init__(self, mutating: ModuleType, folder: Path, *, until: float) -> None:
        self._mutating, self._folder, self._until = mutating, folder, until
        self._names = sorted(mutating.sound_sets())
        self._known: set[str] = set()
        self.inputs = self.masks = self.found = 0

    def one(self, below: Any) -> None:
        """One input; nothing more once the time is over."""
        if self.is_over:
            return
        self.inputs += 1
        files = self._mutating.mutated(self._mutating.sound_sets()[self._names[below(len(self._names))]], below)
        begin, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            self.masks += self._mutating.read_all(files, self._folder)
        except Exception as error:  # whatever it is: that is what is looked for
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self._keep(files, f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {error}"[:300])
        if time.process_time() - begin > SLOW_S:
            self._keep(files, "slow")
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory > MOST_KB:
            self._keep(files, "much memory")

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._until

    def summary(self) -> str:
        """What was done so far."""
        return f"{self.inputs} inputs, {self.masks} masks, {self.found} inputs kept in {CRASHERS}"

    def _keep(self, files: dict[str, bytes], why: str) -> None:
        place = why.partition(": ")[0]
        if place in self._known:
            return
        self._known.add(place)
        self.found += 1
        text = json.dumps({name: base64.b64encode(data).decode() for name, data in files.items()}, indent=1) + "\n"
        CRASHERS.mkdir(exist_ok=True)
        (CRASHERS / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json").write_text(text, encoding="ascii")
        print(f"kept: {why}", flush=True)


def main() -> None:
    """Parse the command line and hunt."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of data sets.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by-chance", action="store_true", help="do not use atheris")
    chosen = parser.parse_args()
    atheris: Any = None
    if not chosen.by_chance:
        with contextlib.suppress(ImportError):
            atheris = importlib.import_module("atheris")
    around = atheris.instrument_imports(include=["importers"]) if atheris else contextlib.nullcontext()
    with around:
        mutating = importlib.import_module("tests.importers.mutating")
    until = time.monotonic() + 60 * chosen.minutes
    with tempfile.TemporaryDirectory() as folder:
        hunt = Hunt(mutating, Path(folder), until=until)
        if atheris is None:
            print("by chance (atheris is not installed, or not wanted)", flush=True)
            chance = random.Random(chosen.seed)
            while not hunt.is_over:
                hunt.one(chance.randrange)
            print(hunt.summary())
            return

        said: list[str] = []

        def by_atheris(data: bytes) -> None:
            provider = atheris.FuzzedDataProvider(data)
            hunt.one(lambda n: provider.ConsumeIntInRange(0, n - 1))
            if hunt.is_over and not said:  # libFuzzer ends the process itself, so this is the place to say it
                said.append(hunt.summary())
                print(said[0], flush=True)

        limit = f"-max_total_time={int(60 * chosen.minutes) + 2}"
        atheris.Setup([sys.argv[0], limit, f"-seed={chosen.seed + 1}", "-max_len=512", "-verbosity=0"], by_atheris)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
