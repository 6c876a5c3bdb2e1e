"""Runs what the page offers to copy."""

from pathlib import Path
from typing import Any

from exporters.registry import EXPORTERS


def run_snippet(format_name: str, folder: Path) -> dict[str, Any]:
    """The names that a format's snippet leaves behind when it is run on the export in `folder`."""
    names: dict[str, Any] = {}
    exec(EXPORTERS[format_name].snippet.replace("EXPORT", str(folder)), names)
    return names
