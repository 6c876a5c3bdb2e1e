"""Undo and redo over any sequence of steps, held against a model of plain lists."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.records import InstanceRecord
from storage.repository import Repository
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values, without_waiting_for_the_disk

rectangles = st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(1, 8), st.integers(1, 6))
places = st.integers(0, 5)
actions = st.one_of(
    st.tuples(st.just("point")),
    st.tuples(st.just("save"), rectangles, places),
    st.tuples(st.just("replace"), places, rectangles),
    st.tuples(st.just("recategorise"), places, places),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


def rows(labeler: Labeler) -> list[dict]:
    """The picture's instances, but for which change was their last and when, which always move on."""
    return [{**vars(instance), "updated_at": None, "version": None} for instance in labeler.instances()]


def pick(instances: list[InstanceRecord], place: int) -> InstanceRecord | None:
    return instances[place % len(instances)] if instances else None


def take(labeler: Labeler, action: tuple, categories: list) -> bool:
    """Take one step; False where it has nothing to work on."""
    if action[0] == "point":
        labeler.step()
        return True
    if action[0] == "save":
        labeler.change(None, None, values(categories[action[2] % len(categories)], mask(*action[1])))
        return True
    instance = pick(labeler.instances(), action[1])
    if instance is None:
        return False
    if action[0] == "replace":
        labeler.change(instance.id, {"rle": instance.rle.to_coco()}, {"rle": mask(*action[2]).to_coco()})
    elif action[0] == "recategorise":
        category = categories[action[2] % len(categories)]
        labeler.change(instance.id, {"category_id": instance.category_id}, {"category_id": category.id})
    else:
        labeler.change(instance.id, {"is_crowd": instance.is_crowd}, None)
    return True


@settings(max_examples=20)
@given(st.lists(actions, max_size=12))
def test_any_sequence_is_undone_and_redone_step_by_step(new_database: Path, sequence: list[tuple]) -> None:
    with TemporaryDirectory() as folder:
        path = shutil.copy(new_database, folder)
        database = without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))
        try:
            check(Repository(database), sequence)
        finally:
            database.close()


def check(repository: Repository, sequence: list[tuple]) -> None:
    image, _ = repository.add_image(
        sha256="0" * 64, stored_name="a", original_name="a", width=WIDTH, height=HEIGHT, exif_orientation=1
    )
    categories = [repository.add_category(name) for name in ("cup", "spoon", "fork")]
    labeler = Labeler(repository, image)
    states, at = [rows(labeler)], 0  # after each step of the history, and where in it we are
    for action in sequence:
        if action[0] == "undo":
            labeler.undo()
            at = max(0, at - 1)
        elif action[0] == "redo":
            labeler.redo()
            at = min(len(states) - 1, at + 1)
        elif take(labeler, action, categories):
            at += 1
            states[at:] = [rows(labeler)]
        assert rows(labeler) == states[at]

    while at < len(states) - 1:
        labeler.redo()
        at += 1
    final = repository.session(image.id, labeler.name)
    assert len(final.events) == len(states) - 1
    for state in reversed(states[:-1]):
        labeler.undo()
        assert rows(labeler) == state
    assert rows(labeler) == []
    for state in states[1:]:
        labeler.redo()
        assert rows(labeler) == state
    assert repository.session(image.id, labeler.name).events == final.events
