"""People at one server see each other's saves, overwrite nothing, and go on to what needs them."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from annotator.config import Settings
from storage.database import Database
from storage.records import AssignmentMode, AssignmentRule
from storage.repository import Repository
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS
from tests.browser.conftest import is_elsewhere
from tests.browser.desk import Desk, without_news
from tests.serving import RunningServer

ANN, BEN, GREEN = "ann", "ben", "ms green"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("together") / "workspace", options=OPTIONS) as running:
        yield running


@pytest.fixture(scope="module")
def contexts(browser: Browser, server: RunningServer) -> Iterator[dict[str, BrowserContext]]:
    """Each person's browser, signed in."""
    found = {}
    for name, code in ((ANN, CODE), (BEN, CODE), (GREEN, INSTRUCTOR_CODE)):
        context = found[name] = browser.new_context(viewport={"width": 1024, "height": 640})
        context.route(is_elsewhere, lambda route: route.abort())
        answer = context.request.post(f"{server.url}/login", form={"username": name, "password": code})
        assert answer.ok
    yield found
    for context in found.values():
        context.close()


@pytest.fixture(scope="module")
def sit_down(contexts: dict[str, BrowserContext], server: RunningServer) -> Iterator[Callable[..., Desk]]:
    """A person's window, which stays for the next test; number: of several of theirs."""
    desks: dict[tuple[str, int], Desk] = {}
    errors: list[str] = []

    def find(name: str, number: int = 1) -> Desk:
        if (name, number) not in desks:
            page = contexts[name].new_page()
            page.on("pageerror", lambda error: errors.append(f"{name}: {error}"))
            desks[name, number] = Desk(page, server.url)
        desk = desks[name, number]
        desk.page.unroute_all()
        return desk

    yield find
    assert not errors


@pytest.fixture
def ann(sit_down: Callable[..., Desk]) -> Desk:
    return sit_down(ANN).open("coffee.png")


@pytest.fixture
def green(sit_down: Callable[..., Desk]) -> Desk:
    desk = sit_down(GREEN).open("coffee.png")
    for name in ("cup", "pot", "lid"):
        desk.ensure_category(name)
    return desk


def row(desk: Desk, instance_id: int) -> Locator:
    return desk.page.locator(f"#instance-{instance_id}")


def give(desk: Desk, instance_id: int, category: str) -> None:
    row(desk, instance_id).locator("select").select_option(label=category)


def is_a(desk: Desk, instance_id: int, category: str) -> None:
    """Until the page shows that category for it."""
    label = re.compile(rf"^Instance \d+, {category}: select$")
    expect(row(desk, instance_id).locator(".instance-number")).to_have_attribute("aria-label", label)


def edit(desk: Desk, instance_id: int) -> None:
    """Begin to edit it, and mend it by one more point."""
    row(desk, instance_id).hover()
    desk.act(lambda: row(desk, instance_id).locator(".icon-button").first.click())


def two_versions(page: Page, mine: str, theirs: str, by: str) -> None:
    expect(page.locator("#clash .version-mine")).to_contain_text(mine)
    expect(page.locator("#clash .version-theirs")).to_contain_text(theirs)
    expect(page.locator("#clash .version-theirs")).to_contain_text(by)
    expect(page.locator("#clash canvas")).to_be_visible()


def test_another_labelers_save_comes_by_itself_and_disturbs_nothing(
    green: Desk, ann: Desk, sit_down: Callable[..., Desk]
) -> None:
    ben = sit_down(BEN).open("coffee.png")
    mine = ben.save("pot", 0.2, 0.6)
    row(ben, mine).locator(".instance-number").click()
    ben.click(0.9, 0.9)
    canvas = ben.page.locator("#canvas")
    before = canvas.get_attribute("data-view"), canvas.get_attribute("data-revision")
    saved = ann.save("cup")
    expect(row(ben, saved)).to_be_visible()
    is_a(ben, saved, "cup")
    expect(ben.picture("coffee.png").locator(".picture-count")).to_have_text("2")
    assert (canvas.get_attribute("data-view"), canvas.get_attribute("data-revision")) == before
    expect(row(ben, mine)).to_have_attribute("aria-selected", "true")
    expect(ben.page.locator("#candidate-1")).to_be_enabled()
    ben.press("Escape")
    row(ann, saved).hover()
    ann.act(lambda: row(ann, saved).locator(".icon-button").last.click())
    expect(row(ben, saved)).to_have_count(0)


def test_two_windows_of_one_labeler_show_the_same(green: Desk, ann: Desk, sit_down: Callable[..., Desk]) -> None:
    second = sit_down(ANN, 2).open("coffee.png")
    ann.click(0.5, 0.4)
    expect(second.page.locator("#candidate-1")).to_be_enabled()
    ann.act(lambda: ann.page.click(f"#category-{ann.ensure_category('cup')}"))
    saved = ann.instances[-1]["id"]
    expect(row(second, saved)).to_be_visible()
    second.act(lambda: row(second, saved).locator("select").select_option(label="lid"))
    is_a(ann, saved, "lid")
    assert ann.page.locator("#message .message-error").count() == 0


