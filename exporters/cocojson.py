"""The outer form that COCO's JSON files share, written piece by piece."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import orjson


class CocoJson:
    """One JSON file with categories, images and annotations; ASCII, one entry a line, no clock.

    Pictures and annotations come as they like: the annotations wait in a file without a name, so that memory does not
    grow with them. To be used with `with`; the file is whole when that ends without an exception.
    images, annotations: how many there are so far.
    """

    def __init__(self, path: Path, categories: Sequence[dict[str, Any]]) -> None:
        self.images = 0
        self.annotations = 0
        self._path = path
        self._categories = categories

    def __enter__(self) -> "CocoJson":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._out: TextIO = self._path.open("w", encoding="ascii", newline="\n")
        self._waiting = tempfile.TemporaryFile("w+", encoding="ascii", newline="\n", dir=self._path.parent)
        listed = json.dumps(list(self._categories))
        self._out.write(f'{{"info": {{"version": "1.0"}},\n"licenses": [],\n"categories": {listed},\n"images": [')
        return self

    def add_image(self, entry: dict[str, Any]) -> None:
        self._out.write(_item(entry, first=not self.images))
        self.images += 1

    def add_annotation(self, entry: dict[str, Any]) -> None:
        self._waiting.write(_item(entry, first=not self.annotations))
        self.annotations += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._out, self._waiting:
            if error is None:
                self._out.write('\n],\n"annotations": [')
                self._waiting.seek(0)
                shutil.copyfileobj(self._waiting, self._out)
                self._out.write("\n]}\n")


def _item(entry: dict[str, Any], *, first: bool) -> str:
    # Many times as fast as json, whose lists of points would cost more than finding them. All text in entries is ASCII.
    return ("\n" if first else ",\n") + orjson.dumps(entry).decode("ascii")
