"""Reading a backup and trusting nothing in it: each file is what the list says, or none is used."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from annotator.backup.contents import BLOCK, LIST, LONGEST_LIST, Contents
from annotator.errors import BackupError
from storage.disks import worded

Opener = Callable[[str], IO[bytes]]
Progress = Callable[[int, int], None]
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Sink(Protocol):
    """What takes a file's bytes."""

    def write(self, data: bytes, /) -> object: ...

    def close(self) -> None: ...


class Backup:
    """An opened one. contents: its list."""

    def __init__(self, path: Path, opener: Opener) -> None:
        self.path, self._opener = path, opener
        with self._reading(LIST), opener(LIST) as file:
            data = file.read(LONGEST_LIST + 1)
        if len(data) > LONGEST_LIST:
            raise BackupError(f"{path} is no backup: its {LIST} is too long.")
        self.contents = Contents.from_json(data, where=path)

    def read_all(self, into: Callable[[str], Sink | None], progress: Progress) -> None:
        """Read each listed file whole and compare it with the list; what else is there is not looked at.

        into(name): where its bytes go, None for nowhere. progress(done, total) counts bytes, and may raise to stop.
        Raises BackupError with the first file that is not as it was.
        """
        total, done = self.contents.size, 0
        for name, facts in self.contents.files.items():
            digest, size = hashlib.sha256(), 0
            with self._reading(name), self._opener(name) as reader:
                writer = into(name)
                try:
                    # no more than it should be: a packed file may unfold without end
                    while block := reader.read(min(BLOCK, facts.size + 1 - size)):
                        size += len(block)
                        digest.update(block)
                        if writer is not None:
                            writer.write(block)
                        progress(min(total, done + size), total)
                        if size > facts.size:
                            break
                finally:
                    if writer is not None:
                        writer.close()
            if (size, digest.hexdigest()) != (facts.size, facts.sha256):
                raise BackupError(f"The backup {self.path} is damaged: {name} is not as it was. Use another backup.")
            done += size

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except (KeyError, FileNotFoundError) as error:
            if name == LIST:
                raise BackupError(f"{self.path} is no backup: there is no {LIST} in it.") from error
            raise BackupError(f"The backup {self.path} is damaged: {name} is missing. Use another backup.") from error
        except _BROKEN as error:
            raise BackupError(
                f"The backup {self.path} is damaged: {name} cannot be read ({error}). Use another backup."
            ) from error


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """A backup, a zip or a folder. Raises BackupError where there is none."""
    if path.is_dir():
        yield Backup(path, lambda name: (path / name).open("rb"))
        return
    if not path.is_file():
        raise BackupError(f"There is no backup {path}. Look at the name.")
    try:
        with worded("restore", path, BackupError):
            archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise BackupError(f"{path} is no backup, or damaged: it cannot be opened as a zip ({error}).") from error
    with archive:
        yield Backup(path, lambda name: archive.open(name))
