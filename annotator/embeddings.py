"""Embeddings are kept, so that no picture is encoded twice, and made in the background, ahead of the labeler."""

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from annotator.errors import USER_ERRORS, AnnotatorError
from annotator.prediction import Embedding, Frame
from annotator.segmenters.base import Segmenter

log = logging.getLogger(__name__)

MEMORY_BYTES = 512 * 2**20
DISK_BYTES = 8 * 2**30
PREFETCHES = 8  # that may wait at once; with more, the oldest are dropped
ABANDONED_S = 3600  # a temporary file older than this was left by a process that died
HEADER = "header"  # the member of a file that holds the rest of an embedding, as the bytes of a JSON text
ARRAY = "array."  # what the name of every other member begins with


@dataclass(frozen=True)
class EmbeddingKey:
    """What an embedding is of: fingerprint of the segmenter, sha256 of the image (or any other name of its pixels)."""

    segmenter: str
    image: str

    @property
    def filename(self) -> str:
        return hashlib.sha256(f"{self.segmenter}\n{self.image}".encode()).hexdigest() + ".npz"


class EmbeddingStore:
    """Embeddings by key: the last used ones in memory, more on disk. Any thread may call.

    It is a cache: what cannot be written or read back is logged and missed, and never stops a labeler.
    """

    def __init__(self, folder: Path | None, *, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        """folder: where files go, made when first needed; None keeps embeddings in memory alone."""
        self._folder, self._memory_bytes, self._disk_bytes = folder, memory_bytes, disk_bytes
        self._kept: OrderedDict[EmbeddingKey, Embedding] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    @property
    def memory_bytes(self) -> int:
        """How much the embeddings in memory take now; never above the bound."""
        return self._kept_bytes

    def get(self, key: EmbeddingKey) -> Embedding | None:
        """The embedding, from memory or else from disk; None where neither has it or the file is damaged."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        embedding = self._read(key)
        if embedding is not None:
            self._keep(key, embedding)
        return embedding

    def put(self, key: EmbeddingKey, embedding: Embedding) -> None:
        """Keep an embedding in memory and on disk; the least recently used ones make room."""
        self._keep(key, embedding)
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(self._folder / key.filename, embedding)
            self._trim(self._folder)
        except OSError as error:
            log.warning("An embedding could not be kept in %s: %s", self._folder, error)

    def _keep(self, key: EmbeddingKey, embedding: Embedding) -> None:
        if embedding.nbytes > self._memory_bytes:
            return
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._kept_bytes += embedding.nbytes - (replaced.nbytes if replaced else 0)
            self._kept[key] = embedding
            while self._kept_bytes > self._memory_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._kept_bytes -= dropped.nbytes

    def _read(self, key: EmbeddingKey) -> Embedding | None:
        if self._folder is None:
            return None
        path = self._folder / key.filename
        try:
            embedding = _read(path, key)
            os.utime(path)  # the time of last use is what _trim goes by
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged file fails in as many ways as there are bytes in it
            log.warning("A damaged embedding is thrown away, its picture is encoded again: %s: %s", path, error)
            _remove(path)
            return None
        return embedding

    def _trim(self, folder: Path) -> None:
        """Remove the files used longest ago until the rest fits, and what dead processes left half written."""
        files = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".tmp") and time.time() - entry.stat().st_mtime > ABANDONED_S:
                    _remove(Path(entry.path))
                elif entry.name.endswith(".npz"):
                    stat = entry.stat()
                    files.append((stat.st_mtime_ns, stat.st_size, Path(entry.path)))
        excess = sum(size for _, size, _ in files) - self._disk_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            _remove(path)
            excess -= size


def _write(path: Path, embedding: Embedding) -> None:
    frame = embedding.frame
    header = {
        "segmenter": embedding.segmenter,
        "side": frame.side,
        "inner_hw": frame.inner_hw,
        "size_hw": frame.size_hw,
    }
    members = {ARRAY + name: array for name, array in embedding.arrays.items()}
    members[HEADER] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    number, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
    try:
        with open(number, "wb") as file:
            np.savez(file, allow_pickle=False, **members)
        os.replace(temporary, path)
    except BaseException:
        _remove(Path(temporary))
        raise


def _read(path: Path, key: EmbeddingKey) -> Embedding:
    """Raises FileNotFoundError, and almost anything for a damaged file; each member's checksum is looked at."""
    with zipfile.ZipFile(path) as archive:
        members = {}
        for name in archive.namelist():
            with archive.open(name) as member:
                members[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    header = json.loads(members.pop(HEADER).tobytes())
    if header["segmenter"] != key.segmenter:
        raise ValueError(f"made by {header['segmenter']}, not by {key.segmenter}")
    frame = Frame(side=header["side"], inner_hw=tuple(header["inner_hw"]), size_hw=tuple(header["size_hw"]))
    arrays = {name.removeprefix(ARRAY): array for name, array in members.items()}
    return Embedding(segmenter=key.segmenter, frame=frame, arrays=arrays)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:  # another program has it open, or the folder may not be written: it stays
        log.warning("A cached file could not be removed: %s: %s", path, error)


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

    def close(self, timeout_s: float = 10.0) -> None:
        """Drop what waits, and wait for the picture that is being encoded, at most timeout_s."""
        with self._changed:
            self._closed = True
            for work in self._waiting.values():
                work.encoding._finish(EncodingState.DROPPED)
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(timeout_s)

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
