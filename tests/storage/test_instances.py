"""Instances in the database."""

import json

import pytest

from storage.errors import RecordNotFound, StorageError
from storage.records import Origin
from storage.repository.instancevalues import VALUE_KEYS
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values


def test_an_instance_comes_back_as_it_was_given(repository, image, cup):
    rle = mask(2, 3, 5, 4)
    given = values(cup, rle, is_crowd=True, origin="auto")
    [instance] = repository.add_instances(image.id, [given], labeler="ann")
    assert (instance.image_id, instance.category_id, instance.labeler) == (image.id, cup.id, "ann")
    assert (instance.rle, instance.bbox_xywh, instance.area) == (rle, (2, 3, 5, 4), 20)
    assert (instance.predicted_iou, instance.stability_score, instance.model) == (0.9, 0.8, "builtin")
    assert (instance.origin, instance.is_crowd, instance.prompt) == (Origin.AUTO, True, given["prompt"])
    assert repository.instances(image.id) == [instance]
    assert repository.instance(instance.id) == instance


def test_only_category_mask_and_origin_are_needed(repository, image, cup):
    given = {"category_id": cup.id, "rle": mask(0, 0, 1, 1), "origin": "import"}
    [instance] = repository.add_instances(image.id, [given], labeler="")
    assert (instance.predicted_iou, instance.stability_score, instance.model) == (None, None, None)
    assert (instance.prompt, instance.is_crowd, instance.bbox_xywh) == ([], False, (0, 0, 1, 1))


def test_instances_are_listed_oldest_first_and_per_picture(repository, new_image, cup):
    first, second = new_image(), new_image()
    kept = [repository.add_instances(which.id, [values(cup)], labeler="ann")[0] for which in (first, second, first)]
    assert repository.instances(first.id) == [kept[0], kept[2]]
    assert repository.instances(second.id) == [kept[1]]
    assert repository.instances(99) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"rle": {"size": [HEIGHT, WIDTH], "counts": "nonsense"}},
        {"rle": None},
        {"rle": {"size": [WIDTH, HEIGHT], "counts": mask(0, 0, 1, 1).counts}},
        {"rle": {"size": [HEIGHT + 1, WIDTH], "counts": "`60"}},
        {"predicted_iou": float("nan")},
        {"stability_score": "high"},
        {"origin": "guess"},
        {"colour": "red"},
        {"prompt": [{"x": float("inf")}]},
        {"prompt": 5},
        {"category_id": None},
        {"is_crowd": None},
        {"model": "\ud800"},
    ],
)
def test_all_are_added_or_none(repository, image, cup, wrong):
    with pytest.raises(StorageError):
        repository.add_instances(image.id, [values(cup), values(cup, **wrong)], labeler="ann")
    assert repository.instances(image.id) == []


def test_what_a_new_instance_lacks_is_named(repository, image, cup):
    with pytest.raises(StorageError, match="rle, origin"):
        repository.add_instances(image.id, [{"category_id": cup.id}], labeler="ann")


def test_a_mask_of_another_size_is_refused_with_both_sizes(repository, image, cup):
    wrong = values(cup, rle={"size": [1, 1], "counts": "1"})
    with pytest.raises(StorageError, match=rf"{HEIGHT}×{WIDTH} .* 1×1"):
        repository.add_instances(image.id, [wrong], labeler="ann")


def test_a_picture_that_is_not_there_gets_no_instances(repository, cup):
    with pytest.raises(RecordNotFound, match="picture with the id 5"):
        repository.add_instances(5, [values(cup)], labeler="ann")


def test_an_instance_that_is_not_there_is_named(repository, image, cup):
    with pytest.raises(RecordNotFound, match="instance with the id 3"):
        repository.instance(3)
    [instance] = repository.add_instances(image.id, [values(cup)], labeler="ann")
    Labeler(repository, image).change(instance.id, values(cup), None)
    with pytest.raises(RecordNotFound, match=f"instance with the id {instance.id}"):
        repository.instance(instance.id)


def test_box_and_area_follow_the_mask(repository, labeler, image, cup):
    [instance] = repository.add_instances(image.id, [values(cup, mask(0, 0, 2, 2))], labeler="ann")
    labeler.change(instance.id, {"rle": instance.rle.to_coco()}, {"rle": mask(4, 5, 6, 3).to_coco()})
    changed = repository.instance(instance.id)
    assert (changed.bbox_xywh, changed.area) == ((4, 5, 6, 3), 18)
    assert changed.category_id == cup.id
    assert changed.updated_at > instance.updated_at
    assert changed.created_at == instance.created_at
    labeler.undo()
    assert (repository.instance(instance.id).bbox_xywh, repository.instance(instance.id).area) == ((0, 0, 2, 2), 4)


def test_an_empty_mask_has_no_box(repository, image, cup):
    [instance] = repository.add_instances(image.id, [values(cup, mask(0, 0, 0, 0))], labeler="ann")
    assert (instance.bbox_xywh, instance.area) == ((0, 0, 0, 0), 0)


def test_what_undo_needs_is_plain_json_of_all_values(repository, labeler, image, cup):
    labeler.change(None, None, values(cup))
    [event] = repository.session(image.id, labeler.name).events
    [change] = json.loads(json.dumps(event.payload))["changes"]
    assert set(change["after"]) == set(VALUE_KEYS)
    assert change["after"] == values(cup)
