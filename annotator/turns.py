"""Turns: work that is done one at a time, first come, first served."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from annotator.errors import Cancelled

POLL_S = 0.2  # how soon work that waits notices that it was cancelled


class Turns:
    """One at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, cancelled: Callable[[], bool], say_waiting: Callable[[], None]) -> Iterator[None]:
        """Wait for the turn and hold it. Raises Cancelled where that is asked for meanwhile."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            if self._queue[0] is not ticket:
                say_waiting()
        try:
            with self._changed:
                while self._queue[0] is not ticket:
                    self._changed.wait(POLL_S)
                    if cancelled():
                        raise Cancelled("Stopped.")
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()
