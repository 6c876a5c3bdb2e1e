"""Pictures proposed on by the workers of a cluster. This process alone reads and writes the database."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from annotator.clusters.base import Answer, Batch, Cluster, Done, Failed, Found, Lost, OutOfReach, PictureFile
from annotator.errors import USER_ERRORS, AnnotatorError, Cancelled
from annotator.images import file_bytes
from annotator.proposing.keeping import Keeping, bug_line
from annotator.proposing.watcher import Watcher
from annotator.proposing.window import MOST_IN_BATCH, TRIES, Errand, Window
from annotator.turns import POLL_S
from storage.errors import RecordNotFound
from storage.records import ImageRecord

log = logging.getLogger(__name__)

BATCHES_A_WORKER = 2  # one to work on, one that lies ready meanwhile
BATCH_BYTES = 8 * 2**20  # of pictures that travel; one of them may be larger


class PictureFiles(Protocol):
    """Where the pictures of a workspace lie."""

    def path(self, stored_name: str, *, original_name: str = "") -> Path:
        """Raises ImageError when it is gone."""
        ...


class OnCluster:
    """Keeps the workers of a cluster busy with the pictures of one job, and saves what they find.

    Pictures go out as paths; from the first worker on that does not see one, as bytes.
    """

    def __init__(self, cluster: Cluster, files: PictureFiles, keeping: Keeping, watcher: Watcher) -> None:
        self._cluster, self._files, self._keeping, self._watcher = cluster, files, keeping, watcher
        self._sends_bytes = False
        self._bytes, self._sent = 0, 0  # of the pictures that went out as bytes, and their number

    def work(self, pictures: Iterable[ImageRecord]) -> None:
        """Until all are through. Raises Cancelled, ClusterError and StorageError; what is saved then stays."""
        report, window = self._keeping.report, Window(pictures)
        back: tuple[list[Errand], Iterable[Answer]] | None = None
        while True:
            if self._watcher.cancelled():
                raise Cancelled("Stopped.")
            workers = self._cluster.size()
            self._fill(window, BATCHES_A_WORKER * max(1, workers))
            if back is not None:  # saved after the workers have got something to do
                self._save(window, *back)
                back = None
                continue
            report.total = max(report.total, report.pictures + len(report.failed))
            self._tell(workers)
            if not window.out:
                return
            match self._cluster.next(POLL_S):
                case Done(number, answers, seconds):
                    unseen = any(isinstance(answer, OutOfReach) for answer in answers)
                    self._sends_bytes = self._sends_bytes or unseen
                    back = window.back(number, seconds=None if unseen else seconds), answers
                case Lost(number):
                    self._leave_out(window.lost(number))

    def _fill(self, window: Window, most_out: int) -> None:
        """Send batches until so many are out."""
        while window.out < most_out and (errands := window.next(self._most())):
            if self._watcher.cancelled():
                raise Cancelled("Stopped.")
            ready = [(errand, file) for errand in errands if (file := self._file(errand.image)) is not None]
            if ready:
                plan = self._keeping.plan
                number = window.send([errand for errand, _ in ready])
                files = tuple(file for _, file in ready)
                self._cluster.submit(Batch(number, plan.fingerprint, plan.settings, files))

    def _most(self) -> int:
        """Pictures of a batch, as far as their bytes are concerned."""
        if not self._sends_bytes:
            return MOST_IN_BATCH
        return max(1, BATCH_BYTES * self._sent // self._bytes) if self._bytes else 1

    def _file(self, image: ImageRecord) -> PictureFile | None:
        """The picture ready to go; None where it is gone, which is noted with it."""
        try:
            path, data = self._files.path(image.stored_name, original_name=image.original_name), None
            if self._sends_bytes:
                data = file_bytes(path, name=image.original_name)
                self._bytes, self._sent = self._bytes + len(data), self._sent + 1
            return PictureFile(image.id, image.original_name, str(path), data)
        except AnnotatorError as error:
            self._fail(image, str(error))
            return None

    def _save(self, window: Window, errands: list[Errand], answers: Iterable[Answer]) -> None:
        """Each picture that was out in this batch, once; what else a worker tells of is not asked for."""
        waiting = {errand.image.id: errand for errand in errands}
        for answer in answers:
            errand = waiting.pop(answer.image_id, None)
            if errand is None:
                continue
            match answer:
                case Found():
                    self._keep(errand.image, answer)
                case Failed(_, message, ""):
                    self._fail(errand.image, message)
                case Failed(image_id, error_name, trace):
                    log.error("No masks could be proposed on picture %s: on a worker,\n%s", image_id, trace)
                    self._fail(errand.image, bug_line(error_name))
                case OutOfReach():
                    window.again([errand])
        window.again(waiting.values())

    def _keep(self, image: ImageRecord, found: Found) -> None:
        try:
            self._keeping.keep(image, found.proposals)
        except RecordNotFound:  # taken out of the workspace meanwhile
            self._keeping.report.total -= 1
        except USER_ERRORS as error:
            self._fail(image, str(error))

    def _fail(self, image: ImageRecord, message: str) -> None:
        try:
            self._keeping.fail(image, message)
        except RecordNotFound:
            self._keeping.report.failed.pop()
            self._keeping.report.total -= 1

    def _leave_out(self, errands: Iterable[Errand]) -> None:
        for errand in errands:
            self._fail(
                errand.image,
                f"Left out: {TRIES} times its worker died of it, the last time with no other picture under way. Does "
                "the worker have enough memory for it? The same command tries it again.",
            )

    def _tell(self, workers: int) -> None:
        report, points = self._keeping.report, self._keeping.plan.points
        there = f"{workers} workers" if workers != 1 else "1 worker"
        self._watcher.say(f"{report.line()} ({there if workers else 'waits: no worker is there'})")
        self._watcher.progress((report.pictures + len(report.failed)) * points, report.total * points)
