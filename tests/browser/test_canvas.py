"""canvas.js: what a hand does on the picture arrives as original pixels, and what is told is on the screen."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Error
from skimage import data

from storage.rle import Rle
from tests.browser.canvas_page import CanvasPage, serve_canvas

COFFEE_HW = (400, 600)
BLUE = "#2266cc"


def as_png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    coffee = data.coffee()
    assert coffee.shape[:2] == COFFEE_HW
    checkers = np.indices((40, 60)).sum(0) % 2 * 255
    pictures = {
        "coffee.png": coffee,
        "half.png": coffee[::2, ::2],
        "checkers.png": np.repeat(checkers[..., None], 3, axis=2).astype(np.uint8),
        "dot.png": np.full((1, 1, 3), 90, np.uint8),
    }
    with serve_canvas({name: as_png(picture) for name, picture in pictures.items()}) as address:
        yield address


@pytest.fixture(scope="module")
def shared(browser: Browser, url: str) -> Iterator[CanvasPage]:
    """One page for all tests of this module: a new canvas takes a tenth of a new page's time."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield CanvasPage(context.new_page(), url)
    context.close()


@pytest.fixture
def canvas(shared: CanvasPage, request: pytest.FixtureRequest) -> Iterator[CanvasPage]:
    """The coffee picture, 600×400, fitted into 900×600 CSS pixels; an error on the page fails the test."""
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def catch(error: Error) -> None:
        errors.append(f"not caught: {error}")

    shared.page.on("console", hear)
    shared.page.on("pageerror", catch)
    shared.renew()
    shared.show("coffee.png", COFFEE_HW)
    yield shared
    shared.page.remove_listener("console", hear)
    shared.page.remove_listener("pageerror", catch)
    if not request.node.get_closest_marker("expect_console_errors"):
        assert not errors


@contextmanager
def window(browser: Browser, url: str, **options) -> Iterator[CanvasPage]:
    """The coffee picture in a window with options of its own (device_scale_factor, has_touch)."""
    context = browser.new_context(viewport={"width": 1000, "height": 700}, **options)
    try:
        canvas = CanvasPage(context.new_page(), url)
        canvas.show("coffee.png", COFFEE_HW)
        yield canvas
    finally:
        context.close()


def block(left: int, top: int, right: int, bottom: int, size_hw: tuple[int, int] = COFFEE_HW) -> dict:
    """The COCO form of one rectangle of pixels; right and bottom are no longer in it."""
    mask = np.zeros(size_hw, bool)
    mask[top:bottom, left:right] = True
    return Rle.encode(mask).to_coco()


def point(x: int, y: int, label: int = 1) -> list:
    return ["onPoint", {"x": x, "y": y, "label": label}]


# Clicks


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_a_click_arrives_as_the_pixel_under_it_at_every_zoom(browser: Browser, url: str, ratio):
    with window(browser, url, device_scale_factor=ratio) as canvas:
        for zoom in (1, 0.5, 3.1, 2.7, 4):
            canvas.zoom_to(zoom)
            wanted = [(299, 201), (301, 199), (295, 204)]
            for x, y in wanted:
                canvas.click(x, y)
            assert canvas.heard() == [point(x, y) for x, y in wanted]


def test_both_ends_of_a_large_pixel_belong_to_it(canvas: CanvasPage):
    canvas.zoom_to(16)
    x, y = canvas.place(300, 200)
    half = canvas.view["scale"] / 2 - 0.6
    for dx, dy in ((-half, -half), (half, half), (-half, half)):
        canvas.page.mouse.click(x + dx, y + dy)
    assert canvas.heard() == [point(300, 200)] * 3


def test_clicks_on_the_border_count_and_clicks_beside_the_picture_do_not(canvas: CanvasPage):
    corners = [(0, 0), (599, 0), (0, 399), (599, 399)]
    for x, y in corners:
        canvas.click(x, y)
    assert canvas.heard() == [point(x, y) for x, y in corners]
    for x, y in [(-1, 200), (600, 200), (300, -1), (300, 400)]:
        canvas.click(x, y)
    assert canvas.heard() == []


