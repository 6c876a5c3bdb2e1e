"""Turns: work that is done one at a time, urgent work first."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from annotator.errors import Cancelled

POLL_S = 0.2  # how soon work that waits notices that it was cancelled


class Turns:
    """A lock that knows who waits: it goes to urgent callers first, among equals to who came first.

    threading.Lock goes to whoever asks at the right moment, which is the one who has just let go of it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: set[tuple[bool, int]] = set()
        self._taken = False

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._changed:
            return len(self._waiting)

    @contextmanager
    def take(
        self,
        *,
        urgent: bool = True,
        cancelled: Callable[[], bool] | None = None,
        say_waiting: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Wait for the turn and hold it. Raises Cancelled where `cancelled` asks for that meanwhile."""
        ticket = (not urgent, next(self._numbers))
        with self._changed:
            self._waiting.add(ticket)
            try:
                if say_waiting is not None and (self._taken or ticket != min(self._waiting)):
                    say_waiting()
                while not self._changed.wait_for(
                    lambda: not self._taken and ticket == min(self._waiting), POLL_S if cancelled else None
                ):
                    if cancelled is not None and cancelled():
                        raise Cancelled("Stopped.")
                self._taken = True
            finally:
                self._waiting.discard(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
