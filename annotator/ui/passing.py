"""Every use of the workspace goes through its doors; while a backup is put in place, they are shut."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from annotator.errors import RestoredError, RestoringError
from annotator.workspace import Workspace
from storage.errors import DoorShut


@contextmanager
def inside(workspace: Workspace, generation: Any = None) -> Iterator[None]:
    """A call at work. generation: of the data that the caller has seen; None: it has seen none.

    Raises RestoringError while a backup is put in place, RestoredError where another generation is there by now.
    """
    try:
        with workspace.doors.inside():
            if generation is not None and generation != workspace.database.generation:
                raise RestoredError(
                    "A backup was restored since this page was opened, so this was not done. Reload the page."
                )
            yield
    except DoorShut as error:
        raise RestoringError("The workspace is being restored; the page goes on by itself.") from error
