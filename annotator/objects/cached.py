"""Files that lie elsewhere, with copies here of those used last."""

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from annotator.files import remove_leftovers, write_whole
from annotator.objects.remote import Remote
from importers.workfiles import UNFINISHED

CACHE_BYTES = 8 * 2**30
KEEP_S = 30.0  # what was asked for just now is about to be read


class Cached:
    """Objects behind a Remote. Several processes may have one folder of copies, which can be deleted at any time.

    The copies take cache_bytes at most; more only where what was used within keep_s seconds does, or where
    several processes fetch at once.
    """

    def __init__(self, remote: Remote, folder: Path, *, cache_bytes: int = CACHE_BYTES, keep_s: float = KEEP_S) -> None:
        self._remote, self._folder, self._cache_bytes, self._keep_s = remote, folder, cache_bytes, keep_s
        self._spare = cache_bytes // 16  # to look through the folder takes longer the more there is: not every time
        self._added = self._spare  # since it was last looked through
        self._lock = threading.Lock()
        remove_leftovers(folder)

    @property
    def place(self) -> str:
        return self._remote.place

    def put(self, name: str, data: bytes) -> None:
        self._remote.put(name, data)
        self._keep(name, data)  # it is shown next

    def has(self, name: str) -> bool:
        return bool(self._remote.size(name))

    def path(self, name: str) -> Path:
        path = self._folder / name
        if not _used(path):
            data = self._remote.get(name)
            if data:
                self._keep(name, data)
        return path

    def sizes(self) -> Mapping[str, int]:
        return self._remote.sizes()

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        self._remote.remove(name)

    def _keep(self, name: str, data: bytes) -> None:
        write_whole(self._folder / name, data)
        with self._lock:
            self._added += len(data)
            if self._added >= self._spare:
                self._trim()
                self._added = 0

    def _trim(self) -> None:
        """Remove the copies used longest ago until the rest fits, with room for what comes until the next time."""
        files, newest = [], time.time() - self._keep_s
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another process was quicker
                    if not entry.name.startswith(UNFINISHED):
                        facts = entry.stat()
                        files.append((facts.st_mtime_ns, facts.st_size, entry.path))
        excess = sum(size for _, size, _ in files) - (self._cache_bytes - self._spare)
        for used_ns, size, path in sorted(files):
            if excess <= 0 or used_ns > newest * 1e9:
                return
            with suppress(PermissionError):  # on Windows, while it is read
                Path(path).unlink(missing_ok=True)
                excess -= size


def _used(path: Path) -> bool:
    """Whether a copy is there; the time of its last use is what _trim goes by."""
    try:
        os.utime(path)
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
