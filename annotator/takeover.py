"""Work that a process left when it ended is taken up by another on the same database."""

import logging
import threading
from collections.abc import Callable

from annotator.errors import USER_ERRORS

log = logging.getLogger(__name__)

EVERY_S = 60.0  # as long as a process may be silent before its jobs count as left (annotator/jobboard.py)


class TakeOver:
    """Calls `resume` again and again in the background, until it is closed. What goes wrong is logged."""

    def __init__(self, resume: Callable[[], object], *, every_s: float = EVERY_S) -> None:
        self._resume, self._every_s = resume, every_s
        self._closed = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._go_on, name="take over", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _go_on(self) -> None:
        while not self._closed.wait(self._every_s):
            try:
                self._resume()
            except USER_ERRORS as error:  # the database may be away for a while
                log.warning("Nothing could be taken over from other processes: %s", error)
