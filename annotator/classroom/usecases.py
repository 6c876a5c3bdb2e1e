"""The use-cases of the instructor's view, put together."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotator.classroom.announcing import Announcing
from annotator.classroom.comparison import Comparison
from annotator.classroom.locks import Locks
from annotator.classroom.modelqueue import ModelQueue, model_queue
from annotator.classroom.presence import Presence
from annotator.classroom.progress import ClassProgress, progress
from annotator.engine import Engine
from annotator.jobs import Jobs
from annotator.news import Asker, Item
from storage.records import AnnouncementRecord
from storage.repository import Repository

REMEMBERED_S = 0.5  # by then another process may have changed it


@dataclass(frozen=True, kw_only=True)
class Notices:
    """What every page is told of the class."""

    announcement: AnnouncementRecord | None
    categories_locked: bool

    def to_json(self) -> dict[str, Any]:
        """As pages read it."""
        one = self.announcement
        told = (
            None if one is None else {"id": one.id, "text": one.text, "labeler": one.labeler, "at": one.at.isoformat()}
        )
        return {"announcement": told, "locks": {"categories": self.categories_locked}}


class Classroom:
    """Who works on what, and what the instructor says to all of them. Safe to use from many threads."""

    def __init__(self, repository: Repository, engine: Engine, jobs: Jobs) -> None:
        self._repository, self._engine, self._jobs = repository, engine, jobs
        self._told: tuple[float, Notices] | None = None
        self._changes = 0
        self.presence = Presence()
        self.locks = Locks(repository, changed=self._forget)
        self.announcing = Announcing(repository, changed=self._forget)
        self.comparison = Comparison(repository)

    def progress(self, names: Iterable[str] = ()) -> ClassProgress:
        """How far everybody is. names: who is told even where they have done nothing yet."""
        return progress(self._repository, self.presence, names=names)

    def notices(self) -> Notices:
        """What every page is told. Pages ask all the time: in between, it is not read anew."""
        told, changes = self._told, self._changes
        if told is not None and time.monotonic() - told[0] < REMEMBERED_S:
            return told[1]
        now = time.monotonic()
        read = Notices(announcement=self.announcing.current(), categories_locked=self.locks.categories)
        if changes == self._changes:  # else it may have been read before the change
            self._told = now, read
        return read

    def news(self, mark: Any, asker: Asker) -> Item | None:
        """The notices, for those who ask what is new (annotator/news.py); who asks is there."""
        self.presence.see(asker.labeler)
        told = self.notices()
        now = [told.announcement.id if told.announcement else 0, told.categories_locked]
        return None if mark == now else Item(mark=now, value=told.to_json())

    def forget(self) -> None:
        """Nothing was read, and nobody is on a picture."""
        self._forget()
        self.presence.forget()

    def _forget(self) -> None:
        self._changes += 1
        self._told = None

    def queue(self) -> ModelQueue:
        """What the model is doing, and what waits for it."""
        return model_queue(self._engine, self._jobs, self._repository)
