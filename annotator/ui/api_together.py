"""The named endpoints of people working together: the review, the next picture, the history."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.ui.calls_together import TogetherCalls
from annotator.ui.identity import labeler_of, person_of
from annotator.workspace import Workspace
from storage.records import ChangeKind


def together_endpoints(workspace: Workspace) -> Sequence[Callable[..., Any]]:
    """In the form that ui/api.py registers."""
    calls = TogetherCalls(workspace)

    def submit_image(image_id: int, request: gr.Request) -> dict:
        """Hand a picture in for review; returns it with its status."""
        return calls.submit_image(labeler=labeler_of(request), image_id=int(image_id))

    def accept_image(image_id: int, request: gr.Request) -> dict:
        """Pass a submitted picture; the instructor's."""
        who = person_of(request)
        return calls.accept_image(labeler=who.name, role=who.role, image_id=int(image_id))

    def return_image(image_id: int, comment: str, request: gr.Request) -> dict:
        """Give a submitted picture back, with a comment that says what is to be done; the instructor's."""
        who = person_of(request)
        return calls.return_image(labeler=who.name, role=who.role, image_id=int(image_id), comment=str(comment))

    def next_image(request: gr.Request, after: int | None = None) -> dict | None:
        """The next picture that needs you, yours from then on where pictures are given out; null where none does.
        after: the picture you come from."""
        return calls.next_image(labeler=labeler_of(request), after=None if after is None else int(after))

    def list_changes(
        request: gr.Request,
        image_id: int | None = None,
        by: str | None = None,
        kind: str | None = None,
        before_id: int | None = None,
        most: int = 50,
    ) -> list[dict]:
        """The history, newest first: who, what, when. before_id: the last one of an earlier answer, to read on."""
        if kind is not None and kind not in list(ChangeKind):
            raise AnnotatorError(f"No change is called {kind!r}; there are {', '.join(ChangeKind)}.")
        return calls.list_changes(
            labeler=labeler_of(request),
            image_id=None if image_id is None else int(image_id),
            by=by,
            kind=None if kind is None else ChangeKind(kind),
            before_id=None if before_id is None else int(before_id),
            most=int(most),
        )

    def undo_change(change_id: int, request: gr.Request) -> dict:
        """Take a change of the history back, unless something else was done since to what it was about; the
        instructor's. Returns the change that this is itself."""
        who = person_of(request)
        return calls.undo_change(labeler=who.name, role=who.role, change_id=int(change_id))

    return submit_image, accept_image, return_image, next_image, list_changes, undo_change
