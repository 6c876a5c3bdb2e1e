"""Names of files that come from anywhere: shown on one line, sorted as people count, kept apart."""

import re
import unicodedata

NAME_LENGTH = 255
LINE_LENGTH = 500
_SUFFIX_LENGTH = 20
_IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}  # what systems leave lying about; hidden files are beside them
# They turn the reading direction of what follows: "gpj.exe" could look like "exe.jpg".
_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def clean_name(name: str) -> str:
    """A name that can be shown on one line and stored: NFC, without control and direction characters ("_" in their
    place), 255 characters at most with its suffix kept. Slashes stay, empty and "." parts go."""
    name = "/" * name.startswith("/") + "/".join(part for part in name.split("/") if part not in ("", "."))
    name = name.encode("utf-8", "replace").decode("utf-8")  # a file system's undecodable bytes become question marks
    name = unicodedata.normalize("NFC", name)
    name = "".join("_" if _is_unshown(c) else c for c in name)
    if len(name) > NAME_LENGTH:
        stem, suffix = split_suffix(name)
        name = stem[: NAME_LENGTH - 1 - len(suffix)] + "…" + suffix
    return name or "_"


def one_line(text: str) -> str:
    """A text with what a stranger's file says in it, so that it can be shown on one line: without control and direction
    characters ("_" in their place), LINE_LENGTH characters at most."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    shown = text if len(text) <= LINE_LENGTH else text[: LINE_LENGTH - 1] + "…"
    return "".join("_" if _is_unshown(c) else c for c in shown)


def split_suffix(name: str) -> tuple[str, str]:
    """The name without its last suffix, and the suffix with its dot ("" where there is none, or none worth keeping)."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or "/" in suffix or not stem or stem.endswith("/") or len(suffix) > _SUFFIX_LENGTH:
        return name, ""
    return stem, dot + suffix


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts digits by their number and all else by its letters: 2 before 10, a before B."""
    parts = re.split(r"([0-9]+)", name.casefold())
    digits = [part.lstrip("0") for part in parts]  # not int(): thousands of digits would be refused
    return [(0, len(d), d) if p[0] in "0123456789" else (1, 0, p) for p, d in zip(parts, digits, strict=True) if p]


def is_ignored(name: str) -> bool:
    """Whether a relative name (its parts divided by /) is hidden or a system's own."""
    parts = [part for part in name.casefold().split("/") if part not in ("", ".", "..")]
    return any(part.startswith(".") or part in _IGNORED for part in parts)


class UniqueNames:
    """Gives out each name once: the second "a.png" is "a (2).png". Names that differ in case alone count as the same,
    since on many systems they are."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, name: str) -> str:
        unique, stem_suffix = name, split_suffix(name)
        number = self._last.get(name.casefold(), 1)
        while unique.casefold() in self._given:
            number += 1
            unique = f"{stem_suffix[0]} ({number}){stem_suffix[1]}"
        self._last[name.casefold()] = number
        self._given.add(unique.casefold())
        return unique


def _is_unshown(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _DIRECTION_MARKS
