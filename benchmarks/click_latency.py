"""From a click to its mask on the screen, in a real browser: our canvas beside gr.Image.select with the same model.

    python benchmarks/click_latency.py [--clicks 40] [--json]

A 1920×1080 picture, the built-in segmenter. Each click is timed in the page: from the pointer event to the frame in
which the answer stands (ours), or to the load of the painted picture (gr.Image.select). The two pages take turns, block
by block, so that a busy machine slows both; the ratio is that of the medians, its spread that over the blocks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.samples import sample_paths
from scripts.ensure_chromium import find_chromium
from tests.serving import RunningServer, answers, environment, free_port

SIZE = (1920, 1080)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

# Resolves with the milliseconds from the pointer event to the second frame after the answer was painted.
TIME_CANVAS = """
() => { window.measured = new Promise((resolve) => {
    const canvas = document.querySelector("#canvas");
    const before = Number(canvas.dataset.painted || 0);
    canvas.addEventListener("pointerdown", (event) => {
        const start = event.timeStamp;
        const watch = new MutationObserver(() => {
            if (Number(canvas.dataset.painted) <= before) return;
            watch.disconnect();
            requestAnimationFrame(() => resolve(performance.now() - start));
        });
        watch.observe(canvas, { attributes: true, attributeFilter: ["data-painted"] });
    }, { once: true, capture: true });
}); }
"""
TIME_SELECT = """
() => { window.measured = new Promise((resolve) => {
    const image = document.querySelector("#picture img");
    image.addEventListener("click", (event) => {
        const start = event.timeStamp;
        document.querySelector("#picture img").addEventListener("load", () =>
            requestAnimationFrame(() => resolve(performance.now() - start)), { once: true });
    }, { once: true, capture: true });
}); }
"""


def make_picture(path: Path) -> None:
    """A real picture of 1920×1080: a sample enlarged and cut."""
    image = Image.open(next(p for p in sample_paths() if p.stem == "coffee")).convert("RGB")
    scale = max(SIZE[0] / image.width, SIZE[1] / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    image.crop((0, 0, *SIZE)).save(path, quality=92)


def time_clicks(page: Page, selector: str, script: str, places: np.ndarray, before: str | None) -> list[float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    times = []
    for x, y in places:
        if before:
            page.keyboard.press(before)
            page.wait_for_timeout(150)
        page.evaluate(script)
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        times.append(float(page.evaluate("() => window.measured")))
        page.wait_for_timeout(150)
    return times


def summary(times: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "clicks": len(times)}


def measure(clicks: int, blocks: int = 4) -> dict:
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        picture, port = Path(folder) / "picture.jpg", free_port()
        make_picture(picture)
        data = Path(folder) / "workspace"
        subprocess.run([sys.executable, "launch.py", "import", str(picture), "--data", str(data)], cwd=ROOT, check=True)
        peer = subprocess.Popen(
            [sys.executable, "benchmarks/select_page.py", str(picture), str(port)],
            cwd=ROOT,
            env={**environment(), "PYTHONPATH": str(ROOT)},
        )
        try:
            with RunningServer(data) as server:
                while not answers(f"http://127.0.0.1:{port}"):
                    time.sleep(0.2)
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
                ours, theirs = (browser.new_page(viewport={"width": 1440, "height": 900}) for _ in range(2))
                ours.goto(server.url)
                ours.wait_for_selector("#canvas[data-image-id]")
                theirs.goto(f"http://127.0.0.1:{port}")
                theirs.wait_for_selector("#picture img")
                for page in (ours, theirs):
                    page.wait_for_timeout(2000)
                places = rng.uniform(0.3, 0.7, (blocks, clicks // blocks, 2))
                canvas_times, select_times, ratios = [], [], []
                for block in places:
                    ours.bring_to_front()
                    mine = time_clicks(ours, "#canvas", TIME_CANVAS, block, "Escape")
                    theirs.bring_to_front()
                    peers = time_clicks(theirs, "#picture img", TIME_SELECT, block, None)
                    canvas_times += mine
                    select_times += peers
                    ratios.append(float(np.median(mine) / np.median(peers)))
        finally:
            peer.kill()
    return {
        "picture": f"{SIZE[0]}×{SIZE[1]}",
        "canvas": summary(canvas_times),
        "image_select": summary(select_times),
        "time_ratio": round(float(np.median(canvas_times) / np.median(select_times)), 3),
        "time_ratio_spread": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=40, help="clicks on each page")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    args = parser.parse_args()
    result = measure(args.clicks)
    if args.json:
        print(json.dumps(result))
        return
    for name in ("canvas", "image_select"):
        line = result[name]
        print(f"{name:14} p50 {line['p50_ms']:6.1f} ms   p95 {line['p95_ms']:6.1f} ms   ({line['clicks']} clicks)")
    low, high = result["time_ratio_spread"]
    print(f"canvas / image_select: {result['time_ratio']} (blocks {low} to {high})")


if __name__ == "__main__":
    main()
