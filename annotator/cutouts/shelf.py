"""Finished files that wait to be downloaded; the newest are kept."""

from pathlib import Path

from annotator.access.ownership import owned_token
from annotator.files import remove_leftovers

KEPT = 20
_DIVIDER = "-"
_FINISHED = f"[0-9]*{_DIVIDER}*"  # and not what is being written


class Shelf:
    """One folder of files, each under a name that nobody can guess."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_place(self, filename: str, *, owner: str = "") -> tuple[str, Path]:
        """A token of the owner's, and the path to put the file of that name at. Removes all but the newest few."""
        remove_leftovers(self._folder)
        for old in sorted(path for path in self._folder.glob(_FINISHED) if path.is_file())[: 1 - KEPT]:
            old.unlink(missing_ok=True)
        token = owned_token(owner)
        return token, self._folder / f"{token}{_DIVIDER}{filename}"

    def find(self, token: str, filename: str) -> Path | None:
        """The file of that token and name, None where there is none (any more)."""
        wanted = f"{token}{_DIVIDER}{filename}"
        return next((path for path in self._folder.glob(_FINISHED) if path.name == wanted), None)
