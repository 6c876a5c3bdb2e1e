"""The workspace's own data set, over a real database."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from exporters.base import ExportError, ExportOptions, Pictures
from exporters.dataset import StoredDataset
from exporters.files import export
from exporters.splits import SplitOptions, split_counts
from storage.database import Database
from storage.records import ImageStatus, Origin, Split
from storage.repository import Repository
from storage.rle import Rle
from tests.exporters.datasets import ring_and_dot


@pytest.fixture
def repository(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'annotator.db'}")
    yield Repository(database)
    database.close()


@pytest.fixture
def images_dir(repository, tmp_path):
    """Two pictures, the second done, each with the same mask; three categories, the last of them first."""
    folder = tmp_path / "images"
    folder.mkdir()
    cup, spoon, plate = (repository.add_category(name) for name in ("cup", "spoon", "plate"))
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((24, 32, 3), number, dtype=np.uint8))
        image, _ = repository.add_image(
            sha256=f"{number:064x}", stored_name=f"{number}.png", original_name=f"tea {number}.jpg",
            width=32, height=24, exif_orientation=1,
        )  # fmt: skip
        values = {"category_id": spoon.id, "rle": Rle.encode(ring_and_dot()).to_coco(), "origin": Origin.IMPORT.value}
        repository.add_instances(image.id, [values], labeler="ann")
    repository.set_image_status(image.id, ImageStatus.DONE)
    repository.order_categories([plate.id, cup.id, spoon.id])
    return folder


def test_what_is_stored_comes_out_as_it_was_drawn(repository, images_dir, tmp_path):
    report = export("coco", StoredDataset(repository, images_dir.joinpath), tmp_path / "out")
    assert (report.images, report.instances, report.left_out) == (2, 2, [])
    coco = COCO(str(tmp_path / "out/annotations.json"))
    assert [category["name"] for category in coco.dataset["categories"]] == ["plate", "cup", "spoon"]
    for annotation in coco.dataset["annotations"]:
        assert annotation["category_id"] == 3
        assert np.array_equal(coco.annToMask(annotation).astype(bool), ring_and_dot())


def test_yolo_classes_follow_the_order_that_the_user_set(repository, images_dir, tmp_path):
    export("yolo-detect", StoredDataset(repository, images_dir.joinpath), tmp_path / "out")
    assert (tmp_path / "out/labels/train/tea_0.txt").read_text().startswith("2 ")


def test_only_what_is_done_is_written_and_the_rest_is_counted(repository, images_dir, tmp_path):
    dataset = StoredDataset(repository, images_dir.joinpath)
    report = export("coco", dataset, tmp_path / "out", ExportOptions(only_done=True))
    assert [path.name for path in (tmp_path / "out/images").iterdir()] == ["tea_1.png"]
    assert report.images == 1
    assert report.not_chosen == {"pictures not marked done": 1}


def test_a_data_set_of_what_is_done_says_so_when_nothing_is(repository, images_dir, tmp_path):
    repository.set_image_status(repository.images()[1].id, ImageStatus.IN_PROGRESS)
    dataset = StoredDataset(repository, images_dir.joinpath)
    with pytest.raises(ExportError, match="No picture is marked done"):
        export("coco", dataset, tmp_path / "out", ExportOptions(only_done=True))


def test_what_labelers_do_during_an_export_does_not_break_it(repository, images_dir, tmp_path):
    def meanwhile(done, total):
        if done == 1:
            late = repository.add_category("late")
            mask = Rle.encode(ring_and_dot()).to_coco()
            second = repository.images()[1].id
            values = [{"category_id": late.id, "rle": mask, "origin": Origin.IMPORT.value}]
            repository.add_instances(second, values, labeler="ben")

    report = export(
        "yolo-segment", StoredDataset(repository, images_dir.joinpath), tmp_path / "out", progress=meanwhile
    )
    assert (report.instances, len(report.left_out)) == (2, 1)
    assert "category is not in this data set" in report.left_out[0]


def test_a_picture_that_is_removed_during_an_export_is_left_out(repository, images_dir, tmp_path):
    def meanwhile(done, total):
        if done == 1:
            repository.remove_image(repository.images()[1].id)
            (images_dir / "1.png").unlink()

    report = export("coco", StoredDataset(repository, images_dir.joinpath), tmp_path / "out", progress=meanwhile)
    assert (report.images, report.instances) == (1, 1)
    assert "its file 1.png is missing" in report.left_out[0]


def add_pictures(repository, numbers, category):
    for number in numbers:
        image, _ = repository.add_image(
            sha256=f"{number:064x}", stored_name=f"{number}.png", original_name=f"{number}.png",
            width=32, height=24, exif_orientation=1,
        )  # fmt: skip
        values = {"category_id": category.id, "rle": Rle.encode(ring_and_dot()).to_coco(), "origin": "import"}
        repository.add_instances(image.id, [values], labeler="ann")


@pytest.mark.parametrize("stratify", [False, True])
def test_a_picture_keeps_its_split_when_pictures_come_and_go(stratify, repository, images_dir):
    options = SplitOptions(seed=3, stratify=stratify)
    cup, spoon, _ = repository.categories()
    before: dict[int, Split] = {}
    for first in (10, 20, 30):
        add_pictures(repository, range(first, first + 7), cup)
        add_pictures(repository, range(first + 7, first + 10), spoon)
        dataset = StoredDataset(repository, images_dir.joinpath)
        splits = dataset.splits(options, dataset.images)
        assert splits.keys() == {image.id for image in dataset.images}
        assert before.items() <= splits.items()
        gone = dataset.images[-1].id
        repository.remove_image(gone)
        before = {image_id: split for image_id, split in splits.items() if image_id != gone}
    counts = split_counts(splits.values())
    assert counts[Split.TRAIN] == pytest.approx(0.8 * len(splits), abs=2)
    assert counts[Split.TEST] == pytest.approx(0.1 * len(splits), abs=2)


def test_an_export_of_the_finished_ones_alone_gives_them_the_split_they_have(repository, images_dir, tmp_path):
    add_pictures(repository, range(10, 40), repository.categories()[0])
    dataset = StoredDataset(repository, images_dir.joinpath)
    options = ExportOptions(pictures=Pictures.NONE, split=SplitOptions())
    export("coco", dataset, tmp_path / "all", options)
    before = dataset.splits(SplitOptions(), dataset.images)
    report = export("coco", dataset, tmp_path / "done", replace(options, only_done=True))
    (done,) = [image for image in dataset.images if image.status is ImageStatus.DONE]
    assert report.splits[before[done.id]]["images"] == 1
    assert (tmp_path / f"done/annotations/instances_{before[done.id]}.json").exists()
