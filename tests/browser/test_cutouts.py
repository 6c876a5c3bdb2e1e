"""Cutting out in the page: opened by its key, changed, compared under the divide, downloaded."""

import re
import zipfile
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image
from playwright.sync_api import Download, Page, expect

from tests.browser.desk import WAIT_MS, Desk
from tests.conftest import SAMPLES


@pytest.fixture
def desk(page: Page, server_url: str) -> Desk:
    return Desk(page, server_url).open()


def previewed(page: Page, number: int) -> None:
    """Until that preview of the dialog, or a later one, is shown."""
    page.wait_for_function(
        "(number) => Number(document.querySelector('#cutout-dialog')?.dataset.shown ?? 0) >= number",
        arg=number,
        timeout=WAIT_MS,
    )


def after(page: Page) -> Image.Image:
    """The picture that the preview shows on the right."""
    url = page.locator(".comparison-after").get_attribute("src") or ""
    with urlopen(url) as data:  # a data: address, which nothing is fetched for
        return Image.open(BytesIO(data.read()))


def opened(download: Download) -> Image.Image:
    return Image.open(Path(download.path()))


def test_the_whole_path_from_an_instance_to_a_file(desk: Desk) -> None:
    page = desk.page
    for category, across in (("cup", 0.5), ("spoon", 0.2)):
        desk.save(category, across, 0.45)
    first, second = (instance["id"] for instance in desk.instances)
    page.locator(f"#instance-{first}").click()
    page.locator("#canvas").focus()
    page.keyboard.press("c")
    previewed(page, 1)
    assert after(page).mode == "RGBA"
    facts = page.locator("#cutout-facts")
    x, y, width, height = desk.instances[0]["bbox_xywh"]
    image = desk.state["image"]
    reach = 2  # of the usual soft edge of 3 pixels
    across = min(image["width"], x + width + reach) - max(0, x - reach)
    down = min(image["height"], y + height + reach) - max(0, y - reach)
    expect(facts).to_have_text(f"{across}×{down} pixels")

    # the divide, by mouse and by keys
    divide, frame = page.locator("#cutout-divide"), page.locator("#cutout-comparison")
    box = frame.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=3)
    page.mouse.up()
    expect(divide).to_have_attribute("aria-valuenow", "25")
    expect(page.locator(".comparison-after")).to_have_css("clip-path", re.compile(r"inset\(0px 0px 0px 2[45]"))
    page.keyboard.press("ArrowRight")
    expect(divide).to_have_attribute("aria-valuenow", "27")
    page.keyboard.press("End")
    expect(divide).to_have_attribute("aria-valuetext", "100 % before, 0 % after")

    # another background, the whole picture
    page.click("#cutout-background-blue")
    page.select_option("#cutout-size", "full")
    expect(facts).to_have_text(f"{image['width']}×{image['height']} pixels", timeout=WAIT_MS)
    shown = after(page)
    assert shown.size == (image["width"], image["height"])
    with page.expect_download() as said:
        page.click("#cutout-download")
    with opened(said.value) as got:
        assert (said.value.suggested_filename, got.format) == ("coffee_cup_1.png", "PNG")
        assert got.size == (image["width"], image["height"])
        assert got.convert("RGB").getpixel((2, image["height"] - 3)) == (67, 142, 219)

    # both joined, as a photo
    page.check(f"[name=instance][value='{second}']")
    page.select_option("#cutout-size", "35x45mm")
    expect(facts).to_have_text("413×531 pixels", timeout=WAIT_MS)
    expect(page.locator("#cutout-notes")).to_contain_text("head 32–36 mm")
    with page.expect_download() as said:
        page.click("#cutout-download")
    with opened(said.value) as got:
        assert got.size == (413, 531)
        assert round(got.info["dpi"][0]) == 300

    # closed by its key, and the focus is where it was
    page.keyboard.press("Escape")
    expect(page.locator("#cutout-dialog")).to_have_count(0)
    expect(page.locator("#canvas")).to_be_focused()


def test_a_category_goes_into_a_zip_before_a_picture_of_ones_own(desk: Desk) -> None:
    page = desk.page
    desk.open("chelsea.png")
    desk.save("cat", 0.5, 0.5)
    row = page.locator(".category[data-name=cat]")
    row.hover()
    row.locator(".category-edit").click()
    page.click("#category-cut-out")
    previewed(page, 1)
    page.click("#cutout-background-picture")
    page.set_input_files("#cutout-upload", SAMPLES / "rocket.jpg")
    expect(page.locator("#cutout-picture")).to_have_value("upload", timeout=WAIT_MS)
    shown = int(page.locator("#cutout-dialog").get_attribute("data-shown") or 0)
    page.select_option("#cutout-size", "full")
    previewed(page, shown + 1)
    expect(page.locator("#cutout-problem")).to_be_hidden()
    expect(page.locator("#cutout-scope")).to_have_value("category")
    with page.expect_download() as said:
        page.click("#cutout-zip")
    with zipfile.ZipFile(said.value.path()) as archive:
        assert archive.namelist() == ["chelsea_cat_1.png"]
        with archive.open("chelsea_cat_1.png") as data, Image.open(data) as got:
            assert got.size == (451, 300)
            assert got.mode == "RGB"
    page.uncheck("[name=instance]")
    expect(page.locator("#cutout-problem")).to_contain_text("Choose at least one instance")
    expect(page.locator("#cutout-download")).to_be_disabled()
    page.keyboard.press("Escape")
