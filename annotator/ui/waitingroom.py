"""Where calls wait: everybody has so many at work at once, and who has the fewest comes first, in turn."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

from annotator.errors import AnnotatorError

EACH = 3  # of a person's calls at work at once: a click, the news, and one that waits for a picture to be encoded
AT_ONCE = 12  # the same for programs, whose calls Gradio has given a thread before anybody can ask whose they are
WAITING = 60  # more of theirs; what comes then is refused, and its sender can come again


class BusyError(AnnotatorError):
    """Somebody asks for more at once than one person gets; nothing was done."""


def _too_many(number: int) -> BusyError:
    return BusyError(
        f"You have {number} calls under way at once. This one was not done: wait for some of them, then send it again."
    )


class Portions:
    """So many calls of each person's at once, for calls that have their thread already. Safe to use from any thread."""

    def __init__(self, each: int = AT_ONCE) -> None:
        self._each = each
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def portion(self, person: str) -> Iterator[None]:
        """Raises BusyError at once where that person has all of theirs."""
        with self._lock:
            if self._taken[person] >= self._each:
                raise _too_many(self._each)
            self._taken[person] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[person] -= 1
                self._taken += Counter()  # who has none is forgotten


class WaitingRoom:
    """Seats for calls at work. Used within one event loop; nothing here looks at a clock."""

    def __init__(self, *, seats: int, each: int = EACH, waiting: int = WAITING) -> None:
        """seats: calls at work at once, of all people together. each, waiting: of one person."""
        self._free, self._each, self._waiting = seats, each, waiting
        self._seated: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[anyio.Event]] = OrderedDict()  # whose turn it is first comes first

    @asynccontextmanager
    async def seat(self, person: str) -> AsyncIterator[None]:
        """Wait for a seat and have it in the block. Raises BusyError where too many of that person's wait already."""
        await self._enter(person)
        try:
            yield
        finally:
            self._leave(person)

    async def _enter(self, person: str) -> None:
        queue = self._queues.setdefault(person, deque())
        if len(queue) >= self._waiting:
            raise _too_many(self._waiting + self._each)
        called = anyio.Event()
        queue.append(called)
        self._call_in()
        try:
            await called.wait()
        except BaseException:  # its sender has left; it must neither wait on nor keep a seat
            if called.is_set():
                self._leave(person)
            else:
                queue.remove(called)
                self._forget(person)
            raise

    def _leave(self, person: str) -> None:
        self._free += 1
        self._seated[person] -= 1
        self._forget(person)
        self._call_in()

    def _call_in(self) -> None:
        while self._free:
            waiting = [one for one, queue in self._queues.items() if queue and self._seated[one] < self._each]
            if not waiting:
                return
            person = min(waiting, key=self._seated.__getitem__)  # of those with as few seats, whose turn it is
            self._free -= 1
            self._seated[person] += 1
            self._queues[person].popleft().set()
            self._queues.move_to_end(person)

    def _forget(self, person: str) -> None:
        """Who neither sits nor waits leaves nothing behind."""
        if not self._seated[person]:
            del self._seated[person]
            if not self._queues.get(person):
                self._queues.pop(person, None)
