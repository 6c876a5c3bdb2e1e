"""The table of boxes, as Python's csv and pandas read it."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, ring_and_dot, small_dataset
from tests.exporters.snippets import run_snippet


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


def rows(folder, name="boxes.csv"):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_says_all_that_is_known_of_an_instance_but_its_mask(dataset, tmp_path):
    export("csv", dataset, tmp_path / "out")
    frame, _, pixel, _ = rows(tmp_path / "out")[:4]
    assert frame == {
        "split": "", "file": "images/tea_time.png", "width": "32", "height": "24", "category": "cup", "xmin": "4",
        "ymin": "3", "xmax": "30", "ymax": "20", "area": str(17 * 14 - 6 * 5 + 7 * 7), "is_crowd": "0",
        "predicted_iou": "0.9000", "stability_score": "0.9000", "origin": "click", "model": "fake", "labeler": "ann",
    }  # fmt: skip
    assert [pixel[key] for key in ("xmin", "ymin", "xmax", "ymax")] == ["31", "23", "32", "24"]


def test_a_box_cuts_exactly_the_mask_out_of_its_picture(dataset, tmp_path):
    export("csv", dataset, tmp_path / "out")
    instances = [one for image in dataset.images for one in dataset.instances(image)]
    for row, instance in zip(rows(tmp_path / "out"), instances, strict=True):
        xmin, ymin, xmax, ymax = (int(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
        mask = instance.rle.decode()
        inside = mask[ymin:ymax, xmin:xmax]
        assert inside.sum() == mask.sum() == int(row["area"])
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


def test_every_picture_is_in_the_list_of_pictures(dataset, tmp_path):
    export("csv", dataset, tmp_path / "out", ExportOptions(split=SplitOptions(train=0.5, val=0.25, test=0.25)))
    pictures = rows(tmp_path / "out", "pictures.csv")
    assert {row["split"] for row in pictures} == {"train", "val", "test"}
    assert all((tmp_path / "out" / row["file"]).is_file() for row in pictures)
    assert {row["original_name"]: row["instances"] for row in pictures} == {
        "tea time.jpg": "4",
        "empty.jpg": "0",
        "ordner/tea time.webp": "3",
    }
    split_of = {row["file"]: row["split"] for row in pictures}
    assert all(split_of[row["file"]] == row["split"] for row in rows(tmp_path / "out"))


def test_odd_names_and_unknown_scores_come_through(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    image = dataset.add_image((24, 32), "a.png")
    name = 'a, "b"\nñ 猫'
    drawn = dataset.add_instance(image, ring_and_dot(), dataset.add_category(name), is_crowd=True)
    dataset.by_image[image.id] = [replace(drawn, predicted_iou=None, stability_score=None, model=None, labeler="é,")]
    export("csv", dataset, tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["category"], row["labeler"], row["is_crowd"]) == (name, "é,", "1")
    assert row["predicted_iou"] == row["stability_score"] == row["model"] == ""


@pytest.mark.parametrize("name", ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "'=1", "'plain"])
def test_a_name_that_would_be_a_formula_is_text_in_a_spreadsheet_and_comes_back_as_it_was(name, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    image = dataset.add_image((24, 32), f"{name}.png")
    drawn = dataset.add_instance(image, ring_and_dot(), dataset.add_category(name))
    dataset.by_image[image.id] = [replace(drawn, labeler=name)]
    export("csv", dataset, tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    (picture,) = rows(tmp_path / "out", "pictures.csv")
    for written in (row["category"], row["labeler"], row["file"], picture["original_name"]):
        assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["category"].removeprefix("'" if name != "'plain" else "") == name


def test_the_snippet_reads_the_table_with_pandas(dataset, tmp_path):
    image = dataset.images[0]
    dataset.by_image[image.id][0] = replace(dataset.by_image[image.id][0], predicted_iou=None)
    dataset.categories[0] = replace(dataset.categories[0], name="NA")  # pandas takes it for "nothing" unless told
    export("csv", dataset, tmp_path / "out")
    names = run_snippet("csv", tmp_path / "out")
    assert list(names["boxes"]["category"][:2]) == ["NA", "1"]
    assert np.isnan(names["boxes"]["predicted_iou"][0])
    assert names["xyxy"].shape == (4, 4)
