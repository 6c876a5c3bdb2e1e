"""A Cluster without workers: batches are done in this process when they are asked for, or lost as a test wants it."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from annotator.clusters.base import Batch, Done, Lost
from annotator.clusters.worker import work_on
from tests.fakes import FakeSegmenter


@dataclass(frozen=True)
class FakeSource:
    """Hands out one and the same segmenter."""

    segmenter: FakeSegmenter

    def load(self) -> FakeSegmenter:
        return self.segmenter


class FakeCluster:
    """Keeps to the order of the batches.

    workers: what size() says, one number after another, the last one for good. lose: numbers of batches that are lost
    the first time. poison: names of pictures whose batches are always lost, with those that lie beside them at that
    worker. twice: every batch comes back twice. blind: the workers see no path. before: called before each batch.
    """

    def __init__(
        self,
        segmenter: FakeSegmenter,
        *,
        workers: Collection[int] = (2,),
        lose: Collection[int] = (),
        poison: Collection[str] = (),
        twice: bool = False,
        blind: bool = False,
        before: Callable[[Batch], None] = lambda batch: None,
    ) -> None:
        self._source = FakeSource(segmenter)
        self._workers, self._lose, self._poison = deque(workers), set(lose), set(poison)
        self._twice, self._blind, self._before = twice, blind, before
        self._waiting: deque[Batch] = deque()
        self._again: deque[Done] = deque()
        self.submitted: list[Batch] = []
        self.most_out = 0

    def size(self) -> int:
        return self._workers.popleft() if len(self._workers) > 1 else self._workers[0]

    def submit(self, batch: Batch) -> None:
        self.submitted.append(batch)
        self._waiting.append(batch)
        self.most_out = max(self.most_out, len(self._waiting))

    def next(self, timeout_s: float) -> Done | Lost | None:
        if self._again:
            return self._again.popleft()
        if not self._waiting:
            return None
        batch = self._waiting.popleft()
        self._before(batch)
        beside = [one for other in [batch, *list(self._waiting)[:1]] for one in other.pictures]
        if batch.number in self._lose or self._poison & {picture.name for picture in beside}:
            return Lost(batch.number)
        if self._blind:
            batch = replace(batch, pictures=tuple(replace(one, path="/nowhere/x.png") for one in batch.pictures))
        done = work_on(self._source, batch)
        if self._twice:
            self._again.append(done)
        return done
