"""All instances at once: their order, their numbers, and those that checks look for."""

from collections.abc import Callable

import numpy as np
import pytest

from storage.records import CategoryRecord, ImageRecord, ImageStatus, Origin
from storage.repository import Repository
from storage.repository.overview import InstanceFilter, InstanceOrder
from storage.rle import Rle
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values


@pytest.fixture
def images(new_image: Callable[[], ImageRecord]) -> list[ImageRecord]:
    return [new_image() for _ in range(3)]


def save(repository: Repository, image: ImageRecord, *some: dict, labeler: str = "ann") -> list[int]:
    return [one.id for one in repository.add_instances(image.id, some, labeler=labeler)]


def test_instances_come_in_the_order_asked_for(
    repository: Repository, images: list[ImageRecord], cup: CategoryRecord
) -> None:
    (large,) = save(repository, images[1], values(cup, mask(0, 0, 9, 9), predicted_iou=0.5))
    (small,) = save(repository, images[1], values(cup, mask(0, 0, 1, 1), predicted_iou=None))
    (middle,) = save(repository, images[0], values(cup, mask(0, 0, 3, 3), predicted_iou=0.9))
    orders = {order: repository.instance_ids(order) for order in InstanceOrder}
    assert orders == {
        InstanceOrder.PICTURE: [middle, large, small],
        InstanceOrder.NEWEST: [middle, small, large],
        InstanceOrder.SMALLEST: [small, middle, large],
        InstanceOrder.LARGEST: [large, middle, small],
        InstanceOrder.LEAST_SURE: [large, middle, small],  # without a score comes last
    }


def test_a_filter_leaves_what_it_names(
    repository: Repository, image: ImageRecord, cup: CategoryRecord, spoon: CategoryRecord
) -> None:
    (of_ann,) = save(repository, image, values(cup))
    (of_bob,) = save(repository, image, values(spoon, origin="import"), labeler="bob")

    def ids(**chosen: object) -> list[int]:
        return repository.instance_ids(InstanceOrder.PICTURE, InstanceFilter(**chosen))

    assert ids(category_id=cup.id) == ids(labeler="ann") == ids(origin=Origin.CLICK) == [of_ann]
    assert ids(category_id=spoon.id, labeler="bob", origin=Origin.IMPORT) == [of_bob]
    assert ids(category_id=spoon.id, labeler="ann") == []
    assert repository.labeler_counts() == {"ann": {Origin.CLICK: 1}, "bob": {Origin.IMPORT: 1}}


def test_what_was_deleted_is_nowhere(repository: Repository, labeler: Labeler, cup: CategoryRecord) -> None:
    labeler.change(None, None, values(cup))
    (instance,) = labeler.instances()
    before = repository.mask_states()
    labeler.step("delete_instance", {"changes": [{"id": instance.id, "before": values(cup), "after": None}]})
    assert repository.instance_ids(InstanceOrder.NEWEST) == []
    assert repository.instance_facts([instance.id]) == repository.instance_masks([instance.id]) == {}
    assert repository.instance_categories() == repository.mask_states() == repository.labeler_counts() == {}
    assert np.sum(repository.mask_centres(4)) == 0
    labeler.undo()
    assert list(repository.mask_states()) == list(before)


def test_every_change_of_a_pictures_masks_changes_its_state(
    repository: Repository, labeler: Labeler, images: list[ImageRecord], cup: CategoryRecord, spoon: CategoryRecord
) -> None:
    save(repository, images[1], values(cup))
    other = repository.mask_states()[images[1].id]
    seen = []
    labeler.change(None, None, values(cup))
    seen.append(repository.mask_states()[labeler.image.id])
    (instance,) = labeler.instances()
    change = {"id": instance.id, "before": {"category_id": cup.id}, "after": {"category_id": spoon.id}}
    labeler.step("set_category", {"changes": [change]})
    seen.append(repository.mask_states()[labeler.image.id])
    labeler.undo()
    seen.append(repository.mask_states()[labeler.image.id])
    labeler.change(None, None, values(cup))
    seen.append(repository.mask_states()[labeler.image.id])
    assert len(set(seen)) == 4
    assert repository.mask_states()[images[1].id] == other


def test_masks_are_counted_where_the_middle_of_their_box_lies(
    repository: Repository, image: ImageRecord, cup: CategoryRecord
) -> None:
    corner, whole = mask(WIDTH - 1, HEIGHT - 1, 1, 1), mask(0, 0, WIDTH, HEIGHT)
    nothing = Rle.encode(np.zeros((HEIGHT, WIDTH), bool))
    save(repository, image, *[values(cup, one) for one in (mask(0, 0, 2, 2), corner, whole, nothing)])
    assert repository.mask_centres(2) == [[1, 0], [0, 2]]


def test_checks_find_masks_by_their_columns(repository: Repository, image: ImageRecord, cup: CategoryRecord) -> None:
    shapes = [
        mask(3, 3, 1, 1),
        mask(0, 0, WIDTH, HEIGHT),
        mask(0, 2, 2, 9),
        mask(3, HEIGHT - 2, 4, 2),
        mask(1, 2, 2, 9),
    ]
    tiny, whole, left, bottom, _ = save(repository, image, *[values(cup, one) for one in shapes])
    total, found = repository.masks_below(9, most=1)
    assert (total, [one.id for one in found]) == (2, [tiny])
    assert [one.id for one in repository.masks_over(0.99, most=5)[1]] == [whole]
    assert [one.id for one in repository.masks_along_the_border(2, most=5)[1]] == [left, bottom]


def test_finished_pictures_without_instances_are_found(
    repository: Repository, images: list[ImageRecord], cup: CategoryRecord
) -> None:
    save(repository, images[0], values(cup))
    for image in images[:2]:
        repository.set_image_status(image.id, ImageStatus.DONE)
    assert repository.finished_without_instances(most=5) == (1, [images[1].id])
    assert repository.status_counts() == dict.fromkeys(ImageStatus, 0) | {ImageStatus.NEW: 1, ImageStatus.DONE: 2}
    assert repository.image_names([images[1].id, 99]) == {images[1].id: "cup 2.png"}


def test_the_key_of_a_mask_changes_with_it_alone(
    repository: Repository, image: ImageRecord, cup: CategoryRecord, spoon: CategoryRecord
) -> None:
    some = [values(cup, mask(0, 0, 2, 2)), values(spoon, mask(0, 0, 2, 2)), values(cup, mask(0, 0, 2, 3))]
    same, again, other = (one.key for one in repository.instance_masks(save(repository, image, *some)).values())
    assert same == again != other
