"""File names that every system and every training library takes."""

import re
import unicodedata
from collections.abc import Iterable

from storage.records import ImageRecord

_MAX_STEM = 100
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def file_names(images: Iterable[ImageRecord]) -> dict[int, str]:
    """Image id -> its file name in an export, the same in every format.

    The name it came with, in plain ASCII: OpenCV on Windows opens nothing else. No two differ only in letter case or
    in what follows the dot (cat.jpg and cat.png would share the label file cat.txt): the lower id keeps the name, the
    next becomes cat-2.png.
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    last: dict[str, int] = {}  # stem -> the number it got last: of ten thousand alike, none tries all before it
    for image in sorted(images, key=lambda image: image.id):
        wanted = safe_stem(image.original_name) or f"picture-{image.id}"
        stem, number = wanted, last.get(wanted.lower(), 1)
        while stem.lower() in taken:
            number += 1
            stem = f"{wanted}-{number}"
        last[wanted.lower()] = number
        taken.add(stem.lower())
        names[image.id] = stem + _suffix(image.stored_name)
    return names


def safe_stem(original_name: str) -> str:
    """What is left of a file name without folders and suffix: letters, digits, ".", "_" and "-"; "" when nothing is."""
    name = re.split(r"[/\\]", original_name)[-1]
    stem = name.rpartition(".")[0] or name
    # Accents go ("é" is "e" and an accent to NFKD); what has no ASCII form becomes one underscore.
    plain = "".join(c for c in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(c))
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", plain)[:_MAX_STEM].lstrip(".-_").rstrip("._")
    return f"_{stem}" if _RESERVED.match(stem) else stem


def _suffix(stored_name: str) -> str:
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", stored_name)
    return found.group().lower() if found else ".png"  # libraries choose pictures by suffix and read them by content
