"""Pictures proposed on in this process, each with the embedding that the encoder makes or has kept."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from annotator.automask import generate
from annotator.encoder import EncodingState
from annotator.engine import Engine
from annotator.errors import AnnotatorError, Cancelled
from annotator.proposing.keeping import Keeping, bug_line, why_failed
from annotator.proposing.plan import Plan
from annotator.proposing.report import Report
from annotator.proposing.watcher import Watcher
from annotator.segmenters.base import Segmenter
from annotator.turns import POLL_S, Turns
from storage.records import ImageRecord
from storage.repository import Repository

log = logging.getLogger(__name__)


class InProcess:
    """Works through pictures with the segmenter at work. Jobs take turns, a picture each."""

    def __init__(
        self,
        repository: Repository,
        engine: Engine,
        load_pixels: Callable[[ImageRecord], np.ndarray],
        turns: Turns,
    ) -> None:
        self._repository, self._engine, self._load_pixels, self._turns = repository, engine, load_pixels, turns

    def work(
        self,
        ids: Sequence[int],
        keeping: Keeping,
        watcher: Watcher,
        *,
        still_waits: Callable[[int], bool] = lambda image_id: True,
    ) -> None:
        """Raises Cancelled, and AnnotatorError when another segmenter is put to work meanwhile."""
        plan, report = keeping.plan, keeping.report
        total = len(ids) * plan.points
        for number, image_id in enumerate(ids):
            before = number * plan.points

            def share(done: int, of: int, before: int = before) -> None:
                watcher.progress(before + plan.points * done // max(1, of), total)

            with self._turns.take(
                cancelled=watcher.cancelled,
                say_waiting=lambda: watcher.say("Waits for its turn: other proposals are under way."),
            ):
                share(0, 1)
                watcher.say(report.line())
                if not still_waits(image_id):  # another job did it meanwhile, or is going to with other settings
                    report.needs_none()
                    continue
                segmenter = self._segmenter(plan, report)
                self._try_one(image_id, keeping, segmenter, progress=share, cancelled=watcher.cancelled)
            watcher.say(report.line())
            share(1, 1)

    def _segmenter(self, plan: Plan, report: Report) -> Segmenter:
        """The one at work, if it is still the plan's."""
        segmenter = self._engine.segmenter
        if segmenter.fingerprint != plan.fingerprint:
            raise AnnotatorError(
                f"Stopped after {report.line()}: {segmenter.title} is at work now, not {plan.model}. The rest "
                f"goes on when {plan.model} is chosen again; or propose anew."
            )
        return segmenter

    def _try_one(
        self,
        image_id: int,
        keeping: Keeping,
        segmenter: Segmenter,
        *,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> None:
        """One picture, done or failed."""
        image = None
        try:
            image = self._repository.image(image_id)
            embedding = self._embedding(image, segmenter, cancelled)
            pixels, settings = self._load_pixels(image), keeping.plan.settings
            found = generate(
                segmenter, pixels, settings, embedding=embedding, progress=progress, cancelled=cancelled
            ).found
            if cancelled():
                raise Cancelled("Stopped.")
            keeping.keep(image, found)
        except Cancelled:
            raise
        except Exception as error:  # the other pictures are none the worse for it
            message = why_failed(error)
            if message is None:
                log.exception("No masks could be proposed on picture %s", image_id)
                message = bug_line(type(error).__name__)
            if image is None:  # taken out of the workspace meanwhile
                keeping.report.total -= 1
                return
            keeping.fail(image, message)

    def _embedding(self, image: ImageRecord, segmenter: Segmenter, cancelled: Callable[[], bool]) -> Any:
        """Waits behind the pictures that labelers have open. Raises AnnotatorError where encoding fails, Cancelled."""
        while True:
            encoding = self._engine.encode(image, urgent=False, segmenter=segmenter)
            while (embedding := encoding.wait(POLL_S)) is None and encoding.state is not EncodingState.DROPPED:
                if cancelled():
                    raise Cancelled("Stopped.")
            if embedding is not None:
                return embedding
            if cancelled():  # dropped by a closing engine, or by prefetches: those are soon through
                raise Cancelled("Stopped.")
