"""Uploaded files side by side as they lay at home, until it is decided what becomes of them."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annotator.access.ownership import owned_token
from annotator.errors import SettingsError
from annotator.files import ABANDONED_S
from importers.names import UniqueNames

_NOT_ON_WINDOWS = str.maketrans(dict.fromkeys('<>:"|?*', "_"))

_CLAIMED = ".claimed"  # beside a folder: one process decides on it


@dataclass(frozen=True)
class GivenFile:
    """An uploaded file.

    name: relative to what was dropped or chosen, divided by "/", without ".." and control characters
    (annotator/ui/uploads.py makes it so).
    """

    path: Path
    name: str


@dataclass(frozen=True, kw_only=True)
class Staged:
    """Files that wait. root: the one file, or the folder that they all lie in, as an importer wants it."""

    token: str
    folder: Path
    root: Path
    paths: tuple[Path, ...]  # in the order given


class Staging:
    """Folders of uploads under one folder of the workspace. Safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.remove_abandoned()

    def take(self, files: Sequence[GivenFile], *, owner: str = "") -> Staged:
        """Put the files side by side under their names; where they lay before they are gone afterwards.

        The same path may be given under several names. owner: whose mark the folder's name carries. Raises
        SettingsError where the disk cannot be written to.
        """
        self.remove_abandoned()
        token = owned_token(owner)
        folder = self._folder / token
        names = UniqueNames()
        try:
            paths = tuple(_put(file.path, folder / _on_disk(names.take(file.name))) for file in files)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            text = f"Cannot keep the uploaded files in {self._folder}: {error.strerror}. Free some space and try again."
            raise SettingsError(text) from error
        for file in files:
            file.path.unlink(missing_ok=True)
        return Staged(token=token, folder=folder, root=_root(folder, paths), paths=paths)

    def find(self, token: str) -> Staged | None:
        """What another process has taken; None where there is nothing (any more) of that token."""
        folder = self._folder / token
        if not re.fullmatch("[0-9a-f]+", token) or not folder.is_dir():
            return None
        paths = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
        return Staged(token=token, folder=folder, root=_root(folder, paths), paths=paths) if paths else None

    def claim(self, staged: Staged) -> bool:
        """Whether it was nobody's yet, in no process: what follows is done to it once."""
        try:
            (self._folder / f"{staged.token}{_CLAIMED}").touch(exist_ok=False)
        except FileExistsError:
            return False
        except OSError as error:
            text = f"Cannot write to {self._folder}: {error.strerror}. Free some space and try again."
            raise SettingsError(text) from error
        return True

    def give_back(self, staged: Staged) -> None:
        """Let another have it after all."""
        (self._folder / f"{staged.token}{_CLAIMED}").unlink(missing_ok=True)

    def drop(self, staged: Staged) -> None:
        """Delete the files; what cannot be deleted now goes with what is abandoned."""
        shutil.rmtree(staged.folder, ignore_errors=True)

    def remove_abandoned(self, *, older_than_s: float = ABANDONED_S) -> None:
        """Delete what nobody has decided on for a day, or a killed server left."""
        if not self._folder.is_dir():
            return
        for folder in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another server may be removing it just now
                if time.time() - folder.stat().st_mtime <= older_than_s:
                    continue
                if folder.name.endswith(_CLAIMED):
                    folder.unlink()
                else:
                    shutil.rmtree(folder, ignore_errors=True)


def _put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)  # gigabytes at no cost
    except OSError:
        shutil.copyfile(source, target)  # a file system without links, or another one
    return target


def _on_disk(name: str) -> str:
    return name.translate(_NOT_ON_WINDOWS) if os.name == "nt" else name


def _root(folder: Path, paths: Sequence[Path]) -> Path:
    """What was dropped: the file, or the folder, where it was one."""
    if len(paths) == 1 and paths[0].parent == folder:
        return paths[0]
    tops = {PurePosixPath(path.relative_to(folder).as_posix()).parts[0] for path in paths}
    top = folder / tops.pop() if len(tops) == 1 else folder
    return top if top.is_dir() else folder
