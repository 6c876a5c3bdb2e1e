"""Turns: work that is done one at a time, urgent work first, and everybody in turn."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from annotator.errors import Cancelled

POLL_S = 0.2  # how soon work that waits notices that it was cancelled
# Who asks. It travels beside the call: between who knows it and where it counts lie segmenters, which know no people.
_asker: ContextVar[str | None] = ContextVar("asker", default=None)


@contextmanager
def asked_by(asker: str | None) -> Iterator[None]:
    """All turns that are taken in the block, in this thread, are this asker's; None: nobody's in particular."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)


class Turns:
    """A lock that knows who waits: it goes to urgent callers first, among equals to each asker in turn.

    Somebody who asks for much at once waits for themselves alone: their second call stands behind the first of
    everybody else. Calls of one asker, and those of nobody in particular, are served as they came. threading.Lock goes
    to whoever asks at the right moment, which is the one who has just let go of it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: set[tuple[bool, int, int]] = set()
        self._taken = False
        self._round = 0  # the one that is being served
        self._next_round: dict[str, int] = {}  # by asker, where it is not the one that is being served

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
        with self._changed:
            ticket = (not urgent, self._round_of(_asker.get()), next(self._numbers))
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
                self._serve(ticket[1])
            finally:
                self._waiting.discard(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def _round_of(self, asker: str | None) -> int:
        """The round in which a call of this asker's is served that comes now: one call a round."""
        if asker is None:
            return self._round
        mine = max(self._round, self._next_round.get(asker, 0))
        self._next_round[asker] = mine + 1
        return mine

    def _serve(self, served: int) -> None:
        """What is not urgent may have waited since an earlier round; rounds only go on."""
        if served > self._round:
            self._round = served
            self._next_round = {asker: one for asker, one in self._next_round.items() if one > served}
