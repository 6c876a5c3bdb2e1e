"""A simulated labeler: clicks on things in its own pictures, and looks at each answer as a suspicious person would."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.classroom_browser import Browser, CallFailed, Reply
from benchmarks.classroom_ledger import Ledger
from benchmarks.classroom_pictures import OwnPicture

CLICK_EVERY_S = 2.0
SPREAD = 0.5  # of it: the pause is drawn from 1 - SPREAD to 1 + SPREAD times
CLICKS_A_THING = 3
STEPS_A_PICTURE = 24  # then the next one, as a class moves on
WRONG_SHOWN = 20
SAME_PLACE_IOU = 0.2  # of boxes: a mask of another's picture lies elsewhere


@dataclass
class Tally:
    """What all labelers together saw. clicks: (seconds since the start, seconds it took) of each that was answered."""

    began: float = field(default_factory=time.monotonic)
    clicks: list[tuple[float, float]] = field(default_factory=list)
    saves_s: list[float] = field(default_factory=list)
    opens_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed_up: list[str] = field(default_factory=list)
    masks: int = 0
    elsewhere: int = 0  # masks of another place than the thing's: the model's doing, unless there are many

    def since_start(self) -> float:
        return time.monotonic() - self.began


class Labeler:
    """images: the id of each of its pictures, by name."""

    def __init__(
        self,
        browser: Browser,
        pictures: Mapping[str, OwnPicture],
        *,
        ledger: Ledger,
        tally: Tally,
        category_id: int,
        seed: int,
        every_s: float = CLICK_EVERY_S,
    ) -> None:
        self._browser, self._pictures, self._ledger, self._tally = browser, pictures, ledger, tally
        self._category_id, self._every_s = category_id, every_s
        self._rng = random.Random(seed)
        self._ids: dict[str, int] = {}
        self._sent = 0

    @property
    def name(self) -> str:
        return self._browser.name

    async def come_in(self) -> None:
        """Sign in, load the list, open each picture until it is encoded."""
        await self._browser.sign_in()
        nonce = self._nonce(0)
        reply = await self._browser.call("bootstrap", nonce=nonce)
        self._check_echo(reply, nonce)
        self._ids = {one["name"]: one["id"] for one in reply.result["images"] if one["name"] in self._pictures}
        for name in self._pictures:
            while (await self._open(name))["encoding"] is not None:
                await asyncio.sleep(0.5)

    async def work(self, stopped: asyncio.Event) -> None:
        """Until stopped. What goes wrong is tallied; the labeler goes on."""
        await asyncio.sleep(self._rng.uniform(0, self._every_s))
        names = list(self._pictures)
        while not stopped.is_set():
            for name in names:
                await self._guarded(self._open(name))
                for _ in range(STEPS_A_PICTURE):
                    if stopped.is_set():
                        return
                    began = time.monotonic()
                    await self._guarded(self._step(name))
                    pause = self._every_s * self._rng.uniform(1 - SPREAD, 1 + SPREAD)
                    await asyncio.sleep(max(0.0, began + pause - time.monotonic()))

    async def _guarded(self, deed: Any) -> None:
        try:
            await deed
        except CallFailed as error:
            self._tally.errors.append(f"{self.name}: {error}")

    async def _open(self, name: str) -> dict[str, Any]:
        nonce = self._nonce(self._ids[name])
        reply = await self._browser.call("open_image", nonce=nonce, image_id=self._ids[name])
        self._tally.opens_s.append(reply.took_s)
        self._check(reply, nonce, name)
        return reply.result

    async def _step(self, name: str) -> None:
        picture, page = self._pictures[name], self._ledger.page(self.name, self._ids[name])
        points, dice = page.points, self._rng.random()
        action: dict[str, Any] = {"kind": "point"}
        if len(points) >= CLICKS_A_THING:
            action = {"kind": "commit", "category_id": self._category_id}
        elif points and dice < 0.05:
            action = {"kind": "choose", "candidate": self._rng.randrange(3)}
        elif page.taken and dice < 0.12:
            action = {"kind": "undo"}
        elif page.undone and dice < 0.14:
            action = {"kind": "redo"}
        if action["kind"] == "point":
            x, y, w, h = picture.things_xywh[page.saved % len(picture.things_xywh)]
            spot = self._rng.uniform(0.3, 0.7), self._rng.uniform(0.3, 0.7)
            action |= {"x": round(x + spot[0] * w, 2), "y": round(y + spot[1] * h, 2), "label": 1}
        await self._act(name, action)

    async def _act(self, name: str, action: dict[str, Any]) -> None:
        image_id = self._ids[name]
        page, nonce = self._ledger.page(self.name, image_id), self._nonce(image_id)
        action["op_id"] = nonce  # the same on every try of this click
        page.send(nonce)
        reply = await self._browser.call(
            "act", nonce=nonce, image_id=image_id, revision=page.revision, actions=[action]
        )
        if not reply.body.get("ok"):
            page.refuse(nonce)
            self._check_echo(reply, nonce)
            raise CallFailed(f"{action['kind']} on {name} was refused: {str(reply.body.get('error'))[:300]}")
        revision = reply.result["revision"]
        expected = page.revision + 1
        page.acknowledge(action, revision)
        if revision != expected:
            self._wrong(f"{name}: revision {revision} came in place of {expected} ({nonce})")
        if action["kind"] == "point":
            self._tally.clicks.append((self._tally.since_start(), reply.took_s))
        elif action["kind"] == "commit":
            self._tally.saves_s.append(reply.took_s)
        self._check(reply, nonce, name)

    # looking at answers

    def _check(self, reply: Reply, nonce: str, name: str) -> None:
        """Everything in it must be of this labeler, this picture, this revision."""
        self._check_echo(reply, nonce)
        state, picture = reply.result, self._pictures[name]
        page = self._ledger.page(self.name, self._ids[name])
        image = state["image"]
        size = [*picture.size_hw]
        if (image["id"], image["name"]) != (self._ids[name], name):
            self._wrong(f"{name}: the answer is of {image['name']} ({nonce})")
        elif [image["height"], image["width"]] != size or state["display_hw"] != size:
            self._wrong(f"{name}: the answer is of a picture of another size ({nonce})")
        if state["revision"] != page.revision:
            self._wrong(f"{name}: revision {state['revision']}, acknowledged was {page.revision} ({nonce})")
        got = [(one["x"], one["y"], one["label"]) for one in state["points"]]
        if got != page.points:
            self._wrong(f"{name}: points {got} in place of {page.points} ({nonce})")
        for candidate in state["candidates"] or ():
            if candidate["rle"]["size"] != size:
                self._wrong(f"{name}: a mask of {candidate['rle']['size']} in place of {size} ({nonce})")
        for instance in state["instances"] or ():
            if instance["labeler"] != self.name or instance["rle"]["size"] != size:
                self._wrong(f"{name}: an instance of {instance['labeler']}'s, {instance['rle']['size']} ({nonce})")
        if state["instances"] is not None and len(state["instances"]) != page.saved:
            self._wrong(f"{name}: {len(state['instances'])} instances in place of {page.saved} ({nonce})")
        if state.get("problem"):
            raise CallFailed(f"{name}: {state['problem']}")
        if state["candidates"] and state["chosen"] is not None:
            thing = picture.things_xywh[page.saved % len(picture.things_xywh)]
            self._tally.masks += 1
            self._tally.elsewhere += box_iou(state["candidates"][state["chosen"]]["bbox_xywh"], thing) < SAME_PLACE_IOU

    def _check_echo(self, reply: Reply, nonce: str) -> None:
        echo = reply.body.get("echo")
        if echo != {"nonce": nonce, "labeler": self.name}:
            self._wrong(f"asked as {self.name} with {nonce}, answered for {echo}")

    def _wrong(self, line: str) -> None:
        self._tally.mixed_up.append(f"{self.name}: {line}")

    def _nonce(self, image_id: int) -> str:
        self._sent += 1
        return f"{self.name}/{image_id}/{self._sent}"


def box_iou(one: tuple[int, ...] | list[int], other: tuple[int, ...] | list[int]) -> float:
    """Of two boxes as x, y, width, height."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    together = one[2] * one[3] + other[2] * other[3] - shared
    return shared / together if together else 0.0
