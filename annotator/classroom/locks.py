"""What an instructor has locked, and holding labelers off it."""

from collections.abc import Callable

from annotator.access.person import Role
from annotator.errors import NotAllowedError
from annotator.ownership import check_instructor
from storage.repository import Repository

CATEGORIES = "categories"


class Locks:
    """Locks of one workspace; they hold over a restart, and in all processes on its database."""

    def __init__(self, repository: Repository, *, changed: Callable[[], None] = lambda: None) -> None:
        """changed: called after each change."""
        self._repository, self._changed = repository, changed

    @property
    def categories(self) -> bool:
        """Whether labelers may neither add nor change categories."""
        return CATEGORIES in self._repository.locks()

    def lock_categories(self, locked: bool, *, labeler: str, role: Role = Role.LABELER) -> None:
        """Lock or unlock them. Raises NotAllowedError for a labeler."""
        check_instructor(role, "lock or unlock the categories")
        self._repository.set_lock(CATEGORIES, locked=locked, labeler=labeler)
        self._changed()

    def check_categories(self, role: Role) -> None:
        """To be called before a category is added or changed. Raises NotAllowedError for a labeler while locked."""
        if role is Role.INSTRUCTOR:
            return
        lock = self._repository.locks().get(CATEGORIES)
        if lock is not None:
            by = f" by {lock.labeler}" if lock.labeler else ""
            raise NotAllowedError(
                f"The categories are locked{by}: use those that there are, or ask the instructor for another one. "
                "Nothing was changed."
            )
