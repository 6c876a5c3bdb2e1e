"""Two labelers and an instructor at one server, each in a browser of their own: an hour of a class, in short."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS
from tests.browser.conftest import is_elsewhere
from tests.browser.desk import WAIT_MS, Desk, without_news
from tests.browser.test_signin import open_page
from tests.serving import RunningServer

ANN, BEN, GREEN = "Annika Lindqvist", "Ben", "Ms Green"
WIDTHS = (820, 1024, 1280)
NOTHING_CUT = [["current-name"], [], []]  # held upright, a tablet's header has no name in it
CODES = {ANN: CODE, BEN: CODE, GREEN: INSTRUCTOR_CODE}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("three") / "workspace", options=OPTIONS) as running:
        yield running


@pytest.fixture(scope="module")
def sit_down(browser: Browser, server: RunningServer) -> Iterator[Callable[[str], Desk]]:
    """That person at their browser, signed in by the form where they are not, before coffee.png."""
    contexts: list[BrowserContext] = []
    desks: dict[str, Desk] = {}
    errors: list[str] = []

    def find(name: str) -> Desk:
        if name not in desks:
            contexts.append(browser.new_context(viewport={"width": 1024, "height": 768}))
            contexts[-1].route(is_elsewhere, lambda route: route.abort())
            page = contexts[-1].new_page()
            page.on("pageerror", lambda error: errors.append(f"{name}: {error}"))
            desks[name] = Desk(page, server.url)
        desk = desks[name]
        desk.page.unroute_all()
        if desk.page.locator("#signed-in-name").count() == 0:
            open_page(desk.page, server.url, name, CODES[name])
        return desk.open("coffee.png")

    yield find
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture
def green(sit_down: Callable[[str], Desk]) -> Desk:
    desk = sit_down(GREEN)
    desk.ensure_category("cup")
    desk.ensure_category("pot")
    return desk


@pytest.fixture
def ann(green: Desk, sit_down: Callable[[str], Desk]) -> Desk:
    return sit_down(ANN)


@pytest.fixture
def ben(green: Desk, sit_down: Callable[[str], Desk]) -> Desk:
    return sit_down(BEN)


def row(desk: Desk, instance_id: int) -> Locator:
    return desk.page.locator(f"#instance-{instance_id}")


def in_class(green: Desk, labeler: str) -> Locator:
    """Their line in the instructor's view, which is opened where it is not."""
    if green.page.locator("#class-dialog").count() == 0:
        green.page.keyboard.press("y")
    return green.page.locator(f"#class-table tbody tr[data-labeler='{labeler}']")


def test_two_labelers_on_one_picture_see_each_others_saves_and_the_instructor_sees_both(
    green: Desk, ann: Desk, ben: Desk
) -> None:
    expect(in_class(green, ANN)).to_have_class("here", timeout=WAIT_MS)
    expect(in_class(green, ANN)).to_contain_text("coffee.png", timeout=WAIT_MS)
    expect(in_class(green, ANN).locator("[data-key=instances]")).to_have_text("0", timeout=WAIT_MS)
    without_news(ben.page)
    first = ann.save("lid", 0.5, 0.3)
    ben.page.unroute_all()  # the new category and what is in it come at once
    expect(row(ben, first)).to_be_visible()
    expect(ben.page.locator(".category[data-name=lid] .category-count")).to_have_text("1")
    second = ben.save("pot", 0.6, 0.72)
    expect(row(ann, second)).to_be_visible()
    expect(row(ann, first).locator("select")).to_be_enabled()
    expect(row(ann, second).locator("select")).to_be_disabled()
    expect(row(ann, second).locator("select")).to_have_attribute("title", re.compile(f"^{BEN}'s: "))
    expect(row(ann, second).locator("button:enabled")).to_have_count(2)  # to select it, and to cut it out
    for labeler in (ANN, BEN):
        expect(in_class(green, labeler).locator("[data-key=instances]")).to_have_text("1", timeout=WAIT_MS)
    expect(green.page.locator("#status-count-in_progress strong")).to_have_text("1")
    green.page.keyboard.press("Escape")
    for desk in (ann, ben, green):
        expect(desk.page.locator(".instance")).to_have_count(2)

    expect(ann.page.locator("#class")).to_be_hidden()
    ann.page.keyboard.press("y")
    expect(ann.page.locator("#class-dialog")).to_have_count(0)


def test_both_hear_the_instructor_and_categories_that_are_locked_stay_as_they_are(
    green: Desk, ann: Desk, ben: Desk
) -> None:
    in_class(green, ANN)
    text = "Ten minutes <b>left</b>. " + "Submit what is finished. " * 12
    green.page.fill("#announce-text", text)
    green.page.click("#announce-send")
    for desk in (ann, ben):
        expect(desk.page.locator("#announcement .announcement-words")).to_have_text(text)
    saved = ann.save("cup", 0.5, 0.3)
    ann.act(lambda: row(ann, saved).locator(".of-owner").first.click())
    assert bottom(ann.page.locator("#announcement")) < top(ann.page.locator("#editing"))
    ann.press("Escape")
    ann.page.click("#announcement-close")
    expect(ann.page.locator("#announcement")).to_be_hidden()

    without_news(ann.page)
    green.page.check("#lock-categories")
    expect(ben.page.locator("#add-category")).to_be_disabled()
    expect(ben.page.locator("#categories-locked")).to_be_visible()
    ann.page.fill("#add-category", "spoon")  # her page does not know of the lock yet
    ann.page.press("#add-category", "Enter")
    expect(ann.page.locator("#message")).to_contain_text(f"The categories are locked by {GREEN}")
    expect(ann.page.locator(".category[data-name=spoon]")).to_have_count(0)
    ann.page.unroute_all()
    expect(ann.page.locator("#add-category")).to_be_disabled()
    expect(green.page.locator("#add-category")).to_be_enabled()
    green.page.uncheck("#lock-categories")
    for desk in (ann, ben):
        expect(desk.page.locator("#add-category")).to_be_enabled()
    expect(ann.page.locator("#announcement")).to_be_hidden()  # it was put away, and is the same one
    green.page.click("#announce-withdraw")
    expect(ben.page.locator("#announcement")).to_be_hidden()
    green.page.keyboard.press("Escape")


