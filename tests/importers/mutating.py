"""Sound data sets changed at random where it hurts: a value in a JSON, a number in a row, a byte in a picture.

What decides is a function `below(n)`, a number from 0 to n - 1: hypothesis, atheris or chance stands behind it.
"""

import functools
import io
import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from exporters.base import ExportOptions
from exporters.registry import EXPORTERS
from importers.base import Importer, ImporterError, LabelledPicture, Remark, Unreadable
from importers.masks import mask_of
from importers.names import natural_key
from importers.registry import IMPORTERS
from tests.exporters.datasets import FakeDataset, ring_and_dot, tree_bytes

SIZE_HW = (24, 40)
Below = Callable[[int], int]
Files = dict[str, bytes]

_TOKEN = re.compile(r"[^\s<>,:\"'\[\]{}/]+")
_NASTY: Sequence[Any] = (
    None, True, "", " ", "cup", "\0", "\ud800", "a\nb", "../..", "🙂", "NaN", "1e999", "x" * 2000, [], {}, [[]], [{}],
    [[[]]], [1, 2], [[1, 2], [3, 4], [5, 6]], {"size": [24, 40], "counts": [960]}, {"size": [0, 0], "counts": ""},
    {"size": [24, 40], "counts": "0"}, 0, 1, 2, -1, 0.5, 1.5, 255, 256, 65536, 10**6, 2**31, 2**32, 2**53, 10**30,
    10**400, -0.0, 1e-320, 1e300, -1e300, math.nan, math.inf, -math.inf,
)  # fmt: skip
_NASTY_WORDS = (
    "", "0", "1", "-1", "2", "0.5", "1.01", "2e9", "1e999", "nan", "inf", "-inf", "9" * 30, "9" * 5000, "0x10", "1_000",
    "١", "cup", "é", "\0", "\ufeff", "a" * 2000, "<", "&amp;", "*a", "&a", "!!python", "%", "#", "- -", "{", "[", "'",
    '"',
)  # fmt: skip


class MemoryTree:
    """A Tree of bytes in memory; a real file where one is asked for."""

    def __init__(self, files: Files, folder: Path) -> None:
        self.name, self.left_out = "memory", ()
        self._files, self._folder = files, folder
        self._names = sorted(files, key=natural_key)

    def names(self) -> Sequence[str]:
        return self._names

    def size(self, name: str) -> int:
        return len(self._bytes(name))

    def read(self, name: str, *, limit: int = 2**30) -> bytes:
        if self.size(name) > limit:
            raise ImporterError(f"{name}: It is too large.")
        return self._bytes(name)

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self._bytes(name))

    def path(self, name: str) -> Path:
        path = self._folder / f"{self._names.index(name)}"
        path.write_bytes(self._bytes(name))
        return path

    def release(self, name: str) -> None:
        """Nothing: the folder goes with the test."""

    def _bytes(self, name: str) -> bytes:
        if name not in self._files:
            raise ImporterError(f"{name}: There is no such file.")
        return self._files[name]


