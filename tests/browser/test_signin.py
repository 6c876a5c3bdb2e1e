"""Signing in, what a labeler's page leaves out, and signing out, in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS
from tests.browser.desk import WAIT_MS
from tests.serving import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("signin") / "workspace", options=OPTIONS) as running:
        yield running


def sign_in(page: Page, server_url: str, name: str, code: str) -> None:
    page.goto(server_url)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def open_page(page: Page, server_url: str, name: str, code: str) -> None:
    """Sign in, until the page is there."""
    sign_in(page, server_url, name, code)
    expect(page.locator("#signed-in-name")).to_have_text(name, timeout=WAIT_MS)


@pytest.mark.expect_console_errors  # the browser tells of the answer 401
@pytest.mark.parametrize("size", [(1024, 768), (1440, 900)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_page_fits_and_says_what_was_wrong(
    page: Page, server_url: str, size: tuple[int, int], scheme: str
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    sign_in(page, server_url, "ann", "wrong-code")
    expect(page.get_by_role("alert")).to_contain_text("That is not the code")
    expect(page.get_by_label("Your name")).to_have_value("ann")
    expect(page.get_by_label("Code")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 30)") == (scheme == "dark"), (
        "its style has to be let through by the page's own policy"
    )


@pytest.mark.parametrize("width", [1024, 1440])
def test_a_labelers_page_leaves_out_what_takes_the_instructor(page: Page, server_url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    open_page(page, server_url, f"ann {width}", CODE)
    page.locator("#add-category").fill(f"cup {width}")
    page.locator("#add-category").press("Enter")
    row = page.locator(".category", has_text=f"cup {width}")
    expect(row).to_be_visible()
    expect(row).to_have_attribute("draggable", "false")
    row.locator(".category-edit").click()
    expect(page.locator("#category-name")).to_be_disabled()
    expect(page.locator("#category-delete")).to_have_count(0)
    page.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.locator("#offer")).to_be_hidden()
    page.locator("#segmenter").click()
    expect(page.locator("#segmenter-vit_b")).to_be_disabled()
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('.topbar').scrollWidth <= innerWidth")
    page.locator("#sign-out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(server_url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_labelers_name_with_markup_in_it_is_inert(page: Page, server_url: str) -> None:
    name = "<img src=x onerror=window.broken=1><b>"
    open_page(page, server_url, name, CODE)
    page.locator("#sign-out").click()
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    assert page.evaluate("window.broken") is None
    assert page.locator("[onerror], img[src=x]").count() == 0


def test_the_instructors_page_has_everything(page: Page, server_url: str) -> None:
    open_page(page, server_url, "boss", INSTRUCTOR_CODE)
    page.locator("#add-category").fill("plate")
    page.locator("#add-category").press("Enter")
    row = page.locator(".category", has_text="plate")
    expect(row).to_have_attribute("draggable", "true")
    row.locator(".category-edit").click()
    expect(page.locator("#category-delete")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#segmenter").click()
    expect(page.locator("#segmenter-vit_b")).to_be_enabled()