def test_right_click_and_shift_click_are_background_points(canvas: CanvasPage):
    canvas.click(100, 50, button="right")
    canvas.click(120, 60, modifiers=["Shift"])
    canvas.click(140, 70)
    assert canvas.heard() == [point(100, 50, 0), point(120, 60, 0), point(140, 70, 1)]


def test_the_context_menu_stays_away_from_the_canvas_alone(canvas: CanvasPage):
    canvas.page.evaluate(
        """() => {
            window.menus = [];
            addEventListener("contextmenu", (event) => menus.push([event.target.id, event.defaultPrevented]));
        }"""
    )
    canvas.click(100, 50, button="right")
    canvas.page.locator("#field").click(button="right")
    assert canvas.page.evaluate("menus") == [["canvas", True], ["field", False]]


def test_many_fast_clicks_are_all_heard_in_order(canvas: CanvasPage):
    wanted = [(50 + 7 * step, 40 + 5 * step) for step in range(25)]
    places = [canvas.place(x, y) for x, y in wanted]
    for x, y in places:
        canvas.page.mouse.click(x, y)
    canvas.page.mouse.click(*places[-1])
    canvas.page.mouse.click(*places[-1])
    assert canvas.heard() == [point(x, y) for x, y in [*wanted, wanted[-1], wanted[-1]]]


def test_a_drag_of_less_than_four_pixels_is_a_click_where_it_was_pressed(canvas: CanvasPage):
    x, y = canvas.place(200, 100)
    canvas.page.mouse.move(x, y)
    canvas.page.mouse.down()
    canvas.page.mouse.move(x + 2, y + 2)
    canvas.page.mouse.up()
    assert canvas.heard() == [point(200, 100)]


def test_clicking_the_canvas_takes_the_focus_from_a_text_field(canvas: CanvasPage):
    canvas.page.locator("#field").click()
    canvas.click(100, 100)
    assert canvas.page.evaluate("document.activeElement.id") == "canvas"


# Points that are there


def test_dragging_a_point_moves_it_and_keeps_the_grip(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}, {"x": 300, "y": 200, "label": 0}])
    canvas.drag((303, 202), (343, 242))
    assert canvas.heard() == [["onMovePoint", {"index": 1, "x": 340, "y": 240}]]


def test_a_point_dragged_out_of_the_picture_stops_at_its_border(canvas: CanvasPage):
    canvas.render(points=[{"x": 590, "y": 10, "label": 1}])
    canvas.drag((590, 10), (640, -30))
    assert canvas.heard() == [["onMovePoint", {"index": 0, "x": 599, "y": 0}]]


def test_the_point_is_shown_where_it_is_being_dragged(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}])
    canvas.page.mouse.move(*canvas.place(100, 100))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place(200, 150))
    canvas.settle()
    assert canvas.color("prompts", 196, 146)[3] > 200
    assert canvas.color("prompts", 96, 96)[3] == 0
    assert canvas.page.locator("#canvas").get_attribute("data-cursor") == "grabbing"
    canvas.page.mouse.up()


def test_a_point_that_vanishes_while_it_is_dragged_is_let_go(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}])
    canvas.page.mouse.move(*canvas.place(100, 100))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place(150, 100))
    canvas.render(points=[])
    canvas.page.mouse.move(*canvas.place(200, 100))
    canvas.page.mouse.up()
    assert canvas.heard() == []


def test_alt_click_deletes_the_point_under_it_and_nothing_elsewhere(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}, {"x": 104, "y": 100, "label": 0}])
    canvas.click(200, 200, modifiers=["Alt"])
    assert canvas.heard() == []
    canvas.click(105, 101, modifiers=["Alt"])
    assert canvas.heard() == [["onDeletePoint", {"index": 1}]]


def test_a_click_close_to_a_point_still_counts(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}])
    canvas.click(102, 100)
    canvas.click(102, 100, button="right")
    assert canvas.heard() == [point(102, 100), point(102, 100, 0)]


