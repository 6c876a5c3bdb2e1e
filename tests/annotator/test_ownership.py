"""A labeler changes their own instances, an instructor all."""

from typing import Any

import pytest

from annotator.access.person import Person, Role
from annotator.errors import NotAllowedError
from annotator.labelling import SessionView
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from storage.records import ChangeKind
from storage.repository import ChangeFilter

ANN, BEN, GREEN = "ann", "ben", "ms green"


def act(
    workspace: Workspace, image_id: int, who: str, kind: str, role: Role = Role.LABELER, **more: Any
) -> SessionView:
    return workspace.act(image_id, [{"kind": kind, **more}], labeler=who, wait_s=10, role=role)


@pytest.fixture
def of_ann(workspace: Workspace, image_id: int, cup: int) -> int:
    """An instance that Ann saved."""
    act(workspace, image_id, ANN, "point", x=100, y=90, label=1)
    (instance,) = act(workspace, image_id, ANN, "commit", category_id=cup).instances or ()
    return instance.id


def refused(workspace: Workspace, image_id: int, kind: str, **more: Any) -> None:
    before = workspace.instances(image_id)
    with pytest.raises(NotAllowedError, match=r"Instance \d+ on one.png is ann's: only ann or an instructor"):
        act(workspace, image_id, BEN, kind, **more)
    assert workspace.instances(image_id) == before


def test_a_labeler_cannot_change_what_is_anothers(workspace: Workspace, image_id: int, cup: int, of_ann: int) -> None:
    refused(workspace, image_id, "delete_instance", instance_id=of_ann)
    refused(workspace, image_id, "set_category", instance_id=of_ann, category_id=cup)
    refused(workspace, image_id, "edit_instance", instance_id=of_ann)
    act(workspace, image_id, BEN, "point", x=200, y=90, label=1)
    act(workspace, image_id, BEN, "commit", category_id=cup)
    (own,) = [one.id for one in workspace.instances(image_id) if one.labeler == BEN]
    refused(workspace, image_id, "delete_instance", instance_ids=[own, of_ann])
    act(workspace, image_id, BEN, "delete_instance", instance_id=own)
    assert [one.id for one in workspace.instances(image_id)] == [of_ann]


def test_an_instructor_changes_all_and_the_owner_stays(
    workspace: Workspace, image_id: int, cup: int, of_ann: int
) -> None:
    instructor = Role.INSTRUCTOR
    act(workspace, image_id, GREEN, "edit_instance", instructor, instance_id=of_ann)
    act(workspace, image_id, GREEN, "point", instructor, x=130, y=90, label=1)
    (edited,) = act(workspace, image_id, GREEN, "commit", instructor, category_id=cup).instances or ()
    assert (edited.id, edited.labeler) == (of_ann, ANN)
    (change,) = workspace.repository.changes(ChangeFilter(kind=ChangeKind.EDITED))
    assert (change.labeler, change.instance_id) == (GREEN, of_ann)
    act(workspace, image_id, ANN, "delete_instance", instance_id=of_ann, seen={str(of_ann): edited.version})


def test_a_step_taken_as_an_instructor_is_not_undone_as_a_labeler(
    workspace: Workspace, image_id: int, of_ann: int
) -> None:
    act(workspace, image_id, BEN, "delete_instance", Role.INSTRUCTOR, instance_id=of_ann)
    refused(workspace, image_id, "undo")
    act(workspace, image_id, BEN, "undo", Role.INSTRUCTOR)
    refused(workspace, image_id, "redo")


def test_a_picture_and_a_category_with_anothers_work_are_an_instructors(
    workspace: Workspace, image_id: int, cup: int, of_ann: int
) -> None:
    pot = workspace.repository.add_category("pot").id
    with pytest.raises(NotAllowedError, match=r"Only an instructor can merge the category 'cup': instances of ann"):
        workspace.delete_category(cup, merge_into=pot, labeler=BEN)
    with pytest.raises(NotAllowedError, match=r"Only an instructor can remove one.png"):
        workspace.remove_image(image_id, labeler=BEN)
    workspace.delete_category(cup, merge_into=pot, labeler=ANN)
    workspace.remove_image(image_id, labeler=BEN, role=Role.INSTRUCTOR)
    (change,) = workspace.repository.changes(ChangeFilter(kind=ChangeKind.PICTURE_REMOVED))
    assert change.labeler == BEN


def test_in_the_gallery_a_picture_with_anothers_among_the_chosen_is_left_as_it_is(
    workspace: Workspace, of_ann: int
) -> None:
    gallery = workspace.dataset.gallery
    change = gallery.delete([of_ann], labeler=BEN)
    assert change.image_ids == ()
    assert "is ann's" in change.refused[0]
    assert gallery.delete([of_ann], labeler=BEN, role=Role.INSTRUCTOR).image_ids != ()


def test_only_an_instructor_replaces_by_a_data_set(workspace: Workspace) -> None:
    with pytest.raises(NotAllowedError, match="Only an instructor can replace"):
        workspace.arrivals.start_import("token", on_conflict="replace", labeler=BEN)


def test_the_page_is_told_who_may_and_cannot_say_it_itself(workspace: Workspace, image_id: int, of_ann: int) -> None:
    calls = Calls(workspace)
    delete = {"kind": "delete_instance", "instance_id": of_ann}
    args: dict[str, Any] = {"image_id": image_id, "revision": None, "actions": [delete]}
    message = {"name": "act", "args": args}
    answer = calls.handle(message, person=Person(BEN, Role.LABELER))
    assert answer["error"]["kind"] == "not_allowed"
    assert "ann" in answer["error"]["message"]
    forged = {"name": "act", "args": {**args, "role": "instructor"}}
    assert calls.handle(forged, person=Person(BEN, Role.LABELER))["error"]["kind"] == "request"
    assert calls.handle(message, person=Person(BEN, Role.INSTRUCTOR))["ok"]


def test_only_an_instructor_takes_a_change_of_the_history_back(
    workspace: Workspace, image_id: int, of_ann: int
) -> None:
    (save,) = workspace.history.changes(ChangeFilter(kind=ChangeKind.SAVED))
    with pytest.raises(NotAllowedError, match="Only an instructor can undo a change"):
        workspace.history.undo(save.id, labeler=ANN)
    undone = workspace.history.undo(save.id, labeler=GREEN, role=Role.INSTRUCTOR)
    assert workspace.instances(image_id) == []
    assert (undone.labeler, undone.undoes) == (GREEN, save.id)
