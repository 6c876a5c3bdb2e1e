"""Writing files so that none is ever half there."""

import contextlib
import os
import time
from pathlib import Path

from annotator.errors import SettingsError
from importers.workfiles import UNFINISHED, unfinished_path

ABANDONED_S = 24 * 3600.0  # no write takes so long: what is older belonged to a process that was killed


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, through to the disk, and move it into place; its folder is made if missing.

    Readers see the old file, or none, until the new one is whole, whatever happens in between and whoever else writes
    the same. Raises SettingsError where it cannot be written (disk full, no permission).
    """
    temporary = unfinished_path(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        text = f"Cannot write {path}: {error.strerror}. Free some space or check the permissions, then do it again."
        raise SettingsError(text) from error


def remove_leftovers(folder: Path, *, older_than_s: float = ABANDONED_S) -> None:
    """Delete the temporary files that a killed process left in a folder; what cannot be deleted stays."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a move into place survive a power cut, on systems where a folder can be synced (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
