"""What somebody else has changed is never overwritten: both versions come back, and the labeler decides."""

from typing import Any

import pytest

from annotator.access.person import Role
from annotator.clashes import Clash
from annotator.errors import ClashError, PromptError
from annotator.labelling import SessionView
from annotator.workspace import Workspace
from storage.records import ChangeKind, InstanceRecord

ANN, GREEN = "ann", "ms green"
POINT = {"kind": "point", "x": 100, "y": 90, "label": 1}


def act(workspace: Workspace, image_id: int, who: str, *actions: dict[str, Any], **more: Any) -> SessionView:
    role = Role.INSTRUCTOR if who == GREEN else Role.LABELER
    return workspace.act(image_id, actions, labeler=who, wait_s=10, role=role, **more)


def clash_of(workspace: Workspace, image_id: int, who: str, *actions: dict[str, Any], **more: Any) -> Clash:
    """The one clash that these actions end in; nothing is written."""
    before = workspace.instances(image_id)
    with pytest.raises(ClashError, match="was changed meanwhile by") as caught:
        act(workspace, image_id, who, *actions, **more)
    assert workspace.instances(image_id) == before
    (clash,) = caught.value.clashes
    return clash


def now(workspace: Workspace, image_id: int) -> InstanceRecord:
    (instance,) = workspace.instances(image_id)
    return instance


def seen(instance: InstanceRecord) -> dict[str, int]:
    return {str(instance.id): instance.version}


def to(category_id: int, instance: InstanceRecord, **more: Any) -> dict[str, Any]:
    return {"kind": "set_category", "instance_id": instance.id, "category_id": category_id, **more}


@pytest.fixture
def pot(workspace: Workspace) -> int:
    return workspace.repository.add_category("pot").id


@pytest.fixture
def saved(workspace: Workspace, image_id: int, cup: int) -> InstanceRecord:
    """An instance as Ann's page knows it."""
    act(workspace, image_id, ANN, POINT, {"kind": "commit", "category_id": cup})
    return now(workspace, image_id)


