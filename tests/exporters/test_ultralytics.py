"""YOLO txt as ultralytics' own data set code reads it. Alone in a file: importing it takes seconds."""

import json
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import iou, masks_of, real_masks, small_dataset
from tests.importers.reading import read


@pytest.fixture(scope="module")
def ultralytics_data(tmp_path_factory):
    """Ultralytics' data package, its settings in a temporary folder and its network use switched off."""
    before, reader = dict(os.environ), Image.open
    os.environ["YOLO_CONFIG_DIR"] = str(tmp_path_factory.mktemp("ultralytics"))
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    import ultralytics.data.dataset
    import ultralytics.data.utils

    yield ultralytics.data
    Image.open = reader  # ultralytics puts its own there, which fails otherwise for what is no picture
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def dataset(tmp_path):
    dataset = small_dataset(tmp_path / "pictures")
    horse = dataset.add_image((328, 400), "horse.png")
    mask = next(mask for mask in real_masks() if mask.shape == (328, 400))
    dataset.add_instance(horse, mask, dataset.categories[1])
    return dataset


def open_with(ultralytics_data, folder, task, monkeypatch):
    monkeypatch.chdir("/")  # data.yaml has to be found from anywhere
    data = ultralytics_data.utils.check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    return data, ultralytics_data.dataset.YOLODataset(
        img_path=data["train"], data=data, task=task, imgsz=640, augment=False, rect=False, batch_size=1
    )


def by_stem(loaded):
    return {
        label["im_file"].replace("\\", "/").rpartition("/")[2].removesuffix(".png"): label for label in loaded.labels
    }


def test_every_segment_is_read_as_the_mask_it_was(ultralytics_data, dataset, tmp_path, monkeypatch):
    export("yolo-segment", dataset, tmp_path / "out")
    data, loaded = open_with(ultralytics_data, tmp_path / "out", "segment", monkeypatch)
    assert data["names"] == {0: "cup", 1: "yes: [no] 'ñ'", 2: "1"}
    labels = by_stem(loaded)
    expected = masks_of(dataset)
    assert labels.keys() == expected.keys()
    for stem, masks in expected.items():
        height, width = labels[stem]["shape"]
        assert len(labels[stem]["segments"]) == len(masks)
        for segment, mask in zip(labels[stem]["segments"], masks, strict=True):
            points = [(segment * (width, height)).reshape(-1)]
            assert iou(ultralytics_data.utils.polygon2mask((height, width), points), mask) >= 0.98


def test_segments_are_still_good_after_what_training_does_to_them(ultralytics_data, dataset, tmp_path, monkeypatch):
    export("yolo-segment", dataset, tmp_path / "out")
    _, loaded = open_with(ultralytics_data, tmp_path / "out", "segment", monkeypatch)
    loaded.transforms.transforms[-1].mask_ratio = 1
    (number,) = [n for n, label in enumerate(loaded.labels) if "horse" in label["im_file"]]
    sample = loaded[number]  # resampled to 1000 points, enlarged to 640, letterboxed
    (mask,) = masks_of(dataset)["horse"][:1]
    large = cv2.resize(mask.astype(np.uint8), (640, 525), interpolation=cv2.INTER_NEAREST)
    top = (640 - large.shape[0]) // 2
    found = sample["masks"].numpy().max(axis=0)[top : top + large.shape[0]] > 0
    assert sample["img"].shape[1:] == (640, 640)
    assert iou(found, large) >= 0.97


def test_every_box_is_read_as_the_box_it_was(ultralytics_data, dataset, tmp_path, monkeypatch):
    export("yolo-detect", dataset, tmp_path / "out")
    _, loaded = open_with(ultralytics_data, tmp_path / "out", "detect", monkeypatch)
    labels = by_stem(loaded)
    for stem, image in zip(masks_of(dataset), dataset.images, strict=True):
        boxes = np.array([instance.bbox_xywh for instance in dataset.instances(image)], dtype=float).reshape(-1, 4)
        height, width = labels[stem]["shape"]
        found = labels[stem]["bboxes"] * (width, height, width, height)
        found[:, :2] -= found[:, 2:] / 2
        # The order is not kept where ultralytics looks for rows that are there twice.
        assert np.array(sorted(found.tolist())).ravel() == pytest.approx(
            np.array(sorted(boxes.tolist())).ravel(), abs=0.01
        )


