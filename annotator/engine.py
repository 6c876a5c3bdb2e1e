"""The segmenter at work: which one, its embeddings, and the answers to prompts."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator import segmenters
from annotator.config import Settings
from annotator.embeddings import EmbeddingStore
from annotator.encoder import Encoder, Encoding, QueuedEncoding
from annotator.errors import USER_ERRORS, AnnotatorError, SettingsError
from annotator.objects import Shelf
from annotator.prediction import Embedding, Prediction, Prompt
from annotator.segmenters import checkpoints
from annotator.segmenters.base import Segmenter, SegmenterInfo
from annotator.session import SessionState
from annotator.turns import asked_by
from storage.records import ImageRecord
from storage.rle import Rle

log = logging.getLogger(__name__)

KEPT_ANSWERS = 128  # 0.8 MB each
KEPT_ASKERS = 128  # whose newest answer is kept besides, however many others ask meanwhile


@dataclass(frozen=True)
class Candidate:
    """One of the three masks that answer a prompt, in the size it was asked for."""

    index: int
    predicted_iou: float
    stability_score: float
    rle: Rle


class Answer:
    """A prediction, and its candidates as run lengths, each made when it is first asked for."""

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        self._made: dict[tuple[int, tuple[int, int]], Candidate] = {}

    def candidate(self, index: int, size_hw: tuple[int, int] | None = None) -> Candidate:
        """One of the three at size_hw, in the original's size where it is None."""
        key = (index, size_hw or self.prediction.frame.size_hw)
        if key not in self._made:
            self._made[key] = Candidate(
                index=index,
                predicted_iou=float(self.prediction.predicted_iou[index]),
                stability_score=float(self.prediction.stability_score[index]),
                rle=Rle.encode(self.prediction.mask(*key)),
            )
        return self._made[key]

    def candidates(self, size_hw: tuple[int, int] | None = None) -> tuple[Candidate, ...]:
        """All three at size_hw."""
        return tuple(self.candidate(index, size_hw) for index in range(len(self.prediction.low_res_logits)))


