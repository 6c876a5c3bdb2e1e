"""Names of files that are there for a while only, so that what a killed process left is known and removed."""

import uuid
from pathlib import Path

UNFINISHED = ".unfinished-"  # what the names of temporary files begin with


def unfinished_path(folder: Path) -> Path:
    """A new temporary name in a folder."""
    return folder / f"{UNFINISHED}{uuid.uuid4().hex}"
