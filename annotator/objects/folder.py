"""Files in a folder of this machine, or of a network's file system."""

import os
from collections.abc import Mapping
from pathlib import Path

from annotator.files import remove_leftovers, write_whole


class Folder:
    """Objects that are read where they lie."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when it is first written to."""
        self._folder = folder
        remove_leftovers(folder)

    @property
    def place(self) -> str:
        return str(self._folder)

    def put(self, name: str, data: bytes) -> None:
        write_whole(self._folder / name, data)

    def has(self, name: str) -> bool:
        path = self._folder / name
        return path.is_file() and path.stat().st_size > 0

    def path(self, name: str) -> Path:
        return self._folder / name

    def sizes(self) -> Mapping[str, int]:
        try:
            with os.scandir(self._folder) as entries:
                return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
        except FileNotFoundError:
            return {}

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
