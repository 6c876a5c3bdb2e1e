"""The instructor's view beside a labeler's page: what is said and locked there shows here, and whose masks differ."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from annotator.config import Settings
from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS
from tests.browser.desk import WAIT_MS
from tests.browser.test_signin import open_page
from tests.serving import RunningServer

WIDTH, HEIGHT = 120, 80
MARKUP = "<img src=x onerror=document.title='owned'>"
BLUE, ORANGE = (47, 123, 246), (247, 103, 7)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two pictures, on which ben and dan have saved: alike on the first, apart on the second."""
    folder = tmp_path_factory.mktemp("instructor")
    for name, colour in (("alike", 90), ("apart", 160)):
        Image.new("L", (WIDTH, HEIGHT), colour).save(folder / f"{name}.png")
    with Workspace(Settings(data=folder / "workspace")) as workspace:
        alike, apart = workspace.import_pictures(sorted(folder.glob("*.png"))).image_ids
        cup = workspace.category_called("cup").id
        for image_id, labeler, x in ((alike, "ben", 10), (alike, "dan", 12), (apart, "ben", 10), (apart, "dan", 70)):
            pixels = np.zeros((HEIGHT, WIDTH), bool)
            pixels[20:60, x : x + 40] = True
            values = {"category_id": cup, "rle": Rle.encode(pixels).to_coco(), "origin": "click"}
            workspace.repository.add_instances(image_id, [values], labeler=labeler)
    with RunningServer(folder / "workspace", options=OPTIONS) as running:
        yield running


@pytest.mark.expect_console_errors  # the labeler who is signed out is told 401
def test_an_instructor_speaks_locks_backs_up_and_signs_out(
    page: Page, browser: Browser, server_url: str, tmp_path: Path
) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    theirs = browser.new_context()
    ann = theirs.new_page()
    open_page(ann, server_url, "ann", CODE)
    expect(ann.locator("#canvas")).to_have_attribute("data-image-id", re.compile(r"\d+"), timeout=WAIT_MS)
    expect(ann.locator("#class")).to_be_hidden()
    ann.keyboard.press("y")
    expect(ann.locator("#class-dialog")).to_have_count(0)

    page.keyboard.press("y")
    rows = page.locator("#class-table tbody tr")
    expect(rows.filter(has_text="ann")).to_have_class("here", timeout=WAIT_MS)
    expect(rows.filter(has_text="ann")).to_contain_text("alike.png")
    expect(rows.filter(has_text="ben").locator("[data-key=instances]")).to_have_text("2")
    expect(page.locator("#status-count-new strong")).to_have_text("2")

    page.fill("#announce-text", MARKUP)
    page.click("#announce-send")
    expect(page.locator("#announce-current")).to_have_text(MARKUP)
    expect(ann.locator("#announcement")).to_contain_text(MARKUP, timeout=WAIT_MS)
    assert ann.title() != "owned" and ann.locator("#announcement img").count() == 0
    ann.click("#announcement-close")
    expect(ann.locator("#announcement")).to_be_hidden()

    page.check("#lock-categories")
    expect(ann.locator("#add-category")).to_be_disabled(timeout=WAIT_MS)
    expect(ann.locator("#categories-locked")).to_be_visible()
    expect(page.locator("#add-category")).to_be_enabled()
    page.uncheck("#lock-categories")
    expect(ann.locator("#add-category")).to_be_enabled(timeout=WAIT_MS)
    expect(ann.locator("#announcement")).to_be_hidden()

    page.select_option("#rule-mode", "several")
    expect(page.locator("#rule-labelers")).to_have_value("2")
    page.click("#back-up")
    expect(page.locator("#back-up-words")).to_contain_text("Done: 2 pictures and 4 instances", timeout=WAIT_MS)
    with page.expect_download() as download:
        page.locator("#backups a").click()
    download.value.save_as(tmp_path / "backup.zip")
    assert "annotator.db" in zipfile.ZipFile(tmp_path / "backup.zip").namelist()
    page.click("#class-export")
    expect(page.locator("#export-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#class-dialog")).to_be_visible()

    rows.filter(has_text="ann").locator(".class-sign-out").click()
    page.click("#class-sign-out-yes")
    expect(rows.filter(has_text="ann")).to_have_count(0)
    ann.reload()
    expect(ann.get_by_role("button", name="Sign in")).to_be_visible()
    theirs.close()


def test_a_pair_of_labelers_leads_to_their_masks_over_each_other(page: Page, server_url: str) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    page.click("#class")
    page.click("#class-agreement")
    expect(page.locator("#agreement-overall")).to_have_text("50 %", timeout=WAIT_MS)
    expect(page.locator("#agreement-pairs .pair")).to_have_attribute("aria-current", "true")
    tiles = page.locator(".agreement-tile")
    expect(tiles).to_have_text(["apart.png0 %", "alike.png100 %"])
    expect(tiles.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#overlay")).to_have_attribute("aria-label", "apart.png: 1 of ben, 1 of dan")
    assert nearest(page, 0.25, 0.5) == BLUE and nearest(page, 0.75, 0.5) == ORANGE
    page.uncheck("#overlay-side-2")
    assert nearest(page, 0.75, 0.5) is None
    page.click("#overlay-open")
    expect(page.locator("#class-dialog")).to_have_count(0)
    expect(page.locator("#current-name")).to_have_text("apart.png")


def test_a_labelers_page_goes_on_by_itself_on_what_was_restored(page: Page, browser: Browser, server_url: str) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    theirs = browser.new_context()
    ann = theirs.new_page()
    open_page(ann, server_url, "ann", CODE)
    expect(ann.locator("#canvas")).to_have_attribute("data-image-id", re.compile(r"\d+"), timeout=WAIT_MS)
    page.click("#class")
    page.click("#back-up")
    expect(page.locator("#back-up-words")).to_contain_text("Done: 2 pictures", timeout=WAIT_MS)
    ann.fill("#add-category", "late")
    ann.press("#add-category", "Enter")
    expect(ann.get_by_role("region", name="Categories")).to_contain_text("late", timeout=WAIT_MS)

    page.locator("#backups .restore").first.click()
    outlook = page.locator("#restore-outlook tbody tr")
    expect(outlook).to_have_text([re.compile("this moment"), "Pictures22", "Instances44"], timeout=WAIT_MS)
    page.click("#restore-yes")
    for one in (ann, page):
        expect(one.locator("#message")).to_contain_text("restored a backup", timeout=WAIT_MS)
    expect(ann.locator("#signed-in-name")).to_have_text("ann")
    expect(ann.get_by_role("region", name="Categories")).to_contain_text("cup", timeout=WAIT_MS)
    expect(ann.get_by_role("region", name="Categories")).not_to_contain_text("late")
    ann.fill("#add-category", "after")
    ann.press("#add-category", "Enter")
    expect(ann.get_by_role("region", name="Categories")).to_contain_text("after", timeout=WAIT_MS)
    page.click("#class")
    expect(page.locator("#restore-note")).to_contain_text("by boss")
    theirs.close()


def nearest(page: Page, across: float, down: float) -> tuple[int, int, int] | None:
    """Whose colour is painted there; None: nobody's."""
    red, _, blue, alpha = page.locator("#overlay").evaluate(
        """(canvas, [x, y]) => {
            const at = [Math.round(x * canvas.width), Math.round(y * canvas.height), 1, 1];
            return [...canvas.getContext("2d").getImageData(...at).data];
        }""",
        [across, down],
    )
    if not alpha:
        return None
    return BLUE if blue > red else ORANGE
