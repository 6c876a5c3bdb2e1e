"""Taking turns."""

import threading
import time

import pytest

from annotator.errors import Cancelled
from annotator.turns import Turns


def in_order(*callers: bool) -> list[int]:
    """Have callers (urgent or not) ask one after the other while the lock is held; who got it in what order."""
    turns, served, threads = Turns(), [], []

    def ask(number: int, urgent: bool) -> None:
        with turns.take(urgent=urgent):
            served.append(number)

    with turns.take():
        for number, urgent in enumerate(callers):
            threads.append(threading.Thread(target=ask, args=(number, urgent)))
            threads[-1].start()
            while turns.waiting <= number:
                time.sleep(0.001)
        assert served == []
    for thread in threads:
        thread.join(10)
    return served


def test_equals_are_served_in_the_order_in_which_they_came():
    assert in_order(True, True, True) == [0, 1, 2]
    assert in_order(False, False, False) == [0, 1, 2]


def test_who_is_urgent_goes_before_who_is_not():
    assert in_order(False, False, True, False, True) == [2, 4, 0, 1, 3]


def test_who_waits_is_told_and_can_give_up():
    turns, told = Turns(), []
    with turns.take(), pytest.raises(Cancelled), turns.take(cancelled=lambda: True, say_waiting=lambda: told.append(1)):
        raise AssertionError("it was never free")
    with turns.take(say_waiting=lambda: told.append(2)):
        assert told == [1]


def test_an_error_in_a_turn_leaves_the_lock_to_the_next():
    turns = Turns()
    try:
        with turns.take():
            raise ValueError
    except ValueError:
        with turns.take(urgent=False):
            pass
