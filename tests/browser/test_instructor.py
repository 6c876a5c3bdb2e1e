"""The instructor's view: what is counted, said, backed up there, and whose masks differ; names and words are text."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from annotator.access.person import Role
from annotator.config import Settings
from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS
from tests.browser.desk import WAIT_MS
from tests.browser.test_signin import open_page
from tests.serving import RunningServer

WIDTH, HEIGHT = 120, 80
MARKUP = "<img src=x onerror=document.title='owned'>"
DAN = f"dan {MARKUP}"
BLUE, ORANGE = (47, 123, 246), (247, 103, 7)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two pictures, on which ben and dan have saved: alike on the first, apart on the second, which was returned."""
    folder = tmp_path_factory.mktemp("instructor")
    for name, colour in (("alike", 90), ("apart", 160)):
        Image.new("L", (WIDTH, HEIGHT), colour).save(folder / f"{name}.png")
    with Workspace(Settings(data=folder / "workspace")) as workspace:
        alike, apart = workspace.import_pictures(sorted(folder.glob("*.png"))).image_ids
        cup = workspace.category_called("cup").id
        for image_id, labeler, x in ((alike, "ben", 10), (alike, DAN, 12), (apart, "ben", 10), (apart, DAN, 70)):
            pixels = np.zeros((HEIGHT, WIDTH), bool)
            pixels[20:60, x : x + 40] = True
            values = {"category_id": cup, "rle": Rle.encode(pixels).to_coco(), "origin": "click"}
            workspace.repository.add_instances(image_id, [values], labeler=labeler)
        workspace.review.submit(apart, labeler=DAN)
        workspace.review.return_image(apart, MARKUP, labeler=f"boss {MARKUP}", role=Role.INSTRUCTOR)
    with RunningServer(folder / "workspace", options=OPTIONS) as running:
        yield running


def test_an_instructor_sees_how_far_all_are_speaks_and_backs_up(page: Page, server_url: str, tmp_path: Path) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    page.keyboard.press("y")
    rows = page.locator("#class-table tbody tr")
    expect(rows.filter(has_text="ben").locator("[data-key=instances]")).to_have_text("2", timeout=WAIT_MS)
    expect(rows.filter(has_text=DAN).locator("[data-key=submitted]")).to_have_text("1")
    expect(page.locator("#status-count-in_progress strong")).to_have_text("0")
    expect(page.locator("#status-count-returned strong")).to_have_text("1")

    page.fill("#announce-text", MARKUP)
    page.click("#announce-send")
    expect(page.locator("#announce-current")).to_have_text(MARKUP)
    expect(page.locator("#announcement .announcement-words")).to_have_text(MARKUP)

    page.select_option("#rule-mode", "several")
    expect(page.locator("#rule-labelers")).to_have_value("2")
    page.click("#back-up")
    expect(page.locator("#back-up-words")).to_contain_text("Done: 2 pictures and 4 instances", timeout=WAIT_MS)
    with page.expect_download() as download:
        page.locator("#backups a").click()
    download.value.save_as(tmp_path / "backup.zip")
    assert "annotator.db" in zipfile.ZipFile(tmp_path / "backup.zip").namelist()
    assert is_inert(page)


def test_a_pair_of_labelers_leads_to_their_masks_over_each_other_and_names_and_comments_are_text(
    page: Page, server_url: str
) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    page.click("#class")
    page.click("#class-agreement")
    expect(page.locator("#agreement-overall")).to_have_text("50 %", timeout=WAIT_MS)
    expect(page.locator("#agreement-pairs .pair")).to_have_attribute("aria-current", "true")
    tiles = page.locator(".agreement-tile")
    expect(tiles).to_have_text(["apart.png0 %", "alike.png100 %"])
    expect(tiles.first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#overlay")).to_have_attribute("aria-label", f"apart.png: 1 of ben, 1 of {DAN}")
    expect(page.locator("#agreement-labelers th[scope=row]")).to_have_text(["ben", DAN])
    assert nearest(page, 0.25, 0.5) == BLUE and nearest(page, 0.75, 0.5) == ORANGE
    page.uncheck("#overlay-side-2")
    assert nearest(page, 0.75, 0.5) is None
    page.click("#overlay-open")
    expect(page.locator("#class-dialog")).to_have_count(0)
    expect(page.locator("#current-name")).to_have_text("apart.png")
    expect(page.locator("#returned .returned-words")).to_have_text(MARKUP)
    page.keyboard.press("Shift+h")
    changes = page.locator("#history .change")
    expect(changes.first).to_have_text(re.compile(re.escape(f"returned the picture: “{MARKUP}”")))
    expect(changes.locator(".change-who")).to_have_text([f"boss {MARKUP}", DAN, DAN, "ben"])
    assert is_inert(page)


def is_inert(page: Page) -> bool:
    """Whether nothing of the markup has become a part of the page or has run."""
    return page.title() != "owned" and page.locator("[onerror], img[src=x]").count() == 0


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
