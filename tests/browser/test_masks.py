"""masks.js and outline.js: run lengths decoded as pycocotools does, and their outlines."""

from base64 import b64decode
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from playwright.sync_api import Page
from skimage import data

from storage.rle import Rle
from tests.browser.canvas_page import CanvasPage, serve_canvas

FULL_HD = (1080, 1920)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_canvas({}) as address:
        yield address


@pytest.fixture
def modules(page: Page, url: str) -> Page:
    """A page that has masks.js as `masks`, and traceLoops."""
    return CanvasPage(page, url).page


@st.composite
def masks(draw):
    """A mask of up to 24×24: even noise, sparse noise, nearly full, or made of rectangles."""
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    kind = draw(st.sampled_from(["noise", "sparse", "dense", "rectangles"]))
    if kind == "rectangles":
        mask = np.zeros(shape, bool)
        for _ in range(draw(st.integers(1, 6))):
            top, left = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
            bottom, right = draw(st.integers(top + 1, shape[0])), draw(st.integers(left + 1, shape[1]))
            mask[top:bottom, left:right] ^= True
        return mask
    if kind == "noise":
        return draw(st_numpy.arrays(bool, shape))
    return draw(st_numpy.arrays(bool, shape, fill=st.just(kind == "dense"), elements=st.booleans()))


batches = st.lists(masks(), min_size=1, max_size=25)
in_browser = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])

DECODE = """rles => rles.map((rle) => {
    const mask = masks.decodeRle(rle);
    const [left, top, width, height] = mask.bbox;
    const ones = [];
    for (let x = 0; x < width; x += 1)
        for (let y = 0; y < height; y += 1)
            if (mask.bits[(x + 1) * (height + 2) + y + 1]) ones.push((left + x) * mask.height + top + y);
    const rim = mask.bits.reduce((sum, bit) => sum + bit, 0) - ones.length;
    return { bbox: mask.bbox, area: mask.area, size: [mask.height, mask.width], ones, rim };
})"""
TRACE = "rles => rles.map((rle) => traceLoops(masks.decodeRle(rle)).map((loop) => [...loop]))"


def coded(batch):
    return [Rle.encode(mask).to_coco() for mask in batch]


def expect_decoded(page: Page, batch: list[np.ndarray]) -> None:
    for mask, answer in zip(batch, page.evaluate(DECODE, coded(batch)), strict=True):
        rle = Rle.encode(mask)
        assert tuple(answer["size"]) == mask.shape
        assert tuple(answer["bbox"]) == rle.bbox_xywh
        assert answer["area"] == rle.area
        assert answer["rim"] == 0
        decoded = np.zeros(mask.size, bool)
        decoded[np.array(answer["ones"], int)] = True
        assert (decoded.reshape(mask.shape, order="F") == rle.decode()).all()


@in_browser
@given(batch=batches)
def test_any_mask_decodes_as_pycocotools_does(modules: Page, batch):
    expect_decoded(modules, batch)


def test_masks_of_real_pictures_decode_as_pycocotools_does(modules: Page):
    expect_decoded(modules, [data.coins() > 120, ~data.horse().astype(bool), data.page() < 100])


def test_empty_full_and_single_pixel_masks_decode(modules: Page):
    corner = np.zeros((5, 7), bool)
    corner[4, 6] = True
    expect_decoded(modules, [np.zeros((5, 7), bool), np.ones((5, 7), bool), corner, np.ones((1, 1), bool)])


def filled(loops: list[list[int]], shape: tuple[int, int]) -> np.ndarray:
    """The pixels inside closed loops along pixel edges, by counting the horizontal edges above each."""
    inside = np.zeros((shape[0] + 1, shape[1]), bool)
    for loop in loops:
        corners = np.array(loop).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            assert (x0 == x1) != (y0 == y1), "every side runs along the edges of pixels"
            if y0 == y1:
                inside[y0:, min(x0, x1) : max(x0, x1)] ^= True
    return inside[: shape[0]]


@in_browser
@given(batch=batches)
def test_outlines_filled_again_give_the_mask_back(modules: Page, batch):
    for mask, loops in zip(batch, modules.evaluate(TRACE, coded(batch)), strict=True):
        assert (filled(loops, mask.shape) == mask).all()


@in_browser
@given(batch=batches)
def test_outlines_keep_the_mask_on_their_right_hand_and_list_corners_alone(modules: Page, batch):
    for mask, loops in zip(batch, modules.evaluate(TRACE, coded(batch)), strict=True):
        area = 0
        for loop in loops:
            x, y = np.array(loop).reshape(-1, 2).T
            area += int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) // 2
            turns = np.stack([np.roll(x, -1) - x, np.roll(y, -1) - y]) != 0
            assert (turns[0] != np.roll(turns[0], -1)).all()
        assert area == mask.sum()


