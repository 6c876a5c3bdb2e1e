"""A labeler at the page: opens it, works on it with mouse and keys, and sees what went to the server and came back."""

import json
from collections.abc import Callable
from typing import Any, Self

from playwright.sync_api import Error, Locator, Page, Request, Response, Route, expect

WAIT_MS = 60_000  # a first answer includes reading the network from disk, on a slow machine
CALLS = "**/gradio_api/component_server/**"
SETTLED = """() => {
    const { painted, revision } = document.querySelector('#canvas')?.dataset ?? {};
    return painted !== undefined && painted === revision;
}"""


class Desk:
    """sent: the actions that went out, in order, those of repeated calls too. state: the server's newest STATE."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.sent: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        page.on("request", self._hear_request)
        page.on("response", self._hear_response)

    def open(self, picture: str = "coffee.png") -> Self:
        """The page (loaded, where it is not) with the sample pictures, `picture` on the canvas and no prompt open."""
        page = self.page
        if not page.url.startswith(self.url):
            page.goto(self.url)
        page.wait_for_selector(".picture, #empty:not([hidden])", state="attached", timeout=WAIT_MS)
        if page.locator("#samples").is_visible():
            page.click("#samples")
        expect(self.picture(picture)).to_have_count(1, timeout=WAIT_MS)
        if self.picture(picture).is_hidden():  # an upright tablet: the list comes when it is asked for
            page.click("#toggle-pictures")
        self.picture(picture).click()
        self.shows(picture)
        if page.locator("#clear").is_enabled():
            self.act(lambda: page.keyboard.press("Escape"))
        return self

    def picture(self, name: str) -> Locator:
        return self.page.locator(".picture", has=self.page.get_by_text(name, exact=True))

    def shows(self, picture: str) -> None:
        """Until that picture is on the canvas, with its newest answer."""
        number = (self.picture(picture).get_attribute("id") or "").removeprefix("picture-")
        expect(self.page.locator("#canvas")).to_have_attribute("data-image-id", number, timeout=WAIT_MS)
        self.settle()
        self.hear(lambda: self._is_known(int(number)))

    def settle(self) -> None:
        """Until the newest answer stands on the canvas."""
        self.page.wait_for_function(SETTLED, timeout=WAIT_MS)

    @property
    def revision(self) -> int:
        return int(self.page.locator("#canvas").get_attribute("data-revision") or 0)

    def act(self, deed: Callable[[], object], steps: int = 1) -> None:
        """Do it, and wait until that many steps are recorded and their answer is painted."""
        goal = self.revision + steps
        deed()
        self.page.wait_for_function(
            "(goal) => Number(document.querySelector('#canvas').dataset.painted) >= goal", arg=goal, timeout=WAIT_MS
        )
        self.hear(lambda: self.state["revision"] >= goal)

    def hear(self, happened: Callable[[], bool]) -> None:
        """Until that is so in `state`: the page may have read an answer before this side has."""
        for _ in range(500):
            if happened():
                return
            self.page.wait_for_timeout(10)
        raise AssertionError(f"It did not come; the newest state is revision {self.state.get('revision')}.")

    def place(self, across: float, down: float) -> tuple[float, float]:
        """A place on the picture, 0..1 each way, in pixels of the window."""
        box = self.page.locator("#canvas").bounding_box()
        view = json.loads(self.page.locator("#canvas").get_attribute("data-view") or "{}")
        assert box is not None
        image = self.state["image"]
        x = box["x"] + view["x"] + across * image["width"] * view["scale"]
        y = box["y"] + view["y"] + down * image["height"] * view["scale"]
        return x, y

    def click(self, across: float, down: float, **how: Any) -> None:
        """Click on the picture, and wait for the answer."""
        self.act(lambda: self.page.mouse.click(*self.place(across, down), **how))

    def drag(self, left: float, top: float, right: float, bottom: float) -> None:
        """Drag a box on the picture, and wait for the answer."""
        mouse = self.page.mouse

        def pull() -> None:
            mouse.move(*self.place(left, top))
            mouse.down()
            mouse.move(*self.place(right, bottom), steps=4)
            mouse.up()

        self.act(pull)

    def press(self, key: str) -> None:
        """Press a key that is a step, and wait for the answer."""
        self.act(lambda: self.page.keyboard.press(key))

    def ensure_category(self, name: str) -> str:
        """The category's place in the palette, from 1, as text; added where it is not there."""
        row = self.page.locator(f".category[data-name={json.dumps(name)}]")
        if row.count() == 0:
            self.page.fill("#add-category", name)
            self.page.press("#add-category", "Enter")
            expect(row).to_have_count(1)
            self.page.locator("#canvas").focus()
        return (row.locator(".category-pick").get_attribute("id") or "").removeprefix("category-")

    def save(self, category: str, across: float = 0.5, down: float = 0.45) -> int:
        """Click, save under that category; the new instance's id."""
        before = {instance["id"] for instance in self.instances}
        number = self.ensure_category(category)
        self.click(across, down)
        expect(self.page.locator("#candidate-1")).to_be_enabled(timeout=WAIT_MS)  # a slow machine encodes for longer
        self.act(lambda: self.page.click(f"#category-{number}"))
        return max(instance["id"] for instance in self.instances if instance["id"] not in before)  # others save, too

    @property
    def instances(self) -> list[dict[str, Any]]:
        return list(self.state["instances"])

    def _hear_request(self, request: Request) -> None:
        call = _call_of(request)
        if call and call["name"] == "act":
            self.sent += call["args"]["actions"]

    def _hear_response(self, response: Response) -> None:
        call = _call_of(response.request)
        if call is not None and call["name"] == "news" and response.ok:
            self._hear_news(response)
        if call is None or call["name"] not in ("act", "open_image", "answer") or not response.ok:
            return
        answer = response.json()
        known = self.state.get("revision", -1) if self._is_known(call["args"]["image_id"]) else -1
        if answer["ok"] and answer["result"]["revision"] >= known:
            kept = {"instances": self.state.get("instances")} if answer["result"]["instances"] is None else {}
            self.state = answer["result"] | kept

    def _hear_news(self, response: Response) -> None:
        try:
            told = response.json().get("result") or {}
        except Error:  # they came while the page was left
            return
        if "session" in told and self._is_known(told["session"]["image"]["id"]):
            self.state = max(self.state, told["session"], key=lambda state: state["revision"])
        if "instances" in told and self._is_known(told["instances"]["image_id"]):
            self.state = self.state | {"instances": told["instances"]["instances"]}

    def _is_known(self, image_id: int) -> bool:
        return bool(self.state) and self.state["image"]["id"] == image_id


def is_deed(message: Request | Response) -> bool:
    """Whether it is a call, or the answer to one, other than the question for news that goes out by itself."""
    call = _call_of(message.request if isinstance(message, Response) else message)
    return call is not None and call["name"] != "news"


def deeds(handle: Callable[[Route], object]) -> Callable[[Route], None]:
    """What handles the routes of such calls alone."""

    def sort(route: Route) -> None:
        if is_deed(route.request):
            handle(route)
        else:
            route.fallback()

    return sort


def without_news(page: Page) -> None:
    """From now on the page hears nothing of others."""
    nothing = {"ok": True, "result": {}}
    page.route(CALLS, lambda route: route.fallback() if is_deed(route.request) else route.fulfill(json=nothing))


def _call_of(request: Request) -> dict[str, Any] | None:
    if "component_server" not in request.url or not request.post_data:
        return None
    call: dict[str, Any] = json.loads(request.post_data)["data"]
    return call
