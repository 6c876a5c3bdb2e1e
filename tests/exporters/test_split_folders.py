"""Split exports as the libraries find them: COCO's and YOLO's folders, files and names."""

import json
from pathlib import Path

import numpy as np
import pytest
import supervision
import yaml
from pycocotools.coco import COCO
from torchvision.datasets import CocoDetection

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from exporters.names import file_names
from storage.records import Split
from tests.exporters.datasets import FakeDataset, masks_of, ring_and_dot

HALVES = SplitOptions(train=2, val=1, test=1)


@pytest.fixture
def dataset(tmp_path):
    """Eight pictures of a cup and a plate, the last one of nothing."""
    dataset = FakeDataset(tmp_path / "pictures")
    cup, plate = dataset.add_category("cup"), dataset.add_category("plate")
    for number in range(8):
        image = dataset.add_image((24, 32), f"tea {number}.jpg")
        if number < 7:
            dataset.add_instance(image, ring_and_dot(), cup)
            dataset.add_instance(image, np.roll(ring_and_dot(), number % 3, axis=0), plate)
    return dataset


def stems_of(dataset: FakeDataset, split: str) -> set[str]:
    names = file_names(dataset.images)
    splits = dataset.splits(HALVES, dataset.images)
    return {Path(names[image_id]).stem for image_id, one in splits.items() if one == split}


@pytest.mark.parametrize("split", Split)
def test_each_split_of_coco_is_a_whole_data_set(split, dataset, tmp_path):
    export("coco", dataset, tmp_path / "out", ExportOptions(split=HALVES))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotations", "images", "report.json"]
    root, listed = tmp_path / "out/images" / split, tmp_path / f"out/annotations/instances_{split}.json"
    loaded = CocoDetection(str(root), str(listed))
    assert {Path(image["file_name"]).stem for image in loaded.coco.dataset["images"]} == stems_of(dataset, split)
    assert {path.stem for path in root.iterdir()} == stems_of(dataset, split)
    assert sorted(loaded.coco.imgs) == list(range(1, len(loaded) + 1))
    assert sorted(loaded.coco.anns) == list(range(1, len(loaded.coco.anns) + 1))
    assert [(one["id"], one["name"]) for one in loaded.coco.dataset["categories"]] == [(1, "cup"), (2, "plate")]
    for number, (_, annotations) in zip(loaded.ids, loaded, strict=True):
        stem = Path(loaded.coco.imgs[number]["file_name"]).stem
        found = [loaded.coco.annToMask(annotation) for annotation in annotations]
        assert np.array_equal(found, masks_of(dataset)[stem])


def test_a_split_without_a_picture_has_no_coco_file(dataset, tmp_path):
    export("coco", dataset, tmp_path / "out", ExportOptions(split=SplitOptions(train=1, val=1, test=0)))
    assert {path.stem for path in (tmp_path / "out/annotations").iterdir()} == {"instances_train", "instances_val"}
    coco = [COCO(str(path)) for path in (tmp_path / "out/annotations").iterdir()]
    assert sum(len(one.anns) for one in coco) == 14


@pytest.mark.parametrize("name", ["yolo-segment", "yolo-detect"])
def test_each_split_of_yolo_has_its_pictures_and_labels(name, dataset, tmp_path):
    export(name, dataset, tmp_path / "out", ExportOptions(split=HALVES))
    data = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    for split in Split:
        assert data[split] == f"images/{split}"
        folders = [tmp_path / "out" / kind / split for kind in ("images", "labels")]
        for folder in folders:
            assert {path.stem for path in folder.iterdir()} == stems_of(dataset, split)
        loaded = supervision.DetectionDataset.from_yolo(*map(str, folders), str(tmp_path / "out/data.yaml"))
        assert loaded.classes == ["cup", "plate"]
        assert {len(detections) for _, _, detections in loaded} <= {0, 2}


@pytest.mark.parametrize(
    ("shares", "named", "warning"),
    [
        (
            (1, 0, 1),
            ("train", "train", "test"),
            "no picture is in val, and data.yaml names those of train",
        ),
        ((0, 1, 0), ("val", "val", None), "no picture is in train, and data.yaml names those of val"),
        ((1, 1, 0), ("train", "val", None), ""),
    ],
)
def test_yolo_names_folders_with_pictures_whatever_the_shares_are(shares, named, warning, dataset, tmp_path):
    train, val, test = shares
    split = SplitOptions(train=train, val=val, test=test)
    report = export("yolo-detect", dataset, tmp_path / "out", ExportOptions(split=split))
    data = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert [data[key] for key in ("train", "val", "test")] == [one and f"images/{one}" for one in named]
    assert all(any((tmp_path / "out" / data[key]).iterdir()) for key in ("train", "val"))
    assert [line for line in report.warnings if "data.yaml" in line] == ([f"{warning} in its place"] if warning else [])


def test_only_some_categories_are_numbered_without_gaps_in_coco_and_yolo(dataset, tmp_path):
    for name in ("coco", "yolo-detect"):
        export(name, dataset, tmp_path / name, ExportOptions(categories=("plate",)))
    said = json.loads((tmp_path / "coco/annotations.json").read_text())
    assert said["categories"] == [{"id": 1, "name": "plate", "supercategory": ""}]
    assert {one["category_id"] for one in said["annotations"]} == {1}
    assert yaml.safe_load((tmp_path / "yolo-detect/data.yaml").read_text())["names"] == {0: "plate"}
    rows = "".join(path.read_text() for path in (tmp_path / "yolo-detect/labels/train").iterdir()).splitlines()
    assert len(rows) == 7
    assert {row.split()[0] for row in rows} == {"0"}
