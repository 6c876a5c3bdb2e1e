"""How often a code may be guessed: buckets of tries that fill again with time, one an address and one a name."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

MOST_KEYS = 20_000  # buckets that are remembered; a full one is as good as a forgotten one


@dataclass(frozen=True)
class Limit:
    """tries at once, and one more every seconds_each."""

    tries: int
    seconds_each: float


@dataclass
class _Bucket:
    left: float
    at: float  # monotonic seconds


class Tries:
    """Counts wrong tries by key. A right one gives back what it took, so a class that signs in uses up nothing.

    It counts in memory, also where several processes serve one database: to be counted there, each try of a stranger
    would have to wait for the turn to write, and make those wait who work.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, keys: Sequence[tuple[Hashable, Limit]]) -> float:
        """Take one try of every key: 0. Where one has none left, take nothing and return the seconds to wait."""
        with self._lock:
            now = self._clock()
            buckets = [(self._bucket(key, limit, now), limit) for key, limit in keys]
            wait = max(((1 - bucket.left) * limit.seconds_each for bucket, limit in buckets), default=0.0)
            if wait > 0:
                return wait
            for bucket, _ in buckets:
                bucket.left -= 1
            return 0.0

    def give_back(self, keys: Sequence[tuple[Hashable, Limit]]) -> None:
        """The try was a right one."""
        with self._lock:
            now = self._clock()
            for key, limit in keys:
                bucket = self._bucket(key, limit, now)
                bucket.left = min(limit.tries, bucket.left + 1)

    def _bucket(self, key: Hashable, limit: Limit, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(limit.tries, now)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        bucket.left = min(limit.tries, bucket.left + (now - bucket.at) / limit.seconds_each)
        bucket.at = now
        self._buckets.move_to_end(key)
        return bucket
