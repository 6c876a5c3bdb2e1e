"""The history: who did what, and how one change is taken back."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from storage.database import Database
from storage.errors import ChangedSince, InstanceChanged, RecordNotFound, StorageError
from storage.records import ChangeKind, ChangeRecord, ImageStatus
from storage.repository import ChangeFilter, NewCategory, NewInstance, NewLabels, NewProposal, Repository
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values, without_waiting_for_the_disk

INSTRUCTOR = "ms green"
RUN = {"fingerprint": "fake-1", "model": "fake", "settings": {}}


def told(repository: Repository, **chosen: Any) -> list[tuple[str, str]]:
    """(who, what), oldest first."""
    found = repository.changes(ChangeFilter(**chosen), most=200)
    return [(one.labeler, one.kind.value) for one in reversed(found)]


def last(repository: Repository) -> ChangeRecord:
    return repository.changes(most=1)[0]


def without_time(repository: Repository, image_id: int) -> list[dict]:
    return [{**vars(one), "updated_at": None, "version": None} for one in repository.instances(image_id)]


def test_all_that_becomes_of_an_instance_is_told_with_who_did_it(repository, image, cup, spoon):
    ann, ben = Labeler(repository, image, "ann"), Labeler(repository, image, "ben")
    ann.change(None, None, values(cup))
    [instance] = repository.instances(image.id)
    ben.change(instance.id, {"category_id": cup.id}, {"category_id": spoon.id})
    ben.change(instance.id, values(spoon), values(spoon, mask(0, 0, 2, 2)))
    ann.change(instance.id, values(spoon), None)
    ann.undo()
    assert told(repository, image_id=image.id) == [
        ("ann", "saved"),
        ("ann", "status"),
        ("ben", "recategorised"),
        ("ben", "edited"),
        ("ann", "deleted"),
        ("ann", "restored"),
    ]
    changes = {one.kind: one for one in repository.changes(ChangeFilter(image_id=image.id))}
    assert {one.instance_id for kind, one in changes.items() if kind is not ChangeKind.STATUS} == {instance.id}
    moved = changes[ChangeKind.RECATEGORISED]
    sides = ({str(instance.id): {"category_id": cup.id}}, {str(instance.id): {"category_id": spoon.id}})
    assert (moved.before, moved.after) == sides
    assert set(changes[ChangeKind.EDITED].before[str(instance.id)]) == {"rle"}
    assert repository.instance(instance.id).labeler == "ann"


def test_a_step_that_changes_nothing_of_an_instance_is_not_told(repository, labeler, cup):
    labeler.step()
    labeler.change(None, None, values(cup))
    [instance] = labeler.instances()
    before = repository.change_count()
    labeler.change(instance.id, values(cup), values(cup))
    labeler.step()
    assert repository.change_count() == before


def test_what_is_refused_is_not_told(repository, labeler, image, cup):
    before = repository.change_count()
    with pytest.raises(StorageError):
        labeler.step("commit", {"changes": [{"id": None, "before": None, "after": values(cup, origin="guess")}]})
    with pytest.raises(StorageError):
        repository.add_instances(image.id, [values(cup), values(cup, is_crowd=None)], labeler="ann")
    assert repository.change_count() == before


def test_accepted_proposals_are_one_change(repository, image, labeler, cup):
    found = [
        NewProposal(rle=mask(x, 0, 2, 2), predicted_iou=0.9, stability_score=0.8, point_xy=(1.0, 1.0), shown=True)
        for x in (0, 4)
    ]
    repository.save_proposals(image.id, found, **RUN)
    new = [{"id": None, "before": None, "after": values(cup, one.rle, origin="auto")} for one in found]
    labeler.step("accept_proposals", {"changes": new})
    [change] = repository.changes(ChangeFilter(kind=ChangeKind.PROPOSAL_ACCEPTED))
    assert (change.instances, change.instance_id, change.labeler) == (2, None, "ann")


def test_an_import_is_one_change_a_picture_whatever_it_brings(repository, new_image, cup):
    first, second = new_image(), new_image()
    [old] = repository.add_instances(first.id, [values(cup)], labeler="ann")
    pictures = [
        NewLabels(
            image_id=one.id,
            seen=frozenset([old.id] if one is first else []),
            instances=[NewInstance(category=0, rle=mask(x, 0, 2, 2), is_crowd=False) for x in range(5)],
            replace=True,
        )
        for one in (first, second)
    ]
    before = last(repository).id
    repository.add_labels([NewCategory(name="pot")], pictures, labeler="import", by="ben")
    kinds = [(one.kind.value, one.image_id, one.instances) for one in reversed(repository.changes()) if one.id > before]
    assert kinds == [
        ("category_added", None, 0),
        ("imported", first.id, 6),
        ("imported", second.id, 5),
        ("status", first.id, 0),
        ("status", second.id, 0),
    ]
    assert {one.labeler for one in repository.changes() if one.id > before} == {"ben"}
    [imported] = repository.changes(ChangeFilter(image_id=first.id, kind=ChangeKind.IMPORTED))
    repository.undo_change(imported.id, labeler=INSTRUCTOR)
    assert [one.id for one in repository.instances(first.id)] == [old.id]
    assert len(repository.instances(second.id)) == 5
    assert last(repository).kind is ChangeKind.RESTORED or last(repository).kind is ChangeKind.DELETED
    repository.undo_change(last(repository).id, labeler=INSTRUCTOR)
    assert old.id not in {one.id for one in repository.instances(first.id)}
    assert len(repository.instances(first.id)) == 5


def test_taking_an_import_back_is_told_too(repository, image):
    labels = NewLabels(
        image_id=image.id,
        seen=frozenset(),
        instances=[NewInstance(category=0, rle=mask(0, 0, 2, 2), is_crowd=False)],
    )
    added = repository.add_labels([NewCategory(name="pot")], [labels], labeler="import")
    repository.take_back_labels(added.at, by="ben")
    assert (last(repository).kind, last(repository).labeler, last(repository).instances) == ("deleted", "ben", 1)


def test_statuses_and_categories_are_told(repository, image, cup, spoon):
    repository.set_image_status(image.id, ImageStatus.DONE, labeler="ann")
    repository.set_image_status(image.id, ImageStatus.DONE, labeler="ben")
    assert told(repository, image_id=image.id) == [("ann", "status")]
    assert (last(repository).before, last(repository).after) == ({"status": "new"}, {"status": "done"})
    repository.update_category(cup.id, name="mug", key="2", labeler="ben")
    change = last(repository)
    assert (change.before, change.after) == ({"name": "cup", "key": "1"}, {"name": "mug", "key": "2"})
    taken = repository.changes(most=2)[1]
    assert (taken.category_id, taken.after) == (spoon.id, {"key": None})
    repository.order_categories([spoon.id, cup.id], labeler="ben")
    assert last(repository).after == {"order": [spoon.id, cup.id]}
    repository.delete_category(cup.id, labeler="ben")
    assert (last(repository).kind, last(repository).category_id) == (ChangeKind.CATEGORY_DELETED, cup.id)


def test_of_a_removed_picture_one_line_stays(repository, labeler, image, cup):
    labeler.change(None, None, values(cup))
    repository.remove_image(image.id, labeler="ben")
    [change] = repository.changes(ChangeFilter(image_id=image.id))
    assert (change.kind, change.labeler, change.instances) == (ChangeKind.PICTURE_REMOVED, "ben", 1)
    assert change.before["name"] == image.original_name
    with pytest.raises(StorageError, match="gone for good"):
        repository.undo_change(change.id, labeler=INSTRUCTOR)


def test_the_history_is_listed_by_picture_labeler_kind_and_time_page_by_page(repository, new_image, cup):
    first, second = new_image(), new_image()
    for image, name in ((first, "ann"), (second, "ben"), (first, "ben")):
        repository.add_instances(image.id, [values(cup)], labeler=name)
    assert len(repository.changes(ChangeFilter(image_id=first.id))) == 2
    assert len(repository.changes(ChangeFilter(labeler="ben"))) == 2
    assert len(repository.changes(ChangeFilter(kind=ChangeKind.SAVED, image_id=first.id, labeler="ben"))) == 1
    newest_first = repository.changes()
    ids = [one.id for one in newest_first]
    assert ids == sorted(ids, reverse=True)
    page = repository.changes(most=2)
    assert [one.id for one in page] == ids[:2]
    assert [one.id for one in repository.changes(before_id=page[-1].id)] == ids[2:]
    middle = newest_first[1].at
    assert [one.id for one in repository.changes(ChangeFilter(since=middle))] == ids[:2]
    assert [one.id for one in repository.changes(ChangeFilter(until=middle))] == ids[2:]
    assert repository.changes(ChangeFilter(since=datetime.now(UTC) + timedelta(days=1))) == []
    assert repository.change(ids[0]) == newest_first[0]
    with pytest.raises(RecordNotFound, match="change with the id 999"):
        repository.change(999)


@pytest.mark.sqlite
def test_the_history_is_read_along_an_index(database, repository, image, cup):
    repository.add_instances(image.id, [values(cup)], labeler="ann")
    asked: list[tuple[str, Any]] = []
    with database.read() as db_session:
        engine = db_session.connection().engine
    event.listen(engine, "before_cursor_execute", lambda _c, _r, sql, given, _x, _m: asked.append((sql, given)))
    moment = datetime.now(UTC) - timedelta(days=1)
    for chosen in (
        ChangeFilter(),
        ChangeFilter(image_id=image.id),
        ChangeFilter(labeler="ann"),
        ChangeFilter(kind=ChangeKind.SAVED),
        ChangeFilter(since=moment),
        ChangeFilter(until=moment),
    ):
        repository.changes(chosen, before_id=10**6)
    with database.read() as db_session:
        for sql, given_values in [one for one in asked if one[0].startswith("SELECT")]:
            plan = db_session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given_values)
            for row in plan:
                assert row[-1].startswith("SEARCH"), (sql, row[-1])
                assert "TEMP B-TREE" not in row[-1]


# undone


def test_a_change_is_taken_back_by_another_one_and_that_again(repository, image, labeler, cup, spoon):
    labeler.change(None, None, values(cup))
    [instance] = labeler.instances()
    saved = without_time(repository, image.id)
    labeler.change(instance.id, values(cup), values(spoon, mask(5, 5, 2, 2), predicted_iou=None))
    edited, change = without_time(repository, image.id), last(repository)
    undo = repository.undo_change(change.id, labeler=INSTRUCTOR)
    assert without_time(repository, image.id) == saved
    assert (undo.labeler, undo.kind, undo.undoes, undo.undone) == (INSTRUCTOR, ChangeKind.EDITED, change.id, False)
    assert repository.change(change.id).undone
    again = repository.undo_change(undo.id, labeler=INSTRUCTOR)
    assert without_time(repository, image.id) == edited
    assert (repository.change(change.id).undone, repository.change(undo.id).undone) == (False, True)
    repository.undo_change(change.id, labeler=INSTRUCTOR)  # of the first: takes back what took it again
    assert without_time(repository, image.id) == saved
    assert last(repository).undoes == again.id


def test_a_change_is_not_taken_back_twice(repository, labeler, cup):
    labeler.change(None, None, values(cup))
    [change] = repository.changes(ChangeFilter(kind=ChangeKind.SAVED))
    repository.undo_change(change.id, labeler=INSTRUCTOR)
    with pytest.raises(ChangedSince, match=rf"already, by {INSTRUCTOR}"):
        repository.undo_change(change.id, labeler=INSTRUCTOR)
    assert labeler.instances() == []


def test_what_was_changed_since_is_refused_and_says_by_whom(repository, image, cup, spoon):
    ann, ben = Labeler(repository, image, "ann"), Labeler(repository, image, "ben")
    ann.change(None, None, values(cup))
    [instance] = ann.instances()
    [save] = repository.changes(ChangeFilter(kind=ChangeKind.SAVED))
    ben.change(instance.id, {"category_id": cup.id}, {"category_id": spoon.id})
    by_ben, count = last(repository), repository.change_count()
    with pytest.raises(
        ChangedSince, match=rf"instance {instance.id} was changed since, by ben \(recategorised"
    ) as said:
        repository.undo_change(save.id, labeler=INSTRUCTOR)
    assert (said.value.labeler, said.value.change_id) == ("ben", by_ben.id)
    assert repository.change_count() == count
    back = repository.undo_change(by_ben.id, labeler=INSTRUCTOR)
    repository.undo_change(save.id, labeler=INSTRUCTOR)  # what was taken back stands in nobody's way
    assert repository.instances(image.id) == []
    with pytest.raises(ChangedSince, match=rf"by {INSTRUCTOR} \(deleted"):
        repository.undo_change(back.id, labeler=INSTRUCTOR)


def test_changes_of_other_instances_stand_in_nobodys_way(repository, image, labeler, cup):
    labeler.change(None, None, values(cup))
    [save] = repository.changes(ChangeFilter(kind=ChangeKind.SAVED))
    labeler.change(None, None, values(cup, mask(5, 5, 2, 2)))
    repository.undo_change(save.id, labeler=INSTRUCTOR)
    assert len(labeler.instances()) == 1


def test_a_status_is_taken_back(repository, image):
    repository.set_image_status(image.id, ImageStatus.DONE, labeler="ann")
    change = last(repository)
    repository.undo_change(change.id, labeler=INSTRUCTOR)
    assert repository.image(image.id).status is ImageStatus.NEW
    repository.undo_change(change.id + 1, labeler=INSTRUCTOR)
    assert repository.image(image.id).status is ImageStatus.DONE
    repository.set_image_status(image.id, ImageStatus.IN_PROGRESS, labeler="ben")
    with pytest.raises(ChangedSince, match="status was changed since, by ben"):
        repository.undo_change(change.id, labeler=INSTRUCTOR)


def test_a_category_that_was_merged_away_gets_its_instances_back(repository, image, labeler, cup, spoon):
    labeler.change(None, None, values(cup))
    labeler.change(None, None, values(cup, mask(5, 5, 2, 2)))
    kept, changed = labeler.instances()
    before = repository.categories()
    repository.delete_category(cup.id, merge_into=spoon.id, labeler="ben")
    merge = last(repository)
    assert merge.instances == 2
    labeler.change(changed.id, {"category_id": spoon.id}, {"category_id": spoon.id, "is_crowd": True})
    repository.undo_change(merge.id, labeler=INSTRUCTOR)
    assert repository.categories() == before
    assert [one.category_id for one in labeler.instances()] == [cup.id, spoon.id]
    assert last(repository).instances == 1
    repository.undo_change(last(repository).id, labeler=INSTRUCTOR)
    assert {one.category_id for one in labeler.instances()} == {spoon.id}
    assert repository.instance(kept.id).category_id == spoon.id


def test_changes_of_categories_are_taken_back(repository, cup, spoon, image):
    before = repository.categories()
    repository.update_category(cup.id, name="mug", color="#010203", is_thing=False, labeler="ben")
    change = last(repository)
    repository.order_categories([spoon.id, cup.id], labeler="ben")
    order = last(repository)
    repository.undo_change(order.id, labeler=INSTRUCTOR)
    repository.undo_change(change.id, labeler=INSTRUCTOR)
    assert repository.categories() == before
    added = repository.add_category("fork", labeler="ben")
    change = last(repository)
    repository.add_instances(image.id, [values(added)], labeler="ann")
    with pytest.raises(StorageError, match="1 instances have the category “fork”"):
        repository.undo_change(change.id, labeler=INSTRUCTOR)
    back = repository.changes(ChangeFilter(kind=ChangeKind.CATEGORIES_ORDERED), most=1)[0]
    with pytest.raises(ChangedSince, match="order of the categories was changed since, by ben"):
        repository.undo_change(back.id, labeler=INSTRUCTOR)


def test_a_restored_category_steals_neither_name_nor_key(repository, cup, spoon):
    repository.delete_category(cup.id, labeler="ben")
    deletion = last(repository)
    taker = repository.add_category("Cup", labeler="ann")
    assert taker.key == cup.key
    with pytest.raises(StorageError, match="There is a category “Cup” already"):
        repository.undo_change(deletion.id, labeler=INSTRUCTOR)
    repository.update_category(taker.id, name="glass", labeler="ann")
    repository.undo_change(deletion.id, labeler=INSTRUCTOR)
    assert {one.name: one.key for one in repository.categories()} == {"cup": None, "spoon": "2", "glass": "1"}


rectangles = st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(1, 8), st.integers(1, 6))
deeds = st.one_of(
    st.tuples(st.just("save"), rectangles),
    st.tuples(st.just("edit"), st.integers(0, 5), rectangles),
    st.tuples(st.just("move"), st.integers(0, 5), st.integers(0, 1)),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("session undo")),
    st.tuples(st.just("undo"), st.integers(0, 12)),
)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["ann", "ben"]), deeds), max_size=12))
def test_whatever_was_done_undoing_from_the_newest_back_leads_to_the_beginning(
    new_database: Path, done: list[tuple[str, tuple]]
) -> None:
    with TemporaryDirectory() as folder:
        path = shutil.copy(new_database, folder)
        database = without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))
        try:
            check(Repository(database), done)
        finally:
            database.close()


def check(repository: Repository, done: list[tuple[str, tuple]]) -> None:
    image, _ = repository.add_image(
        sha256="0" * 64, stored_name="a", original_name="a", width=WIDTH, height=HEIGHT, exif_orientation=1
    )
    categories = [repository.add_category(name) for name in ("cup", "spoon")]
    labelers = {name: Labeler(repository, image, name) for name in ("ann", "ben")}
    begun = repository.change_count()
    states = {begun: without_time(repository, image.id)}  # after each change
    for name, deed in done:
        act(repository, image.id, labelers[name], deed, categories)
        states[last(repository).id] = without_time(repository, image.id)
    # What stands, from the newest back: each is taken back, and what was then is there again.
    while standing := [
        one for one in repository.changes(most=200) if one.id > begun and not one.undone and one.undoes is None
    ]:
        repository.undo_change(standing[0].id, labeler=INSTRUCTOR)
    assert without_time(repository, image.id) == []
    assert repository.image(image.id).status is ImageStatus.NEW


def act(repository: Repository, image_id: int, labeler: Labeler, deed: tuple, categories: list) -> None:
    there = repository.instances(image_id)
    if deed[0] == "save":
        labeler.change(None, None, values(categories[0], mask(*deed[1])))
    elif deed[0] == "session undo":
        before = without_time(repository, image_id)
        try:
            labeler.undo()
        except InstanceChanged:  # what the step was about is another's by now
            assert without_time(repository, image_id) == before
    elif deed[0] == "undo":
        changes = repository.changes(ChangeFilter(image_id=image_id))
        before, count = without_time(repository, image_id), repository.change_count()
        if changes and is_refused(repository, changes[deed[1] % len(changes)].id):
            assert (without_time(repository, image_id), repository.change_count()) == (before, count)
    elif there:
        one = there[deed[1] % len(there)]
        after = {
            "edit": lambda: {"rle": mask(*deed[2]).to_coco()},
            "move": lambda: {"category_id": categories[deed[2]].id},
            "delete": lambda: None,
        }[deed[0]]()
        labeler.change(one.id, {"category_id": one.category_id}, after)


def is_refused(repository: Repository, change_id: int) -> bool:
    try:
        repository.undo_change(change_id, labeler=INSTRUCTOR)
    except ChangedSince:
        return True
    return False
