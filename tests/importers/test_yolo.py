"""YOLO folders in every form that data.yaml and other programs give them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.base import ImporterError
from tests.importers.reading import Read, read

SIZE = (20, 40)
SQUARE = "0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5"
BOX = "0.5 0.5 0.25 0.5"


def yolo_set(folder: Path, files: dict[str, str | None], data: object = None, *, name: str = "data.yaml") -> Path:
    """files: their texts; None for a picture. data: of data.yaml, None for no such file."""
    root = folder / "in"
    for place, text in files.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            cv2.imwrite(str(root / place), np.zeros((*SIZE, 3), np.uint8))
        else:
            (root / place).write_text(text)
    if data is not None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return root


def rows(folder: Path, *lines: str, names: object = ("cup", "pot"), **more: object) -> Read:
    """A set of one picture with these rows."""
    files = {"images/a.png": None, "labels/a.txt": "\n".join(lines)}
    names = list(names) if isinstance(names, tuple) else names
    return read(yolo_set(folder, files, {"train": "images", "names": names} | more))


def found(result: Read) -> dict[str, tuple[str | None, int]]:
    """Path or file name -> (split, shapes)."""
    return {one.path or one.file_name: (one.split, len(one.shapes)) for one in result.pictures.values()}


def test_an_outline_is_painted_with_its_own_pixels_and_a_box_is_full(tmp_path):
    result = rows(tmp_path, f"0 {SQUARE}", f"1 {BOX}")
    outline, box = result.masks("images/a.png", SIZE)
    wanted = np.zeros((2, *SIZE), bool)
    wanted[0, 2:11, 4:21] = True
    wanted[1, 5:15, 15:25] = True
    assert [outline[0], box[0]] == ["cup", "pot"]
    assert np.array_equal(np.stack([outline[1], box[1]]), wanted)
    assert [shape.is_box for shape in result.pictures["images/a.png"].shapes] == [False, True]
    assert [one.text for one in result.remarks] == [
        "1 files have boxes and outlines in them: each row was taken for what it is"
    ]


LAYOUT: dict[str, str | None] = {
    "images/train/a.png": None,
    "labels/train/a.txt": f"0 {SQUARE}",
    "images/val/b.png": None,
}


@pytest.mark.parametrize(
    "data",
    [
        {"path": "", "train": "images/train", "val": "images/val"},
        {"path": ".", "train": "./images/train/", "val": ["images/val"]},
        {"path": "/home/someone/datasets/in", "train": "images/train", "val": "images/val"},
        {"path": "../datasets/in", "train": "images/train", "val": "images/val", "test": None},
        {"train": "/content/in/images/train", "val": "C:\\in\\images\\val", "path": "nowhere"},
        {"train": "train.txt", "val": "val.txt"},
    ],
)
@pytest.mark.parametrize("names", [["cup"], {0: "cup"}, {"0": "cup"}])
def test_folders_and_lists_are_found_whatever_path_says(data, names, tmp_path):
    lists: dict[str, str | None] = {"train.txt": "./images/train/a.png\n", "val.txt": "\n/home/x/in/images/val/b.png\n"}
    result = read(yolo_set(tmp_path, LAYOUT | lists, data | {"names": names}))
    assert found(result)["images/train/a.png"] == ("train", 1)
    assert found(result)["images/val/b.png"] == ("val", 0)
    assert result.categories == ["cup"]


def test_folders_of_roboflow_lie_beside_the_yaml_though_it_says_above(tmp_path):
    files = {"train/images/a.png": None, "train/labels/a.txt": f"0 {BOX}", "valid/images/b.png": None}
    result = read(yolo_set(tmp_path, files, {"train": "../train/images", "val": "../valid/images", "names": ["cup"]}))
    assert found(result) == {"train/images/a.png": ("train", 1), "valid/images/b.png": ("val", 0)}
    assert result.unreadable == []


def test_a_picture_that_is_in_train_and_val_comes_once_and_is_for_training(tmp_path):
    result = read(yolo_set(tmp_path, LAYOUT, {"train": "images/train", "val": "images/train", "names": ["cup"]}))
    assert found(result) == {"images/train/a.png": ("train", 1)}


def test_a_folder_that_is_not_there_is_named_and_the_others_are_read(tmp_path):
    result = read(yolo_set(tmp_path, LAYOUT, {"train": "images/train", "test": "images/test", "names": ["cup"]}))
    assert found(result) == {"images/train/a.png": ("train", 1)}
    assert result.reasons() == "data.yaml, test: There is no images/test here; what it names was left out."


def test_labels_without_their_pictures_are_read_too(tmp_path):
    files = {"labels/train/a.txt": f"0 {BOX}", "labels/train/train_b.txt": "", "labels/train/notes.txt": "see a"}
    result = read(yolo_set(tmp_path, files, {"train": "images/train", "names": ["cup"]}))
    assert found(result) == {"a": ("train", 1), "train_b": ("train", 0)}


@pytest.mark.parametrize("folder", [".", "./", ""])
def test_all_may_lie_in_the_folder_of_the_yaml(folder, tmp_path):
    files = {"set/a.png": None, "set/a.txt": f"0 {BOX}"}
    data = {"path": folder, "train": ".", "names": ["cup"]}
    assert found(read(yolo_set(tmp_path, files, data, name="set/data.yaml"))) == {"set/a.png": ("train", 1)}


def test_without_yaml_the_names_are_those_of_classes_txt(tmp_path):
    files = {"images/a.png": None, "labels/a.txt": f"1 {BOX}", "classes.txt": "cup\npot\n", "notes.json": "{}"}
    result = read(yolo_set(tmp_path, files))
    assert (result.importer, result.categories, result.entry) == ("yolo", ["cup", "pot"], "classes.txt")
    assert [shape.category for shape in result.pictures["images/a.png"].shapes] == ["pot"]


def test_without_any_names_numbers_are_the_names_and_it_is_said(tmp_path):
    files = {"train/a.png": None, "train/a.txt": f"2 {BOX}", "train/b.png": None, "train/readme.txt": "hello"}
    result = read(yolo_set(tmp_path, files))
    assert result.categories == ["0", "1", "2"]
    assert found(result) == {"train/a.png": ("train", 1), "train/b.png": ("train", 0)}
    assert "named by their numbers" in result.remarks[0].text


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0 0.1 0.2 0.3", "It has 3 numbers behind its class"),
        (f"7 {BOX}", "Its class is 7, and there are names for 0 to 1 alone"),
        (f"-1 {BOX}", "Its class is -1"),
        (f"cup {BOX}", "It begins with 'cup', where a class number belongs"),
        ("0 100 120 30 40", "lies outside 0..1"),
        ("0 0.9 0.5 0.4 0.1", "Its coordinate 1.1 lies outside 0..1"),
        ("0 0.1 0.1 0.5 0.1 0.5 -0.3", "Its coordinate -0.3 lies outside 0..1"),
        ("0 0.5 0.5 nan 0.5", "NaN or infinite"),
        ("0 0.5 0.5 1e999 0.5", "NaN or infinite"),
        ("0 0.5 0.5 x 0.5", "One of its numbers is none"),
        ("0 0.5 0.5 0 0.5", "0 wide and 0.5 high"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_rest_comes_in(row, reason, tmp_path):
    result = rows(tmp_path, f"0 {BOX}", "", row, f"1 {SQUARE}")
    assert [one.name for one in result.unreadable] == ["labels/a.txt, row 3"]
    assert reason in result.unreadable[0].reason
    assert [shape.name for shape in result.pictures["images/a.png"].shapes] == [
        "labels/a.txt, row 1",
        "labels/a.txt, row 4",
    ]


@pytest.mark.parametrize(
    ("row", "remark", "more"),
    [
        (f"0 {BOX} 0.87", "1 rows have one number more at their end, a confidence", {}),
        (f"0 {SQUARE} 0.87", "1 rows have one number more at their end, a confidence", {}),
        (f"0 {BOX} 0.1 0.1 2 0.2 0.2 2", "1 rows have key points behind their box", {"kpt_shape": [2, 3]}),
        (f"0 {BOX}\n0  {BOX}", "1 rows are there twice in their file", {}),
    ],
)
def test_what_rows_hold_beyond_their_shape_is_said(row, remark, more, tmp_path):
    result = rows(tmp_path, row, **more)
    assert result.unreadable == []
    assert len(result.masks("images/a.png", SIZE)) == 1
    assert [one.text.startswith(remark) for one in result.remarks] == [True]


def test_a_class_number_may_be_written_as_a_float_and_touch_the_edge(tmp_path):
    result = rows(tmp_path, "1.0 0.5 0.5 1.005 1.005")
    ((category, mask),) = result.masks("images/a.png", SIZE)
    assert category == "pot"
    assert mask.all()


def test_two_numbers_of_one_name_are_one_category(tmp_path):
    result = rows(tmp_path, f"0 {BOX}", f"2 {BOX}", names=("cup", "pot", "cup"))
    assert result.categories == ["cup", "pot"]
    assert [shape.category for shape in result.pictures["images/a.png"].shapes] == ["cup", "cup"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train: images\nnames: [cup", r"data\.yaml: It is no plain YAML"),
        ("train: images\nnames: !!python/object/apply:os.system ['true']", r"data\.yaml: It"),
        ("train: images\nnames: cup", "no names of classes"),
        ("train: images\nnames: {a: cup}", "'a' is no class number"),
        ("train: images\nnames: [[1]]", "Class 0 has a list for a name"),
        ("train: nowhere\nnames: [cup]", "Neither pictures nor label files"),
    ],
)
def test_a_data_yaml_that_is_damaged_is_refused_whole(text, said, tmp_path):
    with pytest.raises(ImporterError, match=said):
        read(yolo_set(tmp_path, {"x.md": ""}, text), "yolo")


def test_a_label_file_that_is_no_text_keeps_its_picture_out(tmp_path):
    root = yolo_set(tmp_path, LAYOUT, {"train": "images/train", "val": "images/val", "names": ["cup"]})
    (root / "labels/train/a.txt").write_bytes(b"0 \xff\xfe\x80 0.5 0.5")
    result = read(root)
    assert list(found(result)) == ["images/val/b.png"]
    assert result.unreadable[0].name == "labels/train/a.txt"


def test_texts_beside_pictures_are_no_rows_of_a_data_set(tmp_path):
    root = yolo_set(tmp_path, {"a.png": None, "a.txt": "A cup, and 2 spoons", "b.png": None, "b.txt": "1 2 3"})
    with pytest.raises(AssertionError, match="nobody recognises"):
        read(root)


@settings(max_examples=60)
@given(
    text=st.one_of(st.text(max_size=60), st.from_regex(r"([0-9]{1,2}( -?[0-9.e]{1,6}){0,9}\n){0,4}", fullmatch=True))
)
def test_any_text_gives_shapes_or_reasons(tmp_path_factory, text):
    from importers.yolorows import Rows

    for one in Rows({0: "cup", 1: "pot"}).read(text, "a.txt"):
        assert one.name.startswith("a.txt, row ")
