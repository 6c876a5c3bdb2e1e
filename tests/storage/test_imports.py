"""Labels of a whole data set: all at once, or none."""

from collections.abc import Iterator

import pytest

from storage.errors import StorageError
from storage.records import ImageRecord, ImageStatus, Origin
from storage.repository import NewCategory, NewInstance, NewLabels, NewProposal, Repository, check_category
from storage.rle import Rle
from tests.storage.scene import Labeler, mask, values

CUP = NewCategory(name="Cup", supercategory="dishes", color="#123456", is_thing=False)
POT = NewCategory(name="pot")


def labels(image: ImageRecord, *categories: int, seen: tuple[int, ...] = (), replace: bool = False) -> NewLabels:
    """One instance of each of the categories, side by side."""
    instances = [
        NewInstance(category=category, rle=mask(n, 1, 1, 3), is_crowd=bool(n % 2))
        for n, category in enumerate(categories)
    ]
    return NewLabels(image_id=image.id, seen=frozenset(seen), instances=instances, replace=replace)


def test_labels_come_in_with_their_categories_in_the_order_given(repository: Repository, image: ImageRecord) -> None:
    before = len(repository.categories())
    added = repository.add_labels([CUP, POT], [labels(image, 0, 1, 0)], labeler="import")
    assert (added.instances, added.categories, added.image_ids) == (3, 2, [image.id])
    cup, pot = repository.categories()[before:]
    assert (cup.name, cup.supercategory, cup.color, cup.is_thing) == ("Cup", "dishes", "#123456", False)
    assert pot.color != cup.color
    found = repository.instances(image.id)
    assert [one.category_id for one in found] == [cup.id, pot.id, cup.id]
    assert [one.is_crowd for one in found] == [False, True, False]
    assert found[1].rle == mask(1, 1, 1, 3)
    assert (found[1].bbox_xywh, found[1].area) == ((1, 1, 1, 3), 3)
    assert {(one.origin, one.labeler, one.model, tuple(one.prompt)) for one in found} == {
        (Origin.IMPORT, "import", None, ())
    }
    assert repository.image(image.id).status is ImageStatus.IN_PROGRESS


def test_a_category_of_the_same_name_in_other_case_is_used_as_it_is(repository: Repository, image: ImageRecord) -> None:
    own = repository.add_category("CUP", color="#abcdef")
    added = repository.add_labels([CUP], [labels(image, 0)], labeler="import")
    assert added.categories == 0
    assert repository.instances(image.id)[0].category_id == own.id
    assert repository.category(own.id) == own


def test_a_picture_that_is_done_stays_done(repository: Repository, image: ImageRecord) -> None:
    repository.set_image_status(image.id, ImageStatus.DONE)
    repository.add_labels([POT], [labels(image, 0)], labeler="import")
    assert repository.image(image.id).status is ImageStatus.DONE


@pytest.mark.parametrize("fault", ["stop", "size", "category"])
def test_an_error_in_the_middle_takes_everything_back(repository: Repository, image: ImageRecord, fault: str) -> None:
    categories = repository.categories()

    def pictures() -> Iterator[NewLabels]:
        yield labels(image, 0)
        if fault == "stop":
            raise KeyboardInterrupt
        yield NewLabels(
            image_id=image.id,
            seen=frozenset(),
            instances=[NewInstance(category=0, rle=Rle((1, 1), "01"), is_crowd=False)],
        )

    given = [POT, NewCategory(name="\n")] if fault == "category" else [POT]
    with pytest.raises(KeyboardInterrupt if fault == "stop" else StorageError):
        repository.add_labels(given, pictures(), labeler="import")
    assert repository.categories() == categories
    assert repository.instances(image.id) == []
    assert repository.image(image.id).status is ImageStatus.NEW


def test_what_is_replaced_is_deleted_and_what_changed_meanwhile_is_left(
    repository: Repository, image: ImageRecord
) -> None:
    old = repository.add_instances(image.id, [values(repository.add_category("old"))], labeler="ann")
    stale = repository.add_labels([POT], [labels(image, 0, replace=True)], labeler="import")
    assert (stale.instances, stale.replaced, stale.changed_meanwhile) == (0, 0, [image.id])
    assert repository.instances(image.id) == old
    added = repository.add_labels([POT], [labels(image, 0, 0, seen=(old[0].id,), replace=True)], labeler="import")
    assert (added.instances, added.replaced, added.changed_meanwhile) == (2, 1, [])
    assert len(repository.instances(image.id)) == 2


def test_a_picture_that_was_removed_meanwhile_is_left(repository: Repository, image: ImageRecord) -> None:
    repository.remove_image(image.id)
    added = repository.add_labels([POT], [labels(image, 0)], labeler="import")
    assert (added.instances, added.changed_meanwhile) == (0, [image.id])


def test_an_import_is_taken_back_and_what_it_replaced_is_there_again(
    repository: Repository, image: ImageRecord
) -> None:
    old = repository.add_instances(image.id, [values(repository.add_category("old"))] * 2, labeler="ann")
    assert repository.last_labels_added() is None
    seen = tuple(one.id for one in old)
    first = repository.add_labels([POT], [labels(image, 0, 0, seen=seen, replace=True)], labeler="import")
    assert repository.last_labels_added() == first.at
    repository.delete_category(old[0].category_id)
    back = repository.take_back_labels(first.at)
    assert (back.removed, back.restored, back.kept) == (2, 2, 0)
    assert [(one.id, one.rle) for one in repository.instances(image.id)] == [(one.id, one.rle) for one in old]
    assert [one.name for one in repository.categories()][-2:] == ["pot", "old"]  # instances need their category again
    assert repository.last_labels_added() is None
    assert repository.take_back_labels(first.at).removed == 0


def test_what_was_edited_since_stays_when_an_import_is_taken_back(
    repository: Repository, image: ImageRecord, labeler: Labeler
) -> None:
    first = repository.add_labels([POT, CUP], [labels(image, 0, 0)], labeler="import")
    second = repository.add_labels([POT], [labels(image, 0, seen=(1, 2))], labeler="import")
    cup = repository.categories()[-1]
    labeler.step(
        "set_category", {"changes": [{"id": 1, "before": {"category_id": 1}, "after": {"category_id": cup.id}}]}
    )
    back = repository.take_back_labels(first.at)
    assert (back.removed, back.restored, back.kept) == (1, 0, 1)
    assert [one.id for one in repository.instances(image.id)] == [1, 3]
    assert repository.last_labels_added() == second.at


def test_proposals_that_come_in_as_instances_are_open_no_longer(repository: Repository, image: ImageRecord) -> None:
    found = [
        NewProposal(rle=mask(x, 1, 1, 3), predicted_iou=0.9, stability_score=0.9, point_xy=(1, 1), shown=True)
        for x in (0, 9)
    ]
    repository.save_proposals(image.id, found, fingerprint="f", model="m", settings={})
    assert repository.proposal_count(image.id) == 2
    repository.add_labels([POT], [labels(image, 0)], labeler="import")
    assert repository.proposal_count(image.id) == 1


def test_a_category_is_checked_before_anything_is_written() -> None:
    assert check_category(CUP) == check_category(NewCategory(name="cUP"))
    for wrong in (NewCategory(name=" "), NewCategory(name="x", color="red"), NewCategory(name="x", supercategory="\0")):
        with pytest.raises(StorageError):
            check_category(wrong)
