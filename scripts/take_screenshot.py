"""Make docs/screenshot.png: a new server, the sample pictures, two instances and an open prompt.

.venv/bin/python -m scripts.take_screenshot
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from scripts.ensure_chromium import find_chromium
from tests.browser.desk import Desk
from tests.serving import ROOT, RunningServer

TARGET = ROOT / "docs" / "screenshot.png"
MESSAGES_GONE_MS = 5500
# Places on coffee.png, 0..1 across and down.
CUP, CUP_POINTS, NOT_CUP = (0.28, 0.04, 0.71, 0.62), [(0.47, 0.25), (0.5, 0.45)], [(0.25, 0.5)]
SPOON = (0.54, 0.6, 0.68, 0.82)
SAUCER, NOT_SAUCER = [(0.25, 0.62), (0.72, 0.58), (0.47, 0.9)], [(0.5, 0.25), (0.61, 0.71), (0.5, 0.47)]


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningServer(Path(folder) / "workspace") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        desk = Desk(page, server.url).open("coffee.png")
        keys = {name: desk.ensure_category(name) for name in ("cup", "saucer", "spoon", "coffee")}
        desk.drag(*CUP)
        click(desk, CUP_POINTS, NOT_CUP)
        desk.press(keys["cup"])
        desk.drag(*SPOON)
        desk.press(keys["spoon"])
        click(desk, SAUCER, NOT_SAUCER)
        page.mouse.move(*desk.place(0.5, 0.98))
        page.wait_for_timeout(MESSAGES_GONE_MS)
        page.screenshot(path=TARGET)
        browser.close()


def click(desk: Desk, foreground: list[tuple[float, float]], background: list[tuple[float, float]]) -> None:
    for place in foreground:
        desk.click(*place)
    for place in background:
        desk.click(*place, button="right")


if __name__ == "__main__":
    main()
