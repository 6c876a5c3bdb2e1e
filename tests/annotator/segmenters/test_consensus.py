"""Candidates of one thing draw its edge together; those of different things leave each other alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from annotator.segmenters.builtin.consensus import ALIKE, SUREST, agreed

SIDE = 20


def square(side: int, inside: float = 4.0) -> torch.Tensor:
    logits = torch.full((SIDE, SIDE), -4.0)
    logits[:side, :side] = inside
    return logits


def test_two_that_are_alike_share_their_mean_and_a_third_stays_as_it_is():
    given_logits = torch.stack([square(16), square(15, inside=2.0), square(4)])[None]
    found = agreed(given_logits, torch.tensor([[0.5, 0.5, 0.9]]))[0]
    assert torch.allclose(found[0], (given_logits[0, 0] + given_logits[0, 1]) / 2)
    assert torch.equal(found[0], found[1]) and torch.equal(found[2], given_logits[0, 2])


def test_the_better_one_weighs_more():
    both = torch.stack([square(16), square(15)])[None]
    row = both[0, :, 15, 15]
    assert row[0] > 0 > row[1]
    for predicted, shown in (([0.9, 0.5], True), ([0.5, 0.9], False)):
        assert bool(agreed(both, torch.tensor([predicted]))[0, 0, 15, 15] > 0) is shown


def test_one_that_is_very_sure_does_not_overrule_the_others():
    three = torch.stack([square(16), square(16), square(16)])[None]
    three[0, 0, 15, 15] = -1000
    assert (agreed(three, torch.tensor([[0.8, 0.8, 0.8]]))[0, :, 15, 15] == 0).all()
    assert agreed(three * 1000, torch.tensor([[0.8, 0.8, 0.8]])).abs().max() <= SUREST


@given(st.lists(st.tuples(st.integers(0, SIDE), st.floats(0, 1)), min_size=3, max_size=3))
def test_no_mask_leaves_what_its_like_cover_and_different_ones_are_not_changed(drawn):
    logits = torch.stack([square(side) for side, _ in drawn])[None]
    predicted = torch.tensor([[score for _, score in drawn]])
    found = agreed(logits, predicted)
    assert found.shape == logits.shape and found.isfinite().all()
    for number, (side, _) in enumerate(drawn):
        like = [other for other, _ in drawn if side == other or min(side, other) ** 2 >= ALIKE * max(side, other) ** 2]
        mask = found[0, number] > 0
        assert (mask <= (square(max([*like, side])) > 0)).all()
        assert (mask >= (square(min([*like, side])) > 0)).all()
        if set(like) <= {side}:
            assert torch.allclose(found[0, number], logits[0, number])


def test_empty_masks_are_kept_empty():
    assert agreed(torch.full((2, 3, 8, 8), -3.0), torch.rand(2, 3)) == pytest.approx(torch.full((2, 3, 8, 8), -3.0))