def test_a_picture_goes_to_the_instructor_and_back_is_mended_accepted_and_exported(green: Desk, ann: Desk) -> None:
    kept, wrong = ann.save("cup", 0.5, 0.3), ann.save("pot", 0.62, 0.72)
    assert [cut_in_header(ann.page, width) for width in WIDTHS] == NOTHING_CUT
    ann.page.keyboard.press("Shift+Enter")
    ann.shows("chelsea.png")
    expect(green.picture("coffee.png")).to_have_attribute("data-status", "submitted")
    expect(green.page.locator("#filter option[value=submitted]")).to_have_text("Submitted (1)")
    expect(green.page.locator("#accept")).to_be_visible()
    assert [cut_in_header(green.page, width) for width in WIDTHS] == NOTHING_CUT
    green.page.keyboard.press("Shift+R")
    green.page.fill("#return-comment", "That is <i>no</i> pot")
    green.page.click("#return-send")

    expect(ann.picture("coffee.png")).to_have_attribute("data-status", "returned")
    ann.picture("coffee.png").click()
    expect(ann.page.locator("#returned .returned-words")).to_have_text("That is <i>no</i> pot")
    ann.page.get_by_label("Put the comment away").click()
    ann.page.click("#returned-chip")
    expect(ann.page.locator("#returned")).to_be_visible()
    ann.shows("coffee.png")
    row(ann, wrong).locator("select").select_option(label="cup")
    expect(row(green, wrong).locator(".instance-number")).to_have_attribute("aria-label", re.compile("cup"))
    expect(ann.page.locator("#accept")).to_be_hidden()
    ann.page.click("#submit")
    expect(green.page.locator("#accept")).to_be_visible()
    green.page.keyboard.press("Shift+A")
    expect(ann.picture("coffee.png")).to_have_attribute("data-status", "accepted")

    green.open("coffee.png")
    ann.open("coffee.png")
    ann.page.keyboard.press("Shift+H")
    told = ann.page.locator("#history .change")
    expect(told.filter(has_text="returned the picture: “That is <i>no</i> pot”")).to_contain_text(GREEN)
    expect(ann.page.locator("#history .change-undo")).to_have_count(0)
    green.page.keyboard.press("Shift+H")
    change = green.page.locator("#history .change", has_text="from pot to cup")
    expect(change).to_contain_text(ANN)
    change.get_by_role("button", name="Undo").click()
    expect(change).to_contain_text("undone")
    expect(told.filter(has_text="(by undoing an entry)")).to_contain_text(GREEN)  # into her open list
    for desk in (ann, green):
        desk.page.keyboard.press("Escape")
    expect(row(ann, wrong).locator(".instance-number")).to_have_attribute("aria-label", re.compile("pot"))
    expect(row(ann, kept)).to_be_visible()

    in_class(green, ANN)
    green.page.click("#class-export")
    green.page.click("#export-start")
    expect(green.page.locator("#export-download")).to_be_visible(timeout=WAIT_MS)
    with green.page.expect_download() as download:
        green.page.click("#export-download")
    assert download.value.path().stat().st_size
    green.page.keyboard.press("Escape")
    expect(green.page.locator("#class-dialog")).to_be_visible()
    green.page.keyboard.press("Escape")
    green.page.select_option("#status", "in_progress")
    expect(ann.picture("coffee.png")).to_have_attribute("data-status", "in_progress")


def test_who_signs_out_or_is_signed_out_leaves_the_others_in(green: Desk, ann: Desk, ben: Desk) -> None:
    expect(in_class(green, BEN)).to_have_class("here", timeout=WAIT_MS)
    ben.page.click("#sign-out")
    expect(ben.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(in_class(green, BEN).locator(".class-sign-out")).to_be_hidden(timeout=WAIT_MS)
    before = int(in_class(green, ANN).locator("[data-key=instances]").inner_text())
    ann.save("cup", 0.3, 0.7)
    expect(in_class(green, ANN).locator("[data-key=instances]")).to_have_text(str(before + 1), timeout=WAIT_MS)
    in_class(green, ANN).locator(".class-sign-out").click()
    green.page.click("#class-sign-out-yes")
    expect(in_class(green, ANN).locator(".class-sign-out")).to_be_hidden(timeout=WAIT_MS)
    ann.page.reload()
    expect(ann.page.get_by_role("button", name="Sign in")).to_be_visible()
    green.page.keyboard.press("Escape")


def top(element: Locator) -> float:
    return (element.bounding_box() or {"y": -1})["y"]


def bottom(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def cut_in_header(page: Page, width: int) -> list[str]:
    """What of the header of a window so wide is cut off or lies over the rest. The window is as it was afterwards."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 768})
    cut: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".topbar-part, #current-name")]
            .filter((one) => one.scrollWidth > one.clientWidth || one.matches("span") && !one.clientWidth)
            .map((one) => one.className)"""
    )
    assert before is not None
    page.set_viewport_size(before)
    return cut
