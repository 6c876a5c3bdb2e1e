"""The product's main job, as a person does it: from real pictures to a data set that training libraries load."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from storage.database import Database
from storage.records import InstanceRecord
from storage.repository import Repository
from tests.serving import RunningServer

WAIT_MS = 60_000  # a first answer includes reading the network from disk, on a slow machine


def wait_for_paint(page: Page) -> None:
    """Until every action is recorded and its answer stands on the canvas."""
    page.wait_for_function(
        "() => { const c = document.querySelector('#canvas').dataset; return c.painted && c.painted === c.revision; }",
        timeout=WAIT_MS,
    )


def revision(page: Page) -> int:
    return int(page.locator("#canvas").get_attribute("data-revision") or 0)


def acted(page: Page, deed: Callable[[], None]) -> None:
    """Do it, and wait until the server's answer to it is painted."""
    before = revision(page)
    deed()
    page.wait_for_function(
        "(before) => Number(document.querySelector('#canvas').dataset.painted) > before", arg=before, timeout=WAIT_MS
    )


def place(page: Page, across: float, down: float) -> tuple[float, float]:
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def stored_instances(server: RunningServer) -> dict[str, list[InstanceRecord]]:
    """What the database holds, by the picture's name."""
    database = Database.open(f"sqlite:///{server.data / 'annotator.db'}")
    try:
        repository = Repository(database)
        return {image.original_name: repository.instances(image.id) for image in repository.images()}
    finally:
        database.close()


def export(page: Page, format_name: str, target: Path) -> Path:
    page.click("#export")
    page.check(f"input[name=format][value={format_name}]")
    page.click("#export-start")
    link = page.locator("#export-download")
    expect(link).to_be_visible(timeout=WAIT_MS)
    with page.expect_download() as download:
        link.click()
    zipped = target / f"{format_name}.zip"
    download.value.save_as(zipped)
    page.keyboard.press("Escape")
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(target / format_name)
    return target / format_name


def test_from_pictures_to_a_data_set(page: Page, server: RunningServer, tmp_path: Path) -> None:
    page.goto(server.url)

    # import
    page.click("#samples")
    expect(page.locator(".picture")).to_have_count(4, timeout=WAIT_MS)
    page.wait_for_selector("#canvas[data-image-id]", timeout=WAIT_MS)
    first = page.locator("#canvas").get_attribute("data-image-id")

    # click, background click, box
    acted(page, lambda: page.mouse.click(*place(page, 0.5, 0.45)))
    expect(page.locator("#candidate-1")).to_be_visible()
    acted(page, lambda: page.mouse.click(*place(page, 0.25, 0.8), button="right"))

    def drag() -> None:
        page.mouse.move(*place(page, 0.35, 0.3))
        page.mouse.down()
        page.mouse.move(*place(page, 0.6, 0.6), steps=4)
        page.mouse.up()

    acted(page, drag)

    # choose the 2nd candidate, new category, save
    acted(page, lambda: page.keyboard.press("w"))
    expect(page.locator("#candidate-2")).to_have_attribute("aria-pressed", "true")
    page.fill("#add-category", "head")
    page.press("#add-category", "Enter")
    expect(page.locator("#category-1")).to_contain_text("head")
    page.locator("#canvas").focus()
    acted(page, lambda: page.keyboard.press("1"))
    expect(page.locator("[id^=instance-]")).to_have_count(1)

    # undo, redo
    acted(page, lambda: page.keyboard.press("Control+z"))
    expect(page.locator("[id^=instance-]")).to_have_count(0)
    acted(page, lambda: page.keyboard.press("Control+Shift+z"))
    expect(page.locator("[id^=instance-]")).to_have_count(1)

    # next picture, a second instance with the same category by Enter
    page.keyboard.press("d")
    page.wait_for_function(f"() => document.querySelector('#canvas').dataset.imageId !== '{first}'", timeout=WAIT_MS)
    wait_for_paint(page)
    acted(page, lambda: page.mouse.click(*place(page, 0.5, 0.5)))
    acted(page, lambda: page.keyboard.press("Enter"))
    expect(page.locator("[id^=instance-]")).to_have_count(1)
    acted(page, lambda: page.mouse.click(*place(page, 0.3, 0.3)))
    points_before = revision(page)

    # reload: the same picture, the open prompt, the instance
    page.reload()
    page.wait_for_selector("#canvas[data-image-id]", timeout=WAIT_MS)
    wait_for_paint(page)
    assert page.locator("#canvas").get_attribute("data-image-id") != first
    assert revision(page) == points_before
    expect(page.locator("[id^=instance-]")).to_have_count(1)
    expect(page.locator("#candidate-1")).to_be_visible()

    # export, and what comes out is what is stored
    stored = stored_instances(server)
    assert sum(len(instances) for instances in stored.values()) == 2
    check_coco(export(page, "coco", tmp_path), stored)
    check_yolo(export(page, "yolo-segment", tmp_path), stored, tmp_path)


def check_coco(folder: Path, stored: dict[str, list[InstanceRecord]]) -> None:
    """pycocotools loads it, and every mask is the stored one, pixel for pixel."""
    coco = COCO(str(next(path for path in folder.rglob("*.json") if path.name != "report.json")))
    by_name = {image["file_name"].rsplit("/", 1)[-1]: image["id"] for image in coco.loadImgs(coco.getImgIds())}
    assert set(by_name) == set(stored)
    for name, instances in stored.items():
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[by_name[name]]))
        assert len(annotations) == len(instances)
        for annotation, instance in zip(annotations, instances, strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation).astype(bool), instance.rle.decode())
            assert coco.loadCats([annotation["category_id"]])[0]["name"] == "head"


def check_yolo(folder: Path, stored: dict[str, list[InstanceRecord]], tmp_path: Path) -> None:
    """ultralytics' own data set code loads it, and its masks hold what the stored ones hold."""
    os.environ["YOLO_CONFIG_DIR"] = str(tmp_path / "ultralytics")
    yolo = pytest.importorskip("ultralytics.data.dataset", reason="ultralytics is a development need")
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    labels = yolo.YOLODataset(img_path=data["train"], data=data, task="segment").labels
    seen = 0
    for label in labels:
        height, width = label["shape"]
        for segment, instance in zip(label["segments"], stored[Path(label["im_file"]).name], strict=True):
            drawn = np.zeros((height, width), np.uint8)
            cv2.fillPoly(drawn, [np.round(segment * [width, height]).astype(np.int32)], 1)
            both = [coco_mask.encode(np.asfortranarray(drawn)), instance.rle.to_coco()]
            iou = coco_mask.iou([both[0]], [both[1]], [0])[0, 0]
            assert iou > 0.95, (label["im_file"], iou)
            seen += 1
    assert seen == sum(len(instances) for instances in stored.values())
    assert json.loads((folder / "report.json").read_text())["instances"] == seen
