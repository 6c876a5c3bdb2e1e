"""Many cut-outs in one zip, which is there whole or not at all."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.errors import CutoutError
from importers.workfiles import unfinished_path

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class Archive:
    """Takes files one after another. The same files give the same bytes: there are no times and no owners in it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name, date_time=_ZIP_EPOCH)
        info.create_system, info.external_attr = 3, 0o100644 << 16  # as on Unix, wherever it is made
        self._archive.writestr(info, data, zipfile.ZIP_STORED)  # pictures: deflate would make them slower, not smaller


@contextmanager
def new_archive(target: Path) -> Iterator[Archive]:
    """An archive that is moved to `target` when the block ends well; else nothing is left of it. Raises CutoutError."""
    temporary = unfinished_path(target.parent)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as out:
            with zipfile.ZipFile(out, "w") as archive:
                yield Archive(archive)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise CutoutError(
            f"Cannot write {target}: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
