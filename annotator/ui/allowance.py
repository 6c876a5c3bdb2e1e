"""How much of the processor one person may have while others are there: a little at once, then a steady share."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.2  # of one core, for as long as anybody else is there: some four clicks a second
AT_ONCE_S = 0.4  # of processor time before that counts, some eight clicks
ENTRANCE_S = 0.02  # what a call counts for while it is at work, so that many of them do not start as if they were one
MOST_WAIT_S = 1.0  # however much one call has cost: who looked through ten thousand pictures still wants to click
THERE_S = 5.0  # since a person's last call; an open page asks for news each second


class Allowances:
    """What each person's calls have cost and not made up for yet. Safe to use from any thread.

    Somebody who is alone has all there is. The cost of a call is the processor time of its thread, not the time it
    took: waiting for others costs nothing, and a call for news next to nothing.
    """

    def __init__(
        self, *, share: float = SHARE, at_once_s: float = AT_ONCE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._share, self._at_once_s, self._clock = share, at_once_s, clock
        self._even_at: dict[str, float] = {}  # when all that a person had is made up for
        self._seen_at: OrderedDict[str, float] = OrderedDict()  # who came last comes last
        self._lock = threading.Lock()

    def come(self, person: str) -> None:
        """A call of theirs has come, whether or not it can be done soon."""
        with self._lock:
            now = self._clock()
            self._seen_at[person] = now
            self._seen_at.move_to_end(person)
            while (oldest := next(iter(self._seen_at))) != person and self._has_left(oldest, now):
                del self._seen_at[oldest]
                self._even_at.pop(oldest, None)

    def wait_s(self, person: str) -> float:
        """How long until the next of their calls may start, as far as can be said now; 0 for at once."""
        with self._lock:
            now = self._clock()
            if self._is_alone(person, now):
                return 0.0
            return max(0.0, self._even_at.get(person, now) - now - self._at_once_s / self._share)

    @contextmanager
    def at_work(self, person: str) -> Iterator[None]:
        """The block, which runs in this thread, is one call of theirs."""
        self._charge(person, ENTRANCE_S)
        began = time.thread_time()
        try:
            yield
        finally:
            self._charge(person, time.thread_time() - began - ENTRANCE_S)

    def _charge(self, person: str, cost_s: float) -> None:
        with self._lock:
            now = self._clock()
            even_at = max(now, self._even_at.get(person, now)) + cost_s / self._share
            most_s = 0.0 if self._is_alone(person, now) else MOST_WAIT_S  # who is alone owes nothing to who comes later
            self._even_at[person] = min(even_at, now + self._at_once_s / self._share + most_s)

    def _is_alone(self, person: str, now: float) -> bool:
        last = next((one for one in reversed(self._seen_at) if one != person), None)
        return last is None or self._seen_at[last] + THERE_S < now

    def _has_left(self, person: str, now: float) -> bool:
        return self._seen_at[person] + THERE_S < now and self._even_at.get(person, now) <= now


OF_THIS_PROCESS = Allowances()  # by whatever way calls come in, they share its processor
