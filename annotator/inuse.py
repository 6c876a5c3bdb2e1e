"""A mark on the workspace folder: many may use it, and who replaces it has to be alone."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from annotator.errors import SettingsError

log = logging.getLogger(__name__)

MARK = ".in-use"  # the file that is locked; the system gives the lock up when its process dies
UNFINISHED = ".restore-unfinished"  # is there from the first to the last step of putting a backup in place
_MOST_AT_ONCE = 1000  # on Windows, where a lock is of bytes and has one owner: so many bytes, one for each


class InUse:
    """Held from the moment it is made until it is closed."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    @classmethod
    def shared(cls, folder: Path) -> Self:
        """Use the folder beside others. Raises SettingsError while a backup is put in place of it."""
        if (folder / UNFINISHED).exists():
            raise SettingsError(
                f"A restore into {folder} was broken off half-way. Run the same `restore` again, with --force."
            )
        file = _open(folder)
        if file is not None and not _lock(file, alone=False):
            file.close()
            raise SettingsError(f"A backup is being restored into {folder}. Start again when that is done.")
        return cls(file)

    @classmethod
    def alone(cls, folder: Path) -> Self:
        """Have the folder to oneself. Raises SettingsError while anybody uses it."""
        file = _open(folder)
        if file is not None and not _lock(file, alone=True):
            file.close()
            raise SettingsError(
                f"{folder} is in use: a server, or another command, works on it. Stop that first, then restore."
            )
        return cls(file)

    @contextmanager
    def alone_meanwhile(self, folder: Path) -> Iterator[None]:
        """Have the folder, which is in use here, to oneself for a while. Raises SettingsError while others use it."""
        if self._file is None:  # it cannot be marked, here or by others
            yield
            return
        self.close()
        try:
            with type(self).alone(folder):
                yield
        finally:
            self._file = type(self).shared(folder)._file

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open(folder: Path) -> IO[bytes] | None:
    """None where the folder cannot be written to: whoever comes to change it learns that by itself."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / MARK).open("ab")
    except OSError as error:
        log.info("no mark can be set on %s: %s", folder, error)
        return None


def _lock(file: IO[bytes], *, alone: bool) -> bool:
    """False where somebody is in the way."""
    try:
        if sys.platform == "win32":
            import msvcrt

            if alone:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, _MOST_AT_ONCE)
                return True
            return any(_try_byte(file, place) for place in range(_MOST_AT_ONCE))
        import fcntl

        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if sys.platform == "win32":
            return False
        log.info("the file system has no locks: %s", error)
    return True


def _try_byte(file: IO[bytes], place: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            file.seek(place)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        except OSError:
            return False
    return True
