"""YOLO txt: the rows themselves, and as supervision reads them."""

from pathlib import Path

import numpy as np
import pytest
import supervision
import yaml

from exporters.base import ExportError, ExportOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, detected, iou, masks_of, ring_and_dot, small_dataset

both_kinds = pytest.mark.parametrize("name", ["yolo-segment", "yolo-detect"])


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


def rows(folder, stem):
    text = (folder / "labels/train" / f"{stem}.txt").read_text(encoding="ascii")
    return [line.split() for line in text.splitlines()]


def load(folder):
    return supervision.DetectionDataset.from_yolo(
        str(folder / "images/train"), str(folder / "labels/train"), str(folder / "data.yaml"), force_masks=True
    )


@both_kinds
def test_the_folders_and_data_yaml_are_as_trainers_expect(name, dataset, tmp_path):
    report = export(name, dataset, tmp_path / "out")
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text(encoding="ascii")) == {
        "path": "",
        "train": "images/train",
        "val": "images/train",
        "test": None,
        "names": {0: "cup", 1: "yes: [no] 'ñ'", 2: "1"},
    }
    pictures = {path.stem for path in (tmp_path / "out/images/train").iterdir()}
    assert {path.stem for path in (tmp_path / "out/labels/train").iterdir()} == pictures
    assert any("every picture is in train" in line for line in report.warnings)


@both_kinds
def test_a_picture_without_instances_has_an_empty_label_file(name, dataset, tmp_path):
    export(name, dataset, tmp_path / "out")
    assert (tmp_path / "out/labels/train/empty.txt").read_bytes() == b""


@both_kinds
def test_classes_count_from_zero_in_the_users_order_and_do_not_move(name, dataset, tmp_path):
    export(name, dataset, tmp_path / "out")
    assert [row[0] for row in rows(tmp_path / "out", "tea_time")] == ["0", "2", "0", "0"]
    for instances in dataset.by_image.values():
        instances[:] = [instance for instance in instances if instance.category_id == 9]
    export(name, dataset, tmp_path / "out")
    assert [row[0] for row in rows(tmp_path / "out", "tea_time")] == ["2"]


def test_a_detect_row_is_the_box_of_the_mask(dataset, tmp_path):
    export("yolo-detect", dataset, tmp_path / "out")
    frame, whole, pixel, line = rows(tmp_path / "out", "tea_time")
    assert frame == ["0", f"{(4 + 13) / 32:.6f}", f"{(3 + 8.5) / 24:.6f}", f"{26 / 32:.6f}", f"{17 / 24:.6f}"]
    assert whole == ["2", "0.500000", "0.500000", "1.000000", "1.000000"]
    assert pixel == ["0", f"{31.5 / 32:.6f}", f"{23.5 / 24:.6f}", f"{1 / 32:.6f}", f"{1 / 24:.6f}"]
    assert line[3:] == [f"{28 / 32:.6f}", f"{1 / 24:.6f}"]


def test_a_segment_row_is_three_points_at_least_inside_the_picture(dataset, tmp_path):
    export("yolo-segment", dataset, tmp_path / "out")
    for stem in ("tea_time", "tea_time-2"):
        for row in rows(tmp_path / "out", stem):
            assert len(row) >= 7
            assert len(row) % 2 == 1
            assert all(0 <= float(value) <= 1 and len(value) == 8 for value in row[1:])


def test_supervision_reads_segments_as_the_masks_they_were(dataset, tmp_path):
    export("yolo-segment", dataset, tmp_path / "out", ExportOptions(polygon_tolerance=1.0))
    loaded = load(tmp_path / "out")
    assert loaded.classes == ["cup", "yes: [no] 'ñ'", "1"]
    found = detected(loaded)
    expected = masks_of(dataset)
    assert found.keys() == expected.keys()
    for stem, masks in expected.items():
        assert all(iou(one, other) >= 0.98 for one, other in zip(found[stem], masks, strict=True))


def test_supervision_reads_boxes_as_the_boxes_they_were(dataset, tmp_path):
    export("yolo-detect", dataset, tmp_path / "out")
    boxes = {Path(path).stem: detections.xyxy for path, _, detections in load(tmp_path / "out")}
    for stem, image in zip(("tea_time", "empty", "tea_time-2"), dataset.images, strict=True):
        expected = [(x, y, x + w, y + h) for x, y, w, h in (one.bbox_xywh for one in dataset.instances(image))]
        assert boxes[stem].ravel() == pytest.approx(np.ravel(expected), abs=0.01)


@both_kinds
def test_a_group_is_left_out_and_said(name, dataset, tmp_path):
    dataset.add_instance(dataset.images[1], np.ones((30, 20), dtype=bool), dataset.categories[0], is_crowd=True)
    report = export(name, dataset, tmp_path / "out")
    assert rows(tmp_path / "out", "empty") == []
    assert report.instances == 7
    assert report.left_out == ["1 instances marked as a group in 'empty.jpg' (picture 2): YOLO has no word for groups"]


def test_what_a_segment_says_in_another_form_is_counted(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    cup = dataset.add_category("n0-cup")
    image = dataset.add_image((24, 32))
    scattered = np.zeros((24, 32), dtype=bool)
    scattered[0, 0] = scattered[23, 31] = True
    with_crumb = np.zeros((24, 32), dtype=bool)
    with_crumb[2:12, 2:12] = with_crumb[20, 28] = True
    for mask in (ring_and_dot(), ring_and_dot(), scattered, with_crumb):
        dataset.add_instance(image, mask, cup)
    dataset.add_image((9, 40))
    report = export("yolo-segment", dataset, tmp_path / "out")
    assert report.instances == 4
    said = "\n".join(report.warnings)
    assert "4 instances of several parts" in said
    assert "1 small parts of instances are left out" in said
    assert "2 instances with holes" in said
    assert "1 instances give their mask back with an IoU below 0.95" in said
    assert "1 rows have the class and box of another row" in said
    assert "1 pictures are smaller than 10×10" in said
    assert "'n0-cup' for an ImageNet code" in said


@both_kinds
def test_a_data_set_without_categories_is_refused(name, dataset, tmp_path):
    dataset.categories.clear()
    with pytest.raises(ExportError, match="Add a category first"):
        export(name, dataset, tmp_path / "out")


@pytest.mark.parametrize(
    "class_name", ["null", "~", "0x10", "a: b", "- x", "'", '"', "#1", "é", "{{x}}", "x" * 80, "!!a"]
)
def test_data_yaml_says_any_name_as_it_is(class_name, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    dataset.add_category(class_name)
    dataset.add_image((10, 10))
    export("yolo-detect", dataset, tmp_path / "out")
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text())["names"] == {0: class_name}
