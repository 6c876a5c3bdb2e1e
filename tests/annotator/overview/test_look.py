"""What a look at a picture's masks finds: the same thing twice, parts far apart, and what each mask is like."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotator.overview.look import LEAST_PART, REACH, REACH_PIXELS, TRAITS, TWIN_IOU, far_parts, look, twins
from annotator.overview.oddness import FEWEST, oddness
from storage.repository.overview import KeyedMask
from storage.rle import Rle

SIDE = 40
# Some overlap by more than 0.9, some by just 0.9, some by less, some not at all.
NEAR_ONE_ANOTHER = [
    (2, 2, 20, 20),
    (2, 2, 20, 19),
    (2, 2, 20, 18),
    (3, 2, 20, 20),
    (3, 3, 19, 19),
    (8, 8, 20, 20),
    (25, 25, 9, 9),
]
boxes = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10), st.integers(1, 10))


def filled(*some: tuple[int, int, int, int], side: int = SIDE) -> np.ndarray:
    pixels = np.zeros((side, side), bool)
    for x, y, width, height in some:
        pixels[y : y + height, x : x + width] = True
    return pixels


def keyed(pixels: np.ndarray, number: int = 1, category: int = 1) -> KeyedMask:
    rle = Rle.encode(pixels)
    return KeyedMask(id=number, image_id=1, category_id=category, bbox_xywh=rle.bbox_xywh, area=rle.area, rle=rle)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


@given(st.lists(st.tuples(st.sampled_from(NEAR_ONE_ANOTHER), st.integers(1, 2)), max_size=8))
def test_twins_are_the_pairs_whose_iou_says_so_and_no_others(some: list) -> None:
    shapes = [filled(box) for box, _ in some]
    found = twins([keyed(shape, number, some[number][1]) for number, shape in enumerate(shapes)])
    for number in range(len(shapes)):
        older = [iou(shapes[number], shapes[at]) for at in range(number)]
        mine = [pair for pair in found if pair.second_id == number]
        assert len(mine) == (max(older, default=0) > TWIN_IOU)
        for pair in mine:
            assert abs(pair.iou - max(older)) < 1e-9
            assert abs(iou(shapes[pair.first_id], shapes[number]) - pair.iou) < 1e-9
            assert pair.one_category == (some[pair.first_id][1] == some[number][1])


def test_an_empty_mask_is_nobodys_twin() -> None:
    nothing = filled()
    assert twins([keyed(nothing, 1), keyed(nothing, 2), keyed(filled((0, 0, 5, 5)), 3)]) == ()


@given(boxes, st.integers(0, 200), st.booleans())
def test_a_second_part_is_far_where_the_gap_is_wider_than_the_first_ones_reach(
    box: tuple, gap: int, across: bool
) -> None:
    _, _, width, height = box
    body = (0, 0, width + 4, height + 4)  # the larger part
    start = (body[2] if across else body[3]) + gap
    part = (start, 0, width, height) if across else (0, start, width, height)
    found = far_parts(filled(body, part, side=260))
    reach = REACH_PIXELS + REACH * np.hypot(body[2], body[3])
    small = width * height < LEAST_PART * (width * height + body[2] * body[3])
    assert found == ((1, gap) if gap > reach and not small else None)


def test_parts_that_lead_from_one_to_the_next_are_near() -> None:
    chain = [(x, 0, 10, 10) for x in range(0, 200, 22)]
    assert far_parts(filled(*chain, side=260)) is None
    assert far_parts(filled(*chain[:4], *chain[6:], side=260)) == (4, 56)


def test_crumbs_are_no_parts_however_far_they_lie() -> None:
    assert far_parts(filled((0, 0, 30, 30), (200, 200, 2, 2), side=260)) is None


@given(boxes)
def test_one_part_is_never_far_from_itself(box: tuple) -> None:
    assert far_parts(filled(box)) is None


def test_traits_tell_size_form_and_colour_under_the_mask() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[:, 20:] = 255
    masks = [keyed(filled((0, 0, 20, 10)), 1), keyed(filled((20, 0, 20, 40)), 2), keyed(filled(), 3)]
    found = look(masks, picture, state="now")
    assert found.ids.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found.traits[0, :4], [np.log10(1 / 8), 1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(found.traits[1, :4], [np.log10(1 / 2), -1, 1, 255], atol=1e-2)
    assert np.isnan(found.traits[2]).all()
    assert np.isnan(look(masks, None, state="now").traits[:2, 3:]).all()  # the picture is gone


def test_a_mask_thinner_than_a_pixel_of_the_small_picture_has_a_colour() -> None:
    found = look([keyed(filled((39, 39, 1, 1)))], np.full((4, 4, 3), 255, np.uint8), state="now")
    np.testing.assert_allclose(found.traits[0, 3], 255, atol=1)


def test_the_odd_one_of_a_category_is_the_one_that_differs() -> None:
    rng = np.random.default_rng(0)
    traits = rng.normal(0, 0.01, (30, TRAITS)).astype(np.float32)
    traits[7, 3] = 200
    traits[20, 3] = 200  # of a category where all others are as bright
    categories = np.array([1] * 15 + [2] * 15)
    traits[15:, 3] += np.where(np.arange(15) == 5, 0, 200)
    odd = oddness(traits, categories)
    assert odd.argmax() == 7
    assert odd[20] < 1 < odd[7]


def test_among_a_few_none_is_odd_and_what_is_unknown_counts_as_usual() -> None:
    traits = np.full((FEWEST - 1, TRAITS), np.nan, np.float32)
    traits[0] = 100
    assert oddness(traits, np.ones(len(traits), np.int64)).tolist() == [0] * (FEWEST - 1)
    unknown = np.full((6, TRAITS), np.nan, np.float32)
    assert oddness(unknown, np.ones(6, np.int64)).tolist() == [0] * 6
    assert oddness(np.zeros((0, TRAITS), np.float32), np.zeros(0, np.int64)).tolist() == []
