"""Turns: work that is done one at a time, or a few, urgent work first, and everybody in turn."""

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

    places: how many have their turn at once; of what is not urgent one alone, whatever their number.
    """

    def __init__(self, *, places: int = 1) -> None:
        self.places = places
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: set[tuple[bool, int, int]] = set()
        self._taken = 0
        self._slow = 0  # of them: not urgent
        self._round = 0  # the one that is being served
        self._next_round: dict[str, int] = {}  # by asker, where it is not the one that is being served

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._changed:
            return len(self._waiting)

    @property
    def is_for_one(self) -> bool:
        """Whether at most one has their turn, and nobody waits for theirs."""
        with self._changed:
            return self._taken + len(self._waiting) <= 1

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
                if say_waiting is not None and not self._is_next(ticket):
                    say_waiting()
                while not self._changed.wait_for(lambda: self._is_next(ticket), POLL_S if cancelled else None):
                    if cancelled is not None and cancelled():
                        raise Cancelled("Stopped.")
                self._taken += 1
                self._slow += not urgent
                self._serve(ticket[1])
            finally:
                self._waiting.discard(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._slow -= not urgent
                self._changed.notify_all()

    def _is_next(self, ticket: tuple[bool, int, int]) -> bool:
        is_slow = ticket[0]
        return self._taken < self.places and not (is_slow and self._slow) and ticket == min(self._waiting)

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
