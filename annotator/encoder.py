"""Pictures are encoded in the background, ahead of the labeler."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from annotator.embeddings import EmbeddingKey, EmbeddingStore
from annotator.errors import USER_ERRORS, AnnotatorError
from annotator.prediction import Embedding
from annotator.segmenters.base import Segmenter

log = logging.getLogger(__name__)

PREFETCHES = 8  # that may wait at once; with more, the oldest are dropped


class EncodingState(StrEnum):
    """Where an encoding stands."""

    WAITING = "waiting"
    ENCODING = "encoding"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"  # a prefetch that others pushed out, or the encoder was closed; ask again


class Encoding:
    """An embedding that is there or on its way."""

    def __init__(self, key: EmbeddingKey, *, urgent: bool = False) -> None:
        self.key = key
        self.urgent = urgent
        self.state = EncodingState.WAITING
        self._askers: set[str] = set()
        self._began = time.monotonic()
        self._took_s: float | None = None
        self._embedding: Embedding | None = None
        self._error: Exception | None = None
        self._finished = threading.Event()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was asked for, until it was finished."""
        return time.monotonic() - self._began if self._took_s is None else self._took_s

    def wait(self, timeout_s: float | None = None) -> Embedding | None:
        """The embedding, or None when time is up or it was dropped. Raises AnnotatorError where encoding failed."""
        self._finished.wait(timeout_s)
        if self._error is not None:
            raise AnnotatorError(str(self._error)) from self._error
        return self._embedding

    def _finish(
        self, state: EncodingState, *, embedding: Embedding | None = None, error: Exception | None = None
    ) -> None:
        self._embedding, self._error = embedding, error
        self._took_s = self.elapsed_s
        self.state = state
        self._finished.set()


@dataclass(frozen=True)
class QueuedEncoding:
    """A picture that is being encoded, or waits for it."""

    image_key: str  # the image's sha256
    state: EncodingState
    urgent: bool  # somebody has it open
    askers: tuple[str, ...]  # who, where it waits
    elapsed_s: float  # since it was asked for


@dataclass(frozen=True)
class _Work:
    encoding: Encoding
    load_image: Callable[[], np.ndarray]
    segmenter: Segmenter


class Encoder:
    """One thread that encodes pictures: open ones first, in the order they were opened, then the newest prefetch."""

    def __init__(self, store: EmbeddingStore, *, prefetches: int = PREFETCHES) -> None:
        self._store, self._prefetches = store, prefetches
        self._waiting: OrderedDict[EmbeddingKey, _Work] = OrderedDict()  # oldest first
        self._running: Encoding | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="encoder", daemon=True)
        self._thread.start()

    def request(
        self,
        image_key: str,
        load_image: Callable[[], np.ndarray],
        segmenter: Segmenter,
        *,
        urgent: bool,
        asker: str | None = None,
    ) -> Encoding:
        """Have a picture encoded; the same one asked for twice is encoded once. Returns at once.

        image_key: the image's sha256. load_image: its H×W×3 uint8 RGB pixels, called in the worker. urgent: somebody
        has the picture open. asker: who; an asker has one picture open, so what they had asked for before and nobody
        else waits for becomes a prefetch (leafing through a list leaves no queue behind).
        """
        key = EmbeddingKey(segmenter=segmenter.fingerprint, image=image_key)
        embedding = self._store.get(key)
        with self._changed:
            if urgent and asker is not None:
                self._leave(asker)
            if embedding is not None:
                encoding = Encoding(key, urgent=urgent)
                encoding._finish(EncodingState.DONE, embedding=embedding)
                return encoding
            if self._closed:
                raise AnnotatorError("The tool is shutting down; no picture is encoded any more.")
            if self._running is not None and self._running.key == key:
                return self._running
            if key not in self._waiting:
                self._waiting[key] = _Work(Encoding(key), load_image, segmenter)
            encoding = self._waiting[key].encoding
            if urgent:
                encoding.urgent = True
                if asker is not None:
                    encoding._askers.add(asker)
            else:
                self._waiting.move_to_end(key)
            self._drop_prefetches()
            self._changed.notify()
            return encoding

    def queue(self) -> list[QueuedEncoding]:
        """What is being encoded, then what waits for it, urgent ones first."""
        with self._changed:
            waiting = [work.encoding for work in self._waiting.values()]
            running = [self._running] if self._running is not None else []
            return [
                QueuedEncoding(one.key.image, one.state, one.urgent, tuple(sorted(one._askers)), one.elapsed_s)
                for one in [*running, *sorted(waiting, key=lambda one: not one.urgent)]
            ]

    def close(self, timeout_s: float = 10.0) -> None:
        """Drop what waits, and wait for the picture that is being encoded, at most timeout_s."""
        with self._changed:
            self._closed = True
            for work in self._waiting.values():
                work.encoding._finish(EncodingState.DROPPED)
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout_s)
        self._store.close()

    def _leave(self, asker: str) -> None:
        for work in self._waiting.values():
            encoding = work.encoding
            if asker in encoding._askers:
                encoding._askers.discard(asker)
                encoding.urgent = bool(encoding._askers)

    def _drop_prefetches(self) -> None:
        idle = [key for key, work in self._waiting.items() if not work.encoding.urgent]
        for key in idle[: max(0, len(idle) - self._prefetches)]:
            self._waiting.pop(key).encoding._finish(EncodingState.DROPPED)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                urgent = (key for key, work in self._waiting.items() if work.encoding.urgent)
                work = self._waiting.pop(next(urgent, None) or next(reversed(self._waiting)))
                self._running = work.encoding
                self._running.state = EncodingState.ENCODING
            self._encode(work)
            with self._changed:
                self._running = None

    def _encode(self, work: _Work) -> None:
        encoding = work.encoding
        try:
            embedding = self._store.get(encoding.key)  # it may have come in between being asked for and queued
            if embedding is None:
                embedding = self._store.fetch(encoding.key)
            if embedding is None:
                embedding = work.segmenter.embed(work.load_image())
                self._store.put(encoding.key, embedding)
        except USER_ERRORS as error:
            encoding._finish(EncodingState.FAILED, error=error)
        except Exception as error:  # the worker lives on, and who waits for this picture is told
            log.exception("A picture could not be encoded: %s", encoding.key.image)
            failure = AnnotatorError(
                f"The picture could not be encoded ({type(error).__name__}: {error}). Open it again, or start the tool "
                "with another --model; the log has the details."
            )
            failure.__cause__ = error
            encoding._finish(EncodingState.FAILED, error=failure)
        else:
            encoding._finish(EncodingState.DONE, embedding=embedding)
