"""Pictures are found among files by whatever a label file calls them, and not taken for others."""

import pytest

from importers.pictures import PictureIndex, normal_path, split_of
from importers.tree import open_tree


@pytest.fixture
def index(tmp_path):
    names = ["a.png", "images/b.JPG", "train/img/0001.png", "val/img/0001.png", "x/c.png", "y/c.png", "Ünï ☕.png"]
    for name in [*names, "labels/b.txt", "notes.md"]:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"")
    with open_tree([tmp_path / "in"], work_dir=tmp_path / "work") as tree:
        yield PictureIndex(tree)


@pytest.mark.parametrize(
    ("called", "where", "found"),
    [
        ("a.png", {}, "a.png"),
        ("./a.png", {}, "a.png"),
        ("b.jpg", {}, "images/b.JPG"),
        ("../images/b.JPG", {"near": "labels/b.txt"}, "images/b.JPG"),
        ("D:\\data\\images\\b.jpg", {}, "images/b.JPG"),
        ("/abs/val/img/0001.png", {}, "val/img/0001.png"),
        ("0001.png", {}, None),
        ("0001.png", {"split": "val"}, "val/img/0001.png"),
        ("0001.png", {"near": "train/labels.json"}, "train/img/0001.png"),
        ("img/0001.png", {"near": "val/labels.json"}, "val/img/0001.png"),
        ("test/0001.png", {}, None),
        ("c.png", {}, None),
        ("y/c.png", {}, "y/c.png"),
        ("Ünï ☕.png", {}, "Ünï ☕.png"),
        ("notes.md", {}, None),
        ("", {}, None),
        ("..", {}, None),
    ],
)
def test_a_picture_is_found_by_its_name_in_a_label_file(called, where, found, index):
    assert index.find(called, **where) == found


def test_a_picture_beside_a_label_file_is_found_by_its_stem(index):
    assert index.with_stem("labels/b") == "images/b.JPG"
    assert index.with_stem("labels/train/0001", split="train") == "train/img/0001.png"
    assert index.with_stem("labels/0001") is None


def test_a_picture_of_another_split_is_not_taken_for_the_one_that_is_not_there(tmp_path):
    (tmp_path / "in" / "train").mkdir(parents=True)
    (tmp_path / "in" / "train" / "0001.png").write_bytes(b"")
    with open_tree([tmp_path / "in"], work_dir=tmp_path / "work") as tree:
        index = PictureIndex(tree)
    assert index.find("val/0001.png") is None
    assert index.find("0001.png", split="val") is None
    assert index.find("0001.png", split="train") == index.find("0001.png") == "train/0001.png"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("annotations/instances_train2017.json", "train"),
        ("valid/_annotations.coco.json", "val"),
        ("labels/test/a.txt", "test"),
        ("data/training/a/x.png", "train"),
        ("trainer/contest/a.json", None),
        ("val/train.json", "train"),
    ],
)
def test_the_split_is_read_from_the_name_then_from_the_folders(name, split):
    assert split_of(name) == split


def test_no_path_leads_out_of_the_tree():
    assert normal_path("../../etc/passwd") == "etc/passwd"
    assert normal_path("C:\\..\\a\\.\\b.png") == "a/b.png"
    assert normal_path("..") == ""
