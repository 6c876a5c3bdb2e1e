"""Finished files that wait to be downloaded; the newest are kept."""

import time
import uuid
from pathlib import Path

from annotator.files import remove_leftovers

KEPT = 20
_DIVIDER = "-"
_FINISHED = f"[0-9]*{_DIVIDER}*"  # and not what is being written


class Shelf:
    """One folder of files, each under a name that nobody can guess."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_place(self, filename: str) -> tuple[str, Path]:
        """A token, and the path to put the file of that name at. Removes what is older than the newest few."""
        remove_leftovers(self._folder)
        for old in sorted(path for path in self._folder.glob(_FINISHED) if path.is_file())[: 1 - KEPT]:
            old.unlink(missing_ok=True)
        token = f"{time.time_ns()}{uuid.uuid4().hex}"  # sorts by age
        return token, self._folder / f"{token}{_DIVIDER}{filename}"

    def find(self, token: str, filename: str) -> Path | None:
        """The file of that token and name, None where there is none (any more)."""
        wanted = f"{token}{_DIVIDER}{filename}"
        return next((path for path in self._folder.glob(_FINISHED) if path.name == wanted), None)
