"""The judge sees how near the middle of each candidate was clicked, and nothing of what lies beyond the picture."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from annotator.segmenters.builtin.depth import CENTREDNESS, centredness, depth
from annotator.segmenters.builtin.judge import MaskJudge

SIDE = 32
sizes = st.integers(3, SIDE - 2)


def clicked(row: int, column: int) -> torch.Tensor:
    clicks = torch.zeros(1, 1, SIDE, SIDE)
    clicks[0, 0, row, column] = 1
    return clicks


@given(sizes, sizes, st.data())
def test_a_click_in_the_middle_of_a_mask_is_as_deep_as_any_and_one_at_its_edge_is_not(height, width, data):
    top, left = data.draw(st.integers(0, SIDE - height)), data.draw(st.integers(0, SIDE - width))
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top : top + height, left : left + width] = True
    row, column = divmod(int(depth(mask).argmax()), SIDE)
    masks = torch.from_numpy(mask)[None, None]
    share, deeper, away, thick, across = centredness(masks, clicked(row, column))[0, 0].tolist()
    assert (share, deeper, away) == (1, 0, 0)
    assert across == pytest.approx(np.sqrt(height * width) / SIDE)
    assert 0 < thick <= 1
    share, deeper, away, *same = centredness(masks, clicked(top, left))[0, 0].tolist()
    assert share < 1 and deeper > 0 and away > 0
    assert same == pytest.approx([thick, across])


def test_a_mask_of_two_parts_is_less_central_to_a_click_than_the_part_that_was_meant():
    meant = np.zeros((SIDE, SIDE), bool)
    meant[4:12, 4:12] = True
    with_another = meant.copy()
    with_another[14:30, 6:30] = True
    row, column = divmod(int(depth(meant).argmax()), SIDE)
    own, both = centredness(torch.from_numpy(np.stack([meant, with_another]))[None], clicked(row, column))[0]
    assert own[0] == 1 and own[1] == 0
    assert both[0] < 0.6 and both[1] > 0.1 and both[2] > 0.5


def test_without_a_foreground_click_nothing_is_said_of_where_it_is():
    masks = torch.zeros(2, 3, SIDE, SIDE, dtype=torch.bool)
    masks[:, 0, 3:9, 3:20] = True
    seen = centredness(masks, torch.zeros(2, 1, SIDE, SIDE))
    assert seen.shape == (2, 3, CENTREDNESS) and seen.isfinite().all()
    assert (seen[..., :3] == 0).all() and (seen[:, 0, 3:] > 0).all()


def test_what_a_mask_covers_beyond_the_picture_changes_nothing():
    random = torch.Generator().manual_seed(0)
    judge = MaskJudge(3, overview=10, width=4).requires_grad_(False)
    features, overview = torch.randn(2, 4, SIDE // 2, SIDE // 2, generator=random), torch.randn(2, 10)
    logits = torch.randn(2, 3, 2 * SIDE, 2 * SIDE, generator=random)
    inside = torch.zeros(1, 1, SIDE, SIDE)
    inside[..., :20, :] = 1
    bled, tidy = logits.clone(), logits.clone()
    bled[..., 40:, :], tidy[..., 40:, :] = 9, -9
    clicks = clicked(5, 5).expand(2, -1, -1, -1)
    known, same = (judge(overview, features, one, clicks, inside) for one in (bled, tidy))
    assert torch.allclose(known, same, atol=1e-5)
    assert not torch.allclose(known, judge(overview, features, bled, clicks, torch.ones_like(inside)), atol=1e-3)
