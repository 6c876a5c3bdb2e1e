"""Data sets in and out through the page: looked at first, taken in as chosen, sent out as chosen."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from exporters.files import export
from tests.browser.desk import WAIT_MS, Desk
from tests.exporters.datasets import FakeDataset, small_dataset
from tests.serving import RunningServer


def give(page: Page, button: str, *paths: Path) -> None:
    """Choose files (or one folder) in the page's own chooser."""
    with page.expect_file_chooser() as chooser:
        page.click(button)
    chooser.value.set_files(list(paths) if len(paths) > 1 else paths[0])


def facts(page: Page) -> list[str]:
    """What the dry run says of pictures, instances and categories."""
    expect(page.locator("#import-dialog .import-facts")).to_be_visible(timeout=WAIT_MS)
    return page.locator("#import-dialog .import-facts li").all_inner_texts()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> FakeDataset:
    return small_dataset(tmp_path_factory.mktemp("made"))


def test_a_folder_comes_in_with_its_labels_and_goes_out_as_chosen(
    page: Page, server: RunningServer, made: FakeDataset, tmp_path: Path
) -> None:
    export("yolo-segment", made, tmp_path / "set")
    page.goto(server.url)
    expect(page.locator("#empty")).to_be_visible(timeout=WAIT_MS)

    give(page, "#empty-folder", tmp_path / "set")
    pictures, instances, categories = facts(page)
    assert pictures.startswith("3 pictures") and "3 new" in pictures
    assert instances.startswith("7 instances")
    assert categories.startswith("3 categories") and "3 new" in categories
    expect(page.locator("#import-dialog .import-what")).to_contain_text("data.yaml")
    page.click("#import-start")
    expect(page.locator("#import-summary")).to_have_text(
        "3 pictures and 7 instances imported, 3 new categories", timeout=WAIT_MS
    )
    page.keyboard.press("Escape")
    expect(page.locator(".picture")).to_have_count(3)
    Desk(page, server.url).picture("tea_time.png").click()
    expect(page.locator("[id^=instance-]")).to_have_count(4, timeout=WAIT_MS)

    page.click("#export")
    expect(page.locator("#export-outlook")).to_have_text("7 instances on 3 pictures will go out", timeout=WAIT_MS)
    page.click("#export-categories-none")
    expect(page.locator("#export-problem-categories")).to_be_visible()
    page.check("input[name=category][value=cup]")
    page.check("input[name=split]")
    for part, share in (("train", "50"), ("val", "50"), ("test", "0")):
        page.fill(f"#export-split-{part}", share)
    page.fill("input[name=smallest_area]", "5")
    expect(page.locator("#export-outlook")).to_contain_text("on 3 pictures will go out", timeout=WAIT_MS)
    page.click("#export-start")
    link = page.locator("#export-download")
    expect(link).to_be_visible(timeout=WAIT_MS)
    with page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        files = [name for name in archive.namelist() if name.startswith("annotations/")]
        parts = [json.loads(archive.read(name)) for name in files]
        assert {name.split("/")[1] for name in archive.namelist() if name.startswith("images/")} <= {
            "train",
            "val",
            "test",
        }
    assert sorted(files) == ["annotations/instances_train.json", "annotations/instances_val.json"]
    assert {one["name"] for part in parts for one in part["categories"]} == {"cup"}
    kept = [one["area"] for part in parts for one in part["annotations"]]
    assert len(kept) == 2 and min(kept) >= 5  # of the three cups one is a single pixel
    page.click("#export-snippet-copy")
    expect(page.locator("#export-snippet-copy")).to_have_text("Copied")


def test_what_would_overwrite_is_shown_first_and_what_is_damaged_changes_nothing(
    page: Page, server: RunningServer, tmp_path: Path
) -> None:
    page.goto(server.url)
    expect(page.locator("#import")).to_be_visible(timeout=WAIT_MS)
    page.wait_for_selector(".picture, #empty:not([hidden])", timeout=WAIT_MS)  # the list comes after the button
    before = page.locator(".picture").count()
    other = FakeDataset(tmp_path / "other")
    picture = other.add_image((40, 50), "conflict.png")
    mask = np.zeros((40, 50), bool)
    mask[5:20, 5:20] = True
    other.add_instance(picture, mask, other.add_category("bowl"))
    export("coco", other, tmp_path / "first.zip")
    give(page, "#import", tmp_path / "first.zip")
    assert facts(page)[0].startswith("1 picture")
    page.click("#import-start")
    expect(page.locator("#import-summary")).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press("Escape")
    expect(page.locator(".picture")).to_have_count(before + 1)

    give(page, "#import", tmp_path / "first.zip")  # once more: it is all here
    facts(page)
    expect(page.locator("#import-start")).to_be_disabled()
    page.keyboard.press("Escape")

    other.add_instance(picture, ~mask, other.categories[0])
    export("coco", other, tmp_path / "second.zip")
    give(page, "#import", tmp_path / "second.zip")
    facts(page)
    expect(page.locator("#import-conflict-lines")).to_contain_text("conflict")
    page.click("#import-add")
    page.click("#import-start")
    expect(page.locator("#import-summary")).to_contain_text("1 instance imported", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    Desk(page, server.url).picture("conflict.png").click()
    expect(page.locator("[id^=instance-]")).to_have_count(2, timeout=WAIT_MS)

    with zipfile.ZipFile(tmp_path / "second.zip") as whole, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name in whole.namelist():
            content = whole.read(name)
            bad.writestr(name, content[: len(content) // 2] if name == "annotations.json" else content)
    give(page, "#import", tmp_path / "bad.zip")
    expect(page.get_by_text("annotations.json: It ends too early")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#import-dialog")).to_have_count(0)
    expect(page.locator(".picture")).to_have_count(before + 1)
