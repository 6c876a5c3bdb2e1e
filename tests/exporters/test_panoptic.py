"""COCO panoptic, by the rules that panopticapi holds its files to."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, coins_dataset, ring_and_dot, small_dataset
from tests.exporters.snippets import run_snippet


def read(folder, name="panoptic"):
    """(the JSON, stem of a PNG -> H×W ids), with what panopticapi asks of both checked."""
    said = json.loads((folder / f"{name}.json").read_text(encoding="ascii"))
    maps = {}
    categories = {category["id"]: category for category in said["categories"]}
    assert all(category["isthing"] in (0, 1) and "supercategory" in category for category in categories.values())
    assert [image["id"] for image in said["images"]] == [one["image_id"] for one in said["annotations"]]
    for image, annotation in zip(said["images"], said["annotations"], strict=True):
        picture = Image.open(folder / name / annotation["file_name"])
        assert picture.mode == "RGB"
        assert picture.size == (image["width"], image["height"])
        colors = np.array(picture, dtype=np.uint32)
        ids = colors[..., 0] + 256 * colors[..., 1] + 256 * 256 * colors[..., 2]
        segments = {segment["id"]: segment for segment in annotation["segments_info"]}
        assert len(segments) == len(annotation["segments_info"])
        assert 0 not in segments
        assert set(np.unique(ids).tolist()) - {0} == set(segments)
        for number, segment in segments.items():
            rows, columns = np.nonzero(ids == number)
            assert segment["area"] == len(rows)
            x, y = int(columns.min()), int(rows.min())
            assert segment["bbox"] == [x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1]
            assert segment["category_id"] in categories
            assert segment["iscrowd"] in (0, 1)
            if not categories[segment["category_id"]]["isthing"]:
                assert segment["iscrowd"] == 0
        stuff = [s["category_id"] for s in segments.values() if not categories[s["category_id"]]["isthing"]]
        assert len(stuff) == len(set(stuff))
        maps[annotation["file_name"].removesuffix(".png")] = ids
    return said, maps


@pytest.fixture
def street(tmp_path):
    """One picture: two pieces of road (stuff) that overlap, a car on it, a group of people beside it."""
    dataset = FakeDataset(tmp_path / "pictures")
    road, car = dataset.add_category("road"), dataset.add_category("car")
    dataset.categories[0] = road = replace(road, is_thing=False, supercategory="ground", color="#808080")
    people = dataset.add_category("people")
    image = dataset.add_image((24, 32), "street.png")
    left, right, group = np.zeros((3, 24, 32), dtype=bool)
    left[10:, :20] = right[10:, 15:] = group[:5, 20:30] = True
    for mask, category, is_crowd in ((ring_and_dot(), car, False), (left, road, False), (right, road, False)):
        dataset.add_instance(image, mask, category, is_crowd=is_crowd)
    dataset.add_instance(image, group, people, is_crowd=True)
    return dataset


def test_things_are_a_segment_each_and_stuff_is_one(street, tmp_path):
    report = export("coco-panoptic", street, tmp_path / "out")
    said, maps = read(tmp_path / "out")
    assert [(c["name"], c["isthing"], c["supercategory"]) for c in said["categories"]] == [
        ("road", 0, "ground"),
        ("car", 1, ""),
        ("people", 1, ""),
    ]
    segments = {segment["category_id"]: segment for segment in said["annotations"][0]["segments_info"]}
    assert len(segments) == len(said["annotations"][0]["segments_info"]) == 3
    ids = maps["street"]
    assert np.array_equal(ids == segments[2]["id"], ring_and_dot())  # the car lies over the road
    ground = np.zeros((24, 32), dtype=bool)
    ground[10:] = True
    assert np.array_equal(ids == segments[1]["id"], ground & ~ring_and_dot())
    assert [segments[number]["iscrowd"] for number in (1, 2, 3)] == [0, 0, 1]
    assert report.instances == 4
    assert any(line.startswith("1 instances of stuff were merged") for line in report.warnings)
    assert any("masks overlap on 1 pictures" in line for line in report.warnings)


def test_masks_that_do_not_overlap_come_back_exactly(tmp_path):
    dataset, coins = coins_dataset(tmp_path / "pictures")
    report = export("coco-panoptic", dataset, tmp_path / "out")
    said, maps = read(tmp_path / "out")
    segments = said["annotations"][0]["segments_info"]
    assert len(segments) == len(coins)
    for segment, mask in zip(segments, coins, strict=True):
        assert np.array_equal(maps["coins"] == segment["id"], mask)
    assert report.warnings == []


def test_an_instance_that_others_cover_is_named_and_left_out(street, tmp_path):
    image = street.images[0]
    street.by_image[image.id].insert(0, street.add_instance(image, ring_and_dot(), street.categories[1]))
    street.by_image[image.id].pop()
    report = export("coco-panoptic", street, tmp_path / "out")
    read(tmp_path / "out")
    assert report.left_out == ["instance 5 of 'street.png' (picture 1): others cover it altogether"]
    assert report.instances == 4


def test_a_picture_without_instances_has_an_empty_map(tmp_path):
    export("coco-panoptic", small_dataset(tmp_path / "pictures"), tmp_path / "out")
    said, maps = read(tmp_path / "out")
    assert not maps["empty"].any()
    assert said["annotations"][1]["segments_info"] == []


def test_each_split_has_a_json_beside_a_folder_of_its_name(tmp_path):
    options = ExportOptions(split=SplitOptions(train=0.5, val=0.25, test=0.25))
    export("coco-panoptic", small_dataset(tmp_path / "pictures"), tmp_path / "out", options)
    found = {path.stem for path in (tmp_path / "out").glob("panoptic*.json")}
    assert found == {"panoptic_train", "panoptic_val", "panoptic_test"}
    for name in found:
        said, maps = read(tmp_path / "out", name)
        split = name.removeprefix("panoptic_")
        assert {path.name for path in (tmp_path / "out/images" / split).iterdir()} == {
            image["file_name"] for image in said["images"]
        }
        assert {path.stem for path in (tmp_path / "out" / name).iterdir()} == maps.keys()


def test_ids_are_told_apart_even_where_all_categories_have_one_colour(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    black = dataset.add_category("black")
    dataset.categories[0] = replace(black, color="#000000")
    image = dataset.add_image((60, 70))
    for number in range(300):
        mask = np.zeros((60, 70), dtype=bool)
        mask.flat[number * 14 : number * 14 + 14] = True
        dataset.add_instance(image, mask, black)
    export("coco-panoptic", dataset, tmp_path / "out")
    said, _ = read(tmp_path / "out")
    assert len(said["annotations"][0]["segments_info"]) == 300


def test_the_snippet_gives_the_masks_of_an_export(street, tmp_path):
    export("coco-panoptic", street, tmp_path / "out")
    names = run_snippet("coco-panoptic", tmp_path / "out")
    assert len(names["masks"]) == 3
    assert any(np.array_equal(mask, ring_and_dot()) for mask in names["masks"].values())
