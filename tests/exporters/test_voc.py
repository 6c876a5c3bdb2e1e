"""Pascal VOC as torchvision and supervision read it."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import supervision
from PIL import Image
from torchvision.datasets import VOCDetection, VOCSegmentation

from exporters.base import ExportError, ExportOptions, Pictures, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, coins_dataset, ring_and_dot, small_dataset
from tests.exporters.snippets import run_snippet


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


@pytest.fixture
def devkit(tmp_path):
    """Where an export has to lie for torchvision to find it."""
    return tmp_path / "VOCdevkit/VOC2012"


def objects(folder, stem):
    return ElementTree.parse(folder / "Annotations" / f"{stem}.xml").getroot().findall("object")


def said(element):
    return {child.tag: child.text for child in element if len(child) == 0}


def listed(folder, use, name):
    return (folder / "ImageSets" / use / f"{name}.txt").read_text().split()


def test_torchvision_reads_boxes_and_class_maps(dataset, tmp_path, devkit):
    export("voc", dataset, devkit)
    boxes = VOCDetection(str(tmp_path), year="2012", image_set="train")
    maps = VOCSegmentation(str(tmp_path), year="2012", image_set="train")
    assert len(boxes) == len(maps) == 3
    picture, annotation = boxes[0]
    assert picture.size == (32, 24)
    frame, *_ = annotation["annotation"]["object"]
    assert (frame["name"], frame["bndbox"]) == ("cup", {"xmin": "5", "ymin": "4", "xmax": "30", "ymax": "20"})
    coins = np.any([instance.rle.decode() for instance in dataset.instances(dataset.images[2])], axis=0)
    assert np.array_equal(np.array(maps[2][1]), np.where(coins, 3, 0))


def test_object_maps_are_the_masks_in_the_order_of_the_xml(tmp_path):
    dataset, coins = coins_dataset(tmp_path / "pictures")
    export("voc", dataset, tmp_path / "out")
    with Image.open(tmp_path / "out/SegmentationObject/coins.png") as picture:
        assert picture.mode == "P"
        assert (picture.getpalette() or [])[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
        found = np.array(picture)
    assert len(objects(tmp_path / "out", "coins")) == len(coins)
    for number, mask in enumerate(coins, start=1):
        assert np.array_equal(found == number, mask)


def test_supervision_reads_the_boxes_as_they_were(dataset, tmp_path):
    export("voc", dataset, tmp_path / "out")
    loaded = supervision.DetectionDataset.from_pascal_voc(
        str(tmp_path / "out/JPEGImages"), str(tmp_path / "out/Annotations")
    )
    found = {path.rpartition("/")[2]: detections for path, _, detections in loaded}
    for name, image in zip(("tea_time.jpg", "empty.jpg", "tea_time-2.jpg"), dataset.images, strict=True):
        expected = [(x, y, x + w, y + h) for x, y, w, h in (one.bbox_xywh for one in dataset.instances(image))]
        assert found[name].xyxy.tolist() == [list(map(float, box)) for box in expected]
    classes = [loaded.classes[number] for number in found["tea_time.jpg"].class_id]
    assert classes == ["cup", "1", "cup", "cup"]


def test_a_name_of_any_characters_is_said_by_the_xml(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    name = "<a> & 'ñ' 猫 🙂"
    dataset.add_instance(dataset.add_image((24, 32), "a.png"), ring_and_dot(), dataset.add_category(name))
    export("voc", dataset, tmp_path / "out")
    assert (tmp_path / "out/Annotations/a.xml").read_bytes().isascii()
    assert objects(tmp_path / "out", "a")[0].findtext("name") == name
    assert (tmp_path / "out/labelmap.txt").read_text(encoding="utf-8").splitlines()[1:] == [
        "background:0,0,0::",
        f"{name}:128,0,0::",
    ]


def test_what_touches_the_border_is_truncated_and_a_group_is_difficult(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    cup = dataset.add_category("cup")
    image = dataset.add_image((24, 32), "a.png")
    inner, top, right = np.zeros((3, 24, 32), dtype=bool)
    inner[1:23, 1:31] = top[0, 5] = right[5:9, 20:32] = True
    for mask in (inner, top, right):
        dataset.add_instance(image, mask, cup, is_crowd=mask is inner)
    report = export("voc", dataset, tmp_path / "out")
    found = [said(one) for one in objects(tmp_path / "out", "a")]
    assert [one["truncated"] for one in found] == ["0", "1", "1"]
    assert [one["difficult"] for one in found] == ["1", "0", "0"]
    assert [one["occluded"] for one in found] == ["1", "0", "0"]
    box = objects(tmp_path / "out", "a")[1].find("bndbox")
    assert said(box) == {"xmin": "6", "ymin": "1", "xmax": "6", "ymax": "1"}
    assert any(line.startswith("1 instances marked as a group") for line in report.warnings)
    assert any("masks overlap on 1 pictures" in line for line in report.warnings)


def test_a_picture_of_too_many_instances_has_boxes_alone(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    cup = dataset.add_category("cup")
    for count, name in ((254, "full.png"), (255, "crowded.png")):
        image = dataset.add_image((20, 20), name)
        for number in range(count):
            mask = np.zeros((20, 20), dtype=bool)
            mask.flat[number] = True
            dataset.add_instance(image, mask, cup)
    report = export("voc", dataset, tmp_path / "out")
    assert listed(tmp_path / "out", "Main", "train") == ["full", "crowded"]
    assert listed(tmp_path / "out", "Segmentation", "train") == ["full"]
    assert {path.stem for path in (tmp_path / "out/SegmentationClass").iterdir()} == {"full"}
    root = ElementTree.parse(tmp_path / "out/Annotations/crowded.xml").getroot()
    assert (root.findtext("segmented"), len(root.findall("object"))) == ("0", 255)
    assert any("1 pictures have more than 254 instances" in line for line in report.warnings)


def test_more_categories_than_a_map_has_numbers_are_refused(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    for number in range(255):
        dataset.add_category(f"c{number}")
    dataset.add_image((24, 32))
    with pytest.raises(ExportError, match="room for 254 categories and there are 255"):
        export("voc", dataset, tmp_path / "out")
    export("voc", dataset, tmp_path / "out", ExportOptions(categories=("c3",)))


def test_the_lists_name_each_picture_in_its_split(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    for number in range(10):
        dataset.add_image((8, 8), f"p{number}.png")
    options = ExportOptions(split=SplitOptions(train=0.6, val=0.2, test=0.2))
    export("voc", dataset, tmp_path / "out", options)
    for use in ("Main", "Segmentation"):
        train, val, trainval, test = (listed(tmp_path / "out", use, name) for name in _LISTS)
        assert (len(train), len(val), len(test)) == (6, 2, 2)
        assert sorted(train + val) == sorted(trainval)
        assert set(trainval).isdisjoint(test)


_LISTS = ("train", "val", "trainval", "test")


def test_without_a_split_every_picture_is_in_train(dataset, tmp_path):
    export("voc", dataset, tmp_path / "out")
    assert [len(listed(tmp_path / "out", "Main", name)) for name in _LISTS] == [3, 0, 3, 0]


def test_every_picture_is_a_jpeg_and_one_that_was_is_kept_byte_by_byte(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    png = dataset.add_image((24, 32), "a.png")
    jpeg = dataset.replace_image(dataset.add_image((24, 32), "b.jpg"), stored_name="b.jpg")
    data = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(data, "JPEG")
    dataset.picture_path(jpeg).write_bytes(data.getvalue())
    for pictures in (Pictures.COPY, Pictures.LINK):
        report = export("voc", dataset, tmp_path / "out", ExportOptions(pictures=pictures))
        assert (tmp_path / "out/JPEGImages/b.jpg").read_bytes() == data.getvalue()
        with Image.open(tmp_path / "out/JPEGImages/a.jpg") as picture:
            assert picture.format == "JPEG"
            assert picture.size == (32, 24)
        assert report.renamed == {"a.jpg": "a.png"}
        assert any(line.startswith("1 pictures were written anew as JPEG") for line in report.warnings)
        assert dataset.picture_path(png).stat().st_nlink == 1


def test_a_picture_that_cannot_be_decoded_is_passed_on_as_it_is(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    image = dataset.add_image((24, 32), "a.png")
    dataset.picture_path(image).write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    report = export("voc", dataset, tmp_path / "out")
    assert (tmp_path / "out/JPEGImages/a.jpg").read_bytes() == b"\x89PNG\r\n\x1a\nbroken"
    assert any("1 pictures cannot be decoded" in line for line in report.warnings)


def test_a_colon_in_a_name_is_said_since_the_label_map_has_no_way(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    dataset.add_category("a:b")
    dataset.add_image((8, 8))
    assert any("'a:b' (colon)" in line for line in export("voc", dataset, tmp_path / "out").warnings)


def test_stuff_is_an_object_as_all_others_and_the_report_says_so(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    road = dataset.add_category("road")
    dataset.categories[0] = replace(road, is_thing=False)
    dataset.add_instance(dataset.add_image((24, 32), "a.png"), ring_and_dot(), road)
    report = export("voc", dataset, tmp_path / "out")
    assert len(objects(tmp_path / "out", "a")) == 1
    assert any(line.startswith("1 instances of stuff") for line in report.warnings)


def test_the_snippet_loads_an_export_from_anywhere(dataset, tmp_path):
    export("voc", dataset, tmp_path / "out")
    names = run_snippet("voc", tmp_path / "out")
    assert len(names["boxes"]) == len(names["classes"]) == 3
    assert np.array(names["class_map"]).shape == (24, 32)