@functools.cache
def sound_sets() -> dict[str, Files]:
    """Two small pictures in every format that is written, and what other tools add to some."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dataset = FakeDataset(home / "pictures")
        cup, spoon = dataset.add_category("cup"), dataset.add_category("spoon")
        for name in ("a.png", "b.png"):
            picture = dataset.add_image(SIZE_HW, name)
            first, second = np.zeros((2, *SIZE_HW), bool)
            first[:, :32] = ring_and_dot()
            second[6:20, 33:39] = True
            dataset.add_instance(picture, first, cup)
            dataset.add_instance(picture, second, spoon, is_crowd=True)
        found = {}
        for name, options in [(key, ExportOptions()) for key in EXPORTERS] + [
            ("coco polygons", ExportOptions(polygons=True)),
            ("labelme polygons", ExportOptions(polygons=True)),
        ]:
            (home / name).mkdir()
            EXPORTERS[name.partition(" ")[0]].write(dataset, home / name, options, lambda done, total: None)
            found[name] = tree_bytes(home / name)
    return found


def mutated(files: Files, below: Below) -> Files:
    """The same data set with one to four changes in it."""
    changed = dict(files)
    for _ in range(1 + below(4)):
        labels = [name for name in changed if _matters(name)]
        if not labels:
            break
        name = labels[below(len(labels))]
        kind = below(12)
        if kind == 0:
            other = labels[below(len(labels))]
            changed[name], changed[other] = changed[other], changed[name]
        elif kind == 1:
            del changed[name]
        elif kind == 2:
            changed[name] = _bytes_changed(changed[name], below)
        else:
            changed[name] = _changed(name, changed[name], below)
    return changed


def read_all(files: Files, folder: Path, importers: Sequence[Importer] = tuple(IMPORTERS.values())) -> int:
    """Read a data set by everyone who takes it for his; the number of masks. Only ImporterError is let pass."""
    masks = 0
    for importer in importers:
        tree = MemoryTree(files, folder)
        try:
            if importer.recognises(tree) is None:
                continue
            reading = importer.read(tree)
            names = {category.name for category in reading.categories}
            assert len(names) == len(reading.categories), "a category is there twice"
            for item in reading.pictures():
                if isinstance(item, LabelledPicture):
                    masks += _painted(item, names)
                else:
                    assert isinstance(item, Unreadable | Remark)
                    assert item.name and (item.reason if isinstance(item, Unreadable) else item.text)
        except ImporterError as error:
            _check_text(error)
    return masks


def _painted(picture: LabelledPicture, names: set[str]) -> int:
    assert picture.path is None or picture.embedded is None
    count = 0
    for shape in picture.shapes:
        assert shape.category in names, f"{shape.category!r} is not among the categories"
        try:
            rle = mask_of(shape, SIZE_HW)
        except ImporterError as error:
            _check_text(error)
            continue
        assert rle.size_hw == SIZE_HW and 0 < rle.area <= SIZE_HW[0] * SIZE_HW[1]
        assert int(rle.decode().sum()) == rle.area
        count += 1
    return count


def _check_text(error: ImporterError) -> None:
    if not str(error).strip():
        raise AssertionError("an error without a text") from error


def _matters(name: str) -> bool:
    """Pictures themselves are read by nobody here."""
    return not name.startswith(("images/", "JPEGImages/")) or not name.endswith((".png", ".jpg"))


def _changed(name: str, data: bytes, below: Below) -> bytes:
    """A change that leaves the file one of its format, as far as that can be."""
    if name.endswith(".json"):
        try:
            return json.dumps(_json_changed(json.loads(data), below)).encode()
        except (ValueError, RecursionError):
            return _bytes_changed(data, below)
    if name.endswith(".png"):
        return _map_changed(data, below)
    return _text_changed(data.decode("utf-8", "replace"), below).encode("utf-8", "surrogatepass")


def _json_changed(document: Any, below: Below) -> Any:
    places: list[tuple[Any, Any]] = []  # (container, key)
    ahead = [document]
    while ahead and len(places) < 500:
        inside = ahead.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside)) if isinstance(inside, list) else []
        places += [(inside, key) for key in keys]
        ahead += [inside[key] for key in keys]
    if not places:
        return _NASTY[below(len(_NASTY))]
    container, key = places[below(len(places))]
    kind = below(6)
    if kind == 0:
        del container[key]
    elif kind == 1:
        other, other_key = places[below(len(places))]
        container[key] = json.loads(json.dumps(other[other_key]))  # a copy: it may hold its new place
    elif kind == 2 and isinstance(container, list):
        container.append(json.loads(json.dumps(container[key])))
    else:
        container[key] = _NASTY[below(len(_NASTY))]
    return document


def _text_changed(text: str, below: Below) -> str:
    lines = text.splitlines(keepends=True)
    kind = below(5)
    if lines and kind == 0:
        lines.insert(below(len(lines)), lines[below(len(lines))])
        return "".join(lines)
    if lines and kind == 1:
        del lines[below(len(lines))]
        return "".join(lines)
    tokens = list(_TOKEN.finditer(text))
    word = _NASTY_WORDS[below(len(_NASTY_WORDS))]
    if not tokens:
        return text + word
    token = tokens[below(len(tokens))]
    return text[: token.start()] + word + text[token.end() :]


def _map_changed(data: bytes, below: Below) -> bytes:
    height, width = (1 + below(40), 1 + below(40)) if below(3) == 0 else SIZE_HW
    rng = np.random.default_rng(below(100))
    kind = below(5)
    if kind == 0:
        return _bytes_changed(data, below)
    shape = (height, width, 3 + below(2)) if kind == 1 else (height, width)
    dtype = np.uint16 if kind == 2 else np.uint8
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, (2, 4, 256, 2**16)[below(4 if kind == 2 else 3)], shape).astype(dtype)).save(
        out, "PNG"
    )
    return out.getvalue()


def _bytes_changed(data: bytes, below: Below) -> bytes:
    at = below(len(data) + 1)
    kind = below(4)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + data[at + 1 + below(20) :]
    if kind == 2:
        return data[:at] + bytes(below(256) for _ in range(1 + below(8))) + data[at:]
    return data[:at] + bytes([below(256)]) + data[at + 1 :]
