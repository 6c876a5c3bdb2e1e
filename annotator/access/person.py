"""Who somebody is."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do."""

    LABELER = "labeler"  # label, and change what is their own
    INSTRUCTOR = "instructor"  # change everything, and see how the others get on


@dataclass(frozen=True)
class Person:
    """Somebody at work."""

    name: str
    role: Role
