"""The page's calls of people working together: what is new, the review, the next picture, the history."""

from collections.abc import Sequence
from typing import Any

from annotator.access.person import Role
from annotator.news import Asker, Watched
from annotator.ui import render
from annotator.ui.render_together import change_json, news_json
from annotator.workspace import Workspace
from storage.records import ChangeKind, ChangeRecord, ImageRecord
from storage.repository import ChangeFilter

JSON = dict[str, Any]


class TogetherCalls:
    """A part of Calls; the named endpoints of ui/api_together.py answer with the same."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def news(self, *, labeler: str, role: Role, seen: JSON, picture: Watched | None = None) -> JSON:
        """What is new since those marks. picture: image_id, revision and change_id as the page has them.

        To have the page told of more, see annotator/news.py.
        """
        found = self._workspace.news.look(seen, Asker(labeler=labeler, role=role), picture)
        return news_json(found, self._workspace)

    # review

    def submit_image(self, *, labeler: str, image_id: int) -> JSON:
        return self._image(self._workspace.review.submit(image_id, labeler=labeler))

    def accept_image(self, *, labeler: str, role: Role, image_id: int) -> JSON:
        return self._image(self._workspace.review.accept(image_id, labeler=labeler, role=role))

    def return_image(self, *, labeler: str, role: Role, image_id: int, comment: str) -> JSON:
        review = self._workspace.review
        return self._image(review.return_image(image_id, comment, labeler=labeler, role=role))

    def next_image(self, *, labeler: str, after: int | None = None) -> JSON | None:
        """The next picture that needs this labeler, theirs from then on where pictures are given out; None: none."""
        found = self._workspace.review.next_image(labeler=labeler, after=after)
        return None if found is None else self._image(found)

    # history

    def list_changes(
        self,
        *,
        labeler: str,
        image_id: int | None = None,
        by: str | None = None,
        kind: ChangeKind | None = None,
        before_id: int | None = None,
        most: int = 50,
    ) -> list[JSON]:
        """The newest first. by: a labeler. before_id: the last one of an earlier answer, to read on from there."""
        chosen = ChangeFilter(image_id=image_id, labeler=by, kind=kind)
        changes = self._workspace.history.changes(chosen, before_id=before_id, most=most)
        return self._changes(changes)

    def undo_change(self, *, labeler: str, role: Role, change_id: int) -> JSON:
        """Take a change back; gives the change that this is itself."""
        return self._changes([self._workspace.history.undo(change_id, labeler=labeler, role=role)])[0]

    def _image(self, image: ImageRecord) -> JSON:
        return render.counted_image_json(image, self._workspace)

    def _changes(self, changes: Sequence[ChangeRecord]) -> list[JSON]:
        ids = {one.image_id for one in changes if one.image_id is not None}
        names = self._workspace.repository.image_names(list(ids))
        return [change_json(one, names.get(one.image_id or 0, one.before.get("name"))) for one in changes]