class Engine:
    """Answers prompts with the segmenter at work. No lock is held across two calls; any thread may ask."""

    def __init__(
        self,
        settings: Settings,
        load_pixels: Callable[[ImageRecord], np.ndarray],
        notify: Callable[[str], None],
        shelf: Shelf | None = None,
        *,
        kept_answers: int = KEPT_ANSWERS,
    ) -> None:
        """shelf: where machines share their embeddings."""
        self._settings, self._load_pixels, self._notify = settings, load_pixels, notify
        self._kept_answers = kept_answers
        self._encoder = Encoder(
            EmbeddingStore(
                settings.folder("embeddings"),
                memory_bytes=settings.embedding_memory_bytes,
                disk_bytes=settings.embedding_disk_bytes,
                shelf=shelf,
            )
        )
        self._answers: OrderedDict[tuple, Answer] = OrderedDict()
        self._newest: OrderedDict[str, tuple[tuple, Answer]] = OrderedDict()  # by asker
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self._segmenter: Segmenter | None = None
        self._answering = 0

    @property
    def answering(self) -> int:
        """How many prompts are being answered now."""
        with self._lock:
            return self._answering

    def encodings(self) -> list[QueuedEncoding]:
        """The pictures that are being encoded or wait for it."""
        return self._encoder.queue()

    @property
    def segmenter(self) -> Segmenter:
        """The one at work, loaded when it is first asked for: an export needs none. Errors as `load`."""
        with self._loading:
            if self._segmenter is None:
                self._segmenter = self.load(self._settings.model, checkpoint=self._settings.checkpoint)
            return self._segmenter

    def load(self, name: str, *, checkpoint: Path | None = None) -> Segmenter:
        """A segmenter as this workspace's settings have it. Raises SettingsError or CheckpointError."""
        return segmenters.get_segmenter(
            name,
            device=self._settings.device,
            checkpoint=checkpoint,
            checkpoint_dir=self._settings.folder("checkpoints"),
            notify=self._notify,
        )

    def known(self) -> Iterable[tuple[SegmenterInfo, bool]]:
        """The registry's lines, each with whether it can be loaded without a download."""
        for info in segmenters.SEGMENTERS.values():
            given = self._settings.checkpoint is not None and info.name == self._settings.model
            yield info, given or not info.download_bytes or self._checkpoint_path(info.name) is not None

    def switch(
        self,
        name: str,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Segmenter:
        """Put another segmenter to work, after fetching its checkpoint where that is missing.

        progress(done, total) counts bytes. The one at work stays until the new one is loaded.
        """
        if name not in segmenters.SEGMENTERS:
            raise SettingsError(f"No model is called {name!r}; there are {', '.join(segmenters.SEGMENTERS)}.")
        checkpoint = self._settings.checkpoint if name == self._settings.model else None
        if checkpoint is None and segmenters.SEGMENTERS[name].download_bytes and self._checkpoint_path(name) is None:
            folder = self._settings.folder("checkpoints")
            checkpoints.download(checkpoints.CHECKPOINTS[name], folder, progress=progress, cancelled=cancelled)
        segmenter = self.load(name, checkpoint=checkpoint)
        with self._loading:
            self._segmenter = segmenter
        return segmenter

    def encode(
        self, image: ImageRecord, *, urgent: bool, asker: str | None = None, segmenter: Segmenter | None = None
    ) -> Encoding:
        """Have an image encoded in the background, by the segmenter at work or a given one; see Encoder.request."""
        return self._encoder.request(
            image.sha256, lambda: self._load_pixels(image), segmenter or self.segmenter, urgent=urgent, asker=asker
        )

    def answer(
        self, image: ImageRecord, state: SessionState, embedding: Embedding, *, asker: str | None = None
    ) -> Answer:
        """The answer to a prompt; each step refines the candidate that was chosen before it.

        Answers depend on the steps alone, so that they are the same after a restart; recent ones are kept, which
        makes undo and a further click one prediction or none. asker: who; in front of the model askers take turns.
        """
        key = (embedding.segmenter, image.sha256, state.steps)
        with self._lock:
            answer = self._kept(key, asker)
        if answer is not None:
            return answer
        mask_input = None
        before = state.before_last()
        if before.steps:
            refined = self.answer(image, before, embedding, asker=asker).prediction
            mask_input = refined.low_res_logits[before.chosen(refined)]
        with self._counted(), asked_by(asker):
            answer = Answer(self._predict(image, embedding, state.prompt(mask_input)))
        with self._lock:
            self._keep(key, answer, asker)
        return answer

    def _predict(self, image: ImageRecord, embedding: Embedding, prompt: Prompt) -> Prediction:
        """Raises AnnotatorError for whatever a model stumbles over: the steps are recorded, and must stay within reach
        of an undo."""
        try:
            return self.segmenter.predict(embedding, prompt)
        except USER_ERRORS:
            raise
        except Exception as error:
            log.exception("A prompt could not be answered on %s", image.original_name)
            raise AnnotatorError(
                f"{image.original_name}: the model failed on this prompt ({type(error).__name__}: {error}). Your "
                "clicks are kept: undo the last one or click elsewhere; the log has the details."
            ) from error

    def _kept(self, key: tuple, asker: str | None) -> Answer | None:
        """The answer, where it is still there. Under the lock."""
        answer = self._answers.get(key)
        if answer is None and asker is not None:
            newest_key, newest = self._newest.get(asker, (None, None))
            answer = newest if newest_key == key else None
        if answer is not None:
            self._keep(key, answer, asker)
        return answer

    def _keep(self, key: tuple, answer: Answer, asker: str | None) -> None:
        """Among many askers, recent is not what one of them did last: without it, each of their clicks would begin
        with the first one again as soon as there are more of them than are kept. Under the lock."""
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._kept_answers:
            self._answers.popitem(last=False)
        if asker is not None:
            self._newest[asker] = key, answer
            self._newest.move_to_end(asker)
            while len(self._newest) > KEPT_ASKERS:
                self._newest.popitem(last=False)

    def close(self) -> None:
        self._encoder.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1

    def _checkpoint_path(self, name: str) -> Path | None:
        return checkpoints.find(name, self._settings.folder("checkpoints"))
