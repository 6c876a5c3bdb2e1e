"""What a backup holds, and how its list of contents is written and read.

annotator.db, the pictures as images/<name>, and backup.json, which lists all of them with size and SHA-256. What can be
made again from these (thumbnails, embeddings), downloaded models and exports are not in it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotator.errors import BackupError

DATABASE = "annotator.db"
LIST = "backup.json"
IMAGES = "images"
FORMAT, VERSION = "annotator-backup", 1
BLOCK = 1 << 20
LONGEST_LIST = 256 * 2**20  # bytes; a picture takes some 150

_NAME = re.compile(rf"{re.escape(DATABASE)}|{IMAGES}/[0-9a-f]{{64}}\.(jpg|png)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileFacts:
    """A file of the backup."""

    size: int  # bytes
    sha256: str  # hex


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The list."""

    made_at: str  # ISO, UTC
    tool: str  # the version that made it
    instances: int
    missing: tuple[str, ...]  # stored names of pictures whose files were lost before
    files: Mapping[str, FileFacts]

    @property
    def pictures(self) -> int:
        return len(self.files) - 1

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files.values())

    def to_json(self) -> bytes:
        files = {name: asdict(one) for name, one in self.files.items()}
        value = asdict(self) | {"format": FORMAT, "version": VERSION, "files": files}
        return json.dumps(value, indent=1).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes, *, where: Path) -> "Contents":
        """Raises BackupError, also for a name that leads anywhere else than a backup's files lie."""
        try:
            value = json.loads(data)
            if value["format"] != FORMAT:
                raise ValueError("it is of another kind")
            if value["version"] > VERSION:
                raise BackupError(f"{where} was made by a newer version of this tool. Update the tool, then restore.")
            files = {str(name): _file_facts(name, one) for name, one in value["files"].items()}
            if DATABASE not in files:
                raise ValueError("it lists no database")
            return cls(
                made_at=str(value["made_at"]),
                tool=str(value["tool"]),
                instances=int(value["instances"]),
                missing=tuple(map(str, value["missing"])),
                files=files,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BackupError(f"{where} is no backup, or damaged: its {LIST} cannot be read ({error}).") from error


def _file_facts(name: str, value: Any) -> FileFacts:
    if not _NAME.fullmatch(name):
        raise ValueError(f"no backup holds a file {name!r}")
    size, sha256 = value["size"], value["sha256"]
    if not isinstance(size, int) or size < 0 or not _SHA256.fullmatch(sha256):
        raise ValueError(f"what it says of {name!r} makes no sense")
    return FileFacts(size, sha256)
