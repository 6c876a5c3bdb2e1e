"""What goes on beside a class at work: someone who comes late, someone who floods, an import, a backup."""

import asyncio
import io
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.classroom_browser import Browser, CallFailed

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "annotator" / "ui" / "static"
AT_ONCE = 6  # connections of a browser to one host
FLOODERS = 24  # calls that one labeler has under way at once
MOST_CALLS = 20_000  # of a flood, in all
IMPORTED, IMPORTED_HW = 30, (1200, 1600)


async def open_the_page(browser: Browser) -> float:
    """Sign in and fetch all that the page needs until a picture can be clicked; the seconds from the page on.

    Without a browser's own work: the page, what it names, its modules, bootstrap, the first picture and ten thumbnails.
    """
    await browser.sign_in()
    began = time.perf_counter()
    page = (await browser.get("/")).text
    named = {one.removeprefix(".") for one in re.findall(r'(?:href|src)="(\.?/(?:assets|static|svelte)/[^"]+)"', page)}
    modules = {f"/annotator/static/{path.name}" for path in STATIC.iterdir() if path.suffix in (".js", ".css")}
    await _all(browser, sorted(named | modules | {"/config", "/theme.css"}))
    there = (await browser.call("bootstrap", nonce="late")).result["images"]
    if there:
        state = (await browser.call("open_image", nonce="late", image_id=there[0]["id"])).result
        await _all(browser, [f"/{state['image']['url']}", *(f"/{one['thumb']}" for one in there[:10])])
    return time.perf_counter() - began


async def _all(browser: Browser, paths: list[str]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(path: str) -> None:
        async with slots:
            await browser.get(path)

    await asyncio.gather(*(one(path) for path in paths))


class Flooder:
    """One labeler with FLOODERS calls under way at once, none of which waits for the last one's answer."""

    def __init__(self, browser: Browser) -> None:
        self._browser, self._image_id = browser, 0
        self.calls = self.refused = self.failed = 0

    async def come_in(self, name: str) -> None:
        """name: of the picture that is clicked on."""
        await self._browser.sign_in()
        images = (await self._browser.call("bootstrap", nonce="flood")).result["images"]
        self._image_id = next(one["id"] for one in images if one["name"] == name)

    async def flood(self, seconds: float) -> None:
        """Returns when all its calls are answered."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._flood(number, until) for number in range(FLOODERS)))

    async def _flood(self, number: int, until: float) -> None:
        while time.monotonic() < until and self.calls < MOST_CALLS:
            self.calls += 1
            point = {"kind": "point", "x": 50 + self.calls % 300, "y": 60 + number, "label": 1}
            actions: list[dict[str, Any]] = [{"kind": "clear"}, point]
            try:
                reply = await self._browser.call(
                    "act", nonce="flood", patient=False, image_id=self._image_id, revision=None, actions=actions
                )
            except CallFailed:
                self.failed += 1
            else:
                if not reply.body["ok"]:
                    self.refused += 1
                    await asyncio.sleep(0.01)  # a program that never pauses at all would measure itself


async def import_pictures(instructor: Browser) -> int:
    """Upload pictures and follow the import; returns how many came in."""
    rng = np.random.default_rng(1)
    files = await asyncio.to_thread(lambda: {f"more-{n}.jpg": _jpeg(rng) for n in range(IMPORTED)})
    sent = await instructor.upload(files)
    job: Mapping[str, Any] = (await instructor.call("import_uploads", nonce="import", paths=sent)).result
    while job["state"] == "running":
        await asyncio.sleep(0.25)
        job = (await instructor.call("job", nonce="import", job_id=job["id"])).result
    if job["state"] != "done":
        raise CallFailed(f"the import ended as {job['state']}: {job['message']}")
    return int(job["result"]["imported"])


def _jpeg(rng: np.random.Generator) -> bytes:
    out = io.BytesIO()
    small = rng.integers(0, 255, (IMPORTED_HW[0] // 8, IMPORTED_HW[1] // 8, 3), np.uint8)
    Image.fromarray(small).resize((IMPORTED_HW[1], IMPORTED_HW[0])).save(out, "JPEG", quality=85)
    return out.getvalue()


async def back_up(data: Path) -> None:
    """`launch.py backup` beside the server. Raises CallFailed."""
    command = [sys.executable, "launch.py", "backup", str(data.with_name("backup.zip")), "--data", str(data)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise CallFailed(f"launch.py backup ended with {process.returncode}: {said.decode(errors='replace')[-300:]}")
