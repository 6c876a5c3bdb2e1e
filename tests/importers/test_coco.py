"""COCO files as many programs write them, sound and damaged."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from importers.base import ImporterError
from tests.exporters.datasets import ring_and_dot
from tests.importers.reading import Read, read

HEIGHT, WIDTH = 24, 32
SQUARE = [2, 3, 12, 3, 12, 9, 2, 9]


def document(*annotations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    whole = {
        "images": [{"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1, "name": "cup", "supercategory": "dishes"}, {"id": 2, "name": "wall", "isthing": 0}],
        "annotations": [{"id": n, "image_id": 1, "category_id": 1} | one for n, one in enumerate(annotations, start=1)],
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def coco(folder: Path, *annotations: dict[str, Any], **changes: Any) -> Read:
    path = folder / "in" / "labels.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document(*annotations, **changes)))
    return read(path.parent, "coco")


def only_mask(result: Read) -> np.ndarray:
    assert result.unreadable == []
    ((_, mask),) = result.masks("a.png")
    return mask


def runs(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed form: lengths, zeros first, column by column."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return [0, *lengths] if flat[0] else lengths


def test_a_polygon_is_what_pycocotools_makes_of_it(tmp_path):
    mask = only_mask(coco(tmp_path, {"segmentation": [SQUARE, [20, 5, 30, 5, 25, 20.5]]}))
    whole = COCO()
    whole.dataset = document({"segmentation": [SQUARE, [20, 5, 30, 5, 25, 20.5]], "iscrowd": 0})
    whole.createIndex()
    assert np.array_equal(mask, whole.annToMask(whole.anns[1]))


@pytest.mark.parametrize("form", ["string", "runs"])
@pytest.mark.parametrize("crowd", [0, 1])
def test_both_kinds_of_rle_give_the_mask_back(form, crowd, tmp_path):
    wanted = ring_and_dot()
    counts = coco_mask.encode(np.asfortranarray(wanted, np.uint8))["counts"].decode()
    coded = {"size": [HEIGHT, WIDTH], "counts": counts if form == "string" else runs(wanted)}
    result = coco(tmp_path, {"segmentation": coded, "iscrowd": crowd})
    assert np.array_equal(only_mask(result), wanted)
    assert [shape.is_crowd for shape in result.pictures["a.png"].shapes] == [bool(crowd)]


@settings(max_examples=25)
@given(st.binary(min_size=12, max_size=12))
def test_any_mask_comes_back_from_its_list_of_runs(tmp_path_factory, data):
    wanted = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(8, 12).astype(bool)
    wanted[3, 4] = True
    folder = tmp_path_factory.mktemp("runs")
    image = [{"id": 1, "file_name": "a.png", "height": 8, "width": 12}]
    assert np.array_equal(
        only_mask(coco(folder, {"segmentation": {"size": [8, 12], "counts": runs(wanted)}}, images=image)), wanted
    )


@pytest.mark.parametrize(
    "segmentation", [SQUARE, [[2, 3], [12, 3], [12, 9], [2, 9]], [[[2, 3], [12, 3], [12, 9], [2, 9]]]]
)
def test_points_in_other_lists_are_the_same_polygon(segmentation, tmp_path):
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[3:9, 2:12] = True
    assert np.array_equal(only_mask(coco(tmp_path, {"segmentation": segmentation})), wanted)


@pytest.mark.parametrize("segmentation", [[], None, "absent"])
def test_a_box_alone_is_its_full_rectangle(segmentation, tmp_path):
    given_one = {"bbox": [2, 3, 10, 6]} | ({} if segmentation == "absent" else {"segmentation": segmentation})
    result = coco(tmp_path, given_one)
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[3:9, 2:12] = True
    assert np.array_equal(only_mask(result), wanted)
    assert result.pictures["a.png"].shapes[0].is_box


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"segmentation": []}, "It has neither a segmentation nor a bbox"),
        ({"segmentation": [], "bbox": [1, 2, 0, 5]}, "0 wide and 5 high"),
        ({"segmentation": [], "bbox": [1, 2, 3]}, "not [x, y, width, height]"),
        ({"segmentation": [[1, 2, math.nan, 3, 4, 5]]}, "NaN or infinite"),
        ({"segmentation": [[1, 2, math.inf, 3, 4, 5]]}, "NaN or infinite"),
        ({"segmentation": [[1, 2, 3, 4]]}, "fewer than three points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "no list of x, y"),
        ({"segmentation": [["a", 2, 3, 4, 5, 6]]}, "What should be numbers is not"),
        ({"segmentation": [{"x": 1}]}, "What should be numbers is not"),
        ({"segmentation": 7}, "a number, where polygons or an RLE belong"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [5, 5]}}, "do not add up to 32×24"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": "nonsense"}}, "COCO's compressed string"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]}}, "do not add up"),
        ({"segmentation": {"size": [1e9, 1e9], "counts": [1e18]}}, "two whole numbers"),
        ({"segmentation": {"counts": "abc"}}, ""),
        ({"segmentation": [SQUARE], "category_id": 9}, "No category is listed with the id 9"),
        ({"segmentation": [SQUARE], "category_id": None}, "It has no category_id"),
    ],
)
def test_an_annotation_that_cannot_be_read_is_named_and_the_rest_comes_in(annotation, reason, tmp_path):
    result = coco(tmp_path, {"segmentation": [SQUARE]}, annotation, {"segmentation": [SQUARE]})
    assert [one.name for one in result.unreadable] == ["labels.json, annotation id 2 (a.png)"]
    assert reason in result.unreadable[0].reason
    assert [shape.name for shape in result.pictures["a.png"].shapes] == [
        "labels.json, annotation id 1",
        "labels.json, annotation id 3",
    ]


@pytest.mark.parametrize(
    ("size", "coordinates", "reason"),
    [
        ((30, WIDTH), SQUARE, None),
        ((HEIGHT, WIDTH), [1e9, 1, 2, 3, 4, 5], r"far outside the picture of 32×24"),
        ((HEIGHT, WIDTH), [40, 30, 50, 30, 50, 40], "no pixel of the picture is inside"),
    ],
)
def test_points_far_outside_are_refused_before_they_cost_memory(size, coordinates, reason, tmp_path):
    result = coco(tmp_path, {"segmentation": [coordinates]})
    if reason is None:
        assert result.masks("a.png", size)[0][1].sum() == 60
        return
    with pytest.raises(ImporterError, match=reason):
        result.masks("a.png", size)


def test_an_rle_of_another_size_than_the_picture_is_refused(tmp_path):
    coded = {"size": [WIDTH, HEIGHT], "counts": [0, WIDTH * HEIGHT]}
    with pytest.raises(ImporterError, match="of 24×32 pixels, the picture has 32×24"):
        coco(tmp_path, {"segmentation": coded}).masks("a.png")


def test_categories_keep_what_is_said_of_them(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(document()))
    from importers.registry import IMPORTERS
    from importers.tree import open_tree

    with open_tree([path], work_dir=tmp_path / "work") as tree:
        cup, wall = IMPORTERS["coco"].read(tree).categories
    assert (cup.name, cup.supercategory, cup.is_thing) == ("cup", "dishes", True)
    assert (wall.name, wall.supercategory, wall.is_thing) == ("wall", "", False)


@pytest.mark.parametrize("image_id", ["ä☕", "x", 7, 7.0, 0])
def test_ids_may_be_text_or_begin_at_zero(image_id, tmp_path):
    image = [{"id": image_id, "file_name": "ä.png", "height": HEIGHT, "width": WIDTH}]
    path = tmp_path / "labels.json"
    path.write_text(
        json.dumps(document({"segmentation": [SQUARE], "image_id": image_id}, images=image), ensure_ascii=False),
        encoding="utf-8",
    )
    assert len(read(path).pictures["ä.png"].shapes) == 1


@pytest.mark.parametrize("sizes", [{"height": None, "width": None}, {"height": 0, "width": 0}, {}])
def test_a_size_that_is_not_said_is_the_pictures(sizes, tmp_path):
    result = coco(tmp_path, images=[{"id": 1, "file_name": "a.png"} | sizes])
    assert result.pictures["a.png"].size_hw is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"categories": None}, 'no list "categories"'),
        ({"images": None}, 'no list "images"'),
        (
            {"images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}]},
            "image id 1 is given to 'a.png'",
        ),
        ({"categories": [{"id": 1, "name": "cup"}, {"id": 1, "name": "pot"}]}, "category id 1 is 'cup' and 'pot'"),
        ({"annotations": [{"id": 1, "image_id": 1, "segments_info": []}]}, "COCO"),
    ],
)
def test_a_file_that_says_two_things_at_once_is_refused_whole(changes, said, tmp_path):
    with pytest.raises(ImporterError, match=said):
        coco(tmp_path, {"segmentation": [SQUARE]}, **changes)


def test_images_that_cannot_be_listed_are_named_and_their_annotations_counted(tmp_path):
    images = [
        {"id": 1, "file_name": "a.png"},
        {"id": 2},
        "x",
        {"id": 3, "file_name": "c.png", "height": -1, "width": 5},
    ]
    orphans = [{"segmentation": [SQUARE], "image_id": 9}] * 2 + [{"segmentation": [SQUARE], "image_id": None}]
    result = coco(tmp_path, *orphans, images=images)
    assert result.reasons().splitlines() == [
        "labels.json, image id 2: It has no file_name.",
        "labels.json, image 2: Expected an object with an id, found a text.",
        "labels.json, image id 3 (c.png): It says a size of 5×-1 pixels, which no picture here can have.",
        "labels.json, image id 9: No picture is listed with this id; 2 annotations are.",
        "labels.json: 1 annotations are no objects with an image_id.",
    ]
    assert list(result.pictures) == ["a.png"]


def test_annotations_with_the_same_id_are_all_read_and_it_is_said(tmp_path):
    result = coco(tmp_path, *[{"segmentation": [SQUARE], "id": 0}] * 3)
    assert len(result.pictures["a.png"].shapes) == 3
    assert [one.text for one in result.remarks] == ["2 annotations have an id that another has; ids are given anew"]


def test_a_picture_is_found_by_its_path_or_its_base_name(tmp_path):
    names = ["x/a.png", "C:\\data\\b.png", "../images/c.png", "/abs/train/d.png", "no.png"]
    folder = tmp_path / "in"
    for place in ("images/a.png", "images/b.png", "images/c.png", "train/d.png", "val/d.png"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(b"")
    images = [{"id": n, "file_name": name} for n, name in enumerate(names)]
    result = coco(tmp_path, images=images)
    assert [one.path for one in result.pictures.values()] == [
        "images/a.png",
        "images/b.png",
        "images/c.png",
        "train/d.png",
        None,
    ]


def test_several_files_are_splits_and_captions_beside_them_are_left(tmp_path):
    folder = tmp_path / "in" / "annotations"
    folder.mkdir(parents=True)
    for name in ("instances_train2017", "instances_val2017", "captions_val2017"):
        image = [{"id": 1, "file_name": f"{name}.jpg"}]
        (folder / f"{name}.json").write_text(json.dumps(document(images=image)))
    result = read(tmp_path / "in")
    assert {name: one.split for name, one in result.pictures.items()} == {
        "instances_train2017.jpg": "train",
        "instances_val2017.jpg": "val",
    }
    assert [one.name for one in result.remarks] == ["annotations/captions_val2017.json"]


def test_annotations_of_a_picture_may_lie_anywhere_in_the_file(tmp_path):
    images = [{"id": n, "file_name": f"{n}.png", "height": HEIGHT, "width": WIDTH} for n in range(3)]
    mixed = [{"segmentation": [SQUARE], "image_id": n % 3} for n in range(9)]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(dict(reversed(document(*mixed, images=images).items()))))
    names = [[shape.name.rpartition(" ")[2] for shape in one.shapes] for one in read(path).pictures.values()]
    assert names == [["1", "4", "7"], ["2", "5", "8"], ["3", "6", "9"]]


@settings(max_examples=60)
@given(data=st.data())
def test_a_file_with_any_damage_gives_shapes_or_a_clear_error(tmp_path_factory, data):
    rle = {"segmentation": {"size": [4, 4], "counts": [16]}}
    text = bytearray(json.dumps(document({"segmentation": [SQUARE]}, rle)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "labels.json"
    path.write_bytes(text)
    try:
        result = read(path, "coco")
    except ImporterError:
        return
    for name in result.pictures:
        for shape in result.pictures[name].shapes:
            assert shape.category
