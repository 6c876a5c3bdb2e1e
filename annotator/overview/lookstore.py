"""The looks that were taken, kept on the disk: only pictures whose masks changed are looked at again."""

import contextlib
import io
import logging
import threading
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from annotator.files import write_whole
from annotator.overview.look import TRAITS, Look, Scattered, Twins

log = logging.getLogger(__name__)

VERSION = 1  # of what a look finds; those of another are taken anew


class LookStore:
    """image_id -> Look. One file, which may be deleted at any time. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._looks: dict[int, Look] | None = None

    def looks(self) -> dict[int, Look]:
        """Those that there are, as they are now."""
        with self._lock:
            return dict(self._known())

    def put(self, image_id: int, look: Look) -> None:
        with self._lock:
            self._known()[image_id] = look

    def save(self, *, of: Collection[int]) -> None:
        """Write down those of these pictures; the others are gone. Raises SettingsError where it cannot be written."""
        with self._lock:
            self._looks = {image_id: look for image_id, look in self._known().items() if image_id in of}
            out = io.BytesIO()
            np.savez(out, **_packed(self._looks))
            write_whole(self._path, out.getvalue())

    def forget(self) -> None:
        """None was taken."""
        with self._lock:
            self._looks = {}
            with contextlib.suppress(OSError):  # they are written over with the next
                self._path.unlink(missing_ok=True)

    def _known(self) -> dict[int, Look]:
        if self._looks is None:
            self._looks = self._read()
        return self._looks

    def _read(self) -> dict[int, Look]:
        if not self._path.is_file():
            return {}
        try:
            with np.load(self._path, allow_pickle=False) as packed:
                return _unpacked({name: packed[name] for name in packed.files})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning("%s cannot be read (%s); the masks are looked at anew.", self._path, error)
            return {}


def _packed(looks: dict[int, Look]) -> dict[str, Any]:
    twins = [(image_id, one) for image_id, look in looks.items() for one in look.twins]
    scattered = [(image_id, one) for image_id, look in looks.items() for one in look.scattered]
    return {
        "version": np.array(VERSION),
        "image_ids": np.array(list(looks), np.int64),
        "states": np.array([look.state for look in looks.values()], np.str_),
        "counts": np.array([len(look.ids) for look in looks.values()], np.int64),
        "ids": np.concatenate([np.zeros(0, np.int64), *(look.ids for look in looks.values())]),
        "traits": np.concatenate([np.zeros((0, TRAITS), np.float32), *(look.traits for look in looks.values())]),
        "twins": _table([(image_id, one.first_id, one.second_id, one.one_category) for image_id, one in twins], 4),
        "ious": np.array([one.iou for _, one in twins], np.float64),
        "scattered": _table([(image_id, one.id, one.parts, one.pixels) for image_id, one in scattered], 4),
    }


def _table(rows: list[tuple[int, ...]], columns: int) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, columns)


def _unpacked(packed: dict[str, np.ndarray]) -> dict[int, Look]:
    """Raises KeyError or ValueError for what was not packed by `_packed`."""
    if int(packed["version"]) != VERSION:
        return {}
    twins: dict[int, list[Twins]] = {}
    for (image_id, first_id, second_id, same), iou in zip(packed["twins"].tolist(), packed["ious"], strict=True):
        pair = Twins(first_id=first_id, second_id=second_id, iou=float(iou), one_category=bool(same))
        twins.setdefault(image_id, []).append(pair)
    scattered: dict[int, list[Scattered]] = {}
    for image_id, instance_id, parts, pixels in packed["scattered"].tolist():
        scattered.setdefault(image_id, []).append(Scattered(id=instance_id, parts=parts, pixels=pixels))
    ends = packed["counts"].cumsum().tolist()
    begins = [0, *ends[:-1]]
    every = zip(packed["image_ids"].tolist(), packed["states"].tolist(), begins, ends, strict=True)
    return {
        image_id: Look(
            state=state,
            ids=packed["ids"][begin:end],
            traits=packed["traits"][begin:end],
            twins=tuple(twins.get(image_id, ())),
            scattered=tuple(scattered.get(image_id, ())),
        )
        for image_id, state, begin, end in every
    }