def test_a_category_is_not_set_over_one_that_was_not_seen(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    lid = workspace.repository.add_category("lid").id
    act(workspace, image_id, GREEN, to(pot, saved))
    clash = clash_of(workspace, image_id, ANN, to(lid, saved, seen=seen(saved)))
    assert (clash.instance_id, clash.labeler, clash.kind) == (saved.id, GREEN, ChangeKind.RECATEGORISED)
    assert (clash.mine.category_id, clash.theirs.category_id) == (lid, pot)
    assert clash.at is not None
    act(workspace, image_id, ANN, to(lid, saved, seen={str(saved.id): clash.version}))
    assert now(workspace, image_id).category_id == lid


def test_what_a_labeler_did_themself_since_is_no_clash(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    steps = [to(pot, saved, seen=seen(saved)), to(cup, saved, seen=seen(saved))]
    act(workspace, image_id, ANN, *steps, {"kind": "delete_instance", "instance_id": saved.id, "seen": seen(saved)})
    assert workspace.instances(image_id) == []


def test_of_two_windows_a_strict_step_is_refused_where_the_other_has_changed_it(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, ANN, to(pot, saved, seen=seen(saved)))
    clash = clash_of(workspace, image_id, ANN, to(cup, saved, seen=seen(saved), strict=True))
    assert (clash.labeler, clash.theirs.category_id) == (ANN, pot)


def test_a_deletion_of_what_was_changed_meanwhile_is_refused(
    workspace: Workspace, image_id: int, pot: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, GREEN, to(pot, saved))
    delete = {"kind": "delete_instance", "instance_id": saved.id}
    for action in (delete, {**delete, "seen": seen(saved)}):  # who does not say what they saw has seen their own
        assert clash_of(workspace, image_id, ANN, action).mine.deleted
    act(workspace, image_id, ANN, {**delete, "seen": seen(now(workspace, image_id))})
    assert workspace.instances(image_id) == []


def test_a_new_mask_is_not_saved_over_one_that_came_while_it_was_made(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    edit = {"kind": "edit_instance", "instance_id": saved.id}
    act(workspace, image_id, ANN, edit, {**POINT, "x": 200})
    act(workspace, image_id, GREEN, edit, {**POINT, "x": 60}, {"kind": "commit", "category_id": pot})
    theirs = now(workspace, image_id)
    commit = {"kind": "commit", "category_id": cup}
    clash = clash_of(workspace, image_id, ANN, commit)
    assert (clash.theirs.rle, clash.theirs.category_id, clash.kind) == (theirs.rle, pot, ChangeKind.EDITED)
    assert clash.mine.rle not in (saved.rle, theirs.rle)
    view = workspace.look(image_id, labeler=ANN)
    assert (view.state.editing, len(view.state.points)) == (saved.id, 2)  # the prompt is still there
    act(workspace, image_id, ANN, {**commit, "seen": {str(saved.id): clash.version}})
    kept = now(workspace, image_id)
    assert (kept.id, kept.rle, kept.category_id) == (saved.id, clash.mine.rle, cup)
    act(workspace, image_id, ANN, {"kind": "undo"})
    assert now(workspace, image_id).rle == theirs.rle  # put aside, not lost


def test_what_was_deleted_while_it_was_edited_comes_back_only_if_it_is_wanted(
    workspace: Workspace, image_id: int, cup: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, ANN, {"kind": "edit_instance", "instance_id": saved.id}, {**POINT, "x": 200})
    act(workspace, image_id, GREEN, {"kind": "delete_instance", "instance_id": saved.id})
    commit = {"kind": "commit", "category_id": cup}
    clash = clash_of(workspace, image_id, ANN, commit)
    assert (clash.theirs.deleted, clash.mine.deleted, clash.labeler) == (True, False, GREEN)
    act(workspace, image_id, ANN, {**commit, "seen": {str(saved.id): clash.version}})
    assert now(workspace, image_id).rle == clash.mine.rle
    act(workspace, image_id, ANN, {"kind": "undo"})
    assert workspace.instances(image_id) == []


def test_a_category_of_what_was_deleted_meanwhile_is_refused_and_may_bring_it_back(
    workspace: Workspace, image_id: int, pot: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, GREEN, {"kind": "delete_instance", "instance_id": saved.id})
    clash = clash_of(workspace, image_id, ANN, to(pot, saved, seen=seen(saved)))
    assert clash.theirs.deleted
    act(workspace, image_id, ANN, to(pot, saved, seen={str(saved.id): clash.version}))
    assert (now(workspace, image_id).category_id, now(workspace, image_id).rle) == (pot, saved.rle)


def test_an_undo_of_what_another_has_changed_is_refused_forced_or_left(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    lid = workspace.repository.add_category("lid").id
    act(workspace, image_id, ANN, to(pot, saved, seen=seen(saved)))
    act(workspace, image_id, GREEN, to(lid, saved))
    clash = clash_of(workspace, image_id, ANN, {"kind": "undo"})
    assert (clash.mine.category_id, clash.theirs.category_id) == (cup, lid)
    act(workspace, image_id, ANN, {"kind": "undo", "leave": [saved.id]})
    assert now(workspace, image_id).category_id == lid
    assert workspace.look(image_id, labeler=ANN).undo_name == "save"
    clash = clash_of(workspace, image_id, ANN, {"kind": "redo"})
    act(workspace, image_id, ANN, {"kind": "redo", "seen": {str(saved.id): clash.version}})
    assert now(workspace, image_id).category_id == pot


def test_an_undo_beside_what_another_has_changed_is_no_clash(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, ANN, to(pot, saved, seen=seen(saved)))
    edit = {"kind": "edit_instance", "instance_id": saved.id}
    act(workspace, image_id, GREEN, edit, {**POINT, "x": 60}, {"kind": "commit", "category_id": pot})
    mended = now(workspace, image_id).rle
    act(workspace, image_id, ANN, {"kind": "undo"})
    assert (now(workspace, image_id).category_id, now(workspace, image_id).rle) == (cup, mended)


def test_a_merge_of_categories_is_a_change_like_others(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    workspace.delete_category(cup, merge_into=pot, labeler=GREEN, role=Role.INSTRUCTOR)
    lid = workspace.repository.add_category("lid").id
    clash = clash_of(workspace, image_id, ANN, to(lid, saved, seen=seen(saved)))
    assert (clash.theirs.category_id, clash.kind) == (pot, ChangeKind.CATEGORY_DELETED)


def test_an_edit_may_begin_with_a_prompt_of_its_own_and_the_version_it_knows(
    workspace: Workspace, image_id: int, cup: int, pot: int, saved: InstanceRecord
) -> None:
    act(workspace, image_id, ANN, to(pot, saved, seen=seen(saved)))
    steps = [{"kind": "point", "at": [200, 90], "label": 1, "choice": 2}]
    edit = {"kind": "edit_instance", "instance_id": saved.id, "steps": steps, "seen": seen(saved)}
    clash = clash_of(workspace, image_id, ANN, edit, {"kind": "commit", "category_id": cup, "strict": True})
    assert clash.theirs.category_id == pot
    assert workspace.look(image_id, labeler=ANN).state.steps[0].at == (200, 90)


def test_an_edit_that_makes_no_sense_is_said(workspace: Workspace, image_id: int, saved: InstanceRecord) -> None:
    wrong: list[dict[str, Any]] = [
        {"steps": []},
        {"steps": [{"kind": "point", "at": [9999, 9], "label": 1}]},
        {"steps": [{"kind": "point", "at": [9, 9], "label": 1, "choice": 7}]},
        {"steps": [{"kind": "box", "at": [9, 9]}]},
        {"seen": {"one": 1}},
        {"seen": [1]},
    ]
    for more in wrong:
        with pytest.raises(PromptError):
            act(workspace, image_id, ANN, {"kind": "edit_instance", "instance_id": saved.id, **more})
