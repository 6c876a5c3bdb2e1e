"""What takes the instructor: one table for the page's calls and the named endpoints. All else is any labeler's."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from annotator.access.person import Person
from annotator.errors import NotAllowedError

log = logging.getLogger(__name__)

Arguments = Mapping[str, Any]


def _always(arguments: Arguments) -> bool:
    return True


def _is_of_many(arguments: Arguments) -> bool:
    """Proposing on more than one picture keeps the model busy for everybody."""
    ids = arguments.get("image_ids")
    return not (isinstance(ids, list | tuple) and len(ids) <= 1)


# Name of a call or endpoint -> whether these arguments of it take the instructor.
TAKES_INSTRUCTOR: dict[str, Callable[[Arguments], bool]] = {
    # pictures and labels of others
    "remove_image": _always,
    "import_dataset": _always,  # may add to or replace what others made
    # what the whole class labels with
    "update_category": _always,
    "order_categories": _always,
    "delete_category": _always,
    "switch_segmenter": _always,
    "propose": _is_of_many,
    "propose_masks": _is_of_many,
    # the review and the history
    "accept_image": _always,
    "return_image": _always,
    "undo_change": _always,
    # other people
    "list_sign_ins": _always,
    "end_sign_in": _always,
    # the class as a whole
    "class_view": _always,
    "class_progress": _always,
    "class_agreement": _always,
    "class_pair": _always,
    "class_overlay": _always,
    "lock_categories": _always,
    "announce": _always,
    "withdraw_announcement": _always,
    "set_assignment_rule": _always,
    "back_up": _always,
    "check_backup": _always,
    "check_uploaded_backup": _always,
    "restore_backup": _always,
}


def demand_right(person: Person, name: str, arguments: Arguments) -> None:
    """Raises NotAllowedError, and logs it, where that takes the instructor and the person is none."""
    rule = TAKES_INSTRUCTOR.get(name)
    if rule is None or person.is_instructor or not rule(arguments):
        return
    log.warning("%s (%s) was refused %s", person.name, person.role.value, name)
    raise NotAllowedError(f"Only the instructor may do this ({name.replace('_', ' ')}). Ask them, or sign in as one.")
