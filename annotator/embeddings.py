"""Embeddings are kept, in memory and on disk, so that no picture is encoded twice."""

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.errors import SettingsError
from annotator.files import write_whole
from annotator.objects.shelf import Shelf
from annotator.prediction import Embedding, Frame

log = logging.getLogger(__name__)

MEMORY_BYTES = 512 * 2**20
DISK_BYTES = 8 * 2**30
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

    def __init__(
        self,
        folder: Path | None,
        *,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
        shelf: Shelf | None = None,
    ) -> None:
        """folder: where files go, made when first needed; None keeps embeddings in memory alone. shelf: where other
        machines find those of this folder, and it theirs.
        """
        self._shelf = shelf
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

    def fetch(self, key: EmbeddingKey) -> Embedding | None:
        """The embedding that another machine has made; None where there is none, or it is damaged. Takes a moment."""
        if self._folder is None or self._shelf is None:
            return None
        data = self._shelf.get(key.filename)
        if not data:
            return None
        try:
            write_whole(self._folder / key.filename, data)
            self._trim(self._folder)
        except (OSError, SettingsError) as error:
            log.warning("An embedding could not be kept in %s: %s", self._folder, error)
        return self.get(key)

    def close(self) -> None:
        """Wait, a little, for what is on its way to other machines."""
        if self._shelf is not None:
            self._shelf.close()

    def put(self, key: EmbeddingKey, embedding: Embedding) -> None:
        """Keep an embedding in memory and on disk; the least recently used ones make room."""
        self._keep(key, embedding)
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(self._folder / key.filename, embedding)
            if self._shelf is not None:
                self._shelf.put(key.filename, (self._folder / key.filename).read_bytes())
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
