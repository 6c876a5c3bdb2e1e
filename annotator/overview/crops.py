"""Thumbnails of instances: the picture around a mask, the mask outlined, what is not in it stepping back."""

import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from annotator.files import write_whole
from annotator.images import reduced_jpeg
from storage.records import ImageRecord
from storage.repository.overview import KeyedMask

SIDE = 224  # of a thumbnail's longer side, in pixels
AROUND = 0.18  # of the box's longer side is shown around it
LEAST = 24  # pixels of the picture that are shown at least, so that a speck is seen where it is
DIM = 0.5  # how bright what is not in the mask stays
LOCKS = 16


class Crops:
    """Thumbnails by picture, instance and mask, made when first asked for; the folder may be deleted at any time.

    Safe to use from many threads.
    """

    def __init__(self, folder: Path, load_pixels: Callable[[ImageRecord], np.ndarray]) -> None:
        self._folder, self._load_pixels = folder, load_pixels
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def path(self, mask: KeyedMask, image: ImageRecord) -> Path:
        """The JPEG of a mask on its picture. Raises ImageError where the picture is gone."""
        folder = self._folder / str(image.id)
        path = folder / f"{mask.id}-{mask.key}.jpg"
        if path.is_file():
            return path
        with self._locks[image.id % LOCKS]:  # those of one picture one after another: it is decoded once
            if not path.is_file():
                data = reduced_jpeg(*_drawn(mask, self._load_pixels(image)), 80)
                for older in folder.glob(f"{mask.id}-*.jpg"):
                    with contextlib.suppress(OSError):  # being sent still, on a system that locks what is open
                        older.unlink()
                write_whole(path, data)
        return path

    def remove(self, image_id: int) -> None:
        """Delete those of a picture that is gone."""
        shutil.rmtree(self._folder / str(image_id), ignore_errors=True)

    def remove_all(self) -> None:
        """Delete those of all pictures."""
        shutil.rmtree(self._folder, ignore_errors=True)


def frame(mask: KeyedMask) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is shown of the picture: a square around the mask, where there is so much."""
    x, y, width, height = mask.bbox_xywh
    side = max(LEAST, round(max(width, height) * (1 + 2 * AROUND)))
    left, right = _span(x + width / 2, side, mask.rle.size_hw[1])
    top, bottom = _span(y + height / 2, side, mask.rle.size_hw[0])
    return left, top, right, bottom


def _span(middle: float, side: int, length: int) -> tuple[int, int]:
    first = max(0, min(round(middle - side / 2), length - side))
    return first, min(length, first + side)


def _drawn(mask: KeyedMask, pixels: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """h×w×3 uint8 RGB with the mask drawn into it, and its size."""
    left, top, right, bottom = frame(mask)
    scale = SIDE / max(right - left, bottom - top)
    size_hw = (max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale)))
    small = cv2.resize(
        np.ascontiguousarray(pixels[top:bottom, left:right]),
        size_hw[::-1],
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    )
    if not mask.area:
        return small, size_hw
    x, y, width, height = mask.bbox_xywh
    whole = np.zeros((bottom - top, right - left), np.float32)
    whole[y - top : y - top + height, x - left : x - left + width] = mask.rle.decode_part()
    inside = cv2.resize(whole, size_hw[::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST) >= 0.5
    drawn = np.where(inside[..., None], small, (small * DIM).astype(np.uint8))
    outlines, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # White on a dark edge is seen on every picture.
    cv2.drawContours(drawn, outlines, -1, (20, 24, 32), 3, cv2.LINE_AA)
    cv2.drawContours(drawn, outlines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return drawn, size_hw
