"""What an engine carries between the one process that keeps the database and the workers, which know none."""

from dataclasses import dataclass, field
from typing import Protocol

from annotator.automask import AutomaskSettings, Proposal


@dataclass(frozen=True)
class PictureFile:
    """A picture on its way. path: where it lies, for workers that see it there; data: its bytes for those that do not.

    name: what errors call it.
    """

    image_id: int
    name: str
    path: str
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Batch:
    """Some pictures for one worker. fingerprint: of the segmenter that is to be asked, and of no other."""

    number: int  # counted by who sends it
    fingerprint: str
    settings: AutomaskSettings
    pictures: tuple[PictureFile, ...]


@dataclass(frozen=True)
class Found:
    """The masks of a picture, as run lengths."""

    image_id: int
    proposals: tuple[Proposal, ...] = field(repr=False)


@dataclass(frozen=True)
class Failed:
    """A picture on which nothing could be proposed. message: for the user; log: a bug's traceback, "" where none."""

    image_id: int
    message: str
    log: str = field(default="", repr=False)


@dataclass(frozen=True)
class OutOfReach:
    """A picture whose path this worker does not see: it needs the bytes."""

    image_id: int


Answer = Found | Failed | OutOfReach


@dataclass(frozen=True)
class Done:
    """A batch that came back, with an answer to each of its pictures."""

    number: int
    answers: tuple[Answer, ...]
    seconds: float  # that the worker took for it, the loading of the segmenter left out


@dataclass(frozen=True)
class Lost:
    """A batch whose worker died, or all the workers on which the engine tried it."""

    number: int


class Cluster(Protocol):
    """Workers that batches can be given to. Called from one thread."""

    def size(self) -> int:
        """How many batches are worked on at once now; 0 while no worker is there. Raises ClusterError."""
        ...

    def submit(self, batch: Batch) -> None:
        """Give a batch to whichever worker comes to it first. Returns at once. Raises ClusterError."""
        ...

    def next(self, timeout_s: float) -> Done | Lost | None:
        """The next batch that ended, in any order; None where none did in that time.

        Raises ClusterError where waiting is of no use: workers that lack the model or the tool, a scheduler gone.
        """
        ...