def test_the_cursor_tells_what_a_press_would_do(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}])
    cursor = canvas.page.locator("#canvas")
    for place, name in [((300, 200), "picture"), ((101, 101), "point"), ((-5, 20), "outside")]:
        canvas.page.mouse.move(*canvas.place(*place))
        assert cursor.get_attribute("data-cursor") == name
    canvas.page.evaluate("tool.setPanning(true)")
    assert cursor.get_attribute("data-cursor") == "grab"


# Boxes


def test_a_drag_is_a_box_whatever_its_direction(canvas: CanvasPage):
    box = ["onBox", {"x0": 100, "y0": 50, "x1": 299, "y1": 180}]
    for start, end in [((100, 50), (299, 180)), ((299, 180), (100, 50)), ((100, 180), (299, 50))]:
        canvas.drag(start, end)
        assert canvas.heard() == [box]


def test_a_box_that_leaves_the_picture_is_cut_to_it(canvas: CanvasPage):
    canvas.drag((500, 300), (680, 480))
    assert canvas.heard() == [["onBox", {"x0": 500, "y0": 300, "x1": 599, "y1": 399}]]
    canvas.drag((-10, -8), (80, 60))
    assert canvas.heard() == [["onBox", {"x0": 0, "y0": 0, "x1": 80, "y1": 60}]]


def test_a_box_without_width_or_beside_the_picture_is_no_box(canvas: CanvasPage):
    canvas.drag((100, 50), (100, 150))
    canvas.drag((100, 50), (200, 50))
    canvas.drag((602, 100), (620, 200))
    assert canvas.heard() == []


def test_the_box_is_seen_while_it_is_drawn_and_gone_after_escape(canvas: CanvasPage):
    canvas.page.evaluate("addEventListener('keydown', (event) => (window.keys ??= []).push(event.key))")
    canvas.page.mouse.move(*canvas.place(100, 50))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place(300, 200))
    canvas.settle()
    assert canvas.color("prompts", 200, 49.5)[3] > 200
    canvas.page.keyboard.press("Escape")
    canvas.settle()
    assert canvas.color("prompts", 200, 49.5)[3] == 0
    canvas.page.mouse.up()
    assert canvas.heard() == []
    assert canvas.page.evaluate("window.keys") is None, "Escape within a drag is not also a cleared prompt"
    canvas.page.keyboard.press("Escape")
    assert canvas.page.evaluate("window.keys") == ["Escape"]


# The view


def test_middle_drag_and_panning_move_the_view_and_add_nothing(canvas: CanvasPage):
    canvas.zoom_to(3)
    before = canvas.view
    canvas.drag((300, 200), (320, 210), button="middle")
    canvas.settle()
    between = canvas.view
    assert between["x"] - before["x"] == pytest.approx(20 * before["scale"], abs=1)
    assert between["y"] - before["y"] == pytest.approx(10 * before["scale"], abs=1)
    canvas.page.evaluate("tool.setPanning(true)")
    canvas.drag((300, 200), (290, 195))
    canvas.page.evaluate("tool.setPanning(false)")
    canvas.settle()
    assert canvas.view["x"] - between["x"] == pytest.approx(-10 * before["scale"], abs=1)
    assert canvas.heard() == []
    canvas.click(300, 200)
    assert canvas.heard() == [point(300, 200)]


@pytest.mark.parametrize(("notches", "grows"), [(-3, True), (2, False)])
def test_the_wheel_zooms_and_leaves_the_pixel_under_the_cursor_there(canvas: CanvasPage, notches, grows):
    before = canvas.view["scale"]
    place = canvas.place(450, 120)
    aim = (int(place[0]), int(place[1]))  # a wheel event has whole coordinates
    canvas.page.mouse.move(*aim)
    for _ in range(abs(notches)):
        canvas.page.mouse.wheel(0, 120 if notches > 0 else -120)
    canvas.page.wait_for_function(
        "before => Math.abs(JSON.parse(document.querySelector('#canvas').dataset.view).scale - before) > 0.05",
        arg=before,
    )
    canvas.settle()
    assert (canvas.view["scale"] > before) == grows
    grown = canvas.view["scale"] / before
    stays = (aim[0] + (place[0] - aim[0]) * grown, aim[1] + (place[1] - aim[1]) * grown)
    assert canvas.place(450, 120) == pytest.approx(stays, abs=0.01)
    assert canvas.page.evaluate("zoom") == {"zoom": canvas.view["scale"], "fitted": False}


