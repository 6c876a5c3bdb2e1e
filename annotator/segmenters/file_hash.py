"""The MD5 of a large file, computed once: the answer is kept beside it, for as long as size and time are the same."""

import hashlib
import json
import logging
import os
import tempfile
from functools import lru_cache
from pathlib import Path

log = logging.getLogger(__name__)


def file_md5(path: Path) -> str:
    """32 hex digits. Read from `<name>.md5.json` beside the file where that speaks of the file as it is now."""
    stat = path.stat()
    now = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    note = path.with_name(path.name + ".md5.json")
    try:
        known = json.loads(note.read_text("utf-8"))
        if {key: known[key] for key in now} == now:
            return str(known["md5"])
    except FileNotFoundError:
        log.debug("%s has not been hashed yet", path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s); hashing %s again", note, error, path.name)
    digest = _digest(path, stat.st_size, stat.st_mtime_ns)
    _keep(note, {**now, "md5": digest})
    return digest


@lru_cache(maxsize=16)  # for folders that cannot be written
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:  # MD5 because the publisher gives it; it guards against damage, not against malice
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _keep(note: Path, content: dict[str, int | str]) -> None:
    """Write the note, whole or not at all; in a folder that cannot be written it is done without."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=note.name, dir=note.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file)
            os.replace(temporary, note)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        log.info("%s cannot be kept (%s); the file is hashed again next time", note, error)
