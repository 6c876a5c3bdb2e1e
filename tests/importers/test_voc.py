"""Pascal VOC's files, as the devkit has them and as others write them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from importers.regions import voc_color
from tests.importers.reading import Read, read

SIZE_HW = (40, 60)
BOX = "<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>20</xmax><ymax>15</ymax></bndbox>"  # columns 10..19, rows 5..14
CUP = f"<object><name>cup</name>{BOX}</object>"
SPOON = CUP.replace("cup", "spoon").replace(">11<", ">31<").replace(">20<", ">40<")


def xml(*things: str, size: str = "<size><width>60</width><height>40</height></size>", more: str = "") -> str:
    return f"<annotation><filename>a.jpg</filename>{more}{size}{''.join(things)}</annotation>"


def devkit(folder: Path, *texts: str) -> Path:
    """A devkit's folder with pictures a.jpg, b.jpg … and these XMLs."""
    for sub in ("Annotations", "JPEGImages", "SegmentationObject", "SegmentationClass", "ImageSets/Main"):
        (folder / sub).mkdir(parents=True)
    for stem, text in zip("abc", texts, strict=False):
        Image.fromarray(np.zeros((*SIZE_HW, 3), np.uint8)).save(folder / "JPEGImages" / f"{stem}.jpg")
        (folder / "Annotations" / f"{stem}.xml").write_text(text.replace("a.jpg", f"{stem}.jpg"), encoding="utf-8")
    return folder


def save_map(path: Path, numbers: np.ndarray) -> None:
    picture = Image.fromarray(numbers.astype(np.uint8))
    picture.putpalette([part for number in range(256) for part in voc_color(number)])
    picture.save(path)


def filled(left: int, top: int, right: int, bottom: int, value: int = 1) -> np.ndarray:
    """Half-open."""
    mask = np.zeros(SIZE_HW, np.uint8)
    mask[top:bottom, left:right] = value
    return mask


def only_mask(result: Read) -> np.ndarray:
    assert result.unreadable == []
    ((_, mask),) = result.masks("a.jpg")
    return mask


def test_a_box_counts_from_one_and_includes_its_last_pixel(tmp_path):
    result = read(devkit(tmp_path / "voc", xml(CUP)))
    assert (result.importer, result.entry, result.categories) == ("voc", "Annotations/a.xml", ["cup"])
    assert result.pictures["a.jpg"].path == "JPEGImages/a.jpg"
    assert (only_mask(result) == filled(10, 5, 20, 15)).all()


def test_label_studio_counts_from_zero_and_is_read_so(tmp_path):
    signed = "<owner><name>Label Studio</name></owner>"
    assert (only_mask(read(devkit(tmp_path / "voc", xml(CUP, more=signed)))) == filled(11, 6, 20, 15)).all()


def test_corners_the_wrong_way_round_are_the_same_box(tmp_path):
    turned = CUP.replace("xmin", "x").replace("xmax", "xmin").replace("<x>", "<xmax>").replace("</x>", "</xmax>")
    assert (only_mask(read(devkit(tmp_path / "voc", xml(turned)))) == filled(10, 5, 20, 15)).all()


def test_a_polygon_counts_from_one_too(tmp_path):
    points = "<polygon><x1>11</x1><y1>6</y1><x2>20</x2><y2>6</y2><x3>20</x3><y3>15</y3><x4>11</x4><y4>15</y4></polygon>"
    drawn = f"<object><name>cup</name>{BOX}{points}</object>"
    assert (only_mask(read(devkit(tmp_path / "voc", xml(drawn)))) == filled(10, 5, 20, 15)).all()


def test_object_k_of_the_xml_is_number_k_on_the_map(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP, SPOON))
    numbers = filled(10, 5, 20, 15, 255) + filled(30, 5, 40, 15, 2)
    numbers[6:14, 11:19] = 1
    save_map(folder / "SegmentationObject" / "a.png", numbers)
    result = read(folder)
    assert result.unreadable == []
    (cup, first), (spoon, second) = result.masks("a.jpg")
    assert (cup, spoon) == ("cup", "spoon")
    assert (first == filled(11, 6, 19, 14)).all() and (second == filled(30, 5, 40, 15)).all()


def test_an_object_that_others_cover_wholly_is_named(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP, CUP))
    save_map(folder / "SegmentationObject" / "a.png", filled(10, 5, 20, 15, 2))
    result = read(folder)
    assert len(result.pictures["a.jpg"].shapes) == 1
    assert [one.name for one in result.unreadable] == ["Annotations/a.xml, object 1"]
    assert "cover it wholly" in result.reasons()


