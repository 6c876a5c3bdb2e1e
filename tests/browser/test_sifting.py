"""sifting.js: the page shows the proposals that annotator/automask/sifting.py says."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from annotator.automask.sifting import Candidates, visible
from tests.browser.canvas_page import CanvasPage, serve_canvas

SIFT = """async (cases) => {
    const { visible } = await import("/sifting.js");
    return cases.map(([proposals, sift]) => visible(proposals, sift).map((one) => one.id));
}"""


class Found(NamedTuple):
    """A proposal, as far as sifting looks at it."""

    bbox_xywh: tuple[int, int, int, int]
    area: int
    predicted_iou: float
    stability_score: float


scores = st.sampled_from([0.0, 0.25, 0.5, 0.7, 0.71, 0.9, 1.0])
sides = st.integers(1, 12)
found = st.builds(
    Found, st.tuples(st.integers(0, 8), st.integers(0, 8), sides, sides), st.integers(1, 144), scores, scores
)
sifts = st.fixed_dictionaries(
    {
        "pred_iou_thresh": scores,
        "stability_score_thresh": scores,
        "box_nms_thresh": st.sampled_from([0.0, 0.5, 0.6, 0.7, 1.0]),
        "min_area": st.integers(0, 100),
    }
)
cases = st.lists(st.tuples(st.lists(found, max_size=25), sifts), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_canvas({}) as address:
        yield address


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=cases)
def test_the_page_shows_what_the_server_says_is_visible(
    page: Page, url: str, batch: list[tuple[list[Found], dict[str, Any]]]
) -> None:
    if not page.url.startswith(url):
        CanvasPage(page, url)
    wanted, asked = [], []
    for proposals, sift in batch:
        best_first = sorted(proposals, key=lambda one: -one.predicted_iou)
        wanted.append(visible(Candidates.of(best_first), **sift).tolist())
        asked.append([[one._asdict() | {"id": number} for number, one in enumerate(best_first)], sift])
    assert page.evaluate(SIFT, asked) == wanted
