"""What belongs to whom: downloads by their token, and what a request may name by an id that someone else was given."""

import hashlib
import threading
import time
import uuid
from collections import OrderedDict

MOST_REMEMBERED = 20_000
_MARK_CHARACTERS = 16


def owned_token(owner: str) -> str:
    """A token that nobody can guess, sorts by age, and carries a mark of its owner over a restart."""
    return f"{time.time_ns()}{uuid.uuid4().hex}{_mark(owner)}"


def is_owned_by(token: str, owner: str) -> bool:
    """Whether `owned_token(owner)` made it. Says nothing of whether there is such a thing."""
    return token.endswith(_mark(owner))


def _mark(owner: str) -> str:
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARACTERS]


class Belongings:
    """Who was given an id first. The newest are remembered; safe to call from any thread."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._owners: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._lock = threading.Lock()

    def claim(self, kind: str, name: str, owner: str) -> bool:
        """Whether it is the owner's, which it becomes where it is nobody's yet."""
        with self._lock:
            first = self._owners.setdefault((kind, name), owner)
            self._owners.move_to_end((kind, name))
            while len(self._owners) > self._most:
                self._owners.popitem(last=False)
            return first == owner

    def is_owned_by(self, kind: str, name: str, owner: str) -> bool:
        """Whether the owner was given it."""
        with self._lock:
            return self._owners.get((kind, name)) == owner