def test_a_mask_outside_its_box_is_another_objects(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP))
    save_map(folder / "SegmentationObject" / "a.png", filled(40, 25, 50, 35))
    assert "outside its box" in read(folder).reasons()


@pytest.mark.parametrize("in_colour", [False, True])
def test_objects_without_an_xml_have_the_class_of_the_other_map(in_colour, tmp_path):
    folder = devkit(tmp_path / "voc", xml())
    (folder / "Annotations" / "a.xml").unlink()
    (folder / "class_names.txt").write_text("_background_\nspoon\ncup\n")
    save_map(folder / "SegmentationObject" / "a.png", filled(10, 5, 20, 15))
    save_map(folder / "SegmentationClass" / "a.png", filled(10, 5, 20, 15, 2))
    if in_colour:
        for sub in ("SegmentationObject", "SegmentationClass"):
            Image.open(folder / sub / "a.png").convert("RGB").save(folder / sub / "a.png")
    result = read(folder)
    assert result.importer == "voc" and result.categories == ["spoon", "cup"]
    assert [category for category, _ in result.masks("a.jpg")] == ["cup"]
    assert (only_mask(result) == filled(10, 5, 20, 15)).all()


def test_a_class_without_a_name_is_said_and_not_guessed(tmp_path):
    folder = devkit(tmp_path / "voc", xml())
    save_map(folder / "SegmentationObject" / "a.png", filled(10, 5, 20, 15))
    save_map(folder / "SegmentationClass" / "a.png", filled(10, 5, 20, 15, 77))
    assert "has no name" in read(folder).reasons()


def test_labelmap_txt_names_classes_by_their_colours(tmp_path):
    folder = devkit(tmp_path / "voc", xml())
    (folder / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\na: b:128,0,0::\n")
    save_map(folder / "SegmentationObject" / "a.png", filled(10, 5, 20, 15))
    save_map(folder / "SegmentationClass" / "a.png", filled(10, 5, 20, 15, 1))
    assert [category for category, _ in read(folder).masks("a.jpg")] == ["a: b"]


def test_lists_of_pictures_say_the_split(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP), xml(CUP), xml(CUP))
    (folder / "ImageSets" / "Main" / "val.txt").write_text("b\n")
    (folder / "ImageSets" / "Main" / "train.txt").write_text("a 1\n\n")
    assert [one.split for one in read(folder).pictures.values()] == ["train", "val", None]


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        ("<object></object>", "no name"),
        ("<object><name>cup</name></object>", "neither"),
        (CUP.replace(">11<", "><"), "missing"),
        (CUP.replace(">11<", ">left<"), "not"),
        (CUP.replace(">11<", ">nan<"), "NaN"),
        (CUP.replace("</object>", "<polygon><x1>1</x1><y1>1</y1></polygon></object>"), "1 points"),
    ],
)
def test_an_object_that_cannot_be_used_is_named_and_the_rest_comes_in(thing, reason, tmp_path):
    result = read(devkit(tmp_path / "voc", xml(thing, SPOON)))
    assert [one.name for one in result.unreadable] == ["Annotations/a.xml, object 1"]
    assert reason in result.reasons()
    assert [category for category, _ in result.masks("a.jpg")] == ["spoon"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (xml(CUP)[:60], "no sound XML"),
        ("", "no sound XML"),
        ("<notes><size/></notes>", "Expected <annotation>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + xml(CUP), "DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + xml("&b;"), "DOCTYPE"),
        (xml("<object>" * 200 + "</object>" * 200), "too deep"),
        (xml(CUP, size="<size><width>6e9</width><height>6e9</height></size>"), "size"),
        (xml(CUP, size="<size><width>x</width><height>40</height></size>"), "whole numbers"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_rest_comes_in(text, reason, tmp_path):
    result = read(devkit(tmp_path / "voc", xml(CUP), text))
    assert [one.name for one in result.unreadable] == ["Annotations/b.xml"]
    assert reason in result.reasons()
    assert list(result.pictures) == ["a.jpg"]


def test_a_map_of_another_size_than_the_xml_says_is_not_used(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP), xml(CUP))
    Image.fromarray(np.ones((20, 30), np.uint8)).save(folder / "SegmentationObject" / "a.png")
    result = read(folder)
    assert "30×20" in result.reasons()
    assert list(result.pictures) == ["b.jpg"]


def test_a_damaged_map_keeps_the_picture_out_and_not_its_boxes_in(tmp_path):
    folder = devkit(tmp_path / "voc", xml(CUP), xml(CUP))
    (folder / "SegmentationObject" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = read(folder)
    assert [one.name for one in result.unreadable] == ["SegmentationObject/a.png"]
    assert list(result.pictures) == ["b.jpg"]
