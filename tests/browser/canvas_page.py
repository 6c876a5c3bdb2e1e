"""The canvas alone on a page of its own, served from the folder that the tool serves, and a hand to work on it."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.serving import ROOT

STATIC = ROOT / "annotator" / "ui" / "static"
HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>canvas</title><link rel="stylesheet" href="/canvas.css">
<style>body { margin: 0 } #host { position: absolute; left: 40px; top: 30px; width: 900px; height: 600px }</style>
</head><body><div id="host"></div><input id="field">
<script type="module">
import { createCanvas } from "/canvas.js";
import * as masks from "/masks.js";
import { traceLoops } from "/outline.js";
const heard = [];
const hear = (name) => (value) => heard.push([name, value]);
const names = ["onPoint", "onBox", "onMovePoint", "onDeletePoint"];
const handlers = Object.fromEntries(names.map((name) => [name, hear(name)]));
handlers.onHover = (place) => { window.hovered = place; };
handlers.onView = (view) => { window.zoom = view; };
const build = () => {
  window.tool?.destroy();
  heard.length = 0;
  document.querySelector("#host").removeAttribute("style");
  window.tool = createCanvas(document.querySelector("#host"), handlers);
};
Object.assign(window, { build, heard, masks, traceLoops });
build();
</script></body></html>"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the static folder, the page, and pictures by name."""

    pictures: dict[str, bytes]

    def __init__(self, *args: Any, pictures: dict[str, bytes], **options: Any) -> None:
        self.pictures = pictures
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        if name == "page.html":
            self._send(HTML.encode(), "text/html; charset=utf-8")
        elif name in self.pictures:
            self._send(self.pictures[name], "image/png")
        elif name == "favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a request is no news in a test."""


@contextmanager
def serve_canvas(pictures: dict[str, bytes], static: Path = STATIC) -> Iterator[str]:
    """The address of a server with page.html, the modules of `static` and the PNG files of `pictures`."""
    handler = functools.partial(_Handler, directory=str(static), pictures=pictures)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class CanvasPage:
    """One canvas in a browser. Places in the picture are its ORIGINAL pixels; the hand aims at a pixel's middle."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.page.goto(f"{url}/page.html")
        self.page.wait_for_function("window.tool !== undefined")

    def renew(self) -> None:
        """Puts a new canvas, without a picture, in the place of the one that is there."""
        self.page.evaluate("build()")

    def show(self, name: str, size_hw: tuple[int, int], display_hw: tuple[int, int] | None = None) -> None:
        """Shows one of the server's pictures; `size_hw` is the original's size."""
        height, width = size_hw
        image = {"url": f"/{name}", "width": width, "height": height, "displayHw": display_hw or size_hw, "imageId": 7}
        assert self.page.evaluate("image => tool.showImage(image)", image) is True
        self.settle()

    def render(self, **view: Any) -> None:
        """Shows a view and waits until it is on the screen."""
        revision = self.page.evaluate("() => (window.revision = (window.revision ?? 0) + 1)")
        self.page.evaluate("view => tool.render(view)", {**view, "revision": revision})
        self.page.wait_for_function(
            "revision => document.querySelector('#canvas').dataset.painted === String(revision)", arg=revision
        )

    def settle(self) -> None:
        """Waits until the view stands still and is painted."""
        self.page.evaluate(
            """async () => {
                const frame = () => new Promise(requestAnimationFrame);
                const { dataset } = document.querySelector("#canvas");
                for (let still = 0, before = ""; still < 3; before = dataset.view) {
                    await frame();
                    still = dataset.view === before ? still + 1 : 0;
                }
            }"""
        )

    @property
    def view(self) -> dict[str, float]:
        """scale, x, y of the picture on the canvas."""
        return json.loads(self.page.evaluate("document.querySelector('#canvas').dataset.view"))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where the middle of a pixel of the original lies in the browser's window."""
        view = self.view
        left, top = self.page.evaluate(
            "(() => { const r = document.querySelector('#canvas').getBoundingClientRect(); return [r.left, r.top] })()"
        )
        return left + view["x"] + (x + 0.5) * view["scale"], top + view["y"] + (y + 0.5) * view["scale"]

    def click(self, x: float, y: float, **options: Any) -> None:
        """Clicks a pixel; button, modifiers as Playwright has them."""
        modifiers = options.pop("modifiers", [])
        for key in modifiers:
            self.page.keyboard.down(key)
        self.page.mouse.click(*self.place(x, y), **options)
        for key in modifiers:
            self.page.keyboard.up(key)

    def drag(self, start: tuple[float, float], end: tuple[float, float], button: Any = "left") -> None:
        """Drags from the middle of one pixel to the middle of another."""
        begin, finish = self.place(*start), self.place(*end)
        self.page.mouse.move(*begin)
        self.page.mouse.down(button=button)
        self.page.mouse.move((begin[0] + finish[0]) / 2, (begin[1] + finish[1]) / 2)
        self.page.mouse.move(*finish)
        self.page.mouse.up(button=button)

    def heard(self) -> list[list[Any]]:
        """What the handlers were called with since the last question, as [name, value]."""
        return self.page.evaluate("heard.splice(0)")

    def zoom_to(self, factor: float) -> None:
        """Zooms about the middle of the canvas."""
        self.page.evaluate("factor => tool.zoomBy(factor)", factor)
        self.settle()

    def color(self, layer: str, x: float, y: float) -> list[int]:
        """Red, green, blue, alpha (0..255) that one layer shows at the middle of a pixel of the original."""
        view = self.view
        place = [view["x"] + (x + 0.5) * view["scale"], view["y"] + (y + 0.5) * view["scale"]]
        return self.page.evaluate(
            """([layer, x, y]) => {
                const canvas = document.querySelector(`.canvas-${layer}`);
                const [column, row] = [x, y].map((place) => Math.floor((place * canvas.width) / canvas.clientWidth));
                return [...canvas.getContext("2d").getImageData(column, row, 1, 1).data];
            }""",
            [layer, *place],
        )

    def is_empty(self, layer: str) -> bool:
        """Whether one layer shows nothing at all."""
        return self.page.evaluate(
            """layer => {
                const { canvas } = document.querySelector(`.canvas-${layer}`).getContext("2d");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.every((value) => value === 0);
            }""",
            layer,
        )
