"""The page "Data set": figures, the way from a thumbnail to its picture, a category changed and taken back, a check."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import WAIT_MS, Desk

LIGHT_TEXT, DARK_TEXT = "rgb(82, 93, 110)", "rgb(160, 171, 187)"  # --text-soft of tokens.css


@pytest.fixture
def desk(page: Page, server_url: str) -> Desk:
    return Desk(page, server_url).open()


def show(page: Page, tab: str) -> Locator:
    """The page on that tab."""
    page.keyboard.press("v")
    page.click(f"#dataset-{tab}")
    return page.locator("#dataset-dialog")


def tile(page: Page, instance_id: int) -> Locator:
    return page.locator(f"#tile-{instance_id}")


def test_an_empty_workspace_says_what_to_do_and_a_first_picture_is_counted(page: Page, server_url: str) -> None:
    page.goto(server_url)
    page.wait_for_selector("#empty:not([hidden])", timeout=WAIT_MS)
    page.click("#dataset")
    expect(page.locator("#dataset-empty")).to_contain_text("Import some")
    page.click("#dataset-gallery")
    expect(page.locator("#gallery-empty")).to_contain_text("No instances yet")
    page.click("#dataset-checks")
    expect(page.locator("#findings")).to_contain_text("Nothing found")
    page.keyboard.press("Escape")
    expect(page.locator("#dataset-dialog")).to_have_count(0)


def test_from_a_figure_to_a_wrong_instance_to_its_picture_and_back(desk: Desk) -> None:
    page = desk.page
    cup = desk.save("cup", 0.5, 0.45)
    spoon = desk.save("spoon", 0.2, 0.45)
    desk.open("chelsea.png")
    cat = desk.save("cat", 0.5, 0.45)

    # figures: drawn, in the theme's colours, and a bar leads to its instances
    page.keyboard.press("v")
    bars = page.locator("#figure-categories .point path")
    expect(bars).to_have_count(3, timeout=WAIT_MS)
    expect(page.locator(".facts")).to_contain_text("3 instances")
    tick = page.locator("#figure-sizes .xtick text").first
    expect(tick).to_have_css("fill", LIGHT_TEXT)
    page.emulate_media(color_scheme="dark")
    expect(tick).to_have_css("fill", DARK_TEXT)
    page.emulate_media(color_scheme="light")
    for name in ("positions", "counts", "labelers", "statuses", "splits"):
        expect(page.locator(f"#figure-{name} .main-svg").first).to_be_visible()
    page.mouse.click(*middle(bars.first))
    expect(page.locator(".tile")).to_have_count(1)
    page.locator("#gallery-category").select_option("")
    expect(page.locator(".tile")).to_have_count(3)
    picture = tile(page, cat).locator("img")
    expect(picture).to_have_attribute("src", re.compile(rf"crops/{cat}\.jpg\?v=[0-9a-f]{{16}}"))
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("one => one.naturalWidth") > 100

    # keys: two are selected, given a category, and one Ctrl+Z takes it back on both pictures
    palette = [one.get_attribute("id") for one in page.locator(".category-pick").all()]
    number = str(1 + palette.index(page.locator(".category[data-name=spoon] .category-pick").get_attribute("id")))
    page.locator("#gallery-order").select_option("newest")
    expect(page.locator(".tile").first).to_have_attribute("id", f"tile-{cat}")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    tile(page, cup).click(modifiers=["ControlOrMeta"])
    expect(page.locator(".gallery-count")).to_have_text("2 of 3 instances selected")
    page.mouse.move(*middle(tile(page, cat)))
    page.mouse.down()
    page.mouse.move(*middle(tile(page, cup)), steps=4)
    page.mouse.up()
    expect(page.locator(".gallery-count")).to_have_text("3 of 3 instances selected")
    page.keyboard.press("z")
    tile(page, cat).click(modifiers=["ControlOrMeta"])
    tile(page, cup).click(modifiers=["ControlOrMeta"])
    expect(page.locator(".gallery-count")).to_have_text("2 of 3 instances selected")
    page.keyboard.press(number)
    expect(page.locator("#gallery-words")).to_have_text("2 instances are spoon now.")
    for one in (cup, spoon, cat):
        expect(tile(page, one).locator(".tile-category")).to_have_text("spoon")
    page.keyboard.press("Control+z")
    expect(page.locator("#gallery-words")).to_have_text("Undone.")
    expect(tile(page, cup).locator(".tile-category")).to_have_text("cup")
    expect(tile(page, cat).locator(".tile-category")).to_have_text("cat")
    page.keyboard.press("Control+Shift+z")
    expect(tile(page, cat).locator(".tile-category")).to_have_text("spoon")

    # a click leads there; the picture's own Ctrl+Z takes back what was done in the gallery
    tile(page, cup).click()
    desk.shows("coffee.png")
    expect(page.locator("#dataset-dialog")).to_have_count(0)
    expect(page.locator(f"#instance-{cup}")).to_have_attribute("aria-selected", "true")
    assert [one["category_id"] for one in desk.instances] == [desk.instances[1]["category_id"]] * 2
    desk.press("Control+z")
    assert desk.instances[0]["category_id"] != desk.instances[1]["category_id"]
    assert desk.state["undo_name"] != "change category"

    # X deletes and Ctrl+Z brings back, also the one on the open picture, which the canvas then shows
    show(page, "gallery")
    tile(page, spoon).hover()
    page.mouse.move(*middle(tile(page, spoon)))
    page.keyboard.press("x")
    expect(tile(page, spoon)).to_have_class(re.compile("gone"))
    expect(page.locator("#gallery-words")).to_contain_text("1 instance deleted")
    page.keyboard.press("Escape")
    expect(page.locator(f"#instance-{spoon}")).to_have_count(0)
    show(page, "gallery")
    page.click("#gallery-undo")
    expect(tile(page, spoon)).not_to_have_class(re.compile("gone"))
    page.keyboard.press("Escape")
    expect(page.locator(f"#instance-{spoon}")).to_have_count(1)
    desk.shows("coffee.png")


def test_a_check_leads_to_what_it_found(desk: Desk) -> None:
    page = desk.open("rocket.jpg").page
    first = desk.save("rocket", 0.5, 0.4)
    second = desk.save("rocket", 0.5, 0.4)
    page.select_option("#status", "done")
    desk.open("astronaut.png")
    page.select_option("#status", "done")
    show(page, "checks")
    twins = page.locator("#check-twins")
    expect(twins).to_have_attribute("data-total", "1", timeout=WAIT_MS)
    expect(page.locator("#check-empty")).to_have_attribute("data-total", "1")
    twins.click()
    finding = page.locator(f".finding[data-instance-id='{second}']")
    expect(finding).to_contain_text("rocket.jpg")
    finding.click()
    desk.shows("rocket.jpg")
    expect(page.locator(f"#instance-{second}")).to_have_attribute("aria-selected", "true")
    desk.act(lambda: page.keyboard.press("x"))
    assert first in {one["id"] for one in desk.instances}
    show(page, "checks")
    expect(twins).to_have_attribute("data-total", "0", timeout=WAIT_MS)
    page.fill("#checks-area", "1000000")
    page.keyboard.press("Tab")
    expect(page.locator("#check-tiny")).not_to_have_attribute("data-total", "0")
    page.locator("#check-empty").click()
    page.locator(".finding").click()
    desk.shows("astronaut.png")

    desk.ensure_category("unused")
    show(page, "checks")
    page.locator("#check-unused").click()
    page.locator(".finding", has_text="unused").get_by_role("button").click()
    expect(page.locator("#dataset-dialog")).to_have_count(0)
    expect(page.locator("dialog[open] input[type=text]").first).to_have_value("unused")


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_speck_is_gone_near_to_and_anything_larger_is_shown_with_its_picture(page: Page, server_url: str) -> None:
    page.goto(server_url)
    speck, large = page.evaluate(
        """async () => {
            const { Viewport } = await import(new URL("annotator/static/viewport.js", document.baseURI));
            const views = [[390, 290, 4, 4], [100, 100, 200, 50]].map((box) => {
                const view = new Viewport();
                view.resize(800, 600);
                view.setImage(400, 300);
                view.reveal(box);
                return { ...view, middle: view.toScreen({ x: box[0] + box[2] / 2, y: box[1] + box[3] / 2 }) };
            });
            return views;
        }"""
    )
    assert (speck["scale"], speck["fitted"]) == (pytest.approx(6), False)
    assert speck["middle"] == pytest.approx({"x": 400, "y": 300})
    assert large["fitted"]
    assert large["scale"] < 2