def test_zoom_stays_within_bounds_and_the_picture_within_reach(canvas: CanvasPage):
    canvas.zoom_to(1e9)
    assert canvas.view["scale"] == 64
    canvas.zoom_to(1e-12)
    assert 0 < canvas.view["scale"] < 1
    canvas.page.evaluate("tool.fit()")
    for _ in range(3):
        canvas.drag((10, 10), (599, 399), button="middle")
    canvas.settle()
    assert canvas.view["x"] < 900 - 40
    assert canvas.view["y"] < 600 - 40


def test_a_fitted_picture_follows_the_size_of_the_canvas_and_a_zoomed_one_keeps_its_middle(canvas: CanvasPage):
    resize = "size => Object.assign(document.querySelector('#host').style, { width: size[0], height: size[1] })"
    canvas.page.evaluate(resize, ["500px", "500px"])
    canvas.settle()
    assert canvas.view["scale"] == pytest.approx((500 - 32) / 600)
    canvas.zoom_to(4)
    middle = canvas.place(300, 200)
    canvas.page.evaluate(resize, ["700px", "600px"])
    canvas.settle()
    assert canvas.place(300, 200) == pytest.approx((middle[0] + 100, middle[1] + 50))
    canvas.page.evaluate("tool.fit()")
    canvas.settle()
    assert canvas.view["scale"] == pytest.approx((700 - 32) / 600)
    assert canvas.page.evaluate("zoom.fitted") is True


def test_hover_tells_the_pixel_and_when_it_ends(canvas: CanvasPage):
    canvas.page.mouse.move(*canvas.place(123, 45))
    assert canvas.page.evaluate("hovered") == {"x": 123, "y": 45}
    canvas.page.mouse.move(*canvas.place(-4, 45))
    assert canvas.page.evaluate("hovered") is None
    canvas.page.mouse.move(*canvas.place(1, 1))
    canvas.page.mouse.move(1300, 800)
    assert canvas.page.evaluate("hovered") is None


# Touch


