"""Who is there now, and on which picture: as their pages say, kept in memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

MOST_REMEMBERED = 1000  # people; the ones not seen for longest are forgotten


@dataclass(frozen=True)
class Seen:
    """When somebody was last heard of, and the picture that they opened last, where it is known."""

    at: datetime
    image_id: int | None


class Presence:
    """Safe to use from many threads. Of other processes on the same database it knows nothing."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), most: int = MOST_REMEMBERED) -> None:
        self._now, self._most = now, most
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def see(self, name: str, *, image_id: int | None = None) -> None:
        """Somebody is there. image_id: the picture that they open; None: still the one before."""
        with self._lock:
            before = self._seen.get(name)
            kept = image_id if image_id is not None or before is None else before.image_id
            self._seen[name] = Seen(self._now(), kept)
            self._seen.move_to_end(name)
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)

    def forget(self) -> None:
        """Nobody was seen."""
        with self._lock:
            self._seen.clear()

    def seen(self) -> dict[str, Seen]:
        """name -> when and where."""
        with self._lock:
            return dict(self._seen)