def test_a_category_that_was_changed_unseen_is_refused_with_both_versions(green: Desk, ann: Desk) -> None:
    saved = ann.save("cup")
    expect(row(green, saved)).to_be_visible()
    without_news(ann.page)
    green.act(lambda: give(green, saved, "pot"))
    give(ann, saved, "lid")
    two_versions(ann.page, "lid", "pot", f"by {GREEN}")
    ann.page.click("#take-theirs")
    is_a(ann, saved, "pot")
    green.act(lambda: give(green, saved, "cup"))
    ann.page.keyboard.press("Escape")
    row(ann, saved).locator(".instance-number").click()
    ann.page.keyboard.press("x")
    two_versions(ann.page, "deleted", "cup", f"by {GREEN}")
    expect(row(ann, saved)).to_be_visible()
    ann.page.click("#keep-mine")
    expect(row(ann, saved)).to_have_count(0)
    expect(row(green, saved)).to_have_count(0)


@pytest.mark.heavy
def test_a_mask_that_another_mended_meanwhile_is_kept_until_the_labeler_decides(green: Desk, ann: Desk) -> None:
    saved = ann.save("cup")
    edit(ann, saved)
    ann.click(0.7, 0.6)
    expect(row(green, saved)).to_be_visible()
    edit(green, saved)
    green.click(0.3, 0.6)
    green.press("Enter")
    theirs = next(one for one in green.instances if one["id"] == saved)["rle"]
    ann.page.keyboard.press("Enter")
    two_versions(ann.page, "cup", "cup", f"by {GREEN}")
    ann.page.keyboard.press("Escape")  # not decided: the prompt stays, and so does theirs
    expect(ann.page.locator("#editing")).to_be_visible()
    ann.page.keyboard.press("Enter")
    ann.act(lambda: ann.page.click("#keep-mine"))
    assert next(one for one in ann.instances if one["id"] == saved)["rle"] != theirs
    ann.press("Control+z")
    assert next(one for one in ann.instances if one["id"] == saved)["rle"] == theirs
    ann.press("Escape")


@pytest.mark.slow
def test_an_edit_in_a_window_that_saw_nothing_of_the_other_is_refused_with_both(
    green: Desk, ann: Desk, sit_down: Callable[..., Desk]
) -> None:
    saved = ann.save("cup")
    edit(ann, saved)
    second = sit_down(ANN, 2).open("chelsea.png")
    second.open("coffee.png")  # which clears the prompt
    edit(second, saved)
    second.click(0.3, 0.6)
    ann.page.reload()
    ann.shows("coffee.png")
    without_news(second.page)
    ann.press("Enter")
    second.page.keyboard.press("Enter")
    two_versions(second.page, "cup", "cup", "by you, in another window")
    second.act(lambda: second.page.click("#take-theirs"))
    expect(second.page.locator("#editing")).to_be_hidden()


@pytest.mark.slow
def test_an_undo_of_what_another_changed_is_refused_and_may_leave_it(green: Desk, ann: Desk) -> None:
    saved = ann.save("cup")
    ann.act(lambda: give(ann, saved, "pot"))
    is_a(green, saved, "pot")
    green.act(lambda: give(green, saved, "lid"))
    is_a(ann, saved, "lid")
    ann.page.keyboard.press("Control+z")
    two_versions(ann.page, "cup", "lid", f"by {GREEN}")
    ann.act(lambda: ann.page.click("#take-theirs"))
    is_a(ann, saved, "lid")
    expect(ann.page.locator("#undo")).to_have_attribute("aria-label", "Undo save")


@pytest.mark.slow
def test_where_pictures_are_given_out_next_is_what_needs_the_labeler(
    server: RunningServer, green: Desk, ann: Desk, sit_down: Callable[..., Desk]
) -> None:
    ben = sit_down(BEN).open("rocket.jpg")
    database = Database.open(Settings(data=server.data).url)
    Repository(database).set_assignment_rule(AssignmentRule(mode=AssignmentMode.SINGLE))
    try:
        expect(ben.page.locator("#next")).to_be_enabled()  # though it is the last one: now the server says what is next
        ann.click(0.1, 0.1)
        ben.page.keyboard.press("d")
        ben.shows("chelsea.png")
        ben.open("coffee.png")
        ben.page.mouse.click(*ben.place(0.5, 0.5))
        expect(ben.page.locator("#message")).to_contain_text("coffee.png is ann's")
        ben.shows("chelsea.png")  # it goes on by itself
    finally:
        Repository(database).set_assignment_rule(AssignmentRule())
        database.close()
