"""A hidden folder beside the target, in which an export grows until it is whole."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_SUFFIX = ".exporting"
_LOCK = "lock"
_OLD, _TRASH = "old", "trash"
_YOUNG = 60.0  # seconds in which a work folder may still be without its lock file


@contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """A fresh folder on the target's file system, removed at the end, whatever the end is.

    What a killed export left beside the target is removed first. It is known by its lock, which the system gives up
    when its process dies: a process id could belong to someone else by now.
    """
    clean_up(target.parent)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=_SUFFIX, dir=target.parent))
    try:
        with (folder / _LOCK).open("wb") as lock:
            _try_lock(lock)  # where the file system has no locks, nobody takes it for dead either
            try:
                yield folder
            finally:
                _give_back_old(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what could not be removed now goes with the next export


def swap_in(whole: Path, target: Path, work: Path) -> None:
    """Move the folder `whole` to `target`; a folder that is there goes, but not before the new one is in place.

    A kill between the two steps leaves no target for a while; the next export puts the old one back (clean_up).
    """
    old = work / _OLD
    if target.exists():
        old.mkdir()
        os.rename(target, old / target.name)
    os.rename(whole, target)
    if old.exists():
        os.rename(old, work / _TRASH)  # at once, so that a half-removed one is never put back


def clean_up(parent: Path) -> None:
    """Remove the work folders of dead exports in `parent`."""
    for folder in parent.glob(f".*{_SUFFIX}"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        try:
            if _is_dead(folder):
                _give_back_old(folder)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another user's, or another export is removing it just now: no reason to stop this one


def _is_dead(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+b") as lock:
            return _try_lock(lock)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > _YOUNG


def _give_back_old(folder: Path) -> None:
    """Put a target that was moved aside back, if nothing has come in its place."""
    for aside in (folder / _OLD).glob("*"):
        target = folder.parent / aside.name
        if not target.exists():
            os.rename(aside, target)


def _try_lock(handle: IO[bytes]) -> bool:
    """Take the lock that ends with this process or with closing the file; False when another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
