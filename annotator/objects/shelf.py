"""Files that several machines share to save work, and that may as well be missing."""

import logging
import queue
import threading
import time
from typing import Protocol

from annotator.errors import AwayError

log = logging.getLogger(__name__)

WAITING = 32  # files on their way out; with more, the newest are not put
REST_S = 300.0  # after a failure nothing is asked for so long: who works here is not to wait for a server that is away
WAIT_S = 3.0  # for an answer: making it anew takes hardly longer


class Distant(Protocol):
    """The part of a Remote that a shelf needs. Raises AwayError."""

    def check(self) -> None: ...

    def put(self, name: str, data: bytes) -> None: ...

    def get(self, name: str) -> bytes | None: ...


class Shelf:
    """Puts in the background, gets what is there. What goes wrong is logged and missed. Any thread may call."""

    def __init__(self, distant: Distant, *, rest_s: float = REST_S) -> None:
        self._distant, self._rest_s = distant, rest_s
        self._rests_until = 0.0  # by the monotonic clock
        self._out: queue.Queue[tuple[str, bytes] | None] = queue.Queue(WAITING)
        self._is_checked = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """The content; None where it is not there, or cannot be had now."""
        if self._rests:
            return None
        try:
            self._check()
            return self._distant.get(name)
        except AwayError as error:
            self._rest(error)
            return None

    def put(self, name: str, data: bytes) -> None:
        """Have it put; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="shelf", daemon=True)
                self._thread.start()
        try:
            self._out.put_nowait((name, data))
        except queue.Full:
            log.info("%s is not shared: others go out too slowly.", name)

    def close(self, timeout_s: float = 10.0) -> None:
        """Wait for what is on its way out, at most so long."""
        if self._thread is None:
            return
        try:
            self._out.put(None, timeout=timeout_s)
        except queue.Full:
            log.warning("What was made last is not shared: it goes out too slowly.")
            return
        self._thread.join(timeout_s)

    def _check(self) -> None:
        """Here, for the tool starts without its embeddings."""
        if not self._is_checked:
            self._distant.check()
            self._is_checked = True

    @property
    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _rest(self, error: AwayError) -> None:
        log.warning("Embeddings are not shared for %.0f s: %s", self._rest_s, error)
        self._rests_until = time.monotonic() + self._rest_s

    def _serve(self) -> None:
        while (item := self._out.get()) is not None:
            if self._rests:
                continue
            try:
                self._check()
                self._distant.put(*item)
            except AwayError as error:
                self._rest(error)
