"""Looking at the masks of all pictures, in the background; what did not change is not looked at again."""

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from annotator.errors import Cancelled, ImageError
from annotator.jobs import Job, Jobs, JobState
from annotator.overview.look import Look, look
from annotator.overview.lookstore import LookStore
from annotator.pictures import PictureStore
from storage.errors import RecordNotFound
from storage.repository import Repository

PICTURES_AT_ONCE = 50  # whose masks are in memory together
JOB_KIND = "look"

Progress = Callable[[int, int], None]


class Looking:
    """Keeps a Look of every picture that has instances."""

    def __init__(self, repository: Repository, pictures: PictureStore, jobs: Jobs, folder: Path) -> None:
        """folder: where the looks are kept, made when there is something to keep."""
        self._repository, self._pictures, self._jobs = repository, pictures, jobs
        self._store = LookStore(folder / "looks.npz")
        self._lock = threading.Lock()
        self._job: Job | None = None

    def looks(self) -> dict[int, Look]:
        """image_id -> the last look at it, which may be older than its masks."""
        return self._store.looks()

    def forget(self) -> None:
        """Look at all pictures anew."""
        self._store.forget()

    def outdated(self) -> list[int]:
        """The pictures that have changed since they were looked at, or never were."""
        known = self._store.looks()
        states = self._repository.mask_states()
        return [
            image_id for image_id, state in states.items() if image_id not in known or known[image_id].state != state
        ]

    def start(self) -> Job | None:
        """Look at what is outdated, in the background; the job, or None where there is nothing to look at."""
        with self._lock:
            if self._job is not None and self._job.state is JobState.RUNNING:
                return self._job
            if not self.outdated():
                return None
            self._job = self._jobs.start(JOB_KIND, lambda job: self.run(job.count, job.cancelled))
            return self._job

    def run(self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> int:
        """The same, here and now; how many pictures were looked at. Raises Cancelled; what was seen is kept then."""
        states = self._repository.mask_states()
        wanted = self.outdated()
        try:
            for start in range(0, len(wanted), PICTURES_AT_ONCE):
                some = wanted[start : start + PICTURES_AT_ONCE]
                for image_id, masks in self._repository.masks_on(some).items():
                    if cancelled is not None and cancelled():
                        raise Cancelled("Stopped.")
                    # Masks that change from here on make the state a newer one, and are looked at the next time.
                    self._store.put(image_id, look(masks, self._thumbnail(image_id), state=states.get(image_id, "")))
                if progress is not None:
                    progress(start + len(some), len(wanted))
        finally:
            if wanted:
                self._store.save(of=states)
        return len(wanted)

    def _thumbnail(self, image_id: int) -> np.ndarray | None:
        """The picture, small; None where it is gone."""
        try:
            image = self._repository.image(image_id)
            path = self._pictures.thumbnail(image.stored_name, original_name=image.original_name)
            file = np.frombuffer(path.read_bytes(), np.uint8)
        except (ImageError, RecordNotFound, FileNotFoundError):
            return None
        data = cv2.imdecode(file, cv2.IMREAD_COLOR) if len(file) else None
        return None if data is None else cv2.cvtColor(data, cv2.COLOR_BGR2RGB)
