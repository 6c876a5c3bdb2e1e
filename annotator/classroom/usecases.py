"""The use-cases of the instructor's view, put together."""

from collections.abc import Iterable

from annotator.classroom.announcing import Announcing
from annotator.classroom.comparison import Comparison
from annotator.classroom.locks import Locks
from annotator.classroom.modelqueue import ModelQueue, model_queue
from annotator.classroom.presence import Presence
from annotator.classroom.progress import ClassProgress, progress
from annotator.engine import Engine
from annotator.jobs import Jobs
from storage.repository import Repository


class Classroom:
    """Who works on what, and what the instructor says to all of them. Safe to use from many threads."""

    def __init__(self, repository: Repository, engine: Engine, jobs: Jobs) -> None:
        self._repository, self._engine, self._jobs = repository, engine, jobs
        self.presence = Presence()
        self.locks = Locks(repository)
        self.announcing = Announcing(repository)
        self.comparison = Comparison(repository)

    def progress(self, names: Iterable[str] = ()) -> ClassProgress:
        """How far everybody is. names: who is told even where they have done nothing yet."""
        return progress(self._repository, self.presence, names=names)

    def queue(self) -> ModelQueue:
        """What the model is doing, and what waits for it."""
        return model_queue(self._engine, self._jobs, self._repository)
