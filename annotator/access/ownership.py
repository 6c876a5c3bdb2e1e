"""What belongs to whom: downloads by their token, and what a request may name by an id that someone else was given."""

import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable

MOST_REMEMBERED = 100  # of one kind: sessions, events; a tab of the page is one session
MOST_OWNERS = 1000
_MARK_CHARACTERS = 16


def owned_token(owner: str) -> str:
    """A token that nobody can guess, sorts by age, and carries a mark of its owner over a restart."""
    return f"{time.time_ns()}{uuid.uuid4().hex}{mark_of(owner)}"


def is_owned_by(token: str, owner: str) -> bool:
    """Whether `owned_token(owner)` made it. Says nothing of whether there is such a thing."""
    return token.endswith(mark_of(owner))


def mark_of(owner: str) -> str:
    """A short name for an owner, fit for a file name; it says nothing of who that is."""
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARACTERS]


class Belongings:
    """Who was given an id first. Of each owner the newest are remembered; safe to call from any thread.

    One owner's flood takes nothing from another: each has room of their own, and the owners who were not seen for the
    longest are forgotten.
    """

    def __init__(
        self,
        *,
        most: int = MOST_REMEMBERED,
        owners: int = MOST_OWNERS,
        forgotten: Callable[[str, str], None] = lambda kind, name: None,
    ) -> None:
        """most: ids of one kind and owner. forgotten(kind, name): told of each that is nobody's any more."""
        self._most, self._most_owners, self._forgotten = most, owners, forgotten
        self._owners: dict[tuple[str, str], str] = {}
        self._held: OrderedDict[str, dict[str, OrderedDict[str, None]]] = OrderedDict()  # owner -> kind -> names
        self._lock = threading.Lock()

    def claim(self, kind: str, name: str, owner: str) -> bool:
        """Whether it is the owner's, which it becomes where it is nobody's yet."""
        with self._lock:
            if self._owners.setdefault((kind, name), owner) != owner:
                return False
            held = self._held.setdefault(owner, {})
            self._held.move_to_end(owner)
            names = held.setdefault(kind, OrderedDict())
            names[name] = None
            names.move_to_end(name)
            gone = [(kind, names.popitem(last=False)[0])] if len(names) > self._most else []
            if len(self._held) > self._most_owners:
                _, left = self._held.popitem(last=False)
                gone += [(one, name) for one, names in left.items() for name in names]
            for one in gone:
                del self._owners[one]
        for one in gone:
            self._forgotten(*one)
        return True

    def is_owned_by(self, kind: str, name: str, owner: str) -> bool:
        """Whether the owner was given it."""
        with self._lock:
            return self._owners.get((kind, name)) == owner