@pytest.mark.parametrize("name", ["yolo-segment", "yolo-detect"])
def test_no_label_is_missing_or_corrupt(ultralytics_data, name, dataset, tmp_path):
    export(name, dataset, tmp_path / "out")
    for path in sorted((tmp_path / "out/images/train").iterdir()):
        label = tmp_path / "out/labels/train" / f"{path.stem}.txt"
        *_, missing, found, empty, corrupt, message = ultralytics_data.utils.verify_image_label(
            (str(path), str(label), "", False, 3, 0, 0, False)
        )
        assert (missing, found, empty, corrupt) == (0, 1, int(path.stem == "empty"), 0)
        assert message == ""


def test_a_twin_that_ultralytics_removes_is_said_before(ultralytics_data, dataset, tmp_path, monkeypatch):
    (horse,) = dataset.instances(dataset.images[3])
    dataset.add_instance(dataset.images[3], horse.rle.decode(), dataset.categories[1])
    for name, task in (("yolo-segment", "segment"), ("yolo-detect", "detect")):
        report = export(name, dataset, tmp_path / name)
        assert any(line.startswith("1 rows have the class and box of another row") for line in report.warnings)
        _, loaded = open_with(ultralytics_data, tmp_path / name, task, monkeypatch)
        assert len(by_stem(loaded)["horse"]["bboxes"]) == 1


def test_each_split_is_read_from_the_folder_that_data_yaml_names(ultralytics_data, dataset, tmp_path, monkeypatch):
    options = ExportOptions(split=SplitOptions(train=2, val=1, test=1))
    report = export("yolo-segment", dataset, tmp_path / "out", options)
    data, _ = open_with(ultralytics_data, tmp_path / "out", "segment", monkeypatch)
    for split, counts in report.splits.items():
        loaded = ultralytics_data.dataset.YOLODataset(img_path=data[split], data=data, task="segment", augment=False)
        assert len(loaded.labels) == counts["images"] > 0
        assert sum(len(label["cls"]) for label in loaded.labels) == counts["instances"]


@pytest.mark.parametrize("use_segments", [True, False])
def test_what_its_converter_makes_of_coco_comes_in(use_segments, ultralytics_data, tmp_path, monkeypatch):
    from ultralytics.data.converter import convert_coco

    boxes = [(5, 5, 25, 30), (30, 10, 50, 30)]
    annotations = [
        {
            "id": number, "image_id": 1, "category_id": number, "iscrowd": 0, "area": (right - left) * (bottom - top),
            "bbox": [left, top, right - left, bottom - top],
            "segmentation": [[left, top, right - 1, top, right - 1, bottom - 1, left, bottom - 1]],
        }
        for number, (left, top, right, bottom) in enumerate(boxes, start=1)
    ]  # fmt: skip
    image = {"id": 1, "file_name": "a.png", "height": 40, "width": 60}
    document = {"images": [image], "annotations": annotations, "categories": [{"id": 1, "name": "cup"}]}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    convert_coco(str(tmp_path / "annotations"), str(tmp_path / "out"), use_segments=use_segments, cls91to80=False)
    (tmp_path / "out" / "images" / "val").mkdir()
    Image.new("RGB", (60, 40)).save(tmp_path / "out" / "images" / "val" / "a.png")
    result = read(tmp_path / "out")
    assert (result.importer, result.unreadable) == ("yolo", [])
    assert result.categories == ["0", "1"]  # it writes no names
    ((name, picture),) = result.pictures.items()
    assert picture.split == "val"
    for (_, mask), (left, top, right, bottom) in zip(result.masks(name, (40, 60)), boxes, strict=True):
        meant = np.zeros((40, 60), bool)
        meant[top:bottom, left:right] = True
        assert (mask == meant).all()
