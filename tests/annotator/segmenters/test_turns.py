"""Taking turns."""

import threading
import time

from annotator.segmenters.turns import Turns


def in_order(*callers: bool) -> list[int]:
    """Have callers (urgent or not) ask one after the other while the lock is held; who got it in what order."""
    turns, served, threads = Turns(), [], []

    def ask(number: int, urgent: bool) -> None:
        with turns.turn(urgent=urgent):
            served.append(number)

    with turns.turn():
        for number, urgent in enumerate(callers):
            threads.append(threading.Thread(target=ask, args=(number, urgent)))
            threads[-1].start()
            while len(turns._waiting) <= number:
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


def test_an_error_in_a_turn_leaves_the_lock_to_the_next():
    turns = Turns()
    try:
        with turns.turn():
            raise ValueError
    except ValueError:
        with turns.turn(urgent=False):
            pass
