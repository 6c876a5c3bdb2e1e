"""Words of the instructor to everybody, shown on each page until they are taken back."""

from collections.abc import Callable

from annotator.access.person import Role
from annotator.ownership import check_instructor
from annotator.words import clean_words
from storage.records import AnnouncementRecord
from storage.repository import Repository

MOST_LETTERS = 500


class Announcing:
    """One announcement at a time; it holds over a restart."""

    def __init__(self, repository: Repository, *, changed: Callable[[], None] = lambda: None) -> None:
        """changed: called after each change."""
        self._repository, self._changed = repository, changed

    def current(self) -> AnnouncementRecord | None:
        """What is shown now."""
        return self._repository.announcement()

    def announce(self, text: str, *, labeler: str, role: Role = Role.LABELER) -> AnnouncementRecord:
        """Show this in place of the one before; plain text. Raises NotAllowedError, AnnotatorError for no text."""
        check_instructor(role, "announce something to everybody")
        missing = "There is nothing to announce: type some words first."
        words = clean_words(text, what="An announcement", most=MOST_LETTERS, missing=missing)
        said = self._repository.announce(words, labeler=labeler)
        self._changed()
        return said

    def withdraw(self, *, role: Role = Role.LABELER) -> None:
        """Show none. Raises NotAllowedError."""
        check_instructor(role, "take an announcement back")
        self._repository.end_announcement()
        self._changed()
