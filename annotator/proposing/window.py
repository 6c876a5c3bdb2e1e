"""Which pictures are out with workers, and which go out next: a window over a list that is never held as a whole."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storage.records import ImageRecord

TRIES = 3  # a picture whose worker was lost so often is left out
BATCH_S = 10.0  # what a batch is to take: long against the engine's work for it, short against a lost worker
MOST_IN_BATCH = 64


@dataclass
class Errand:
    """A picture on its way. lost: how many workers it went down with, perhaps by another's fault."""

    image: ImageRecord
    lost: int = 0


class Window:
    """Batches out with workers, by their number; a picture is in one of them at most, or waits, or is through.

    A lost batch goes out again picture by picture. A picture that is lost once more waits until nothing else is out,
    and is then tried alone: whatever happens to its worker then is its own doing.
    """

    def __init__(self, pictures: Iterable[ImageRecord]) -> None:
        self._fresh: Iterator[ImageRecord] = iter(pictures)
        self._singles: deque[Errand] = deque()
        self._suspects: deque[Errand] = deque()
        self._out: dict[int, list[Errand]] = {}
        self._last_number = 0
        self._seconds: float | None = None  # that a picture takes, the last batches counting most
        self._alone = False

    @property
    def out(self) -> int:
        """How many batches are out."""
        return len(self._out)

    def next(self, most: int = MOST_IN_BATCH) -> list[Errand]:
        """The pictures of the next batch, at most `most`; [] while there is none to be sent now."""
        if self._alone and self._out:
            return []
        self._alone = False
        if self._singles:
            return [self._singles.popleft()]
        errands = [Errand(image) for _, image in zip(range(min(most, self._size())), self._fresh, strict=False)]
        if not errands and self._suspects and not self._out:
            self._alone = True
            return [self._suspects.popleft()]
        return errands

    def send(self, errands: list[Errand]) -> int:
        """Note that these went out as one batch; returns its number."""
        self._last_number += 1
        self._out[self._last_number] = errands
        return self._last_number

    def back(self, number: int, *, seconds: float | None) -> list[Errand]:
        """The pictures of a batch that came back; [] for one that is not out (any more): its pictures are not ours.

        seconds: that its worker took, None where that says nothing about the next.
        """
        errands = self._out.pop(number, [])
        if errands and seconds is not None:
            each = seconds / len(errands)
            self._seconds = each if self._seconds is None else (self._seconds + each) / 2
        return errands

    def again(self, errands: Iterable[Errand]) -> None:
        """These have to go out once more, by no fault of theirs."""
        self._singles.extend(errands)

    def lost(self, number: int) -> list[Errand]:
        """A batch went down with its worker. Returns the pictures that are to be left out; the others go out again."""
        left_out = []
        for errand in self._out.pop(number, []):
            errand.lost += 1
            if errand.lost >= TRIES:
                left_out.append(errand)
            elif errand.lost == TRIES - 1:
                self._suspects.append(errand)
            else:
                self._singles.append(errand)
        return left_out

    def _size(self) -> int:
        if self._seconds is None:  # nothing is known yet
            return 1
        return max(1, min(MOST_IN_BATCH, int(BATCH_S / max(self._seconds, 1e-3))))
