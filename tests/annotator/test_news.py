"""What is new since a page looked last, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.news import Asker, Findings, Item, News, Watched
from annotator.workspace import Workspace
from storage.records import AssignmentMode, AssignmentRule

ANN, BEN = "ann", "ben"
POINT = {"kind": "point", "x": 100, "y": 90, "label": 1}


class Page:
    """What a page knows, and how it asks."""

    def __init__(self, workspace: Workspace, labeler: str, image_id: int | None = None) -> None:
        self.workspace, self.labeler, self.image_id = workspace, labeler, image_id
        self.seen = workspace.news.now()
        self.open()
        self.ask()

    def open(self) -> None:
        self.view = None if self.image_id is None else self.workspace.look(self.image_id, labeler=self.labeler)

    def ask(self) -> Findings:
        watched = None
        if self.view is not None:
            watched = Watched(image_id=self.view.image.id, revision=self.view.revision, change_id=self.view.change_id)
        found = self.workspace.news.look(self.seen, Asker(labeler=self.labeler, role=Role.LABELER), watched)
        self.seen |= found.seen
        return found

    def act(self, *actions: dict[str, Any]) -> None:
        assert self.image_id is not None
        self.workspace.act(self.image_id, actions, labeler=self.labeler, wait_s=10)


def test_where_nothing_happens_there_is_no_news(workspace: Workspace, image_id: int) -> None:
    page = Page(workspace, ANN, image_id)
    assert page.ask() == Findings()
    assert Page(workspace, BEN).ask() == Findings()


def test_two_labelers_on_one_picture_see_each_others_instances(workspace: Workspace, image_id: int, cup: int) -> None:
    ann, ben = Page(workspace, ANN, image_id), Page(workspace, BEN, image_id)
    ben.act(POINT)
    ben.open()
    ann.act(POINT, {"kind": "commit", "category_id": cup})
    found = ben.ask()
    assert found.instances is not None and found.session is None  # Ben's prompt is not touched
    assert [one.labeler for one in found.instances.instances] == [ANN]
    assert [(one.image.status.value, one.instances) for one in found.images] == [("in_progress", 1)]
    ben.open()
    assert ben.ask() == Findings()
    ann.open()  # as the answer to her own step does
    assert (ann.ask().instances, ann.ask().session) == (None, None)


def test_another_window_of_the_same_labeler_sees_the_prompt_too(workspace: Workspace, image_id: int) -> None:
    first, second = Page(workspace, ANN, image_id), Page(workspace, ANN, image_id)
    first.act(POINT)
    found = second.ask()
    assert found.session is not None and found.session.revision == 1
    assert len(found.session.state.points) == 1


def test_pictures_that_come_change_and_go_are_told(
    workspace: Workspace, image_id: int, pictures: list[Path], cup: int
) -> None:
    page = Page(workspace, ANN)
    others = [image.id for image in workspace.images() if image.id != image_id]
    workspace.set_status(others[0], "done", labeler=BEN)
    workspace.remove_image(others[1], labeler=BEN)
    pictures[0].write_bytes((pictures[0].parent / "two.png").read_bytes() + b"\0")  # another file
    workspace.import_pictures([pictures[0]])
    added = workspace.images()[-1].id
    found = page.ask()
    assert [(one.image.id, one.image.status.value) for one in found.images] == [(others[0], "done"), (added, "new")]
    assert (found.removed, found.categories) == ((others[1],), False)
    workspace.repository.add_category("pot", labeler=BEN)
    assert page.ask().categories
    assert page.ask() == Findings()


def test_so_many_pictures_that_a_page_had_better_load_them_anew(workspace: Workspace, image_id: int) -> None:
    news = News(workspace.repository, workspace.labelling, most_images=2)
    seen = news.now()
    for image in workspace.images():
        workspace.set_status(image.id, "done")
    found = news.look(seen, Asker(labeler=ANN, role=Role.LABELER))
    assert found.reload_images and found.images == ()


def test_a_picture_that_was_removed_under_a_page_is_among_the_removed(workspace: Workspace, image_id: int) -> None:
    page = Page(workspace, ANN, image_id)
    workspace.remove_image(image_id)
    found = page.ask()
    assert (found.removed, found.instances, found.session) == ((image_id,), None, None)


def test_a_merge_of_categories_brings_the_instances_along(workspace: Workspace, image_id: int, cup: int) -> None:
    ann = Page(workspace, ANN, image_id)
    ann.act(POINT, {"kind": "commit", "category_id": cup})
    ann.open()
    ann.ask()
    pot = workspace.repository.add_category("pot").id
    workspace.delete_category(cup, merge_into=pot, role=Role.INSTRUCTOR)
    found = ann.ask()
    assert found.categories and found.instances is not None
    assert [one.category_id for one in found.instances.instances] == [pot]


def test_other_sources_are_asked_with_their_own_mark(workspace: Workspace) -> None:
    said = ["good morning"]
    workspace.news.add(
        "announcement", lambda mark, asker: None if mark == len(said) else Item(mark=len(said), value=said[-1])
    )
    page = Page(workspace, ANN)
    assert page.seen["announcement"] == 1
    said.append("five minutes left")
    assert page.ask().more == {"announcement": "five minutes left"}
    assert page.ask().more == {}


def test_how_pictures_are_given_out_is_told_at_first_and_when_it_changes(workspace: Workspace) -> None:
    page = Page(workspace, ANN)
    assert page.seen["assignment"] == "all 1"
    workspace.review.set_rule(AssignmentRule(mode=AssignmentMode.SINGLE), role=Role.INSTRUCTOR)
    assert page.ask().more == {"assignment": {"mode": "single", "labelers": 1}}
    assert page.ask().more == {}


def test_marks_that_no_page_was_given_are_refused(workspace: Workspace) -> None:
    for seen in ({}, {"changes": -1, "images": 0}, {"changes": "1", "images": 0}):
        with pytest.raises(AnnotatorError, match="changes is"):
            workspace.news.look(seen, Asker(labeler=ANN, role=Role.LABELER))
