"""Files that the browser or a client has sent: only what lies in the upload folder is ever read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from annotator.access.ownership import mark_of
from annotator.errors import ImageError
from annotator.staging import GivenFile
from importers.names import clean_name

LONGEST_NAME = 255  # bytes of a file name on every usual file system
LONGEST_PATH = 1024  # bytes of a name with its folders
MOST_FOLDERS = 40


def uploaded_paths(files: Iterable[Any], owner: str) -> list[Path]:
    """Upload answers -> paths, under the names that the files had at home, without their folders.

    files: a path, or {"path", "name" or "orig_name"}: Gradio strips much of a name, and the name is what a labeler
    knows a picture by. owner: the key of the person who calls. Raises ImageError for one that they did not upload here.
    """
    paths = []
    for file in files:
        path, name = _uploaded(file, owner)
        last = name.rpartition("/")[2] if name else None
        paths.append(path.rename(path.with_name(last)) if last else path)
    return paths


def given_files(files: Iterable[Any], owner: str) -> list[GivenFile]:
    """The same with the folders that stand in their names ("images/a.png"), the files left where they are."""
    return [GivenFile(path, name or path.name) for path, name in (_uploaded(file, owner) for file in files)]


def upload_folder(owner: str) -> Path:
    """Where the uploads of a person lie, and what an endpoint gives them as a file. owner: the person's key."""
    return Path(get_upload_folder()).resolve() / mark_of(owner)


def _uploaded(file: Any, owner: str) -> tuple[Path, str | None]:
    """(its path, its name with folders or None)."""
    root = upload_folder(owner)
    given = file.get("path") if isinstance(file, dict) else file
    if not isinstance(given, str) or "\0" in given:
        raise ImageError(f"Expected an uploaded file, got {given!r}. Upload it first.")
    path = Path(given).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ImageError(f"{Path(given).name!r} is no uploaded file. Upload it first.")
    return path, _relative_name((file.get("name") or file.get("orig_name")) if isinstance(file, dict) else None)


def _relative_name(given: Any) -> str | None:
    """A name from outside that can be a path below a folder; None where nothing usable is left of it."""
    parts = given.replace("\\", "/").replace("\0", "").split("/") if isinstance(given, str) else [""]
    kept = [part for part in parts if part.strip(". ")]
    if not kept or not parts[-1].strip(". "):
        return None
    if len(kept) > MOST_FOLDERS or sum(len(part.encode("utf-8", "replace")) + 1 for part in kept) > LONGEST_PATH:
        kept = kept[-1:]
    fitting = [clean_name(part) for part in kept]
    return "/".join(fitting) if all(len(part.encode("utf-8")) <= LONGEST_NAME for part in fitting) else None
