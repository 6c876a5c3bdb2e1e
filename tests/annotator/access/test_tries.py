"""How often a code may be guessed."""

import pytest

from annotator.access import tries as module
from annotator.access.tries import Limit, Tries
from tests.clocks import Clock

FEW = Limit(tries=3, seconds_each=10)
MANY = Limit(tries=100, seconds_each=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tries(clock: Clock) -> Tries:
    return Tries(clock)


def test_after_some_tries_one_has_to_wait_for_each(tries: Tries, clock: Clock) -> None:
    assert [tries.take([("ann", FEW)]) for _ in range(4)] == [0, 0, 0, 10]
    clock.now = 4
    assert tries.take([("ann", FEW)]) == 6
    clock.now = 10
    assert [tries.take([("ann", FEW)]) for _ in range(2)] == [0, 10]


def test_nobody_else_waits(tries: Tries) -> None:
    while tries.take([("ann", FEW)]) == 0:
        pass
    assert tries.take([("bob", FEW)]) == 0


def test_a_right_try_costs_nothing(tries: Tries) -> None:
    for _ in range(50):
        assert tries.take([("room", FEW)]) == 0
        tries.give_back([("room", FEW)])


def test_waiting_for_one_takes_nothing_of_the_other(tries: Tries) -> None:
    for _ in range(20):
        tries.take([("ann", FEW), ("room", MANY)])
    assert sum(tries.take([("room", MANY)]) == 0 for _ in range(200)) == 97


def test_a_bucket_is_never_fuller_than_full(tries: Tries, clock: Clock) -> None:
    tries.take([("ann", FEW)])
    clock.now = 1e9
    tries.give_back([("ann", FEW)])
    assert sum(tries.take([("ann", FEW)]) == 0 for _ in range(10)) == 3


def test_a_flood_of_names_is_forgotten_again(tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 10)
    for number in range(1000):
        tries.take([(number, FEW)])
    assert len(tries._buckets) == 10
