"""A door that many pass at once, and that is shut for a moment while what lies behind it is replaced."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage.errors import DoorShut


class Doorway:
    """Safe to use from many threads. Who is inside may go through again: a shut door keeps newcomers out."""

    def __init__(self) -> None:
        self._inside: dict[int, int] = {}  # thread -> how many times it went in
        self._shut = False
        self._changed = threading.Condition()

    @contextmanager
    def inside(self, *, wait_s: float = 0.0) -> Iterator[None]:
        """Be behind the door, after at most wait_s before it. Raises DoorShut."""
        thread = threading.get_ident()
        with self._changed:
            if thread not in self._inside and not self._changed.wait_for(lambda: not self._shut, wait_s):
                raise DoorShut("What this needs is being replaced. Try again in a moment.")
            self._inside[thread] = self._inside.get(thread, 0) + 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[thread] -= 1
                if not self._inside[thread]:
                    del self._inside[thread]
                    self._changed.notify_all()

    @contextmanager
    def shut(self, *, wait_s: float, meanwhile: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let nobody in, and be alone once who was inside has left.

        meanwhile: called when nobody comes in any more, and others may be inside still. Raises DoorShut where some
        have not left after wait_s, or another has it shut; the door is open again then.
        """
        with self._changed:
            if self._shut:
                raise DoorShut("What this needs is being replaced already. Try again in a moment.")
            self._shut = True
        try:
            meanwhile()
            with self._changed:
                if not self._changed.wait_for(lambda: not self._inside, wait_s):
                    raise DoorShut(f"{len(self._inside)} did not come to an end within {wait_s:.0f} seconds.")
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()
