"""A lesson: the server is started, the class comes in and works, and what came of it is compared and counted."""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from annotator.config import Settings
from annotator.workspace import Workspace
from benchmarks.classroom_beside import Flooder, back_up, import_pictures, open_the_page
from benchmarks.classroom_browser import Browser, CallFailed
from benchmarks.classroom_labeler import Labeler, Tally
from benchmarks.classroom_ledger import Findings, Ledger
from benchmarks.classroom_pictures import class_pictures, write_pictures
from tests.serving import RunningServer

ROOT = Path(__file__).resolve().parent.parent
CODE, INSTRUCTOR_CODE = "a-class-of-forty", "and-their-instructor"
PICTURES_EACH = 3
WARM_UP_S = 30.0
NEWCOMER_EVERY_S = 15.0
BLOCK_S = 10.0  # of flood, and of calm


@dataclass
class Lesson:
    """One run: what was asked for, and what it came to."""

    args: argparse.Namespace
    data: Path
    tally: Tally = field(default_factory=Tally)
    ledger: Ledger = field(default_factory=Ledger)
    findings: Findings = field(default_factory=Findings)
    figures: dict[str, Any] = field(default_factory=dict)
    opened_s: list[float] = field(default_factory=list)
    floods: list[tuple[float, float]] = field(default_factory=list)  # from, to: seconds since the start
    before_mb: float = 0.0
    servers: list[RunningServer] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The database's."""
        return self.args.database or f"sqlite:///{self.data / 'annotator.db'}"

    def browser(self, name: str, code: str = CODE, *, drop: float = 0.0, seed: int = 0) -> Browser:
        return Browser([server.url for server in self.servers], name, code, drop=drop, seed=seed)

    async def run(self) -> None:
        args = self.args
        names = [f"labeler-{number:02}" for number in range(1, args.labelers + 1)]
        pictures = class_pictures([*names, "flood"], PICTURES_EACH)
        with Workspace(Settings(data=self.data, database_url=args.database)) as workspace:
            workspace.import_pictures(list(write_pictures(pictures, self.data.parent / "pictures")))
        program = "benchmarks/classroom_broken.py" if args.broken else "launch.py"
        options = ["--access-code", CODE, "--instructor-code", INSTRUCTOR_CODE, *self.database_words()]
        try:
            for _ in range(args.processes):
                server = RunningServer(self.data, options=options, program=program)
                self.servers.append(server)
                server.start()
            await self.teach(names, {name: {} for name in names}, pictures)
        finally:
            for server in self.servers:
                server.stop()

    def database_words(self) -> list[str]:
        return ["--database", self.args.database] if self.args.database else []

    async def teach(self, names: list[str], own: dict[str, dict[str, Any]], pictures: Sequence[Any]) -> None:
        """The class, from signing in to the comparison."""
        args = self.args
        for picture in pictures:
            own.setdefault(picture.owner, {})[picture.name] = picture
        instructor = self.browser("instructor", INSTRUCTOR_CODE)
        await instructor.sign_in()
        answer = await instructor.call("add_category", nonce="category", name="thing")
        browsers = [self.browser(name, drop=args.dropped, seed=number) for number, name in enumerate(names)]
        labelers = [
            Labeler(
                browser,
                own[browser.name],
                ledger=self.ledger,
                tally=self.tally,
                category_id=answer.result[0]["id"],  # type: ignore[index]
                seed=number,
            )
            for number, browser in enumerate(browsers)
        ]
        began = time.monotonic()
        await asyncio.gather(*(labeler.come_in() for labeler in labelers))
        self.figures["came_in_s"] = round(time.monotonic() - began, 1)
        flooder = None
        if args.flood:
            flooder = Flooder(self.browser("flood"))
            await flooder.come_in(next(iter(own["flood"])))
        print(f"{len(labelers)} labelers are in", file=sys.stderr, flush=True)
        self.tally.began = time.monotonic()
        self.tally.opens_s.clear()
        cpu_s = sum(map(server_cpu_s, self.servers))
        stopped = asyncio.Event()
        work = [asyncio.create_task(labeler.work(stopped)) for labeler in labelers]
        try:
            await self.warm_up()
            beside = [asyncio.create_task(deed) for deed in self.beside(instructor, flooder)]
            await asyncio.sleep(max(0.0, args.seconds - self.tally.since_start()))
            await asyncio.gather(*beside)
        finally:
            stopped.set()
            await asyncio.gather(*work)
        # per click: whatever else the machine was busy with; with --kill of the second server alone
        spent_s = sum(map(server_cpu_s, self.servers)) - (0 if args.kill else cpu_s)
        self.figures["server_cpu_ms_a_click"] = round(1000 * spent_s / max(1, len(self.tally.clicks)), 1)
        await asyncio.sleep(1)  # what is still being encoded ahead
        self.figures["growth_mb"] = round(sum(map(memory_mb, self.servers)) - self.before_mb, 1)
        self.figures["memory_mb"] = round(sum(map(memory_mb, self.servers)), 1)
        self.figures["lost_tries"] = sum(browser.lost for browser in browsers)
        self.figures["dropped"] = sum(browser.dropped for browser in browsers)
        self.figures["told_busy"] = sum(browser.told_busy for browser in browsers)
        if flooder:
            self.figures |= {"flood_calls": flooder.calls, "flood_refused": flooder.refused}
        for browser in [*browsers, instructor]:
            await browser.__aexit__()
        self.look(self.ledger.compare(self.url))

    async def warm_up(self) -> None:
        await asyncio.sleep(min(WARM_UP_S, self.args.seconds / 5))
        self.before_mb = sum(map(memory_mb, self.servers))

    def beside(self, instructor: Browser, flooder: Flooder | None) -> list[Any]:
        """What goes on beside the labelers, from the warm-up to the end."""
        deeds: list[Any] = [self.newcomers()]
        if flooder:
            deeds.append(self.flooding(flooder))
        if self.args.imports:
            deeds.append(self.importing(instructor))
        if self.args.backup:
            deeds.append(self.backing_up())
        if self.args.kill:
            deeds.append(self.killing())
        return deeds

    def left_s(self) -> float:
        return self.args.seconds - self.tally.since_start()

    async def newcomers(self) -> None:
        number = 0
        while self.left_s() > 2:
            number += 1
            async with self.browser(f"late-{number}") as browser:
                try:
                    self.opened_s.append(await open_the_page(browser))
                except CallFailed as error:
                    self.tally.errors.append(f"{browser.name}: {error}")
            await asyncio.sleep(min(NEWCOMER_EVERY_S, max(0.0, self.left_s())))

    async def flooding(self, flooder: Flooder) -> None:
        while self.left_s() > 2 * BLOCK_S:
            await asyncio.sleep(BLOCK_S)
            began = self.tally.since_start()
            await flooder.flood(BLOCK_S)
            self.floods.append((began, self.tally.since_start()))

    async def importing(self, instructor: Browser) -> None:
        try:
            self.figures["imported"] = await import_pictures(instructor)
        except CallFailed as error:
            self.tally.errors.append(f"import: {error}")

    async def backing_up(self) -> None:
        try:
            await back_up(self.data)
        except CallFailed as error:
            self.tally.errors.append(f"backup: {error}")

    async def killing(self) -> None:
        """SIGKILL, a look at the database while nobody has it, and a new start."""
        await asyncio.sleep(max(0.0, self.left_s() / 2))
        for server in self.servers:
            server.kill()
        self.figures["acknowledged_at_kill"] = self.ledger.acknowledged
        self.look(self.ledger.compare(self.url))
        began = time.monotonic()
        for server in self.servers:
            await asyncio.to_thread(server.start)
        self.figures["restart_s"] = round(time.monotonic() - began, 1)
        await asyncio.sleep(min(WARM_UP_S, self.left_s() / 5))
        self.before_mb = sum(map(memory_mb, self.servers))  # another process: its growth is counted from here

    def look(self, found: Findings) -> None:
        for name in ("lost", "doubled", "foreign", "different"):
            getattr(self.findings, name).extend(getattr(found, name))

    # the figures

    def result(self) -> dict[str, Any]:
        tally, found = self.tally, self.findings
        took_ms = np.array([took for _, took in tally.clicks]) * 1000
        in_flood = np.array([self.is_in_flood(at - took, at) for at, took in tally.clicks], bool)
        figures = {
            "labelers": self.args.labelers,
            "seconds": self.args.seconds,
            "clicks": len(took_ms),
            "p50_ms": percentile(took_ms, 50),
            "p95_ms": percentile(took_ms, 95),
            "p99_ms": percentile(took_ms, 99),
            "most_ms": percentile(took_ms, 100),
            "p95_by_minute_ms": self.by_minute(),
            "save_p95_ms": percentile(np.array(tally.saves_s) * 1000, 95),
            "open_picture_p95_ms": percentile(np.array(tally.opens_s) * 1000, 95),
            "errors": len(tally.errors),
            "mixed_up": len(tally.mixed_up) + len(found.foreign) + len(found.different),
            "lost": len(found.lost),
            "doubled": len(found.doubled),
            "acknowledged": self.ledger.acknowledged,
            "masks": tally.masks,
            "masks_elsewhere": tally.elsewhere,
            "open_s": round(max(self.opened_s), 2) if self.opened_s else None,
            "open_median_s": round(float(np.median(self.opened_s)), 2) if self.opened_s else None,
            "load": [round(one, 1) for one in os.getloadavg()],
            **self.figures,
        }
        if self.floods:
            figures["flood_p95_ms"] = percentile(took_ms[in_flood], 95)
            figures["calm_p95_ms"] = percentile(took_ms[~in_flood], 95)
        return figures

    def is_in_flood(self, sent: float, answered: float) -> bool:
        """Seconds since the start."""
        return any(begin <= sent and answered <= end for begin, end in self.floods)

    def by_minute(self) -> list[float | None]:
        """The spread of the p95: one a minute."""
        minutes: dict[int, list[float]] = {}
        for at, took in self.tally.clicks:
            minutes.setdefault(int(at // 60), []).append(took * 1000)
        return [percentile(np.array(minutes[minute]), 95) for minute in sorted(minutes)]


def percentile(values: np.ndarray, percent: float) -> float | None:
    """None of none."""
    return round(float(np.percentile(values, percent)), 1) if len(values) else None


def memory_mb(server: RunningServer) -> float:
    """Resident memory of a server's process."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(server.process.pid)], capture_output=True, text=True)
    return int(said.stdout or 0) / 1024


def server_cpu_s(server: RunningServer) -> float:
    """Processor time of a server's process, in whole seconds."""
    said = subprocess.run(["ps", "-o", "cputimes=", "-p", str(server.process.pid)], capture_output=True, text=True)
    return float(said.stdout or 0)