def test_a_ring_has_an_outer_and_an_inner_outline(modules: Page):
    ring = np.zeros((9, 9), bool)
    ring[1:8, 1:8] = True
    ring[3:6, 3:6] = False
    (loops,) = modules.evaluate(TRACE, coded([ring]))
    assert sorted(len(loop) // 2 for loop in loops) == [4, 4]
    assert sorted((min(loop), max(loop)) for loop in loops) == [(1, 8), (3, 6)]


@in_browser
@given(batch=batches)
def test_the_smoothed_outline_strays_by_half_a_pixel_at_most(modules: Page, batch):
    """What no neighbour can have taken stays inside, what no neighbour can have given stays outside."""
    answers = modules.evaluate(
        """rles => rles.map((rle) => {
            const mask = masks.decodeRle(rle);
            const path = new masks.Shape(mask).path(false);
            const context = new OffscreenCanvas(1, 1).getContext("2d");
            const inside = [];
            for (let y = 0; y < mask.height; y += 1)
                for (let x = 0; x < mask.width; x += 1)
                    inside.push(context.isPointInPath(path, x + 0.5, y + 0.5, "evenodd"));
            return inside;
        })""",
        coded(batch),
    )
    for mask, answer in zip(batch, answers, strict=True):
        around = np.pad(mask, 1)
        sides = np.stack([around[1:-1, 1:-1], around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
        inside = np.array(answer).reshape(mask.shape)
        assert inside[sides.all(axis=0)].all()
        assert not inside[~sides.any(axis=0)].any()


@pytest.mark.parametrize(
    ("rle", "problem"),
    [
        ({"size": [4, 4], "counts": "4"}, "4 pixels, expected 4 × 4"),
        ({"size": [4, 4], "counts": "P"}, "breaks off"),
        ({"size": [4, 4], "counts": "4 8"}, "foreign character"),
        ({"size": [4, 4], "counts": "N"}, "negative length"),
    ],
)
def test_a_broken_mask_is_refused_with_the_reason(modules: Page, rle, problem):
    said = modules.evaluate("rle => { try { masks.decodeRle(rle); } catch (error) { return error.message; } }", rle)
    assert problem in said


def test_a_full_hd_mask_decodes_in_less_than_ten_milliseconds(modules: Page):
    y, x = np.mgrid[: FULL_HD[0], : FULL_HD[1]]
    wide = ((x - 960) / 900) ** 2 + ((y - 540) / 500) ** 2 < 1 + 0.1 * np.sin(np.arctan2(y - 540, x - 960) * 40)
    best = modules.evaluate(
        """rle => Math.min(...Array.from({ length: 12 }, () => {
            const start = performance.now();
            masks.decodeRle(rle);
            return performance.now() - start;
        }))""",
        Rle.encode(wide).to_coco(),
    )
    assert best < 10


def test_a_mask_that_is_all_edges_becomes_a_bitmap_with_its_pixels_and_rim(modules: Page):
    noise = np.random.default_rng(3).random((200, 200)) < 0.5
    noise[100:110, 100:110] = True
    answer = modules.evaluate(
        """rle => {
            const shape = new masks.Shape(masks.decodeRle(rle));
            const read = (rim) => {
                const { data } = shape.tint("#ff0000", rim).getContext("2d").getImageData(0, 0, 200, 200);
                return btoa(Array.from(data, (value) => String.fromCharCode(value)).join(""));
            };
            return { raster: shape.raster, fill: read(false), rim: read(true) };
        }""",
        Rle.encode(noise).to_coco(),
    )
    fill, rim = (np.frombuffer(b64decode(answer[name]), np.uint8).reshape(200, 200, 4) for name in ("fill", "rim"))
    assert answer["raster"]
    assert (fill[noise] == (255, 0, 0, 255)).all()
    assert not fill[~noise].any()
    assert not rim[~noise].any()
    assert not rim[101:109, 101:109].any()
    assert rim[noise].any()


def test_the_cache_keeps_the_last_used_masks_within_its_bound(modules: Page):
    batch = [np.eye(40, dtype=bool) & (np.arange(40) < count) for count in range(1, 31)]
    sizes, same, other = modules.evaluate(
        """rles => {
            const cache = new masks.ShapeCache(30000);
            const first = cache.get(rles[0]);
            const sizes = rles.map((rle) => { cache.get(rle); cache.get(rles[0]); return cache.size; });
            return [sizes, cache.get(rles[0]) === first, cache.get(rles[1]) === cache.get(rles[1])];
        }""",
        coded(batch),
    )
    assert same
    assert other
    assert sizes[0] == 1
    assert 2 <= sizes[-1] < len(batch)


def test_masks_of_two_sizes_with_the_same_text_are_kept_apart(modules: Page):
    tall, wide = Rle.encode(np.ones((4, 9), bool)), Rle.encode(np.ones((9, 4), bool))
    assert tall.counts == wide.counts
    boxes = modules.evaluate(
        "rles => { const cache = new masks.ShapeCache(); return rles.map((rle) => cache.get(rle).bbox); }",
        [tall.to_coco(), wide.to_coco(), tall.to_coco()],
    )
    assert boxes == [[0, 0, 9, 4], [0, 0, 4, 9], [0, 0, 9, 4]]
