"""Who asked for the work, and looks on."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Watcher:
    """Three calls of who waits for a job.

    progress(done, total) counts grid points. cancelled: asked where work can stop. say: told in a line how
    far it is.
    """

    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    say: Callable[[str], None]
