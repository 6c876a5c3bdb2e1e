"""A person: the name that work is kept under, and what they may do."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from annotator.errors import SignInError

LONGEST_NAME = 60  # characters


class Role(StrEnum):
    """What someone came in as; the code that they gave says which."""

    LABELER = "labeler"
    INSTRUCTOR = "instructor"


@dataclass(frozen=True)
class Person:
    """Who is calling. Made by the gate alone, never from what a request says of itself."""

    name: str
    role: Role

    @property
    def is_instructor(self) -> bool:
        return self.role is Role.INSTRUCTOR

    @property
    def key(self) -> str:
        """What tells this person from every other, for what is theirs alone."""
        return f"{self.role}:{self.name}"


# Where no code is asked for, there is one person, who may do everything: this machine's user.
LOCAL = Person("local", Role.INSTRUCTOR)


def clean_person_name(given: str) -> str:
    """A name as it is kept: composed, single spaces, nothing invisible. Raises SignInError where nothing is left.

    Characters that print nothing or turn the direction of writing are left out: two names that look the same would be
    two people.
    """
    composed = unicodedata.normalize("NFC", given)
    kept = "".join(" " if char.isspace() else char for char in composed if char.isspace() or not _is_unseen(char))
    name = " ".join(kept.split())
    if not name:
        raise SignInError("Type your name: your work is kept under it.", field="name")
    if len(name) > LONGEST_NAME:
        raise SignInError(f"A name has at most {LONGEST_NAME} characters: type a shorter one.", field="name")
    return name


def same_name(one: str, other: str) -> bool:
    """Whether two clean names would be taken for one another."""
    return unicodedata.normalize("NFKC", one).casefold() == unicodedata.normalize("NFKC", other).casefold()


def _is_unseen(char: str) -> bool:
    """Control and format characters, surrogates, private and unassigned ones."""
    return unicodedata.category(char).startswith("C")
