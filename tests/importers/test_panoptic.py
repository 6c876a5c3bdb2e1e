"""COCO panoptic as its own files are: the PNGs in a folder called as the JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from importers.base import ImporterError
from tests.importers.reading import read

SIZE_HW = (20, 30)
FIRST, SECOND = 70_000, 3  # ids that need more than one channel, and only one


def document(**changes: object) -> dict:
    segments = [
        {"id": FIRST, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 5, 5], "area": 25},
        {"id": SECOND, "category_id": 184, "iscrowd": 0, "bbox": [10, 0, 5, 5], "area": 25},
    ]
    whole = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": SIZE_HW[0], "width": SIZE_HW[1]}],
        "annotations": [{"image_id": 7, "file_name": "a.png", "segments_info": segments}],
        "categories": [
            {"id": 1, "name": "cup", "supercategory": "dishes", "isthing": 1, "color": [220, 20, 60]},
            {"id": 184, "name": "grass", "supercategory": "plant", "isthing": 0},
        ],
    }
    return whole | changes


def data_set(folder: Path, whole: dict) -> Path:
    (folder / "val2017").mkdir(parents=True)
    (folder / "panoptic_val2017").mkdir()
    Image.fromarray(np.zeros((*SIZE_HW, 3), np.uint8)).save(folder / "val2017" / "a.jpg")
    ids = np.zeros(SIZE_HW, np.int64)
    ids[:5, :5], ids[:5, 10:15] = FIRST, SECOND
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(folder / "panoptic_val2017" / "a.png")
    (folder / "panoptic_val2017.json").write_text(json.dumps(whole))
    return folder


def changed(**changes: object) -> dict:
    """The one annotation with something else in it."""
    return document(annotations=[document()["annotations"][0] | changes])


def test_each_segment_is_an_instance_things_and_stuff(tmp_path):
    result = read(data_set(tmp_path / "set", document()))
    assert (result.importer, result.entry, result.unreadable) == ("coco-panoptic", "panoptic_val2017.json", [])
    assert result.categories == ["cup", "grass"]
    picture = result.pictures["a.jpg"]
    assert (picture.path, picture.split, [shape.is_crowd for shape in picture.shapes]) == (
        "val2017/a.jpg", "val", [True, False],
    )  # fmt: skip
    assert [(category, int(mask.sum())) for category, mask in result.masks("a.jpg")] == [("cup", 25), ("grass", 25)]


def test_a_map_whose_folder_alone_tells_it_is_recognised(tmp_path):
    whole = document()
    late = {"images": whole["images"] + [{"id": 10 + n, "file_name": "-" * 900} for n in range(300)]} | whole
    late["images"] = whole["images"] + [{"id": 10 + n, "file_name": "-" * 900} for n in range(300)]
    assert read(data_set(tmp_path / "set", late)).importer == "coco-panoptic"


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (changed(image_id=8), "image_id"),
        (changed(file_name="b.png"), "b.png is missing"),
        (changed(file_name=None), "no file_name"),
        (changed(segments_info=None), "segments_info"),
        (changed(segments_info=[{"id": FIRST, "category_id": 1}]), "1 of its segments are not in segments_info"),
        (changed(segments_info=[{"id": 5, "category_id": 1}]), "no pixel of it"),
        (changed(segments_info=[{"id": FIRST, "category_id": 2}]), "no category has its category_id"),
        (changed(segments_info=["first"]), "no object"),
        (document(annotations=[5]), "no object"),
        (document(categories=[{"id": 1, "name": " "}]), "no name"),
        (document(images=[{"id": 7, "file_name": "a.jpg", "height": 21, "width": 30}]), "another size"),
        (document(images=[{"id": 7, "file_name": "a.jpg", "height": 1e9, "width": 1e9}]), "size"),
    ],
)
def test_what_does_not_fit_together_is_named(whole, reason, tmp_path):
    assert reason in read(data_set(tmp_path / "set", whole)).reasons()


@pytest.mark.parametrize(
    "whole",
    [
        document(categories=[{"id": 1, "name": "cup"}, {"id": 1, "name": "spoon"}]),
        document(images=[{"id": 7, "file_name": "a.jpg"}, {"id": 7, "file_name": "b.jpg"}]),
    ],
)
def test_an_id_of_two_things_is_an_error(whole, tmp_path):
    with pytest.raises(ImporterError, match=r"panoptic_val2017\.json.*twice"):
        read(data_set(tmp_path / "set", whole))
