"""Nobody takes the processor from the others; whose work it was is told by the processor time of its thread."""

import time

import pytest

from annotator.ui.allowance import ENTRANCE_S, MOST_WAIT_S, THERE_S, Allowances
from tests.clocks import Clock

SHARE, AT_ONCE_S = 0.2, 0.4
ALL_AT_ONCE = int(AT_ONCE_S / ENTRANCE_S)  # calls


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def allowances(clock: Clock) -> Allowances:
    return Allowances(share=SHARE, at_once_s=AT_ONCE_S, clock=clock)


@pytest.fixture
def spend(allowances: Allowances, monkeypatch: pytest.MonkeyPatch):
    """One call of somebody's that costs so much processor time."""

    def spend(person: str, cost_s: float) -> None:
        threads = iter([0.0, cost_s])
        monkeypatch.setattr(time, "thread_time", lambda: next(threads))
        allowances.come(person)
        with allowances.at_work(person):
            pass

    return spend


def test_who_is_alone_never_waits(allowances, spend):
    for _ in range(50):
        spend("f", 1.0)
    assert allowances.wait_s("f") == 0


def test_beside_others_a_person_has_some_at_once_and_then_a_share(allowances, spend, clock):
    allowances.come("a")
    spend("f", AT_ONCE_S)
    assert allowances.wait_s("f") == pytest.approx(0, abs=1e-9)
    spend("f", 0.1)
    assert allowances.wait_s("f") == pytest.approx(0.1 / SHARE)
    assert allowances.wait_s("a") == 0
    clock.now += 0.1 / SHARE
    assert allowances.wait_s("f") == pytest.approx(0, abs=1e-9)


def test_over_a_minute_a_flood_gets_its_share_and_no_more(allowances, spend, clock):
    spent, until = 0.0, clock.now + 60
    while clock.now < until:
        allowances.come("a")
        spend("f", 0.05)
        spent += 0.05
        clock.now += allowances.wait_s("f")
    assert spent == pytest.approx(AT_ONCE_S + 60 * SHARE, abs=0.1)


def test_a_click_every_second_and_the_news_never_wait(allowances, spend, clock):
    for _ in range(600):
        allowances.come("a")
        spend("b", 0.065)
        spend("b", 0.001)
        assert allowances.wait_s("b") == 0
        clock.now += 1


def test_what_somebody_did_alone_is_not_held_against_them(allowances, spend, clock):
    for _ in range(50):
        spend("f", 1.0)
    allowances.come("a")
    assert allowances.wait_s("f") == pytest.approx(0, abs=1e-9)


def test_calls_at_work_count_before_they_end(allowances):
    allowances.come("a")
    allowances.come("f")
    open_calls = [allowances.at_work("f") for _ in range(ALL_AT_ONCE + 5)]
    for call in open_calls:
        call.__enter__()
    assert allowances.wait_s("f") == pytest.approx(5 * ENTRANCE_S / SHARE, abs=0.01)


def test_a_call_that_fails_costs_what_it_took(allowances, monkeypatch):
    allowances.come("a")
    allowances.come("f")
    threads = iter([0.0, AT_ONCE_S + 0.1])
    monkeypatch.setattr(time, "thread_time", lambda: next(threads))
    with pytest.raises(ZeroDivisionError), allowances.at_work("f"):
        _ = 1 / 0
    assert allowances.wait_s("f") == pytest.approx(0.1 / SHARE)


def test_after_one_costly_call_the_next_comes_soon(allowances, spend, clock):
    allowances.come("a")
    spend("f", 10.0)
    assert allowances.wait_s("f") == pytest.approx(MOST_WAIT_S)


def test_who_went_is_no_longer_there_and_nothing_of_them_is_kept(allowances, spend, clock):
    spend("a", 0.01)
    clock.now += THERE_S + 1
    for _ in range(20):
        spend("f", 1.0)
    assert allowances.wait_s("f") == 0
    assert list(allowances._seen_at) == list(allowances._even_at) == ["f"]
