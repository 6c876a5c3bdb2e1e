"""One at a time, urgent ones first."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that knows who waits: it goes to urgent callers first, among equals to who came first.

    threading.Lock goes to whoever asks at the right moment, which is the one who has just let go of it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: set[tuple[bool, int]] = set()
        self._taken = False

    @contextmanager
    def turn(self, *, urgent: bool = True) -> Iterator[None]:
        """Wait for one's turn, and have it until the end of the block."""
        with self._changed:
            ticket = (not urgent, next(self._numbers))
            self._waiting.add(ticket)
            try:
                self._changed.wait_for(lambda: not self._taken and ticket == min(self._waiting))
            finally:
                self._waiting.discard(ticket)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
