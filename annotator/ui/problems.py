"""The one place that turns an exception into what the browser or a client shows."""

import logging
import re
from typing import Any

from annotator.errors import USER_ERRORS, CategoryInUseError
from annotator.ui.exportform import OptionError
from storage.errors import RecordNotFound

log = logging.getLogger(__name__)

BUG_TEXT = "That went wrong by a mistake in the program. Nothing was lost; the server's log has the details."


def problem_json(error: Exception) -> dict[str, Any]:
    """{"kind", "message", ...}: the text of a user's error as it is; a bug is logged with its traceback."""
    if not isinstance(error, USER_ERRORS):
        log.error("unexpected error", exc_info=error)
        return {"kind": "bug", "message": BUG_TEXT}
    kind = "not_found" if isinstance(error, RecordNotFound) else _kind(type(error).__name__)
    problem: dict[str, Any] = {"kind": kind, "message": str(error)}
    if isinstance(error, OptionError):
        problem["field"] = error.field
    if isinstance(error, CategoryInUseError):
        problem |= {"kind": "in_use", "instances": error.instances}
    return problem


def _kind(class_name: str) -> str:
    """CheckpointError -> "checkpoint", NotFoundError -> "not_found"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name.removesuffix("Error")).lower()
