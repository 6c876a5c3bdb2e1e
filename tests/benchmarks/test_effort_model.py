"""The arithmetic of what labelling costs: actions counted, seconds added up, times varied."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.errors import SettingsError
from benchmarks.effort_model import (
    ACTIONS,
    OF_THE_TOOL,
    ActionTimes,
    Outcome,
    Way,
    action_counts,
    saving_in_total,
    seconds_per_mask,
    speed_needed,
    summary,
    tornado,
)

TIMES = ActionTimes(polygon=100, picture=8, seek=1, propose=2, click=3, wait=0.5, judge=1.5, choose=4, name=2)
CLICKS = Way(proposals=False, patience=20)
PROPOSALS = Way(proposals=True, patience=20)
AT_ONCE = Outcome(0, (False,), reached=True)
CHOSEN = Outcome(0, (False, True, False), reached=True)
PROPOSED = Outcome(0, (False, False), reached=True, proposed=True)
FAILED = Outcome(0, (False,) * 20, reached=False)

outcomes = st.builds(
    Outcome,
    picture=st.integers(0, 3),
    chose=st.lists(st.booleans(), min_size=1, max_size=20).map(tuple),
    reached=st.booleans(),
    proposed=st.booleans(),
    tempting=st.booleans(),
)
ways = st.builds(Way, proposals=st.booleans(), patience=st.integers(1, 20))


def seconds(outcome: Outcome, way: Way = CLICKS, times: ActionTimes = TIMES) -> float:
    return float(seconds_per_mask(action_counts([outcome], way), times)[0])


def test_a_mask_that_is_right_at_once_costs_one_click_and_its_name():
    assert seconds(AT_ONCE) == pytest.approx(8 + 1 + (3 + 0.5 + 1.5) + 2)


def test_each_further_click_is_waited_for_and_judged_and_a_choice_comes_on_top():
    assert seconds(CHOSEN) == pytest.approx(8 + 1 + 3 * (3 + 0.5 + 1.5) + 4 + 2)


def test_a_failure_costs_its_clicks_and_a_polygon():
    assert seconds(FAILED) == pytest.approx(8 + 1 + 20 * (3 + 0.5 + 1.5) + 100 + 2)


def test_giving_up_early_costs_fewer_clicks_but_a_polygon():
    early = Way(proposals=False, patience=2)
    assert seconds(CHOSEN, early) == pytest.approx(8 + 1 + 2 * (3 + 0.5 + 1.5) + 4 + 100 + 2)
    assert seconds(AT_ONCE, early) == seconds(AT_ONCE)


def test_a_proposal_that_fits_takes_the_place_of_all_clicks():
    assert seconds(PROPOSED, PROPOSALS) == pytest.approx(8 + 1 + 2 + 2)
    assert seconds(PROPOSED, CLICKS) == pytest.approx(8 + 1 + 2 * (3 + 0.5 + 1.5) + 2)


def test_a_proposal_that_nearly_fits_costs_a_look_to_see_that():
    tempted = replace(AT_ONCE, tempting=True)
    assert seconds(tempted, PROPOSALS) == pytest.approx(seconds(AT_ONCE, CLICKS) + 1.5)
    assert seconds(AT_ONCE, PROPOSALS) == seconds(tempted, CLICKS) == seconds(AT_ONCE, CLICKS)


def test_opening_a_picture_is_shared_among_its_objects():
    counts = action_counts([AT_ONCE, CHOSEN, Outcome(7, (False,), reached=True)], CLICKS)
    assert counts[:, ACTIONS.index("picture")].tolist() == [0.5, 0.5, 1]


def test_the_saving_in_all_is_of_the_time_not_the_mean_of_savings_picked():
    counts = action_counts([Outcome(0, (False,), reached=True), Outcome(1, (False,) * 20, reached=False)], CLICKS)
    assert saving_in_total(counts, TIMES) == pytest.approx(1 - (16 + 211) / 200)


def test_a_summary_tells_the_saving_of_single_masks_in_order():
    mixed = [Outcome(number, (False,) * number, reached=number < 20) for number in range(1, 21)]
    figures = summary(mixed, CLICKS, TIMES)
    assert figures["masks"] == 20
    assert figures["saving_p05"] < figures["saving_median"] < figures["saving_p95"]
    assert figures["saving_total_low"] < figures["saving_total"] < figures["saving_total_high"]
    assert figures["polygon_per_mask"] == 1 / 20
    assert figures["seconds_mean"] == pytest.approx(100 * (1 - figures["saving_total"]))


def test_pictures_that_are_all_alike_leave_no_doubt():
    alike = [Outcome(number, (False,), reached=True) for number in range(9)]
    figures = summary(alike, CLICKS, TIMES)
    assert figures["saving_total_low"] == figures["saving_total"] == figures["saving_total_high"]


def test_a_tornado_begins_with_the_time_that_matters_most_and_ends_with_all_of_the_tools():
    counts = action_counts([AT_ONCE, CHOSEN, FAILED], CLICKS)
    rows = tornado(counts, TIMES)
    swings = [abs(half - double) for half, double in rows.values()]
    assert set(rows) == {*ACTIONS, "all but polygon"}
    assert swings[:-1] == sorted(swings[:-1], reverse=True)
    assert list(rows)[-1] == "all but polygon"
    assert rows["propose"] == (rows["propose"][0],) * 2  # nothing was proposed, so its time changes nothing


@given(st.lists(outcomes, min_size=1, max_size=8), ways)
def test_a_slower_tool_never_saves_more_and_a_slower_polygon_never_less(some, way):
    for name, (half, double) in tornado(action_counts(some, way), TIMES).items():
        assert half <= double if name == "polygon" else half >= double


@given(st.lists(outcomes, min_size=1, max_size=8), ways)
def test_a_tool_twice_as_fast_saves_what_a_polygon_twice_as_slow_would(some, way):
    counts = action_counts(some, way)
    fast, slow = TIMES.scaled(OF_THE_TOOL, 0.5), TIMES.scaled(["polygon"], 2)
    assert saving_in_total(counts, fast) == pytest.approx(saving_in_total(counts, slow))


@given(st.lists(outcomes, min_size=1, max_size=8), ways, st.floats(0.05, 0.95))
def test_the_speed_needed_for_a_saving_brings_that_saving(some, way, saving):
    counts = action_counts(some, way)
    factor = speed_needed(counts, TIMES, saving=saving)
    if factor is None:
        assert saving_in_total(counts, TIMES.scaled(OF_THE_TOOL, 0)) <= saving + 1e-9
    else:
        assert saving_in_total(counts, TIMES.scaled(OF_THE_TOOL, factor)) == pytest.approx(saving)


@pytest.mark.parametrize(("name", "given"), [("click", -1), ("name", float("nan")), ("polygon", 0)])
def test_a_time_that_cannot_be_is_refused_by_its_name(name, given):
    with pytest.raises(SettingsError, match=name):
        ActionTimes(**{name: given})
