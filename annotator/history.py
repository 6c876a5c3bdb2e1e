"""The history as people use it: everybody may read what was changed, an instructor may take one change back."""

from annotator.access.person import Role
from annotator.ownership import check_instructor
from storage.records import ChangeRecord
from storage.repository import ChangeFilter, Repository


class History:
    """Reads the history, and undoes. Safe to call from any thread."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def changes(
        self, chosen: ChangeFilter | None = None, *, before_id: int | None = None, most: int = 50
    ) -> list[ChangeRecord]:
        """The newest first, by picture, labeler, kind and time. before_id: the last one seen, to read on from there."""
        return self._repository.changes(chosen, before_id=before_id, most=most)

    def undo(self, change_id: int, *, labeler: str, role: Role = Role.LABELER) -> ChangeRecord:
        """Take a change back; what comes of it is a change of this labeler's, which can be undone in its turn.

        Raises NotAllowedError for a labeler, RecordNotFound, ChangedSince where something else was done since to what
        it was about, naming by whom.
        """
        check_instructor(role, "undo a change of the history")
        return self._repository.undo_change(change_id, labeler=labeler)
