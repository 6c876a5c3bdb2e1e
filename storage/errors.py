"""What storage raises. The text of each says what was wrong, where, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any


class StorageError(Exception):
    """The database could not be read or written, or refused what it was given; nothing was written."""


class DoorShut(StorageError):
    """What is needed is being replaced, or cannot be because it is in use; nothing was read or written."""


class RecordNotFound(StorageError):
    """An id that names nothing (any more)."""


def proposals_gone(ids: Sequence[object]) -> RecordNotFound:
    """What is raised for proposals that were replaced, rejected, or never there."""
    named = f"{', '.join(map(str, ids[:5]))}{' and more' if len(ids) > 5 else ''}"
    return RecordNotFound(
        f"This picture has no open proposal {named} (any more): load its proposals again. Nothing was written."
    )


class PictureTaken(StorageError):
    """Other labelers have the picture; nothing was written."""


class StaleRevision(StorageError):
    """The session has moved on since the caller looked at it; nothing was written."""

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            f"The session is at revision {actual}, the change was made for revision {expected}: look at it again, "
            "then repeat the change."
        )
        self.expected = expected
        self.actual = actual


class InstanceChanged(StorageError):
    """Instances were changed by somebody else since the caller looked at them; nothing was written.

    targets: id -> what was to be done: the values that it was to get, or None for its deletion.
    """

    def __init__(self, text: str, *, targets: Mapping[int, Mapping[str, Any] | None]) -> None:
        super().__init__(text)
        self.targets = dict(targets)


class ChangedSince(StorageError):
    """A change cannot be taken back, for something else was done since; nothing was written."""

    def __init__(self, text: str, *, labeler: str, change_id: int) -> None:
        super().__init__(text)
        self.labeler = labeler  # who did it
        self.change_id = change_id  # that other change's
