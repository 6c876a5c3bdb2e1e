"""The page against a real server, on real pictures: keys, lists, dialogs, bad networks, two windows."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Error, Locator, Page, Route, expect

from annotator.samples import sample_paths
from tests.browser.conftest import FAILED, PICTURES_OF_FAILURES, VIEWPORT, is_elsewhere
from tests.browser.desk import CALLS, WAIT_MS, Desk, deeds, is_deed, without_news
from tests.serving import RunningServer

TIDY = """() => {
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    for (const close of document.querySelectorAll(".message button")) close.click();
}"""
DROP = """async ([files]) => {
    const transfer = new DataTransfer();
    for (const { name, bytes } of files) transfer.items.add(new File([Uint8Array.from(bytes)], name));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        if (kind === "dragover") window.overlayWasSeen = document.querySelector(".drop-overlay").checkVisibility();
    }
}"""


def picture_bytes(seed: int) -> bytes:
    """A small picture that no other seed gives."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """One window for all tests here: Gradio's own part of the page takes a second to load."""
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True)
    context.route(is_elsewhere, lambda route: route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """That window, as the labeler leaves it at the end of a test; errors on its console fail the test."""
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not request.node.get_closest_marker("expect_console_errors"):
            errors.append(message.text)

    def catch(error: Error) -> None:
        errors.append(f"not caught: {error}")

    window.on("console", hear)
    window.on("pageerror", catch)
    yield window
    window.unroute_all()
    if request.node.stash.get(FAILED, False):
        window.screenshot(path=PICTURES_OF_FAILURES / f"{request.node.name}.png")
        window.goto("about:blank")
    window.evaluate(TIDY)
    window.set_viewport_size(VIEWPORT)
    window.remove_listener("console", hear)
    window.remove_listener("pageerror", catch)
    assert not errors, "errors on the page:\n" + "\n".join(errors)


@pytest.fixture
def desk(page: Page, server_url: str) -> Desk:
    return Desk(page, server_url)


@pytest.fixture
def other(browser: Browser, server_url: str) -> Iterator[Desk]:
    """A second window, of the same labeler."""
    context = browser.new_context(viewport=VIEWPORT)
    yield Desk(context.new_page(), server_url)
    context.close()


def test_the_first_page_says_how_to_begin(page: Page, server_url: str) -> None:
    page.goto(server_url)
    expect(page.locator("#empty")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#empty")).to_contain_text("Drop pictures or a data set here")
    expect(page.locator("#samples")).to_be_visible()
    expect(page.locator("#export")).to_be_disabled()
    expect(page.locator("#segmenter")).to_contain_text("built-in")


# keys

LISTED_KEYS = {
    *("Click", "Right click", "Shift+Click", "Drag", "Drag a point", "Alt+Click a point"),
    *("Q", "W", "E", "Tab", "Shift+Tab", "Esc", "1 … 9", "Enter", "N", "F2", "Alt+↑", "Alt+↓"),
    *("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Y", "J", "↓", "K", "↑", "Z", "S", "X", "Delete"),
    *("G", "P", "Click a proposal", "Shift+Click a proposal", "Shift+Drag", "Ctrl+A", ".", ",", "M", "Y"),
    *(
        "D",
        "→",
        "A",
        "←",
        "Ctrl+Enter",
        "L",
        "Wheel",
        "Space+Drag",
        "Middle button",
        "F",
        "H",
        "I",
        "V",
        "C",
        "Space",
        "?",
    ),
    *("Tap", "Long press", "One finger", "Two fingers"),  # tested with the canvas
    *("Shift+Enter", "Shift+A", "Shift+R", "Shift+H"),  # tested in test_together.py
}


def test_the_help_dialog_lists_the_keys_that_are_tested_here(desk: Desk) -> None:
    page = desk.open().page
    page.keyboard.press("?")
    listed = page.locator("#help-dialog dt kbd").all_inner_texts()
    assert set(listed) == LISTED_KEYS
    for section in page.locator("#help-dialog section").all():  # another place may give a key another meaning
        keys = section.locator("dt kbd").all_inner_texts()
        assert len(keys) == len(set(keys))
    page.keyboard.press("Escape")
    expect(page.locator("#help-dialog")).to_have_count(0)


def test_clicks_and_drags_make_points_and_a_box(desk: Desk) -> None:
    page = desk.open().page
    desk.click(0.5, 0.4)
    desk.click(0.1, 0.1, button="right")
    page.keyboard.down("Shift")
    desk.click(0.9, 0.9)
    page.keyboard.up("Shift")
    assert [point["label"] for point in desk.state["points"]] == [1, 0, 0]

    page.mouse.move(*desk.place(0.3, 0.2))
    page.mouse.down()
    page.mouse.move(*desk.place(0.7, 0.7), steps=4)
    desk.act(page.mouse.up)
    x0, y0, x1, y1 = desk.state["box"]
    assert (x0, y0) == pytest.approx((180, 80), abs=2)
    assert (x1, y1) == pytest.approx((420, 280), abs=2)

    page.mouse.move(*desk.place(0.9, 0.9))
    page.mouse.down()
    page.mouse.move(*desk.place(0.95, 0.5), steps=4)
    desk.act(page.mouse.up)
    assert desk.state["points"][2]["y"] == pytest.approx(200, abs=2)

    page.keyboard.down("Alt")
    desk.click(0.1, 0.1)
    page.keyboard.up("Alt")
    assert len(desk.state["points"]) == 2


def test_the_best_candidate_is_chosen_at_first_and_keys_choose_others(desk: Desk) -> None:
    page = desk.open().page
    desk.click(0.5, 0.4)
    scores = [candidate["predicted_iou"] for candidate in desk.state["candidates"]]
    best = scores.index(max(scores))

    def expect_chosen(index: int) -> None:
        for number in (1, 2, 3):
            card = page.locator(f"#candidate-{number}")
            expect(card).to_have_attribute("aria-pressed", str(number == index + 1).lower())

    expect_chosen(best)
    for key, index in (("q", 0), ("w", 1), ("e", 2), ("q", 0)):
        if desk.state["chosen"] != index:
            desk.press(key)
        expect_chosen(index)
    desk.press("Tab")
    expect_chosen(1)
    desk.press("Shift+Tab")
    expect_chosen(0)
    desk.act(lambda: page.click("#candidate-3"))
    expect_chosen(2)
    assert desk.state["chosen"] == 2
    desk.press("Escape")
    expect(page.locator("#candidate-3")).to_be_disabled()
    assert desk.state["points"] == []


def test_the_cards_show_the_masks_themselves(desk: Desk) -> None:
    page = desk.open().page
    desk.click(0.5, 0.4)
    page.wait_for_function("() => document.querySelector('#candidate-1 canvas').width > 0")
    colours = page.evaluate(
        """() => [1, 2, 3].map((n) => {
            const canvas = document.querySelector(`#candidate-${n} canvas`);
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(pixels.buffer)).size;
        })"""
    )
    assert min(colours) > 200  # a photograph, not a plain area


def test_a_category_key_saves_and_enter_saves_with_the_last_one(desk: Desk) -> None:
    page = desk.open("chelsea.png").page
    number = desk.ensure_category("cat")
    desk.click(0.5, 0.5)
    desk.press(number)
    assert len(desk.instances) == 1
    assert desk.state["candidates"] is None
    desk.click(0.2, 0.2)
    desk.press("Enter")
    assert [instance["category_id"] for instance in desk.instances] == [desk.instances[0]["category_id"]] * 2
    expect(page.locator(".instance")).to_have_count(2)
    expect(page.locator(f"#category-{number}")).to_contain_text("2")

    for key, count in (("Control+z", 1), ("Control+y", 2), ("Control+z", 1), ("Control+Shift+z", 2)):
        while page.locator(".instance").count() != count:
            desk.press(key)
        expect(page.locator(".instance")).to_have_count(count)


def test_instances_are_selected_given_a_category_edited_and_deleted(desk: Desk) -> None:
    page = desk.open("astronaut.png").page
    other_number = desk.ensure_category("helmet")
    first = desk.save("person", 0.4, 0.3)
    second = desk.save("person", 0.7, 0.8)
    selected = page.locator(".instance[aria-current]")
    page.keyboard.press("z")
    for key, instance in (("j", first), ("ArrowDown", second), ("k", first), ("ArrowUp", second), ("j", first)):
        page.keyboard.press(key)
        expect(selected).to_have_attribute("id", f"instance-{instance}")
    page.keyboard.press("z")
    expect(selected).to_have_count(0)

    page.locator(f"#instance-{second} .instance-area").click()
    desk.press(other_number)
    assert desk.instances[0]["category_id"] != desk.instances[1]["category_id"]
    desk.act(lambda: page.locator(f"#instance-{second} select").select_option(label="person"))
    assert desk.instances[0]["category_id"] == desk.instances[1]["category_id"]

    before = desk.instances[1]["area"]
    desk.press("s")
    assert desk.state["editing"] == second
    assert len(desk.state["points"]) == 1
    expect(page.locator("#editing")).to_contain_text("Editing 2 · person")
    desk.click(0.3, 0.3)
    desk.press("Enter")
    assert [instance["id"] for instance in desk.instances] == [first, second]
    assert desk.instances[1]["area"] != before

    page.locator(f"#instance-{first} .instance-area").click()
    desk.press("x")
    assert [instance["id"] for instance in desk.instances] == [second]
    page.keyboard.press("j")
    desk.press("Delete")
    expect(page.locator(".instance")).to_have_count(0)
    desk.press("Control+z")
    expect(page.locator(".instance")).to_have_count(1)


def test_keys_go_through_the_pictures_and_mark_them_done(desk: Desk) -> None:
    page = desk.open("coffee.png").page
    position = page.locator("#position")
    place = int(position.inner_text().split(" ")[0])
    for key, step in (("d", 1), ("ArrowRight", 1), ("a", -1), ("ArrowLeft", -1)):
        place += step
        page.keyboard.press(key)
        expect(position).to_have_text(f"{place} / {page.locator('.picture').count()}")
    expect(page.locator("#current-name")).to_have_text("coffee.png")
    desk.settle()
    page.keyboard.press("Control+Enter")
    expect(desk.picture("coffee.png")).to_contain_text("done")
    expect(page.locator("#current-name")).not_to_have_text("coffee.png")
    page.select_option("#filter", "done")
    expect(desk.picture("coffee.png")).to_be_visible()
    expect(desk.picture("rocket.jpg")).to_be_hidden()
    page.select_option("#filter", "all")
    desk.picture("coffee.png").click()
    expect(page.locator("#status")).to_have_value("done")
    page.select_option("#status", "new")
    expect(desk.picture("coffee.png")).to_contain_text("new")


def test_a_reload_shows_the_picture_that_was_open_and_another_window_the_one_worked_on(desk: Desk, other: Desk) -> None:
    desk.open("coffee.png").click(0.5, 0.5)
    desk.page.keyboard.press("d")
    desk.shows("chelsea.png")  # looked at, nothing done
    for canvas in desk.page.locator(".candidate canvas").all():
        expect(canvas).to_have_js_property("width", 0)  # nothing is left of the other picture's candidates
    desk.page.reload()
    desk.shows("chelsea.png")
    other.page.goto(other.url)
    other.shows("coffee.png")


def test_going_back_before_a_picture_has_come_shows_the_first_again(desk: Desk) -> None:
    page = desk.open("coffee.png").page
    held: list[Route] = []
    number = (desk.picture("rocket.jpg").get_attribute("id") or "").removeprefix("picture-")
    page.route(f"**/annotator/pictures/{number}.jpg*", lambda route: held.append(route))
    desk.picture("rocket.jpg").click()
    expect(page.locator("#canvas")).to_have_attribute("data-image-id", number)
    desk.picture("coffee.png").click()
    desk.shows("coffee.png")
    for route in held:
        route.continue_()
    page.unroute(f"**/annotator/pictures/{number}.jpg*")
    page.wait_for_timeout(200)
    desk.shows("coffee.png")


def test_keys_fit_pan_hide_and_fold(desk: Desk) -> None:
    page = desk.open().page
    canvas = page.locator("#canvas")
    fitted = canvas.get_attribute("data-view")
    page.mouse.move(*desk.place(0.5, 0.5))
    page.mouse.wheel(0, -240)
    expect(canvas).not_to_have_attribute("data-view", fitted or "")
    page.wait_for_timeout(400)  # the wheel is eased
    zoomed = json.loads(canvas.get_attribute("data-view") or "{}")
    assert zoomed["scale"] > json.loads(fitted or "{}")["scale"]

    sent = len(desk.sent)
    page.keyboard.down(" ")
    page.mouse.down()
    x, y = desk.place(0.5, 0.5)
    page.mouse.move(x + 60, y + 40, steps=3)
    page.mouse.up()
    page.keyboard.up(" ")
    expect(canvas).not_to_have_attribute("data-view", json.dumps(zoomed, separators=(",", ":")))
    panned = json.loads(canvas.get_attribute("data-view") or "{}")
    assert panned["x"] > zoomed["x"]
    page.mouse.down(button="middle")
    page.mouse.move(x, y, steps=3)
    page.mouse.up(button="middle")
    page.wait_for_timeout(100)
    assert json.loads(canvas.get_attribute("data-view") or "{}")["x"] < panned["x"]
    assert len(desk.sent) == sent  # panning is no click
    page.keyboard.press("f")
    expect(canvas).to_have_attribute("data-view", fitted or "")

    desk.click(0.5, 0.4)
    ink = "() => new Set(new Uint32Array(document.querySelector('.canvas-candidate').getContext('2d')" + (
        ".getImageData(0, 0, 900, 800).data.buffer)).size"
    )
    page.wait_for_function(f"() => ({ink})() > 1")
    page.keyboard.down("h")
    page.wait_for_function(f"() => ({ink})() === 1")
    page.keyboard.up("h")
    page.wait_for_function(f"() => ({ink})() > 1")

    page.keyboard.press("l")
    expect(page.locator(".pictures")).to_be_hidden()
    page.keyboard.press("l")
    expect(page.locator(".pictures")).to_be_visible()


def test_keys_do_nothing_while_a_text_field_has_the_focus(desk: Desk) -> None:
    page = desk.open().page
    name = page.locator("#current-name").inner_text()
    desk.click(0.5, 0.4)
    sent = len(desk.sent)
    page.keyboard.press("n")
    expect(page.locator("#add-category")).to_be_focused()
    page.keyboard.type("dqwexs1 zhf?")
    expect(page.locator("#add-category")).to_have_value("dqwexs1 zhf?")
    expect(page.locator("dialog")).to_have_count(0)
    assert page.locator("#current-name").inner_text() == name
    assert len(desk.sent) == sent
    page.keyboard.press("Escape")
    expect(page.locator("#add-category")).not_to_be_focused()
    assert len(desk.sent) == sent


def test_enter_and_space_belong_to_the_canvas_after_a_mouse_click_on_a_button(desk: Desk) -> None:
    page = desk.open().page
    desk.ensure_category("cup")
    desk.save("cup")
    desk.click(0.2, 0.2)
    fitted = page.locator("#canvas").get_attribute("data-view")
    page.click("#zoom-in")
    expect(page.locator("#canvas")).not_to_have_attribute("data-view", fitted or "")
    before = page.locator("#canvas").get_attribute("data-view")
    desk.press("Enter")
    assert page.locator("#canvas").get_attribute("data-view") == before
    expect(page.locator("#canvas")).to_be_focused()


# categories


def test_categories_are_renamed_recoloured_and_ordered(desk: Desk) -> None:
    page = desk.open().page
    desk.ensure_category("alpha")
    number = desk.ensure_category("omega")
    row = page.locator(".category[data-name=omega]")

    page.click(f"#category-{number}")  # no prompt is open: it becomes the one that Enter saves with
    expect(row).to_have_attribute("aria-current", "true")
    page.keyboard.press("F2")
    page.keyboard.type("new name")
    page.keyboard.press("Enter")
    row = page.locator(".category[data-name='new name']")
    expect(row).to_have_count(1)

    page.locator("#canvas").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(row.locator(".category-pick")).to_have_id(f"category-{int(number) - 1}")
    page.keyboard.press("Alt+ArrowDown")
    expect(row.locator(".category-pick")).to_have_id(f"category-{number}")
    page.locator(".category[data-name=alpha]").drag_to(row, target_position={"x": 40, "y": 28}, steps=5)
    expect(page.locator(".category").last).to_have_attribute("data-name", "alpha")

    with page.expect_response(is_deed):
        paint(row, "#123456")
    page.reload()
    row = page.locator(".category[data-name='new name']")
    expect(row.locator("input[type=color]")).to_have_value("#123456", timeout=WAIT_MS)
    expect(page.locator(".category").last).to_have_attribute("data-name", "alpha")


def paint(row: Locator, color: str) -> None:
    """What the browser's own colour picker does, which no test can open."""
    row.locator("input[type=color]").evaluate(
        "(input, color) => { input.value = color; input.dispatchEvent(new Event('change')); }", color
    )


def test_the_page_asks_before_it_is_left_while_the_palette_is_being_saved(desk: Desk) -> None:
    page = desk.open().page
    desk.ensure_category("slow")
    held: list[Route] = []
    page.route(CALLS, deeds(held.append))
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.click("#zoom-in")  # a browser asks only where somebody has done something
    paint(page.locator(".category[data-name=slow]"), "#123456")
    page.wait_for_timeout(100)
    assert len(held) == 1  # the change is on its way
    page.reload()
    assert asked == ["beforeunload"]
    page.unroute(CALLS)


def test_a_call_that_is_refused_as_too_many_at_once_is_made_again_without_a_word(desk: Desk) -> None:
    page = desk.open().page
    refused: list[Route] = []

    def refuse_twice(route: Route) -> None:
        if "add_category" in (route.request.post_data or "") and len(refused) < 2:
            refused.append(route)
            route.fulfill(json={"ok": False, "error": {"kind": "busy", "message": "You have 66 calls under way"}})
        else:
            route.continue_()

    page.route(CALLS, refuse_twice)
    desk.ensure_category("patient")
    page.unroute(CALLS)
    assert len(refused) == 2
    expect(page.get_by_text("calls under way")).to_have_count(0)


def test_quick_changes_of_the_palette_reach_the_server_in_their_order(desk: Desk) -> None:
    page = desk.open().page
    desk.ensure_category("upper")
    number = int(desk.ensure_category("lower"))
    pick = page.locator(".category[data-name=lower] .category-pick")
    page.click(f"#category-{number}")
    page.locator("#canvas").focus()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "order_categories" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route(CALLS, hold)
    page.keyboard.press("Alt+ArrowUp")
    expect(pick).to_have_id(f"category-{number - 1}")
    page.keyboard.press("Alt+ArrowDown")
    expect(pick).to_have_id(f"category-{number}")
    page.wait_for_timeout(100)
    assert len(held) == 1  # the second waits for the first
    with page.expect_request(lambda request: "order_categories" in (request.post_data or "")):
        held[0].continue_()
    page.wait_for_timeout(100)
    expect(pick).to_have_id(f"category-{number}")  # the first answer is older than what is shown
    with page.expect_response(is_deed):
        held[1].continue_()
    page.unroute(CALLS)
    page.reload()
    expect(pick).to_have_id(f"category-{number}", timeout=WAIT_MS)


def test_a_category_in_use_is_deleted_by_merging_it_into_another(desk: Desk) -> None:
    page = desk.open("rocket.jpg").page
    desk.ensure_category("target")
    instance = desk.save("doomed", 0.5, 0.4)
    page.locator(".category[data-name=doomed]").hover()
    page.locator(".category[data-name=doomed] .category-edit").click()
    page.click("#category-delete")
    dialog = page.locator("#merge-category")
    expect(dialog).to_contain_text("1 instance has the category “doomed”")
    page.select_option("#merge-into", label="target")
    page.click("#merge-confirm")
    expect(page.locator(".category[data-name=doomed]")).to_have_count(0)
    expect(page.locator(f"#instance-{instance} select")).to_have_value(
        page.locator(".category[data-name=target]").get_attribute("data-id") or ""
    )


def test_names_with_markup_in_them_are_inert(desk: Desk) -> None:
    page = desk.open().page
    nasty = "<img src=x onerror='window.broken=1'><b>bold"
    page.fill("#add-category", nasty)
    page.press("#add-category", "Enter")
    expect(page.locator(".category-name", has_text="<img src=x")).to_have_text(nasty)
    desk.save(nasty)
    page.locator(".instance").last.locator(".instance-area").click()  # its tag on the canvas has the name
    page.evaluate(DROP, [[{"name": "<img src=x onerror=window.broken=1>.png", "bytes": [1, 2, 3]}]])
    expect(page.locator("#import-report")).to_contain_text("<img", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    named = "<img src=x onerror=window.broken=1>"
    page.evaluate(DROP, [[{"name": f"{named}.png", "bytes": list(picture_bytes(77))}]])
    expect(desk.picture(f"{named}.png")).to_have_count(1, timeout=WAIT_MS)
    desk.picture(f"{named}.png").click()
    desk.shows(f"{named}.png")
    page.keyboard.press("v")  # figures, gallery and checks tell of the names too
    expect(page.locator("dialog[open]").last).to_contain_text("<img", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    page.click("#export")
    expect(page.locator("dialog[open]").last).to_contain_text("<img", timeout=WAIT_MS)
    page.keyboard.press("Escape")
    assert page.evaluate("window.broken") is None
    assert page.locator("[onerror], img[src=x], .side b, #import-report img").count() == 0
    page.locator(".category[data-name^='<img'] .category-edit").click()
    expect(page.locator("#category-name")).to_have_value(nasty)
    page.keyboard.press("Escape")
    desk.open()


@pytest.mark.expect_console_errors  # the browser tells of the answer 507
def test_a_refused_upload_is_said_in_the_servers_words_and_what_is_left_is_not_sent(desk: Desk) -> None:
    page = desk.open().page
    full = "Uploads of yours that were not taken in yet fill the 8 GiB that each labeler has. Import what is here."
    sent = list[str]()

    def refuse(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=507, body=full, content_type="text/plain")

    page.route("**/gradio_api/upload*", refuse)
    page.evaluate(DROP, [[{"name": f"{number}.png", "bytes": [1]} for number in range(20)]])
    expect(page.locator(".message-error")).to_contain_text("fill the 8 GiB", timeout=WAIT_MS)
    expect(page.locator("#import-report")).to_contain_text("there was no room for it", timeout=WAIT_MS)
    assert len(sent) <= 3, "those that were on their way together"
    page.keyboard.press("Escape")
    page.unroute("**/gradio_api/upload*")


# bringing pictures in


def test_dropped_files_come_in_and_the_bad_one_is_named(desk: Desk) -> None:
    page = desk.open().page
    files = [
        {"name": "fresh.png", "bytes": list(picture_bytes(1))},
        {"name": "broken.png", "bytes": list(b"this is no picture")},
    ]
    count = page.locator(".picture").count()
    page.evaluate(DROP, [files])
    report = page.locator("#import-report")
    expect(report).to_contain_text("broken.png", timeout=WAIT_MS)
    expect(report).to_contain_text("1 picture came in")
    assert page.evaluate("window.overlayWasSeen")
    expect(page.locator(".drop-overlay")).to_be_hidden()
    expect(page.locator(".picture")).to_have_count(count + 1)
    expect(desk.picture("fresh.png")).to_have_count(1)
    page.keyboard.press("Escape")


def test_a_zip_and_a_folder_come_in_and_known_pictures_are_told(desk: Desk, tmp_path: Path) -> None:
    page = desk.open().page
    count = page.locator(".picture").count()
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("inside/zipped.png", picture_bytes(2))
        archive.write(sample_paths()[0], "known.png")
    page.set_input_files("#import-files", tmp_path / "some.zip")
    report = page.locator("#import-report")
    expect(report).to_contain_text("1 picture came in, 1 was here already", timeout=WAIT_MS)
    expect(page.locator(".picture")).to_have_count(count + 1)
    page.keyboard.press("Escape")

    folder = tmp_path / "folder" / "deep"
    folder.mkdir(parents=True)
    (folder / "foldered.png").write_bytes(picture_bytes(3))
    (folder / ".DS_Store").write_bytes(b"hidden")
    page.set_input_files("#import-folder", tmp_path / "folder")
    expect(page.locator("#message")).to_contain_text("1 picture came in", timeout=WAIT_MS)
    expect(desk.picture("foldered.png")).to_have_count(1)


def test_a_picture_is_removed_after_a_question(desk: Desk) -> None:
    page = desk.open().page
    page.evaluate(DROP, [[{"name": "short-lived.png", "bytes": list(picture_bytes(4))}]])
    row = desk.picture("short-lived.png")
    expect(row).to_have_count(1, timeout=WAIT_MS)
    row.hover()
    row.locator(".picture-remove").click()
    page.click("#remove-picture-yes")
    expect(row).to_have_count(0)


# the network and other windows


def test_twenty_clicks_faster_than_the_answers_are_all_counted(desk: Desk) -> None:
    page = desk.open().page
    places = [(0.1 + 0.04 * n, 0.3 + 0.02 * n) for n in range(20)]
    spots = [desk.place(*place) for place in places]

    def click_all() -> None:
        for x, y in spots:
            page.mouse.click(x, y)

    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if is_deed(request) else None)
    desk.act(click_all, steps=20)
    image = desk.state["image"]
    expected = [(round(x * image["width"]), round(y * image["height"])) for x, y in places]
    got = [(point["x"], point["y"]) for point in desk.state["points"]]
    assert len(got) == 20
    assert all(abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1 for a, b in zip(expected, got, strict=True))
    assert len(calls) < 20  # what piled up went together
    assert page.locator("#canvas").get_attribute("data-painted") == str(desk.state["revision"])


@pytest.mark.expect_console_errors
def test_a_lost_connection_loses_no_click(desk: Desk) -> None:
    page = desk.open().page
    banner = page.locator("#connection")
    page.route(CALLS, lambda route: route.abort("connectionfailed"))
    page.mouse.click(*desk.place(0.5, 0.4))
    page.mouse.click(*desk.place(0.6, 0.4))
    page.mouse.click(*desk.place(0.1, 0.1), button="right")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("3 steps")
    page.unroute(CALLS)
    desk.act(lambda: banner.get_by_role("button", name="Try now").click(), steps=3)
    expect(banner).to_be_hidden()
    assert [point["label"] for point in desk.state["points"]] == [1, 1, 0]


@pytest.mark.expect_console_errors
def test_an_answer_lost_on_its_way_back_counts_once(desk: Desk) -> None:
    page = desk.open().page

    lost: list[Route] = []

    def lose_answer(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route)
        route.fetch()  # the server does it …
        route.abort("connectionreset")  # … and nobody hears of it

    page.route(CALLS, deeds(lose_answer))
    desk.click(0.5, 0.4)
    assert len({action["op_id"] for action in desk.sent[-2:]}) == 1
    assert len(desk.state["points"]) == 1
    expect(page.locator("#message .message-error")).to_have_count(0)


def test_a_batch_under_way_goes_to_its_own_picture(desk: Desk) -> None:
    page = desk.open("coffee.png").page
    coffee = desk.state["image"]["id"]
    held: list[Route] = []

    def hold_steps(route: Route) -> None:
        if '"act"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route(CALLS, hold_steps)
    page.mouse.click(*desk.place(0.5, 0.4))
    page.mouse.click(*desk.place(0.6, 0.4))
    page.wait_for_timeout(100)
    page.keyboard.press("d")
    desk.shows("chelsea.png")
    expect(page.locator("#candidate-1")).to_be_disabled()
    assert len(held) == 1
    with page.expect_response(is_deed):
        held[0].continue_()
    page.wait_for_timeout(200)
    expect(page.locator("#candidate-1")).to_be_disabled()  # the answer was coffee's
    for route in held[1:]:
        route.continue_()
    page.unroute(CALLS)
    page.keyboard.press("a")
    desk.shows("coffee.png")
    expect(page.locator("#candidate-1")).to_be_enabled()
    desk.hear(lambda: desk.state["image"]["id"] == coffee and len(desk.state["points"]) == 2)


@pytest.mark.expect_console_errors
def test_a_server_that_was_killed_and_started_again_gets_the_clicks_made_meanwhile(
    desk: Desk, server: RunningServer
) -> None:
    page = desk.open().page
    desk.click(0.5, 0.4)
    server.kill()
    page.mouse.click(*desk.place(0.6, 0.5))
    page.mouse.click(*desk.place(0.1, 0.1), button="right")
    expect(page.locator("#connection")).to_contain_text("2 steps")
    desk.act(server.start, steps=2)
    assert [point["label"] for point in desk.state["points"]] == [1, 1, 0]
    expect(page.locator("#connection")).to_be_hidden()


def test_a_change_in_another_window_is_said_and_shown(desk: Desk, other: Desk) -> None:
    page = desk.open("rocket.jpg").page
    without_news(page)
    other.open("rocket.jpg")
    other.click(0.5, 0.4)
    page.mouse.click(*desk.place(0.2, 0.2))
    expect(page.locator("#message")).to_contain_text("changed in another window")
    desk.settle()
    expect(page.locator("#candidate-1")).to_be_enabled()
    assert page.locator("#canvas").get_attribute("data-revision") == str(other.state["revision"])
    desk.click(0.3, 0.3)
    assert len(desk.state["points"]) == 2
    page.get_by_label("Close this message").click()
    expect(page.locator("#message .message")).to_have_count(0)


def test_an_error_of_the_segmenter_stays_in_full_until_it_is_closed(desk: Desk) -> None:
    page = desk.page
    page.clock.install()
    page.goto("about:blank")  # the clock is there from the next load on
    desk.open()
    why = "sam_vit_b_01ec64.pth could not be fetched: no network. Fetch it by hand and put it under checkpoints/."

    def fail(route: Route) -> None:
        job = {"id": "1", "kind": "switch", "state": "failed", "done": 0, "total": 0, "message": why}
        if '"switch_segmenter"' in (route.request.post_data or ""):
            route.fulfill(json={"ok": True, "result": job | {"lines": [], "result": None}})
        else:
            route.continue_()

    page.route(CALLS, fail)
    page.click("#segmenter")
    expect(page.locator("#segmenter-vit_b")).to_contain_text("375 MB")
    page.keyboard.press("Escape")
    page.click("#offer")
    expect(page.locator("#message .message-error")).to_have_text(why)
    page.clock.fast_forward(60_000)  # a passing message would be gone
    expect(page.locator("#message .message-error")).to_be_visible()
    expect(page.locator("#segmenter")).to_contain_text("built-in")


# looks


def test_the_theme_is_toggled_and_remembered(desk: Desk) -> None:
    page = desk.open().page
    dark = "() => document.body.classList.contains('dark')"
    assert page.evaluate(dark) is False
    light = page.evaluate("() => getComputedStyle(document.querySelector('.topbar')).backgroundColor")
    page.click("#theme")
    assert page.evaluate(dark) is True
    assert page.evaluate("() => getComputedStyle(document.querySelector('.topbar')).backgroundColor") != light
    page.reload()
    expect(page.locator("#theme")).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate(dark) is True
    page.click("#theme")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (768, 1024)])
def test_everything_is_in_sight_without_scrolling(desk: Desk, width: int, height: int) -> None:
    page = desk.page
    page.set_viewport_size({"width": width, "height": height})
    desk.open()
    desk.click(0.5, 0.4)
    needed = "#next #status #segmenter #export #help #theme #undo #fit #candidate-3 #add-category #canvas".split()
    for selector in needed:
        box = page.locator(selector).bounding_box()
        assert box is not None, selector
        assert box["x"] >= 0 and box["y"] >= 0, selector
        assert box["x"] + box["width"] <= width and box["y"] + box["height"] <= height, selector
    assert page.evaluate("() => [document.scrollingElement.scrollHeight, document.scrollingElement.scrollWidth]") == [
        height,
        width,
    ]
