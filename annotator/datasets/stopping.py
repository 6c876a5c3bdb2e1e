"""Progress of a walk, and the user's word to stop it, as one thing that is asked at every step."""

from collections.abc import Callable, Iterator

from annotator.datasets.walk import Done, Missing, Walk
from annotator.errors import Cancelled
from importers.base import Remark, Unreadable

Progress = Callable[[int, int], None]  # (done, total)
Asked = Callable[[], bool]


def asked(walk: Walk, total: int, ask: Progress) -> Iterator[Done | Missing | Unreadable | Remark]:
    """The walk with progress reported, and the user asked for a stop, at every step."""
    done = 0
    ask(0, total)
    for item in walk:
        yield item
        done += isinstance(item, Done | Missing)
        ask(min(done, total), total)


def asking(progress: Progress | None, cancelled: Asked | None) -> Progress:
    """One function for both: (done, total), a total of 0 for no news. It raises Cancelled."""

    def ask(done: int, total: int) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled("Stopped; nothing was changed.")
        if progress is not None and total:
            progress(done, total)

    return ask
