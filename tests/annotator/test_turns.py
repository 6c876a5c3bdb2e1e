"""Taking turns."""

import threading
import time

import pytest

from annotator.errors import Cancelled
from annotator.turns import Turns, asked_by


def in_order(*callers: bool | str, turns: Turns | None = None) -> list[int]:
    """Have callers (urgent or not, or an urgent asker's name) ask one after the other while the lock is held; who got
    it in what order."""
    turns, served, threads = turns or Turns(), [], []

    def ask(number: int, caller: bool | str) -> None:
        name = caller if isinstance(caller, str) else None
        with asked_by(name), turns.take(urgent=name is not None or bool(caller)):
            served.append(number)

    with turns.take():
        for number, caller in enumerate(callers):
            threads.append(threading.Thread(target=ask, args=(number, caller)))
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


def test_somebody_who_asks_for_much_waits_behind_the_first_call_of_everybody_else():
    assert in_order("flood", "flood", "flood", "ann", "bob", "ann") == [0, 3, 4, 1, 5, 2]


def test_who_asked_for_much_before_has_no_debts_and_who_did_not_has_no_credit():
    turns = Turns()
    assert in_order("ann", "ann", "ann", turns=turns) == [0, 1, 2]
    assert in_order("bob", "ann", "bob", "ann", turns=turns) == [0, 1, 2, 3]


def test_work_in_the_background_waits_for_the_clicks_of_a_flood_too():
    assert in_order(False, "flood", "flood", "ann", False) == [1, 3, 2, 0, 4]


def test_as_many_have_their_turn_at_once_as_there_are_places_and_of_what_is_not_urgent_one():
    turns = Turns(places=2)
    with turns.take():
        assert turns.is_for_one
        with turns.take(urgent=False):
            assert not turns.is_for_one
    with turns.take(urgent=False), pytest.raises(Cancelled), turns.take(urgent=False, cancelled=lambda: True):
        raise AssertionError("there is a place, and it is not for a second one that is not urgent")
    with turns.take(), turns.take(), pytest.raises(Cancelled), turns.take(cancelled=lambda: True):
        raise AssertionError("there is no third place")
    with turns.take(urgent=False), turns.take():
        assert turns.waiting == 0


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
