"""Whose an instance is, and who may change it: a labeler their own, an instructor all."""

from collections.abc import Collection

from annotator.access.person import Role
from annotator.errors import NotAllowedError
from storage.records import ImageRecord
from storage.repository import Repository


def check_own(
    repository: Repository, image: ImageRecord, instance_ids: Collection[int], *, labeler: str, role: Role
) -> None:
    """Raises NotAllowedError for an instance, deleted or not, that somebody else saved."""
    if role is Role.INSTRUCTOR:
        return
    for instance_id, owner in repository.labelers_of(instance_ids).items():
        if owner != labeler:
            raise NotAllowedError(
                f"Instance {instance_id} on {image.original_name} is {named(owner)}'s: only {named(owner)} or an "
                "instructor can change it. Nothing was written."
            )


def check_instructor(role: Role, what: str) -> None:
    """Raises NotAllowedError for a labeler. what: "undo a change"."""
    if role is not Role.INSTRUCTOR:
        raise NotAllowedError(f"Only an instructor can {what}. Nothing was written; ask one.")


def check_all_own(owners: Collection[str], what: str, *, labeler: str, role: Role) -> None:
    """Raises NotAllowedError where there are instances of somebody else's. what: "remove a.png"."""
    others = sorted(set(owners) - {labeler})
    if others and role is not Role.INSTRUCTOR:
        some = ", ".join(map(named, others[:3])) + (" and others" if len(others) > 3 else "")
        raise NotAllowedError(f"Only an instructor can {what}: instances of {some} are on it. Nothing was written.")


def named(labeler: str) -> str:
    return labeler or "somebody"
