"""Which pictures are for what: the shares, what stays when pictures are added, and categories spread evenly."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.base import ExportError
from exporters.splits import SplitOptions, assign, rarest_categories, split_counts
from storage.records import Split

shares = st.tuples(*[st.integers(0, 20)] * 3).filter(any)
seeds = st.integers(-5, 10**6)


def hashes(count: int, first: int = 1) -> dict[int, str]:
    return {number: f"{number * 2654435761:064x}" for number in range(first, first + count)}


def options(given_shares: tuple[int, int, int], **others) -> SplitOptions:
    train, val, test = given_shares
    return SplitOptions(train=train, val=val, test=test, **others)


def furthest_from_share(chosen: SplitOptions, splits: dict[int, Split]) -> float:
    """By how many pictures the split that is furthest off its share is off."""
    counts = split_counts(splits.values())
    return max(abs(counts[split] - share * len(splits)) for split, share in chosen.shares.items())


@given(shares, seeds, st.integers(0, 300), st.booleans(), st.randoms())
def test_the_shares_are_right_within_one_picture(given_shares, seed, count, stratify, dice):
    chosen = options(given_shares, seed=seed, stratify=stratify)
    pictures = hashes(count)
    strata = {number: dice.randrange(8) for number in pictures if dice.random() < 0.8}
    splits = assign(chosen, pictures, stratum_of=strata)
    assert splits.keys() == pictures.keys()
    assert furthest_from_share(chosen, splits) < 1


@given(shares, seeds, st.lists(st.integers(0, 40), min_size=2, max_size=6), st.booleans(), st.randoms())
def test_adding_pictures_never_changes_the_split_of_one(given_shares, seed, steps, stratify, dice):
    chosen = options(given_shares, seed=seed, stratify=stratify)
    known: dict[int, Split] = {}
    count = 0
    for step in steps:
        count += step
        strata = {number: dice.randrange(3) for number in range(1, count + 1)}  # labelling may change them any time
        splits = assign(chosen, hashes(count), known=known, stratum_of=strata)
        assert {image_id: splits[image_id] for image_id in known} == known
        known = splits
    assert furthest_from_share(chosen, known) < 2


@given(shares, seeds, st.integers(1, 200), st.permutations(range(20)))
def test_neither_ids_nor_the_order_of_the_list_matter(given_shares, seed, count, order):
    chosen = options(given_shares, seed=seed)
    pictures = hashes(count)
    by_hash = {pictures[image_id]: split for image_id, split in assign(chosen, pictures).items()}
    elsewhere = {image_id + 1000: pictures[image_id] for image_id in sorted(pictures, key=lambda n: order[n % 20])}
    assert {elsewhere[image_id]: split for image_id, split in assign(chosen, elsewhere).items()} == by_hash


def test_another_seed_gives_another_split():
    found = [assign(SplitOptions(seed=seed), hashes(100)) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert split_counts(found[2].values()) == {Split.TRAIN: 80, Split.VAL: 10, Split.TEST: 10}


def test_which_split_a_picture_gets_is_fixed_for_good():
    """Who changes this changes every split that somebody has measured with."""
    found = assign(SplitOptions(seed=7), hashes(10))
    assert "".join(found[number][:2] for number in range(1, 11)) == "vatetrtrtrtrtrtrtrtr"


@settings(max_examples=40)
@given(seeds, st.lists(st.integers(1, 8), min_size=150, max_size=400))
def test_each_category_keeps_close_to_the_shares_where_it_is_asked(seed, sizes):
    chosen = SplitOptions(seed=seed, stratify=True)
    strata = dict(enumerate(sizes, start=1))
    splits = assign(chosen, hashes(len(strata)), stratum_of=strata)
    for stratum, total in Counter(strata.values()).items():
        within = split_counts(splits[image_id] for image_id, one in strata.items() if one == stratum)
        for split, share in chosen.shares.items():
            assert abs(within[split] - share * total) <= 3, (stratum, total, within)


@given(seeds, st.integers(20, 60), st.integers(2, 10))
def test_each_category_keeps_close_to_the_shares_over_many_additions(seed, count, times):
    chosen = SplitOptions(seed=seed, stratify=True)
    known: dict[int, Split] = {}
    for time in range(1, times + 1):
        strata = {number: number % 3 for number in range(1, count * time + 1)}
        known = assign(chosen, hashes(count * time), known=known, stratum_of=strata)
    for stratum in range(3):
        within = split_counts(split for image_id, split in known.items() if image_id % 3 == stratum)
        total = sum(within.values())
        assert all(abs(within[split] - share * total) <= 3 for split, share in chosen.shares.items()), within


def test_categories_of_one_picture_each_do_not_all_go_to_train():
    strata = {number: number for number in range(1, 101)}
    splits = assign(SplitOptions(stratify=True), hashes(100), stratum_of=strata)
    assert split_counts(splits.values()) == {Split.TRAIN: 80, Split.VAL: 10, Split.TEST: 10}


def test_a_share_of_nothing_gets_nothing():
    for count in range(12):
        splits = assign(SplitOptions(train=0.5, val=0.5, test=0), hashes(count))
        assert Split.TEST not in splits.values()


def test_pictures_that_were_removed_leave_room_for_others():
    known = dict.fromkeys(range(1, 81), Split.TRAIN)
    splits = assign(SplitOptions(), hashes(20, first=71), known=known)
    assert all(splits[image_id] is Split.TRAIN for image_id in range(71, 81))
    assert split_counts(splits.values()) == {Split.TRAIN: 16, Split.VAL: 2, Split.TEST: 2}


def test_the_rarest_category_is_the_one_on_the_fewest_pictures():
    assert rarest_categories({1: [5, 6], 2: [5], 3: [], 4: {5, 6, 7}}) == {1: 6, 2: 5, 4: 7}
    assert rarest_categories({1: [9, 8], 2: [8, 9]}) == {1: 8, 2: 8}


def test_shares_mean_the_same_whatever_they_add_up_to():
    assert options((8, 1, 1)).scheme == SplitOptions().scheme
    assert options((8, 1, 1)).shares == pytest.approx({Split.TRAIN: 0.8, Split.VAL: 0.1, Split.TEST: 0.1})


def test_each_choice_is_remembered_for_itself():
    chosen = [SplitOptions(), SplitOptions(seed=1), SplitOptions(stratify=True), SplitOptions(test=0.2)]
    assert len({one.scheme for one in chosen}) == 4
    assert all(len(one.scheme) < 100 for one in chosen)


@pytest.mark.parametrize(
    "wrong", [(0, 0, 0), (-1, 1, 1), (float("nan"), 1, 0), (float("inf"), 1, 1), (1e308, 1e308, 0)]
)
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ExportError, match="each 0 or more"):
        options(wrong)
