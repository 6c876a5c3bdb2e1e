"""Who owns a pixel that several masks claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.overlaps import Claim, Losses, settle
from tests.exporters.datasets import FakeDataset

SIZE_HW = (12, 16)


@pytest.fixture
def scene(tmp_path):
    return Scene(FakeDataset(tmp_path))


class Scene:
    """Claims on one picture; each has its own value unless one is given."""

    def __init__(self, dataset):
        self.category = dataset.add_category("cup")
        self.image = dataset.add_image(SIZE_HW)
        self.dataset = dataset
        self.claims = []

    def claim(self, mask, is_thing=True, is_crowd=False, value=None):
        instance = self.dataset.add_instance(self.image, mask, self.category, is_crowd=is_crowd)
        value = value or len(self.claims) + 1
        self.claims.append(Claim(instance=instance, number=1, value=value, is_thing=is_thing))
        return value


def block(top, bottom, left, right):
    mask = np.zeros(SIZE_HW, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("thing_is_first", [True, False])
def test_a_thing_lies_over_stuff_however_large_it_is(scene, thing_is_first):
    masks = [(block(0, 12, 0, 16), True), (block(2, 4, 2, 4), False)]
    values = {is_thing: scene.claim(mask, is_thing) for mask, is_thing in masks[:: 1 if thing_is_first else -1]}
    settled = settle(scene.claims, SIZE_HW)
    assert (settled.values == values[True]).all()


@pytest.mark.parametrize("small_is_first", [True, False])
def test_the_smaller_lies_over_the_larger_whatever_was_saved_first(scene, small_is_first):
    masks = [block(2, 4, 2, 4), block(0, 8, 0, 8)]
    for mask in masks if small_is_first else masks[::-1]:
        scene.claim(mask)
    settled = settle(scene.claims, SIZE_HW)
    small = 1 if small_is_first else 2
    assert np.array_equal(settled.values == small, masks[0])
    assert sorted(settled.lost) == [0, 4]


def test_a_single_thing_lies_over_a_group(scene):
    group = scene.claim(block(2, 4, 2, 4), is_crowd=True)
    scene.claim(block(0, 8, 0, 8))
    assert not (settle(scene.claims, SIZE_HW).values == group).any()


def test_of_equal_ones_the_later_saved_lies_on_top(scene):
    scene.claim(block(0, 4, 0, 4))
    later = scene.claim(block(2, 6, 2, 6))
    assert settle(scene.claims, SIZE_HW).values[3, 3] == later


def test_claims_of_one_value_take_nothing_from_each_other(scene):
    scene.claim(block(0, 4, 0, 4), is_thing=False, value=1)
    scene.claim(block(2, 8, 2, 8), is_thing=False, value=1)
    settled = settle(scene.claims, SIZE_HW)
    assert settled.lost == [0, 0]
    assert np.count_nonzero(settled.values) == 16 + 36 - 4


def test_what_is_lost_is_counted_and_said(scene):
    scene.claim(block(0, 4, 0, 4))
    scene.claim(block(0, 4, 0, 2))
    scene.claim(block(0, 4, 2, 4))
    losses = Losses()
    hidden = losses.add(scene.image, scene.claims, settle(scene.claims, SIZE_HW))
    assert hidden == scene.claims[:1]
    assert (losses.pixels, losses.shortened, losses.hidden) == (16, 0, 1)
    (line,) = losses.lines()
    assert "overlap on 1 pictures" in line and "16 pixels" in line and "1 are covered altogether" in line


def test_nothing_is_said_where_no_masks_overlap(scene):
    scene.claim(block(0, 4, 0, 4))
    scene.claim(block(4, 8, 0, 4))
    losses = Losses()
    assert losses.add(scene.image, scene.claims, settle(scene.claims, SIZE_HW)) == []
    assert losses.lines() == []


sides = st.tuples(st.integers(0, 10), st.integers(1, 6), st.integers(0, 14), st.integers(1, 6))


@given(st.lists(st.tuples(sides, st.booleans(), st.booleans()), max_size=8), st.randoms(use_true_random=False))
def test_every_claimed_pixel_goes_to_one_that_claims_it_in_any_order_of_saving(tmp_path_factory, given_claims, random):
    scene = Scene(FakeDataset(tmp_path_factory.getbasetemp() / "overlaps"))
    masks, areas = [], set()
    for (top, height, left, width), is_thing, is_crowd in given_claims:
        mask = block(top, top + height, left, left + width)
        if int(mask.sum()) not in areas:  # of equal ones the order decides
            areas.add(int(mask.sum()))
            scene.claim(mask, is_thing, is_crowd)
            masks.append(mask)
    settled = settle(scene.claims, SIZE_HW)
    union = np.any(masks, axis=0) if masks else np.zeros(SIZE_HW, dtype=bool)
    assert np.array_equal(settled.values > 0, union)
    for value, (mask, lost) in enumerate(zip(masks, settled.lost, strict=True), start=1):
        assert not ((settled.values == value) & ~mask).any()
        assert lost == mask.sum() - (settled.values == value).sum()
    shuffled = list(scene.claims)
    random.shuffle(shuffled)
    assert np.array_equal(settle(shuffled, SIZE_HW).values, settled.values)
