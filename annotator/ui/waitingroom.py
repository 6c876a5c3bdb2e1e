"""Where calls wait: everybody has so many at work at once and so much of the processor, and who has the fewest comes
first, in turn.
"""

import asyncio
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

from annotator.errors import AnnotatorError
from annotator.ui.allowance import OF_THIS_PROCESS, Allowances

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

    def __init__(self, each: int = AT_ONCE, *, allowances: Allowances = OF_THIS_PROCESS) -> None:
        self._each, self._allowances = each, allowances
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def portion(self, person: str) -> Iterator[None]:
        """Wait until they may work again, and do so in the block. Raises BusyError at once where they have all."""
        self._allowances.come(person)
        with self._lock:
            if self._taken[person] >= self._each:
                raise _too_many(self._each)
            self._taken[person] += 1
        try:
            while wait_s := self._allowances.wait_s(person):
                time.sleep(wait_s)
            with self._allowances.at_work(person):
                yield
        finally:
            with self._lock:
                self._taken[person] -= 1
                self._taken += Counter()  # who has none is forgotten


class WaitingRoom:
    """Seats for calls at work. Used within one event loop; what a call costs is for its thread to say."""

    def __init__(
        self,
        *,
        seats: int,
        each: int = EACH,
        waiting: int = WAITING,
        allowances: Allowances = OF_THIS_PROCESS,
    ) -> None:
        """seats: calls at work at once, of all people together. each, waiting: of one person."""
        self._free, self._each, self._waiting, self.allowances = seats, each, waiting, allowances
        self._again: asyncio.TimerHandle | None = None  # when the next who has used up their share may come in
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
        self.allowances.come(person)
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
            waits_s = {
                one: self.allowances.wait_s(one)
                for one, queue in self._queues.items()
                if queue and self._seated[one] < self._each
            }
            ready = [one for one, wait_s in waits_s.items() if not wait_s]
            if not ready:
                self._call_in_after(min(waits_s.values(), default=None))
                return
            person = min(ready, key=self._seated.__getitem__)  # of those with as few seats, whose turn it is
            self._free -= 1
            self._seated[person] += 1
            self._queues[person].popleft().set()
            self._queues.move_to_end(person)

    def _call_in_after(self, wait_s: float | None) -> None:
        if self._again is not None:
            self._again.cancel()
        self._again = None if wait_s is None else asyncio.get_running_loop().call_later(wait_s, self._call_in)

    def _forget(self, person: str) -> None:
        """Who neither sits nor waits leaves nothing behind."""
        if not self._seated[person]:
            del self._seated[person]
            if not self._queues.get(person):
                self._queues.pop(person, None)
