"""Words of the instructor to everybody, shown on each page until they are taken back."""

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.ownership import check_instructor
from storage.records import AnnouncementRecord
from storage.repository import Repository

MOST_LETTERS = 500


class Announcing:
    """One announcement at a time; it holds over a restart."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def current(self) -> AnnouncementRecord | None:
        """What is shown now."""
        return self._repository.announcement()

    def announce(self, text: str, *, labeler: str, role: Role = Role.LABELER) -> AnnouncementRecord:
        """Show this in place of the one before; plain text. Raises NotAllowedError, AnnotatorError for no text."""
        check_instructor(role, "announce something to everybody")
        return self._repository.announce(_clean(text), labeler=labeler)

    def withdraw(self, *, role: Role = Role.LABELER) -> None:
        """Show none. Raises NotAllowedError."""
        check_instructor(role, "take an announcement back")
        self._repository.end_announcement()


def _clean(text: str) -> str:
    kept = "".join(one for one in text.strip() if one.isprintable() or one == "\n")
    if not kept:
        raise AnnotatorError("There is nothing to announce: type some words first.")
    if len(kept) > MOST_LETTERS:
        raise AnnotatorError(f"An announcement has at most {MOST_LETTERS} characters, this one has {len(kept):,}.")
    return kept
