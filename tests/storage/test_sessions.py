"""Steps, undo and redo of one labeler on one picture."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.errors import InstanceChanged, RecordNotFound, StaleRevision, StorageError
from storage.records import ImageStatus
from tests.storage.scene import Labeler, mask, values


def kinds(session, *, undone):
    return [event.kind for event in session.events if event.undone == undone]


def test_a_session_is_made_once_per_picture_and_labeler(repository, new_image):
    first, second = new_image(), new_image()
    ann = repository.session(first.id, "ann")
    assert (ann.image_id, ann.labeler, ann.revision, ann.status, ann.events) == (first.id, "ann", 0, "idle", ())
    assert ann.chosen_candidate is None
    assert repository.session(first.id, "ann") == ann
    others = {repository.session(first.id, "bob").id, repository.session(second.id, "ann").id}
    assert len(others - {ann.id}) == 2


def test_a_session_needs_a_picture(repository):
    with pytest.raises(RecordNotFound, match="picture with the id 4"):
        repository.session(4, "ann")


def test_the_last_picture_is_the_one_worked_on_and_not_one_only_looked_at(repository, new_image):
    worked_on, looked_at = new_image(), new_image()
    assert repository.last_image_id("ann") is None
    repository.session(looked_at.id, "ann")
    assert repository.last_image_id("ann") == looked_at.id
    Labeler(repository, worked_on, name="ann").step()
    repository.session(looked_at.id, "ann")
    assert repository.last_image_id("ann") == worked_on.id


def test_a_step_is_kept_as_it_was_sent(repository, image, labeler):
    payload = {"x": 1.5, "y": 2, "label": 1, "note": "grün \x00 \ud800"}
    taken = labeler.step("point", payload, chosen_candidate=2, op_id="the first")
    assert (taken.revision, taken.chosen_candidate, taken.status) == (1, 2, "open")
    [event] = taken.events
    assert (event.seq, event.kind, event.op_id, event.undone) == (1, "point", "the first", False)
    assert event.payload == payload
    assert repository.session(image.id, labeler.name) == taken


def test_the_first_step_puts_a_picture_in_progress_and_done_stays_done(repository, image, labeler):
    labeler.step()
    assert repository.image(image.id).status is ImageStatus.IN_PROGRESS
    repository.set_image_status(image.id, ImageStatus.DONE)
    labeler.step()
    assert repository.image(image.id).status is ImageStatus.DONE


def test_the_same_operation_twice_has_one_effect(repository, labeler, cup):
    for repeat in (
        lambda: labeler.change(None, None, values(cup), op_id="a"),
        lambda: labeler.undo(op_id="b"),
        lambda: labeler.redo(op_id="c"),
    ):
        once = repeat()
        assert repeat() == once
        assert len(labeler.instances()) <= 1
    assert once.revision == 3


def test_a_repeated_operation_gives_the_session_as_it_is_now(labeler):
    labeler.step(op_id="a", expected_revision=0)
    now = labeler.step(op_id="b", expected_revision=1)
    assert labeler.step(op_id="a", expected_revision=0) == now


def test_the_same_operation_id_in_another_session_is_another_operation(repository, new_image):
    sessions = [Labeler(repository, new_image()).step(op_id="a") for _ in range(2)]
    assert [session.revision for session in sessions] == [1, 1]


def test_an_undo_that_found_nothing_does_not_undo_a_later_step_when_it_is_repeated(labeler):
    assert labeler.undo(op_id="a").revision == 0
    labeler.step()
    assert kinds(labeler.undo(op_id="a"), undone=False) == ["point"]


def test_a_step_for_an_old_revision_is_refused(repository, image, labeler, cup):
    now = labeler.step(expected_revision=0)
    for late in (
        lambda: labeler.change(None, None, values(cup), expected_revision=0),
        lambda: labeler.undo(expected_revision=0),
        lambda: labeler.redo(expected_revision=2),
    ):
        with pytest.raises(StaleRevision) as caught:
            late()
        assert caught.value.actual == 1
    assert repository.session(image.id, labeler.name) == now
    assert labeler.instances() == []


def test_undo_and_redo_move_one_step_each(labeler):
    for kind in ("point", "box", "clear"):
        labeler.step(kind)
    undone = labeler.undo(expected_revision=3)
    assert undone.revision == 4
    assert (kinds(undone, undone=False), kinds(undone, undone=True)) == (["point", "box"], ["clear"])
    assert kinds(labeler.undo(), undone=True) == ["box", "clear"]
    assert kinds(labeler.redo(), undone=True) == ["clear"]
    assert kinds(labeler.redo(), undone=True) == []
    assert [event.seq for event in labeler.redo().events] == [1, 2, 3]


def test_undo_and_redo_with_nothing_left_change_nothing(repository, image, labeler):
    before = labeler.step()
    assert labeler.redo(status="idle", chosen_candidate=1) == before
    empty = labeler.undo()
    assert labeler.undo(status="idle", chosen_candidate=1) == empty == repository.session(image.id, labeler.name)


def test_a_new_step_drops_what_was_undone(labeler):
    for kind in ("point", "box", "clear"):
        labeler.step(kind)
    labeler.undo()
    labeler.undo()
    taken = labeler.step("choose")
    assert [(event.seq, event.kind, event.undone) for event in taken.events] == [
        (1, "point", False),
        (2, "choose", False),
    ]
    assert labeler.redo().events == taken.events


def test_undo_sets_candidate_and_status_when_a_status_is_given(labeler):
    labeler.step(chosen_candidate=2)
    labeler.step(chosen_candidate=1)
    left = labeler.undo()
    assert (left.chosen_candidate, left.status) == (1, "open")
    cleared = labeler.undo(chosen_candidate=None, status="idle")
    assert (cleared.chosen_candidate, cleared.status) == (None, "idle")
    chosen = labeler.redo(chosen_candidate=0)
    assert (chosen.chosen_candidate, chosen.status) == (0, "idle")


def test_the_state_of_a_session_can_be_set_without_a_step(repository, image, labeler):
    before = labeler.step()
    repository.set_session_state(labeler.session_id, chosen_candidate=2, status="open")
    after = repository.session(image.id, labeler.name)
    assert (after.chosen_candidate, after.revision, after.events) == (2, before.revision, before.events)


@pytest.mark.parametrize("wrong", [{"status": "lost"}, {"chosen_candidate": 3}, {"op_id": "\ud800"}])
def test_a_state_that_cannot_be_is_refused_and_nothing_is_written(repository, image, labeler, cup, wrong):
    with pytest.raises(StorageError):
        labeler.change(None, None, values(cup), **wrong)
    assert repository.session(image.id, labeler.name).revision == 0
    assert labeler.instances() == []


def test_a_session_that_is_not_there_is_named(repository):
    given = {"expected_revision": None, "op_id": "a"}
    for ask in (
        lambda: repository.record_undo(9, **given),
        lambda: repository.record_step(9, kind="point", payload={}, chosen_candidate=None, status="open", **given),
        lambda: repository.set_session_state(9, chosen_candidate=None, status="idle"),
    ):
        with pytest.raises(RecordNotFound, match="session with the id 9"):
            ask()


def test_a_saved_instance_gets_its_id_into_the_step(labeler, cup):
    sent = {"changes": [{"id": None, "before": None, "after": values(cup)}], "category_id": cup.id}
    taken = labeler.step("commit", sent)
    [saved] = labeler.instances()
    assert taken.events[0].payload["changes"][0]["id"] == saved.id
    assert saved.labeler == labeler.name
    assert sent["changes"][0]["id"] is None  # the caller's own dict is left alone


def test_undo_takes_a_saved_instance_away_and_redo_brings_the_same_back(labeler, cup):
    labeler.change(None, None, values(cup))
    [saved] = labeler.instances()
    labeler.undo()
    assert labeler.instances() == []
    labeler.redo()
    [back] = labeler.instances()
    assert (back.id, back.rle, back.created_at) == (saved.id, saved.rle, saved.created_at)
    assert back.updated_at > saved.updated_at


def test_a_change_may_name_only_what_changes(labeler, cup, spoon):
    labeler.change(None, None, values(cup))
    [saved] = labeler.instances()
    labeler.change(saved.id, {"category_id": cup.id}, {"category_id": spoon.id})
    [changed] = labeler.instances()
    assert (changed.category_id, changed.rle, changed.prompt) == (spoon.id, saved.rle, saved.prompt)
    labeler.undo()
    assert labeler.instances()[0].category_id == cup.id
    labeler.redo()
    assert labeler.instances()[0].category_id == spoon.id


def test_undo_gives_back_what_was_there_not_what_the_caller_believed(labeler, cup, spoon):
    labeler.change(None, None, values(cup, mask(1, 1, 2, 2)))
    [saved] = labeler.instances()
    labeler.change(saved.id, values(spoon, mask(5, 5, 1, 1)), None)
    labeler.undo()
    [back] = labeler.instances()
    assert (back.category_id, back.rle) == (cup.id, saved.rle)


def test_several_changes_of_one_step_are_undone_in_reverse(labeler, cup, spoon):
    labeler.change(None, None, values(cup))
    [saved] = labeler.instances()
    changes = [
        {"id": saved.id, "before": {"category_id": cup.id}, "after": {"category_id": spoon.id}},
        {"id": saved.id, "before": values(spoon), "after": None},
        {"id": None, "before": None, "after": values(cup, mask(0, 0, 9, 9))},
    ]
    labeler.step("commit", {"changes": changes})
    assert [each.area for each in labeler.instances()] == [81]
    labeler.undo()
    assert [(each.id, each.category_id) for each in labeler.instances()] == [(saved.id, cup.id)]
    labeler.redo()
    assert [each.area for each in labeler.instances()] == [81]


def test_an_instance_of_another_picture_cannot_be_changed(repository, new_image, cup):
    ours, theirs = new_image(), new_image()
    labeler = Labeler(repository, ours)
    [foreign] = repository.add_instances(theirs.id, [values(cup)], labeler="bob")
    changes = [
        {"id": None, "before": None, "after": values(cup)},
        {"id": foreign.id, "before": values(cup), "after": None},
    ]
    with pytest.raises(RecordNotFound, match=f"instance with the id {foreign.id}"):
        labeler.step("commit", {"changes": changes})
    assert repository.session(ours.id, labeler.name).revision == 0
    assert labeler.instances() == []
    assert repository.instance(foreign.id) == foreign


@pytest.mark.parametrize("instance_id", [99, "1", 1.5, [1]])
def test_an_instance_that_is_not_there_cannot_be_changed(labeler, cup, instance_id):
    with pytest.raises(RecordNotFound, match="There is no instance"):
        labeler.change(instance_id, {"is_crowd": False}, {"is_crowd": True})


def test_what_another_deleted_is_not_overwritten_by_an_undo_but_may_be_left(repository, image, cup, spoon):
    ann, bob = Labeler(repository, image, "ann"), Labeler(repository, image, "bob")
    ann.change(None, None, values(cup))
    [saved] = ann.instances()
    ann.change(saved.id, {"category_id": cup.id}, {"category_id": spoon.id})
    bob.change(saved.id, values(spoon), None)
    with pytest.raises(RecordNotFound):
        ann.change(saved.id, {"category_id": spoon.id}, {"category_id": cup.id})
    with pytest.raises(
        InstanceChanged, match=rf"Instance {saved.id} on cup 1.png was changed meanwhile by bob \(deleted"
    ):
        ann.undo()
    ann.undo(leave=[saved.id])
    ann.undo(leave=[saved.id])
    assert ann.instances() == []
    bob.undo()
    assert [each.id for each in bob.instances()] == [saved.id]


@pytest.mark.parametrize(
    "changes",
    [
        [{"id": None, "before": None, "after": None}],
        [{"id": 1, "before": None, "after": {}}],
        [{"id": None, "before": {}, "after": None}],
        [{}],
        ["all"],
        [None],
        "all",
        None,
        7,
        {"id": 1},
        [{"id": None, "before": None, "after": 5}],
        [{"id": None, "before": None, "after": ["category_id", "rle", "origin"]}],
    ],
)
def test_a_change_that_makes_no_sense_is_refused(repository, image, labeler, changes):
    with pytest.raises(StorageError):
        labeler.step("commit", {"changes": changes})
    assert repository.session(image.id, labeler.name).revision == 0


def test_ten_threads_on_one_session_lose_nothing(repository, image, labeler):
    def work(thread: int) -> list[int]:
        return [labeler.step(op_id=f"{thread}-{number}").revision for number in range(20)]

    with ThreadPoolExecutor(10) as threads:
        revisions = [revision for each in threads.map(work, range(10)) for revision in each]
    session = repository.session(image.id, labeler.name)
    assert sorted(revisions) == list(range(1, 201))
    assert session.revision == 200
    assert [event.seq for event in session.events] == list(range(1, 201))
    assert {event.op_id for event in session.events} == {f"{t}-{n}" for t in range(10) for n in range(20)}


def test_of_threads_with_the_same_expectation_one_wins(repository, image, labeler):
    def work(thread: int) -> bool:
        try:
            labeler.step(op_id=str(thread), expected_revision=0)
        except StaleRevision:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 1
    assert repository.session(image.id, labeler.name).revision == 1


def test_many_threads_open_the_same_picture_at_once(repository, image):
    with ThreadPoolExecutor(8) as threads:
        assert (
            len({session.id for session in threads.map(lambda _: repository.session(image.id, "ann"), range(8))}) == 1
        )
