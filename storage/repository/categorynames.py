"""How categories may be called, coloured and reached by keys."""

import re
import unicodedata

from storage.errors import StorageError

NAME_LENGTH = 80
DIGIT_KEYS = "123456789"
# Characters that no name needs and that can make one look like another or break a file: controls, halves of
# characters, line ends, and the marks that turn the reading direction of all that follows.
_REFUSED_KINDS = ("Cc", "Cs", "Zl", "Zp")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_name(name: str, what: str) -> str:
    """As it is kept. Raises StorageError for one that cannot be; `what` says of what it is the name."""
    name = unicodedata.normalize("NFC", name.strip())
    kinds = [unicodedata.category(character) for character in name]
    if any(kind in _REFUSED_KINDS for kind in kinds) or not _TURNING.isdisjoint(name):
        raise StorageError(f"A category's {what} cannot hold control characters: type it again without them.")
    if all(kind[0] in "CZ" for kind in kinds):  # also what only looks empty, of characters without width
        raise StorageError(f"A category's {what} cannot be empty: type one.")
    if len(name) > NAME_LENGTH:
        raise StorageError(f"A category's {what} has at most {NAME_LENGTH} characters, this one has {len(name)}.")
    return name


def folded(name: str) -> str:
    """The form in which two names that differ in case alone are equal; up to three times as long."""
    return unicodedata.normalize("NFC", name.casefold())


def clean_color(color: str) -> str:
    """In lower case. Raises StorageError for what is no #rrggbb."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise StorageError(f"A colour is written #rrggbb, like #e69f00; got {color!r}.")
    return color.lower()


def clean_key(key: str) -> str:
    """In lower case. Raises StorageError for what is neither a digit from 1 nor a letter."""
    lower = key.lower()
    if len(lower) != 1 or not (lower in DIGIT_KEYS or lower.isalpha()):
        raise StorageError(f"A category's key is one of 1 to 9 or a letter; got {key!r}.")
    return lower
