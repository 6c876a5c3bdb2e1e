"""What a place to keep files is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Objects(Protocol):
    """Files by name, each whole or not there; a name never comes to mean other content. Many threads and processes
    may call.

    Raises AwayError where the place cannot be reached or refuses now, SettingsError where this machine's disk does.
    """

    @property
    def place(self) -> str:
        """Where that is, for people: without what opens it."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep it; it is there for good when this returns."""
        ...

    def has(self, name: str) -> bool:
        """Whether it is there, and not empty."""
        ...

    def path(self, name: str) -> Path:
        """A file on this machine, to be read soon and not to be changed. Where it is gone, nothing lies there."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """Of all that is there, in bytes."""
        ...

    def remove(self, name: str) -> None:
        """Delete it; nothing happens where it is gone already."""
        ...
