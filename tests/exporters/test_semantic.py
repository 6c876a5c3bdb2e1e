"""Semantic label maps, as PIL and numpy read them."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, real_masks, ring_and_dot, small_dataset
from tests.exporters.snippets import run_snippet


def read(path):
    return np.array(Image.open(path))


def test_masks_come_back_exactly_as_the_number_of_their_category(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    gold, silver = dataset.add_category("gold"), dataset.add_category("silver")
    coins = [mask for mask in real_masks() if mask.shape == (303, 384)][:-1]  # the last joins the first three
    image = dataset.add_image((303, 384), "coins.png")
    for number, mask in enumerate(coins):
        dataset.add_instance(image, mask, silver if number % 2 else gold)
    report = export("semantic", dataset, tmp_path / "out")
    found = read(tmp_path / "out/masks/coins.png")
    assert np.array_equal(found == 1, np.any(coins[::2], axis=0))
    assert np.array_equal(found == 2, np.any(coins[1::2], axis=0))
    assert np.array_equal(found == 0, ~np.any(coins, axis=0))
    assert report.warnings == []


def test_the_map_has_the_categories_colours_and_the_lists_say_them(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    sky, cup = dataset.add_category("sky, night"), dataset.add_category("cüp")
    dataset.categories[0] = sky = replace(sky, is_thing=False, supercategory="outside", color="#102030")
    dataset.add_instance(dataset.add_image((24, 32), "a.png"), ring_and_dot(), sky)
    assert cup.color == "#0072b2"
    export("semantic", dataset, tmp_path / "out")
    colors = np.array(Image.open(tmp_path / "out/masks/a.png").convert("RGB"))
    assert (colors[ring_and_dot()] == (16, 32, 48)).all()
    assert not colors[~ring_and_dot()].any()
    assert json.loads((tmp_path / "out/categories.json").read_text(encoding="ascii"))["categories"] == [
        {"id": 0, "name": "background", "color": "#000000", "supercategory": "", "isthing": 0},
        {"id": 1, "name": "sky, night", "color": "#102030", "supercategory": "outside", "isthing": 0},
        {"id": 2, "name": "cüp", "color": "#0072b2", "supercategory": "", "isthing": 1},
    ]
    with (tmp_path / "out/categories.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "id": "1", "name": "sky, night", "red": "16", "green": "32", "blue": "48", "supercategory": "outside",
        "isthing": "0",
    }  # fmt: skip
    assert [row["name"] for row in rows] == ["background", "sky, night", "cüp"]


def test_every_picture_has_a_map_in_its_split(tmp_path):
    options = ExportOptions(split=SplitOptions(train=0.5, val=0.25, test=0.25))
    export("semantic", small_dataset(tmp_path / "pictures"), tmp_path / "out", options)
    for split in ("train", "val", "test"):
        pictures = {path.stem for path in (tmp_path / "out/images" / split).iterdir()}
        assert pictures
        assert {path.stem for path in (tmp_path / "out/masks" / split).iterdir()} == pictures
    (empty,) = (tmp_path / "out/masks").rglob("empty.png")
    assert read(empty).shape == (30, 20)
    assert not read(empty).any()


def test_numbers_have_no_gaps_when_some_categories_are_exported(tmp_path):
    export("semantic", small_dataset(tmp_path / "pictures"), tmp_path / "out", ExportOptions(categories=("1",)))
    assert set(np.unique(read(tmp_path / "out/masks/tea_time-2.png"))) == {0, 1}
    listed = json.loads((tmp_path / "out/categories.json").read_text(encoding="ascii"))["categories"]
    assert [category["name"] for category in listed] == ["background", "1"]


@pytest.mark.parametrize(("count", "mode"), [(254, "P"), (255, "I;16")])
def test_more_categories_than_a_palette_has_room_for_make_16_bit_maps(count, mode, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    categories = [dataset.add_category(f"c{number}") for number in range(count)]
    dataset.add_instance(dataset.add_image((24, 32), "a.png"), ring_and_dot(), categories[-1])
    report = export("semantic", dataset, tmp_path / "out")
    with Image.open(tmp_path / "out/masks/a.png") as picture:
        assert picture.mode == mode
        assert np.array_equal(np.array(picture), np.where(ring_and_dot(), count, 0))
    assert any("16-bit" in line for line in report.warnings) == (count == 255)


def test_what_a_map_cannot_say_is_reported(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    cup, background = dataset.add_category("cup"), dataset.add_category("Background")
    image = dataset.add_image((24, 32), "a.png")
    whole, left, right = np.zeros((3, 24, 32), dtype=bool)
    whole[:4, :8] = left[:4, :4] = right[:4, 4:8] = True
    for mask in (whole, left, right):
        dataset.add_instance(image, mask, cup if mask is whole else background, is_crowd=mask is left)
    report = export("semantic", dataset, tmp_path / "out")
    assert report.instances == 2
    assert report.left_out == ["instance 2 of 'a.png' (picture 1): others cover it altogether"]  # the group
    said = "\n".join(report.warnings)
    assert "masks overlap on 1 pictures" in said
    assert "1 instances marked as a group" in said
    assert "name of class 0" in said


def test_the_snippet_reads_pictures_with_their_maps(tmp_path):
    options = ExportOptions(split=SplitOptions(train=0.5, val=0.25, test=0.25))
    export("semantic", small_dataset(tmp_path / "pictures"), tmp_path / "out", options)
    names = run_snippet("semantic", tmp_path / "out")
    assert names["names"] == ["background", "cup", "yes: [no] 'ñ'", "1"]
    assert names["picture"].shape[:2] == names["mask"].shape
