"""What each picture was given out for: remembered, and never changed."""

import threading

import pytest

from storage.errors import StorageError
from storage.records import Split
from tests.storage.scene import Labeler, values


def all_into(split: Split, ids: list[int]):
    """Gives every picture that has none yet to one split."""
    return lambda known: dict.fromkeys(ids, split) | known


def test_a_picture_keeps_the_split_that_it_was_given(new_image, repository):
    first, second = new_image().id, new_image().id
    assert repository.assign_splits("s", [first], all_into(Split.TEST, [first])) == {first: Split.TEST}
    again = repository.assign_splits("s", [first, second], lambda known: dict.fromkeys([first, second], Split.TRAIN))
    assert again == {first: Split.TEST, second: Split.TRAIN}
    assert repository.splits("s") == again


def test_what_is_known_is_told_to_who_decides(new_image, repository):
    first, second = new_image().id, new_image().id
    repository.assign_splits("s", [first], all_into(Split.VAL, [first]))
    seen = []

    def decide(known):
        seen.append(known)
        return {second: Split.TRAIN}

    repository.assign_splits("s", [second], decide)
    assert seen == [{first: Split.VAL}]


def test_nobody_is_asked_where_all_is_known(image, repository):
    repository.assign_splits("s", [image.id], all_into(Split.VAL, [image.id]))
    assert repository.assign_splits("s", [image.id], lambda known: pytest.fail("asked")) == {image.id: Split.VAL}


def test_ways_of_splitting_do_not_know_of_each_other(image, repository):
    for scheme, split in (("one", Split.TRAIN), ("other", Split.TEST)):
        repository.assign_splits(scheme, [image.id], all_into(split, [image.id]))
    assert repository.splits("one") == {image.id: Split.TRAIN}
    assert repository.split_counts() == {
        "one": {Split.TRAIN: 1, Split.VAL: 0, Split.TEST: 0},
        "other": {Split.TRAIN: 0, Split.VAL: 0, Split.TEST: 1},
    }


def test_a_removed_picture_takes_its_splits_along(new_image, repository):
    gone, kept = new_image().id, new_image().id
    repository.assign_splits("s", [gone, kept], all_into(Split.TRAIN, [gone, kept]))
    repository.remove_image(gone)
    assert repository.splits("s") == {kept: Split.TRAIN}


def test_a_picture_removed_meanwhile_gets_a_split_that_is_not_remembered(new_image, repository):
    gone, kept = new_image().id, new_image().id
    repository.remove_image(gone)
    found = repository.assign_splits("s", [gone, kept], all_into(Split.TRAIN, [gone, kept]))
    assert found == {gone: Split.TRAIN, kept: Split.TRAIN}
    assert repository.splits("s") == {kept: Split.TRAIN}


def test_two_at_once_come_to_the_same(new_image, repository):
    ids = [new_image().id for _ in range(20)]
    found = {}

    def ask(split: Split) -> None:
        found[split] = repository.assign_splits("s", ids, all_into(split, ids))

    threads = [threading.Thread(target=ask, args=(split,)) for split in Split]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[Split.TRAIN] == found[Split.VAL] == found[Split.TEST] == repository.splits("s")


def test_a_decision_that_is_no_split_changes_nothing(image, repository):
    with pytest.raises(ValueError, match="holdout"):
        repository.assign_splits("s", [image.id], lambda known: {image.id: "holdout"})
    with pytest.raises(StorageError), repository._database.write() as db_session:
        db_session.connection().exec_driver_sql(f"INSERT INTO splits VALUES ({image.id}, 's', 'holdout')")
    assert repository.splits("s") == {}


def test_the_categories_of_a_picture_are_those_of_its_instances(new_image, repository, cup, spoon):
    first, second, _empty = (new_image() for _ in range(3))
    repository.add_instances(first.id, [values(cup), values(cup), values(spoon)], labeler="ann")
    (kept,) = repository.add_instances(second.id, [values(spoon)], labeler="ann")
    assert repository.categories_of_images() == {first.id: {cup.id, spoon.id}, second.id: {spoon.id}}
    Labeler(repository, second).change(kept.id, values(spoon), None)
    assert repository.categories_of_images() == {first.id: {cup.id, spoon.id}}
