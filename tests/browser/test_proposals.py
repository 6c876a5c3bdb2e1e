"""Proposals in the page: made from a grid, sifted live, selected, named, rejected, found again, exported."""

import io
import json
import zipfile

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import CALLS, WAIT_MS, Desk, deeds

GRID = 8  # points along a side: seconds, not minutes


@pytest.fixture
def proposed(page: Page, server_url: str) -> Desk:
    """The page with proposals of coffee.png, every threshold as low as it goes."""
    desk = Desk(page, server_url).open()
    page.evaluate(f"localStorage.setItem('annotator-grid', '{{\"builtin\": {GRID}}}')")
    page.reload()
    desk.shows("coffee.png")
    page.keyboard.press("g")
    expect(page.locator("#jobs .job")).to_have_count(0, timeout=WAIT_MS)
    expect(page.locator("#pred-iou")).to_be_visible(timeout=WAIT_MS)
    slide(page, "pred-iou", 0)
    slide(page, "stability", 0)
    expect(page.locator(".proposal").nth(2)).to_be_attached()
    return desk


def slide(page: Page, slider: str, value: float) -> None:
    """Move a slider as far as it goes towards a value."""
    page.locator(f"#{slider}").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def ids(page: Page) -> list[str]:
    return page.locator(".proposal").evaluate_all("(rows) => rows.map((row) => row.id)")


def test_thresholds_sift_what_is_there_without_a_call(proposed: Desk) -> None:
    page = proposed.page
    everything = ids(page)
    calls: list[str] = []

    def count(route: Route) -> None:
        calls.append(route.request.post_data or "")
        route.continue_()

    page.route(CALLS, deeds(count))
    best = float(page.locator(".proposal .proposal-score").first.inner_text().replace("1.0", "1"))
    slide(page, "pred-iou", best - 0.02)
    expect(page.locator(".proposal")).not_to_have_count(len(everything))
    assert set(ids(page)) < set(everything)
    slide(page, "pred-iou", 0)
    expect(page.locator(".proposal")).to_have_count(len(everything))
    assert ids(page) == everything
    slide(page, "min-area", 1)
    expect(page.locator(".proposal")).not_to_have_count(len(everything))
    slide(page, "min-area", 0)
    assert calls == []
    page.unroute(CALLS)


def test_many_are_selected_named_at_once_and_undone_at_once(proposed: Desk) -> None:
    page = proposed.page
    number = proposed.ensure_category("thing")
    before = len(proposed.instances)
    offered = len(ids(page))
    page.locator("#canvas").focus()
    page.keyboard.press("Control+a")
    expect(page.locator(".proposal[aria-selected=true]")).to_have_count(offered)
    page.keyboard.press("Escape")
    expect(page.locator(".proposal[aria-selected=true]")).to_have_count(0)

    page.locator(".proposal").nth(0).click()
    page.locator(".proposal").nth(1).click(modifiers=["Shift"])
    expect(page.locator(".proposal[aria-selected=true]")).to_have_count(2)
    chosen = page.locator(".proposal[aria-selected=true]").evaluate_all("(rows) => rows.map((row) => row.id)")
    proposed.act(lambda: page.click(f"#category-{number}"))
    expect(page.locator(".instance")).to_have_count(before + 2)
    for row in chosen:
        expect(page.locator(f"#{row}")).to_have_count(0)

    proposed.press("Control+z")
    expect(page.locator(".instance")).to_have_count(before)
    for row in chosen:
        expect(page.locator(f"#{row}")).to_have_count(1)


def test_a_click_selects_and_a_drag_with_shift_selects_many(proposed: Desk) -> None:
    page = proposed.page
    sent = len(proposed.sent)
    row = page.locator(".proposal").first
    row.hover()
    expect(row).to_have_class("proposal hovered")
    mouse = page.mouse
    page.keyboard.down("Shift")
    mouse.move(*proposed.place(-0.02, -0.02))
    mouse.move(*proposed.place(0.005, 0.005))
    mouse.down()
    mouse.move(*proposed.place(0.995, 0.995), steps=4)
    mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(".proposal[aria-selected=true]")).to_have_count(len(ids(page)))
    assert len(proposed.sent) == sent  # no box was drawn for the segmenter
    page.keyboard.press("Escape")

    page.keyboard.press("p")  # hidden: a click is a point again
    expect(page.locator("#proposals")).to_be_hidden()
    proposed.click(0.5, 0.45)
    assert [action["kind"] for action in proposed.sent[sent:]] == ["point"]
    proposed.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#proposals")).to_be_visible()