class Fingers:
    """Fingers on a touch screen, by their places in the window."""

    def __init__(self, canvas: CanvasPage) -> None:
        self.canvas = canvas
        self.session: CDPSession = canvas.page.context.new_cdp_session(canvas.page)

    def send(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        (x0, y0), (x1, y1) = self.canvas.place(*start), self.canvas.place(*end)
        self.send("touchStart", (x0, y0))
        for step in range(1, 5):
            self.send("touchMove", (x0 + (x1 - x0) * step / 4, y0 + (y1 - y0) * step / 4))
        self.send("touchEnd")


@pytest.fixture
def tablet(browser: Browser, url: str) -> Iterator[CanvasPage]:
    with window(browser, url, has_touch=True) as canvas:
        yield canvas


def test_a_tap_is_a_point_of_the_kind_chosen_for_taps(tablet: CanvasPage):
    tablet.page.touchscreen.tap(*tablet.place(150, 90))
    tablet.render(tapLabel=0)
    tablet.page.touchscreen.tap(*tablet.place(200, 90))
    assert tablet.heard() == [point(150, 90, 1), point(200, 90, 0)]


def test_a_long_press_is_one_background_point(tablet: CanvasPage):
    fingers = Fingers(tablet)
    fingers.send("touchStart", tablet.place(150, 90))
    tablet.page.wait_for_function("heard.length > 0")
    fingers.send("touchEnd")
    assert tablet.heard() == [point(150, 90, 0)]


def test_one_finger_draws_a_box_or_moves_a_point(tablet: CanvasPage):
    fingers = Fingers(tablet)
    fingers.drag((100, 50), (300, 200))
    tablet.render(points=[{"x": 400, "y": 300, "label": 1}])
    fingers.drag((400, 300), (440, 330))
    assert tablet.heard() == [
        ["onBox", {"x0": 100, "y0": 50, "x1": 300, "y1": 200}],
        ["onMovePoint", {"index": 0, "x": 440, "y": 330}],
    ]


def test_two_fingers_zoom_and_pan_and_add_nothing(tablet: CanvasPage):
    fingers = Fingers(tablet)
    scale = tablet.view["scale"]
    left, right = tablet.place(250, 200), tablet.place(350, 200)
    fingers.send("touchStart", left)
    fingers.send("touchStart", left, right)
    for step in range(1, 6):
        fingers.send(
            "touchMove", (left[0] - 15 * step, left[1] + 8 * step), (right[0] + 15 * step, right[1] + 8 * step)
        )
    fingers.send("touchEnd")
    tablet.settle()
    grown = (right[0] - left[0] + 150) / (right[0] - left[0])
    assert tablet.view["scale"] == pytest.approx(scale * grown, rel=0.02)
    assert tablet.place(250, 200) == pytest.approx((left[0] - 75, left[1] + 40), abs=2)
    assert tablet.heard() == []
    tablet.page.touchscreen.tap(*tablet.place(300, 200))
    assert tablet.heard() == [point(300, 200)]


# What is on the screen


def test_the_candidate_covers_its_pixels_and_no_others(canvas: CanvasPage):
    canvas.render(candidate={"rle": block(200, 100, 400, 300), "color": BLUE})
    red, green, blue, alpha = canvas.color("candidate", 300, 200)
    assert blue > green > red
    assert 0.35 * 255 < alpha < 0.45 * 255
    assert canvas.color("candidate", 195, 200)[3] == 0
    assert canvas.color("candidate", 405, 200)[3] == 0
    assert canvas.color("candidate", 200 - 0.5, 200)[3] == 255


@pytest.mark.parametrize("ratio", [1, 2])
def test_a_reduced_picture_takes_clicks_and_shows_masks_in_the_originals_place(browser: Browser, url: str, ratio):
    with window(browser, url, device_scale_factor=ratio) as canvas:
        canvas.show("half.png", COFFEE_HW, display_hw=(200, 300))
        canvas.click(511, 123)
        canvas.drag((101, 51), (300, 200))
        assert canvas.heard() == [point(511, 123), ["onBox", {"x0": 101, "y0": 51, "x1": 300, "y1": 200}]]
        canvas.render(candidate={"rle": block(100, 50, 200, 150, (200, 300)), "color": BLUE})
        for zoom in (1, 2, 4):
            canvas.zoom_to(zoom)
            assert canvas.color("candidate", 290, 200)[3] > 80
        canvas.page.evaluate("tool.fit()")
        canvas.settle()
        assert canvas.color("candidate", 204, 104)[3] > 80
        assert canvas.color("candidate", 394, 294)[3] > 80
        assert canvas.color("candidate", 194, 200)[3] == 0
        assert canvas.color("candidate", 405, 200)[3] == 0


@pytest.mark.parametrize("ratio", [1, 2])
def test_pixels_are_drawn_as_squares_from_three_times_on(browser: Browser, url: str, ratio):
    with window(browser, url, device_scale_factor=ratio) as canvas:
        canvas.show("checkers.png", (40, 60))
        assert canvas.view["scale"] > 3
        greys = canvas.page.evaluate(
            """() => {
                const { width, height } = document.querySelector(".canvas-picture");
                const context = document.querySelector(".canvas-picture").getContext("2d");
                const { data } = context.getImageData(width * 0.3, height * 0.3, width * 0.4, height * 0.4);
                return [...new Set(data.filter((_, index) => index % 4 === 0))].sort((a, b) => a - b);
            }"""
        )
        assert greys == [0, 255]
        assert canvas.color("picture", 30, 20)[0] == 0
        assert canvas.color("picture", 31, 20)[0] == 255


@pytest.mark.parametrize("ratio", [1, 1.25, 2])
def test_every_layer_has_the_pixels_of_the_screen(browser: Browser, url: str, ratio):
    with window(browser, url, device_scale_factor=ratio) as canvas:
        sizes = canvas.page.evaluate(
            "[...document.querySelectorAll('#host canvas')].map(({ width, height }) => [width, height])"
        )
        assert len(sizes) > 1
    assert all(size == [900 * ratio, 600 * ratio] for size in sizes)


def test_points_differ_by_their_sign_as_well_as_by_colour(canvas: CanvasPage):
    canvas.render(points=[{"x": 100, "y": 100, "label": 1}, {"x": 200, "y": 100, "label": 0}])
    canvas.page.mouse.move(1200, 800)
    canvas.settle()
    white = [255, 255, 255, 255]
    assert canvas.color("prompts", 100, 98) == canvas.color("prompts", 98, 100) == white, "a plus"
    assert canvas.color("prompts", 198, 100) == white, "a minus"
    assert canvas.color("prompts", 200, 98) != white
    foreground, background = canvas.color("prompts", 97, 97), canvas.color("prompts", 197, 97)
    assert foreground[2] > foreground[0]
    assert background[0] > background[2]


def test_instances_show_in_their_colour_and_the_emphasised_one_stronger(canvas: CanvasPage):
    instances = [
        {"id": 11, "rle": block(50, 50, 200, 200), "color": "#e69f00", "number": 1, "name": "cup"},
        {"id": 12, "rle": block(300, 50, 500, 200), "color": "#009e73", "number": 2, "name": "spoon"},
    ]
    canvas.render(instances=instances)
    calm = canvas.color("instances", 120, 120)
    assert calm[0] > calm[1] > calm[2]
    assert canvas.color("instances", 400, 120)[1] > canvas.color("instances", 400, 120)[0]
    assert canvas.color("candidate", 125, 43)[3] == 255, "a tag with the number above the mask"
    canvas.render(instances=instances, hoveredId=11)
    assert canvas.color("instances", 120, 120)[3] > calm[3]
    canvas.render(instances=instances, editing=11)
    assert canvas.color("instances", 120, 120)[3] == 0


def test_hidden_masks_come_back(canvas: CanvasPage):
    instance = {"id": 1, "rle": block(50, 50, 200, 200), "color": "#e69f00", "number": 1, "name": "cup"}
    canvas.render(candidate={"rle": block(200, 100, 400, 300), "color": BLUE}, instances=[instance])
    for hidden in (True, False):
        canvas.page.evaluate("hidden => tool.setMasksHidden(hidden)", hidden)
        canvas.settle()
        assert canvas.is_empty("candidate") == hidden
        assert canvas.is_empty("instances") == hidden


def test_many_proposals_go_with_the_picture_while_it_moves_and_are_painted_anew_when_it_rests(canvas: CanvasPage):
    mask = np.zeros(COFFEE_HW, bool)
    mask[150:250, 100:500] = True
    one = {"rle": Rle.encode(mask).to_coco(), "area": int(mask.sum()), "bbox_xywh": [100, 150, 400, 100], "overlap": 0}
    canvas.render(proposals=[{"id": number, **one} for number in range(40)])
    layer = canvas.page.locator(".canvas-proposals")
    edge = (100, 200)
    assert canvas.color("proposals", *edge)[3] > 0

    moving, aim = canvas.page.evaluate(
        """async () => {
            const painted = JSON.parse(document.querySelector("#canvas").dataset.view);
            tool.zoomBy(1.3);
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            const view = JSON.parse(document.querySelector("#canvas").dataset.view);
            const corner = new DOMMatrix(document.querySelector(".canvas-proposals").style.transform)
                .transformPoint({ x: painted.x, y: painted.y });
            return [[corner.x, corner.y], [view.x, view.y]];
        }"""
    )
    assert moving == pytest.approx(aim, abs=0.01)
    canvas.page.wait_for_function("!document.querySelector('.canvas-proposals').style.transform")
    assert canvas.color("proposals", *edge)[3] > 0
    assert layer.evaluate("(layer) => getComputedStyle(layer).transform") == "none"


def test_only_the_newest_of_several_views_is_painted(canvas: CanvasPage):
    seen = canvas.page.evaluate(
        """async ([first, second]) => {
            const { dataset } = document.querySelector("#canvas");
            const seen = [];
            new MutationObserver(() => seen.push(dataset.painted)).observe(document.querySelector("#canvas"),
                { attributeFilter: ["data-painted"] });
            await new Promise(requestAnimationFrame);
            tool.render({ candidate: first, revision: 101 });
            tool.render({ candidate: second, revision: 102 });
            while (dataset.painted !== "102") await new Promise((done) => setTimeout(done, 1));
            return seen;
        }""",
        [{"rle": block(0, 0, 100, 100), "color": BLUE}, {"rle": block(200, 100, 400, 300), "color": BLUE}],
    )
    assert seen == ["102"]
    assert canvas.color("candidate", 50, 50)[3] == 0
    assert canvas.color("candidate", 300, 200)[3] > 80


@pytest.mark.expect_console_errors
def test_a_broken_mask_does_not_take_the_others_along(canvas: CanvasPage):
    broken = {"id": 1, "rle": {"size": [400, 600], "counts": "44"}, "color": "#e69f00", "number": 1, "name": "cup"}
    sound = {"id": 2, "rle": block(50, 50, 200, 200), "color": "#e69f00", "number": 2, "name": "cup"}
    canvas.render(instances=[broken, sound])
    assert canvas.color("instances", 120, 120)[3] > 0


# Pictures


def test_the_smallest_picture_can_be_clicked(canvas: CanvasPage):
    canvas.show("dot.png", (1, 1))
    canvas.click(0, 0)
    assert canvas.heard() == [point(0, 0)]


def test_another_picture_comes_fitted_and_without_the_masks_of_the_last(canvas: CanvasPage):
    canvas.render(candidate={"rle": block(200, 100, 400, 300), "color": BLUE}, points=[{"x": 9, "y": 9, "label": 1}])
    canvas.zoom_to(5)
    canvas.show("checkers.png", (40, 60))
    assert canvas.view["scale"] == pytest.approx((600 - 32) / 40)
    assert canvas.is_empty("candidate")
    assert canvas.is_empty("prompts")
    assert canvas.page.locator("#canvas").get_attribute("data-painted") is None


def test_gestures_wait_until_the_next_picture_is_there(canvas: CanvasPage):
    canvas.page.route("**/half.png", lambda route: None)  # never answered
    canvas.page.evaluate("void tool.showImage({ url: '/half.png', width: 600, height: 400, imageId: 8 })")
    canvas.click(100, 100)
    canvas.drag((100, 50), (300, 200))
    canvas.page.unroute("**/half.png")
    assert canvas.heard() == []


def test_the_last_picture_asked_for_wins(canvas: CanvasPage):
    answers = canvas.page.evaluate(
        """() => Promise.all([
            tool.showImage({ url: "/coffee.png", width: 600, height: 400, imageId: 1 }),
            tool.showImage({ url: "/checkers.png", width: 60, height: 40, imageId: 2 }),
        ])"""
    )
    assert answers == [False, True]
    canvas.settle()
    assert canvas.page.locator("#canvas").get_attribute("data-image-id") == "2"
    assert canvas.color("picture", 30, 20)[0] == 0


@pytest.mark.expect_console_errors
def test_a_picture_that_is_missing_is_named(canvas: CanvasPage):
    said = canvas.page.evaluate(
        "() => tool.showImage({ url: '/gone.png', width: 6, height: 4, imageId: 9 }).catch((error) => error.message)"
    )
    assert said == "The picture /gone.png cannot be shown."
    canvas.show("coffee.png", COFFEE_HW)
    canvas.click(10, 10)
    assert canvas.heard() == [point(10, 10)]


def test_the_canvas_says_what_it_is(canvas: CanvasPage):
    element = canvas.page.locator("#canvas")
    assert element.get_attribute("role") == "application"
    assert element.get_attribute("tabindex") == "0"
    assert "click" in (element.get_attribute("aria-label") or "")


def test_a_destroyed_canvas_leaves_nothing_behind(canvas: CanvasPage):
    canvas.page.evaluate("tool.destroy()")
    assert canvas.page.evaluate("document.querySelector('#host').children.length") == 0
    canvas.page.mouse.click(300, 300)
    assert canvas.heard() == []
