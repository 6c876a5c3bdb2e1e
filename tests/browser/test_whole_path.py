"""The product's main job, as a person does it: from real pictures to a data set that training libraries load."""

import json
import os
import zipfile
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
from tests.browser.desk import WAIT_MS, Desk
from tests.serving import RunningServer


def stored_instances(server: RunningServer) -> dict[str, list[InstanceRecord]]:
    """What the database holds, by the picture's name."""
    database = Database.open(f"sqlite:///{server.data / 'annotator.db'}")
    try:
        repository = Repository(database)
        return {image.original_name: repository.instances(image.id) for image in repository.images()}
    finally:
        database.close()


def export(page: Page, format_name: str, target: Path) -> Path:
    """Export through the dialog, download the zip, unpack it."""
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
    instances = page.locator("[id^=instance-]")

    # import
    page.goto(server.url)
    expect(page.locator(".picture")).to_have_count(0)
    desk = Desk(page, server.url).open("coffee.png")
    expect(page.locator(".picture")).to_have_count(4)

    # click, background click, box
    desk.click(0.5, 0.45)
    desk.click(0.25, 0.8, button="right")
    desk.drag(0.28, 0.1, 0.7, 0.6)
    assert len(desk.state["points"]) == 2
    assert desk.state["box"] is not None

    # choose the 2nd candidate, new category, save
    if desk.state["chosen"] == 1:  # the best already: take another first, so that it has to be chosen
        desk.press("q")
    desk.press("w")
    expect(page.locator("#candidate-2")).to_have_attribute("aria-pressed", "true")
    second = desk.state["candidates"][1]["rle"]
    desk.press(desk.ensure_category("cup"))
    expect(instances).to_have_count(1)
    assert desk.instances[0]["rle"] == second

    # undo, redo
    desk.press("Control+z")
    expect(instances).to_have_count(0)
    desk.press("Control+Shift+z")
    expect(instances).to_have_count(1)

    # next picture; a second instance, by Enter; an open prompt
    page.keyboard.press("d")
    desk.shows("chelsea.png")
    desk.click(0.5, 0.5)
    desk.press("Enter")
    expect(instances).to_have_count(1)
    desk.click(0.3, 0.3)
    before = desk.state

    # reload: the same picture with its prompt, candidates and instance
    page.reload()
    desk.shows("chelsea.png")
    for part in ("revision", "points", "candidates", "chosen", "instances", "undo_name"):
        assert desk.state[part] == before[part], part

    # export, and what comes out is what is stored
    stored = stored_instances(server)
    assert sum(len(found) for found in stored.values()) == 2
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
            assert coco.loadCats([annotation["category_id"]])[0]["name"] == "cup"


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
