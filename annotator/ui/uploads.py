"""Files that the browser or a client has sent: only what lies in the upload folder is ever read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from annotator.errors import ImageError

LONGEST_NAME = 255  # bytes of a file name on every usual file system


def uploaded_paths(files: Iterable[Any]) -> list[Path]:
    """Upload answers -> paths, under the names that the files had at home.

    files: a path, or {"path", "name" or "orig_name"}: Gradio strips much of a name, and the name is what a labeler
    knows a picture by. Raises ImageError for one that was not uploaded here.
    """
    root = Path(get_upload_folder()).resolve()
    paths = []
    for file in files:
        given = file.get("path") if isinstance(file, dict) else file
        if not isinstance(given, str) or "\0" in given:
            raise ImageError(f"Expected an uploaded file, got {given!r}. Upload it first.")
        path = Path(given).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise ImageError(f"{Path(given).name!r} is no uploaded file. Upload it first.")
        name = _file_name((file.get("name") or file.get("orig_name")) if isinstance(file, dict) else None)
        paths.append(path.rename(path.with_name(name)) if name else path)
    return paths


def _file_name(given: Any) -> str | None:
    """The last part of a name from outside, None where nothing usable is left of it."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "") if isinstance(given, str) else ""
    return name if name.strip(". ") and len(name.encode("utf-8", "replace")) <= LONGEST_NAME else None
