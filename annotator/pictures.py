"""The picture files of a workspace: the upright pictures, and the smaller JPEGs that the page shows."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from annotator.errors import AwayError, ImageError
from annotator.files import remove_leftovers, write_whole
from annotator.images import Picture, encode_for_store, read_image, reduced_jpeg, thumbnail_jpeg
from annotator.objects import Folder, Objects

CACHE_BYTES = 512 * 2**20  # one picture of 100 megapixels, and a few of ordinary size
LOCKS = 64
ANY_SIZE = 2**62  # what came in once is opened again, whatever the limit is by now

_STORED_NAME = re.compile(r"[0-9a-f]{64}\.(jpg|png)")


class PictureStore:
    """Pictures by the hash of the file they came from, in images/ of the workspace folder or elsewhere; what is derived
    from them in display/ and thumbs/, which may be deleted at any time. Safe to use from many threads and processes.

    Raises AwayError, besides, where pictures are elsewhere and cannot be reached now.
    """

    def __init__(self, folder: Path, *, objects: Objects | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        """folder: the workspace's. objects: where the pictures themselves lie, None: in images/ of it."""
        self.objects = objects or Folder(folder / "images")
        self.work_folder = folder / "incoming"  # for what is unpacked during an import
        self._display_folder = folder / "display"
        self._thumbs_folder = folder / "thumbs"
        self._cache = _PixelCache(cache_bytes)
        self._locks = [threading.RLock() for _ in range(LOCKS)]
        for used in (self.work_folder, self._display_folder, self._thumbs_folder):
            remove_leftovers(used)

    def add(self, picture: Picture) -> str:
        """Keep a picture, on the disk when this returns, and give its stored name. Adding it again changes nothing.

        Raises SettingsError where it cannot be written.
        """
        data, extension = encode_for_store(picture)
        stored_name = f"{picture.sha256}.{extension}"
        with self._lock(stored_name):
            self.objects.put(stored_name, data)
            write_whole(self._thumbnail_path(stored_name), thumbnail_jpeg(picture.pixels))
        return stored_name

    def has(self, stored_name: str) -> bool:
        """Whether the picture's file is there, and not empty."""
        return self.objects.has(_known(stored_name))

    def path(self, stored_name: str, *, original_name: str = "") -> Path:
        """The picture's file. original_name: what the error calls it. Raises ImageError when it is gone."""
        try:
            path = self.file(stored_name)
        except AwayError as error:
            raise AwayError(f"{original_name or stored_name}: It cannot be fetched now. {error}") from error
        if not (path.is_file() and path.stat().st_size):
            raise ImageError(
                f"{original_name or stored_name}: Its file is missing from {self.objects.place}. "
                "Import the same picture again to bring it back."
            )
        return path

    def file(self, stored_name: str) -> Path:
        """The same without a look at it. Raises AwayError where it cannot be fetched now."""
        return self.objects.path(_known(stored_name))

    def pixels(self, stored_name: str, *, original_name: str = "") -> np.ndarray:
        """H×W×3 uint8 RGB, upright; read-only, for others may be given the same array. Raises ImageError."""
        with self._lock(stored_name):
            pixels = self._cache.get(stored_name)
            if pixels is None:
                path = self.path(stored_name, original_name=original_name)
                pixels = read_image(path, name=original_name or stored_name, max_pixels=ANY_SIZE).pixels
                pixels.setflags(write=False)
                self._cache.put(stored_name, pixels)
            return pixels

    def display(self, stored_name: str, size_hw: tuple[int, int], *, original_name: str = "") -> Path:
        """A JPEG of the picture in size_hw, made when it is first asked for. Raises ImageError."""
        path = self._display_folder / f"{Path(stored_name).stem}-{size_hw[1]}x{size_hw[0]}.jpg"
        return self._derived(path, stored_name, original_name, lambda pixels: reduced_jpeg(pixels, size_hw))

    def thumbnail(self, stored_name: str, *, original_name: str = "") -> Path:
        """A small JPEG of the picture, made anew when it is gone. Raises ImageError."""
        return self._derived(self._thumbnail_path(stored_name), stored_name, original_name, thumbnail_jpeg)

    def remove(self, stored_name: str) -> None:
        """Delete the picture and what was derived from it; nothing happens where it is gone already."""
        stem = Path(_known(stored_name)).stem
        with self._lock(stored_name):
            self._cache.drop(stored_name)
            for derived in self._display_folder.glob(f"{stem}-*.jpg"):
                derived.unlink(missing_ok=True)
            self._thumbnail_path(stored_name).unlink(missing_ok=True)
            self.objects.remove(stored_name)

    def _derived(self, path: Path, stored_name: str, original_name: str, make: Callable[[np.ndarray], bytes]) -> Path:
        _known(stored_name)
        if not path.is_file():
            with self._lock(stored_name):
                if not path.is_file():
                    write_whole(path, make(self.pixels(stored_name, original_name=original_name)))
        return path

    def _thumbnail_path(self, stored_name: str) -> Path:
        return self._thumbs_folder / f"{Path(stored_name).stem}.jpg"

    def _lock(self, stored_name: str) -> threading.RLock:
        """Two threads that want the same picture decode it once; pictures share locks, which bounds their number."""
        return self._locks[hash(stored_name) % LOCKS]


def _known(stored_name: str) -> str:
    """Raises ImageError for a name that no store ever gave: it could lead anywhere."""
    if not _STORED_NAME.fullmatch(stored_name):
        raise ImageError(f"{stored_name!r} is no stored picture's name.")
    return stored_name


class _PixelCache:
    """Decoded pictures, the ones used last, up to a number of bytes together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pixels: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> np.ndarray | None:
        with self._lock:
            if name in self._pixels:
                self._pixels.move_to_end(name)
            return self._pixels.get(name)

    def put(self, name: str, pixels: np.ndarray) -> None:
        self.drop(name)
        with self._lock:
            self._pixels[name] = pixels
            self._bytes += pixels.nbytes
            while self._bytes > self._most_bytes:
                _, oldest = self._pixels.popitem(last=False)
                self._bytes -= oldest.nbytes

    def drop(self, name: str) -> None:
        with self._lock:
            if name in self._pixels:
                self._bytes -= self._pixels.pop(name).nbytes
