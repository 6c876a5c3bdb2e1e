"""The analysis in the page: opened by its key, a dot clicked, the mask behind it found again on the canvas."""

import re
from collections.abc import Iterator

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from tests.browser.conftest import VIEWPORT, is_elsewhere
from tests.browser.desk import WAIT_MS, Desk

LIGHT, DARK = "rgb(82, 93, 110)", "rgb(160, 171, 187)"  # --text-soft of tokens.css


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One window for the module, so that the library comes from the browser's own cache the second time."""
    context = browser.new_context(viewport=VIEWPORT, color_scheme="light")
    context.route(is_elsewhere, lambda route: route.abort())
    yield context
    context.close()


@pytest.fixture
def desk(page: Page, server_url: str) -> Desk:
    return Desk(page, server_url).open()


@pytest.fixture
def saved(desk: Desk) -> list[int]:
    """Ids of two instances on the picture that is shown."""
    for category in ("cup", "spoon")[len(desk.instances) :]:
        desk.save(category, 0.5 if category == "cup" else 0.2, 0.45)
    return [instance["id"] for instance in desk.instances]


def analyse(page: Page) -> Locator:
    page.keyboard.press("i")
    expect(page.locator("#figure-categories .plot .main-svg").first).to_be_visible(timeout=WAIT_MS)
    return page.locator("#figure-scores .scatterlayer .point")


def click_dot(page: Page, dot: Locator) -> None:
    box = dot.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_before_the_first_mask_a_sentence_says_what_to_do_and_nothing_is_loaded(desk: Desk) -> None:
    page = desk.page
    fetched: list[str] = []

    def hear(request: Request) -> None:
        fetched.append(request.url)

    page.on("request", hear)
    page.keyboard.press("i")
    expect(page.locator("#analysis-empty")).to_contain_text("propose masks")
    page.click("#analysis-workspace")
    expect(page.locator("#analysis-empty")).to_contain_text("in the workspace")
    page.keyboard.press("Escape")
    expect(page.locator("#analysis-dialog")).to_have_count(0)
    assert not [url for url in fetched if "plotly.js?" in url]


def test_a_dot_shows_its_mask_and_selects_its_instance(desk: Desk, saved: list[int]) -> None:
    page = desk.page
    dots = analyse(page)
    expect(dots).to_have_count(2)
    expect(page.locator(".facts")).to_contain_text("2 instances")
    click_dot(page, dots.first)
    preview = page.locator("#analysis-preview")
    expect(preview).to_have_attribute("data-mask", f"instance-{saved[0]}")
    expect(preview).to_contain_text("cup")
    painted = preview.locator("canvas").evaluate(
        "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((value) => value > 0)"
    )
    assert painted
    page.click("#analysis-show")
    expect(page.locator("#analysis-dialog")).to_have_count(0)
    expect(page.locator(f"#instance-{saved[0]}")).to_have_attribute("aria-selected", "true")


@pytest.mark.usefixtures("saved")
def test_a_dot_of_another_picture_leads_there(desk: Desk) -> None:
    page = desk.page
    desk.open("chelsea.png")
    page.click("#analysis")
    expect(page.locator("#analysis-empty")).to_be_visible()
    page.click("#analysis-workspace")
    dots = page.locator("#figure-scores .scatterlayer .point")
    expect(dots).to_have_count(2, timeout=WAIT_MS)
    expect(page.locator("#figure-counts .plot .main-svg").first).to_be_visible()
    click_dot(page, dots.nth(1))
    expect(page.locator("#analysis-preview")).to_contain_text("coffee.png")
    page.click("#analysis-show")
    desk.shows("coffee.png")
    expect(page.locator(".instance[aria-selected=true]")).to_have_count(1)


@pytest.mark.usefixtures("saved")
def test_the_figures_follow_the_theme(desk: Desk) -> None:
    page = desk.page
    analyse(page)
    tick = page.locator("#figure-scores .xtick text").first
    expect(tick).to_have_css("fill", LIGHT)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("#figure-scores .xtick text").first).to_have_css("fill", DARK)
    page.emulate_media(color_scheme="light")
    page.keyboard.press("Escape")


@pytest.mark.usefixtures("saved")
def test_tabs_are_walked_by_arrow_keys_and_page_keys_do_nothing_meanwhile(desk: Desk) -> None:
    page = desk.page
    analyse(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#analysis-workspace")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#figure-counts")).to_be_visible(timeout=WAIT_MS)
    revision = desk.revision
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    desk.shows("coffee.png")
    assert desk.revision == revision


def test_the_library_is_the_installed_one_and_kept_by_the_browser(page: Page, server_url: str) -> None:
    answer = page.request.get(f"{server_url}/annotator/plotly.js")
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
    assert "plotly.js" in answer.text()[:200]


def test_a_proposals_dot_shows_its_mask_and_selects_it_in_the_list(desk: Desk, server_url: str) -> None:
    page = desk.open("chelsea.png").page
    client = Client(server_url, verbose=False)
    settings = {"points_per_side": 4, "pred_iou_thresh": 0.3, "stability_score_thresh": 0.3}
    job = client.predict([desk.state["image"]["id"]], settings, api_name="/propose_masks")
    while job["state"] == "running":
        page.wait_for_timeout(100)
        job = client.predict(job["id"], api_name="/job")
    assert job["result"]["proposals"] > 0, job
    page.reload()
    desk.open("chelsea.png")
    dots = analyse(page)
    expect(dots).not_to_have_count(0)
    click_dot(page, dots.last)  # those not shown are drawn first
    preview = page.locator("#analysis-preview")
    expect(preview).to_have_attribute("data-mask", re.compile(r"proposal-\d+"))
    expect(preview).to_contain_text("proposed, builtin")
    chosen = preview.get_attribute("data-mask")
    page.set_viewport_size({"width": 820, "height": 1180})
    expect(page.locator("#figure-coverage")).to_contain_text("proposals alone")
    first = page.locator("#figure-scores")
    room = first.bounding_box()
    assert room is not None
    expect(first.locator(".main-svg").first).to_have_css("width", re.compile(rf"^{int(room['width']) - 26}"))
    assert room["height"] > 360
    page.click("#analysis-show")
    expect(page.locator("#analysis-dialog")).to_have_count(0)
    page.set_viewport_size(VIEWPORT)
    expect(page.locator(f"#{chosen}")).to_have_attribute("aria-selected", "true", timeout=WAIT_MS)
