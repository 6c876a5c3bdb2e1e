"""labelme's files, as labelme itself and those who write like it make them."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from exporters.base import ExportOptions
from exporters.labelme import LabelmeExporter
from importers.masks import mask_of
from tests.exporters.datasets import FakeDataset, iou, ring_and_dot
from tests.importers.reading import Read, read

SIZE_HW = (40, 60)
SQUARE = [[10, 5], [20, 5], [20, 15], [10, 15]]


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


PICTURE = png(np.zeros((*SIZE_HW, 3), np.uint8))


def coded(pixels: np.ndarray) -> str:
    return base64.b64encode(png(pixels)).decode()


def shape(label: object = "cup", points: object = SQUARE, kind: object = "polygon", **more: object) -> dict:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **more}


def document(*shapes: object, **changes: object) -> dict:
    whole: dict[str, object] = {
        "version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "a.png", "imageData": None,
        "imageHeight": SIZE_HW[0], "imageWidth": SIZE_HW[1],
    }  # fmt: skip
    return {key: value for key, value in (whole | changes).items() if value != "left out"}


def labelled(folder: Path, *shapes: object, **changes: object) -> Read:
    """What comes of one JSON beside its picture."""
    folder.mkdir(exist_ok=True)
    (folder / "a.png").write_bytes(PICTURE)
    (folder / "a.json").write_text(json.dumps(document(*shapes, **changes)))
    return read(folder, "labelme", work=folder.parent / "work")


def mask_in(folder: Path, *shapes: object) -> np.ndarray:
    result = labelled(folder, *shapes)
    assert result.unreadable == []
    ((_, mask),) = result.masks("a.png")
    return mask


def filled(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Pixels from left to right and from top to bottom, both included."""
    mask = np.zeros(SIZE_HW, bool)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def test_a_polygon_includes_the_pixels_of_its_outline(tmp_path):
    assert (mask_in(tmp_path / "a", shape()) == filled(10, 5, 20, 15)).all()


@pytest.mark.parametrize("points", [[[20, 15], [10, 5]], [[10, 15], [20, 5]], SQUARE])
def test_a_rectangle_is_two_corners_in_any_order_or_four(points, tmp_path):
    assert (mask_in(tmp_path / "a", shape(points=points, kind="rectangle")) == filled(10, 5, 20, 15)).all()


def test_a_circle_is_its_centre_and_a_point_on_its_border(tmp_path):
    mask = mask_in(tmp_path / "a", shape(points=[[30, 20], [30, 32]], kind="circle"))
    painted = Image.new("L", SIZE_HW[::-1])
    ImageDraw.Draw(painted).ellipse((18, 8, 42, 32), fill=1)  # as labelme's own scripts do
    assert iou(mask, np.asarray(painted)) > 0.97


def test_a_mask_is_laid_at_its_box_and_cut_at_the_border(tmp_path):
    part = np.zeros((6, 8), bool)
    part[1:, 2:] = True
    whole = mask_in(tmp_path / "a", shape(points=[[10, 5], [17, 10]], kind="mask", mask=coded(part)))
    assert (whole == filled(12, 6, 17, 10)).all()
    cut = mask_in(tmp_path / "b", shape(points=[[55, 37], [62, 42]], kind="mask", mask=coded(part * np.uint8(255))))
    assert (cut == filled(57, 38, 59, 39)).all()


def test_shapes_of_one_label_and_group_are_one_instance(tmp_path):
    other = [[30, 5], [40, 5], [40, 15], [30, 15]]
    result = labelled(
        tmp_path / "a", shape(group_id=1), shape("spoon", group_id=1), shape(points=other, group_id=1), shape()
    )
    assert [category for category, _ in result.masks("a.png")] == ["cup", "spoon", "cup"]
    assert (result.masks("a.png")[0][1] == filled(10, 5, 20, 15) | filled(30, 5, 40, 15)).all()


def test_a_mask_and_a_polygon_of_one_group_are_one_instance(tmp_path):
    part = shape(points=[[30, 5], [33, 8]], kind="mask", mask=coded(np.ones((4, 4), bool)), group_id=7)
    assert (mask_in(tmp_path / "a", shape(group_id=7), part) == filled(10, 5, 20, 15) | filled(30, 5, 33, 8)).all()