def test_keys_mean_what_was_selected_or_marked_last(proposed: Desk) -> None:
    page = proposed.page
    number = proposed.ensure_category("last")
    selected = page.locator(".proposal[aria-selected=true]")
    page.locator(".proposal").first.click()
    page.keyboard.press("p")
    page.keyboard.press("p")
    expect(selected).to_have_count(0)

    page.locator(".proposal").first.click()
    proposed.drag(0.3, 0.2, 0.7, 0.7)
    sent = len(proposed.sent)
    proposed.press(number)
    assert [action["kind"] for action in proposed.sent[sent:]] == ["commit"]

    page.locator(".proposal").first.click()
    expect(selected).to_have_count(1)
    page.keyboard.press("j")
    expect(selected).to_have_count(0)
    sent = len(proposed.sent)
    proposed.press("x")
    assert [action["kind"] for action in proposed.sent[sent:]] == ["delete_instance"]


def test_arrow_keys_move_the_slider_that_has_the_focus(proposed: Desk) -> None:
    page = proposed.page
    everything = len(ids(page))
    page.locator("#pred-iou").focus()
    before = float(page.locator("#pred-iou").input_value())
    page.keyboard.press("ArrowRight")
    assert float(page.locator("#pred-iou").input_value()) == pytest.approx(before + 0.01)
    page.keyboard.press("End")
    expect(page.locator(".proposal")).not_to_have_count(everything)
    proposed.shows("coffee.png")


def test_what_was_rejected_stays_so_when_masks_are_proposed_again(proposed: Desk) -> None:
    page = proposed.page
    offered = len(ids(page))
    first = ids(page)[0]
    page.locator(f"#{first}").click()
    proposed.press("x")
    expect(page.locator(".proposal")).to_have_count(offered - 1)
    page.keyboard.press("g")
    expect(page.locator("#jobs .job")).to_have_count(1)
    expect(page.locator("#jobs .job")).to_have_count(0, timeout=WAIT_MS)
    assert 0 < page.locator(".proposal").count() < offered  # what is nearly the same as the rejected one goes with it
    expect(page.locator(f"#{first}")).to_have_count(0)
    proposed.press("Control+z")
    expect(page.locator(f"#{first}")).to_have_count(1)


def test_more_like_one_puts_the_alike_first(proposed: Desk) -> None:
    page = proposed.page
    row = page.locator(".proposal").nth(1)
    number = row.get_attribute("id")
    row.click()
    page.keyboard.press("m")
    expect(page.locator("#least-alike")).to_be_visible()
    assert page.locator(".proposal").first.get_attribute("id") == number  # nothing is more like it than itself
    slide(page, "least-alike", 0)
    expect(page.locator(".proposal[aria-selected=true]")).to_have_count(len(ids(page)))
    slide(page, "least-alike", 1)
    page.keyboard.press("Escape")
    expect(page.locator("#least-alike")).to_be_hidden()


def test_named_proposals_are_in_the_export(proposed: Desk) -> None:
    page = proposed.page
    number = proposed.ensure_category("found")
    page.locator(".proposal").first.click()
    proposed.act(lambda: page.click(f"#category-{number}"))
    page.click("#export")
    page.click("#export-start")
    expect(page.locator("#export-download")).to_be_visible(timeout=WAIT_MS)
    url = page.locator("#export-download").evaluate("(link) => link.href")
    with zipfile.ZipFile(io.BytesIO(page.request.get(url).body())) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".json"))
        found = json.loads(archive.read(name))
    names = {category["id"]: category["name"] for category in found["categories"]}
    assert "found" in [names[annotation["category_id"]] for annotation in found["annotations"]]
    page.keyboard.press("Escape")
