"""Connections on which no request comes to its start: headers that never end, or nothing at all, are closed.

uvicorn gives a connection five seconds after an answer, and all the time in the world before its first request.
"""

import time
from collections.abc import Callable, Collection
from typing import Any
from weakref import WeakKeyDictionary

import anyio

PATIENCE_S = 20.0
MOST_WAITING = 300  # of such connections at once; the oldest are closed first. A process may have 1024 files open.
_LOOK_EVERY_S = 2.0


class Connections:
    """uvicorn's connections, looked at in its event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._server: Any = None
        self._since: WeakKeyDictionary[Any, float] = WeakKeyDictionary()  # connection -> when it had nothing to do

    def watch(self, server: Any) -> None:
        """server: the uvicorn server, once it runs."""
        self._server = server

    async def look_for_ever(self) -> None:
        while True:
            await anyio.sleep(_LOOK_EVERY_S)
            if self._server is not None:
                self.close_slow(self._server.server_state.connections)

    def close_slow(self, connections: Collection[Any]) -> None:
        """Close what has waited too long for its request, and of too many the oldest."""
        now = self._clock()
        waiting = []
        for one in list(connections):
            cycle = getattr(one, "cycle", None)
            if cycle is not None and not cycle.response_complete:
                self._since.pop(one, None)
            else:
                waiting.append((self._since.setdefault(one, now), one))
        waiting.sort(key=lambda pair: pair[0])
        too_many = len(waiting) - MOST_WAITING
        for place, (since, one) in enumerate(waiting):
            if now - since > PATIENCE_S or place < too_many:
                one.transport.close()