def test_polygons_that_overlap_in_a_group_do_not_cancel_out(tmp_path):
    assert (mask_in(tmp_path / "a", shape(group_id=1), shape(group_id=1)) == filled(10, 5, 20, 15)).all()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (shape(kind="line", points=[[1, 1], [5, 5]]), "A line has no inside"),
        (shape(kind="point", points=[[1, 1]]), "A point has no inside"),
        (shape(kind="heart"), "'heart'"),
        (shape(kind=["polygon"]), "is not known"),
        (shape(points=SQUARE[:2]), "A polygon of 2 points"),
        (shape(kind="circle"), "A circle of 4 points"),
        (shape(points=[[1, 2, 3], [4, 5, 6], [7, 8, 9]]), "points"),
        (shape(points=[[1, float("nan")], [4, 5], [7, 8]]), "NaN"),
        (shape(points=[[1, 10**400], [4, 5], [7, 8]]), "numbers"),
        (shape(points="10,5"), "numbers"),
        (shape(points=None), "points"),
        (shape(label=None), "no label"),
        (shape(label="  "), "no label"),
        ("cup", "Expected an object"),
        (shape(kind="mask", points=[[0, 0], [3, 3]]), "base64"),
        (shape(kind="mask", points=[[0, 0], [3, 3]], mask="????"), "PNG"),
        (shape(kind="mask", points=[[0, 0], [3, 3]], mask=coded(np.ones((5, 5), bool))), "5×5"),
        (shape(kind="mask", points=[[70, 0], [73, 3]], mask=coded(np.ones((4, 4), bool))), "empty"),
        (shape(kind="mask", points=[[0, 0], [1e300, 3]], mask=coded(np.ones((4, 4), bool))), "outside"),
    ],
)
def test_a_shape_that_cannot_be_used_is_named_and_the_rest_comes_in(given, reason, tmp_path):
    result = labelled(tmp_path / "a", given, shape("spoon"))
    assert [one.name for one in result.unreadable] == ["a.json, shape 1"]
    assert reason in result.unreadable[0].reason
    assert [category for category, _ in result.masks("a.png")] == ["spoon"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shapes": "none"}, "shapes"),
        ({"imageHeight": 10**9, "imageWidth": 10**9}, "size"),
        ({"imageHeight": -4}, "size"),
        ({"imageHeight": "high"}, "whole numbers"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(changes, reason, tmp_path):
    result = labelled(tmp_path / "a", shape(), **changes)
    assert result.pictures == {}
    assert [one.name for one in result.unreadable] == ["a.json"]
    assert reason in result.unreadable[0].reason


def test_an_old_file_without_types_of_shapes_has_polygons(tmp_path):
    old = {"label": "cup", "line_color": None, "fill_color": None, "points": SQUARE}
    result = labelled(tmp_path / "a", old, version="3.6.10", imageHeight="left out", imageWidth="left out")
    assert result.unreadable == []
    assert (mask_of(result.pictures["a.png"].shapes[0], SIZE_HW).decode() == filled(10, 5, 20, 15)).all()


@pytest.mark.parametrize("called", ["..\\pictures\\a.png", "../pictures/a.png", "C:\\Users\\ann\\a.png", "other.png"])
def test_the_picture_is_found_whatever_path_the_file_says(called, tmp_path):
    (tmp_path / "set" / "pictures").mkdir(parents=True)
    (tmp_path / "set" / "labels").mkdir()
    (tmp_path / "set" / "pictures" / "a.png").write_bytes(PICTURE)
    (tmp_path / "set" / "labels" / "a.json").write_text(json.dumps(document(shape(), imagePath=called)))
    (picture,) = read(tmp_path / "set").pictures.values()
    assert picture.path == "pictures/a.png"


def test_a_picture_in_the_file_is_used_where_there_is_no_other(tmp_path):
    (tmp_path / "set").mkdir()
    whole = document(shape(), imageData=base64.b64encode(PICTURE).decode())
    (tmp_path / "set" / "a.json").write_text(json.dumps(whole))
    (picture,) = read(tmp_path / "set").pictures.values()
    assert (picture.path, picture.embedded) == (None, PICTURE)
    (tmp_path / "set" / "a.png").write_bytes(PICTURE)
    (picture,) = read(tmp_path / "set").pictures.values()
    assert (picture.path, picture.embedded) == ("a.png", None)


def test_categories_come_in_the_order_of_labels_txt(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "labels.txt").write_text("__ignore__\n_background_\nspoon\nplate\ncup\n")
    assert labelled(tmp_path / "a", shape(), shape("fork"), shape("spoon")).categories == [
        "spoon", "plate", "cup", "fork",
    ]  # fmt: skip


def test_a_list_of_something_else_names_no_category(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "labels.txt").write_text("a.json\nb.json\n")
    assert labelled(tmp_path / "a", shape()).categories == ["cup"]


def test_a_damaged_file_beside_a_picture_is_named(tmp_path):
    labelled(tmp_path / "a", shape())
    (tmp_path / "a" / "b.png").write_bytes(PICTURE)
    (tmp_path / "a" / "b.json").write_text("")
    (tmp_path / "a" / "settings.json").write_text("{}")  # beside no picture: nobody says it is labelme's
    result = read(tmp_path / "a", "labelme")
    assert [one.name for one in result.unreadable] == ["b.json"]
    assert list(result.pictures) == ["a.png"]


def test_polygons_of_the_export_come_back_as_the_masks_they_were(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    block = np.zeros((24, 32), bool)
    block[2:9, 3:12] = block[14:20, 20:29] = True
    picture = dataset.add_image((24, 32), "a.png")
    for mask in (block, ring_and_dot()):
        dataset.add_instance(picture, mask, dataset.add_category(f"kind {mask.sum()}"))
    (tmp_path / "export").mkdir()
    LabelmeExporter().write(dataset, tmp_path / "export", ExportOptions(polygons=True), lambda done, total: None)
    masks = read(tmp_path / "export", "labelme").masks("a.png")
    assert [iou(mask, meant) for (_, mask), meant in zip(masks, (block, ring_and_dot()), strict=True)] == [1.0, 1.0]
