"""labelme's JSON, by the rules of its reader, and its polygons as supervision reads them."""

import base64
import io
import json

import numpy as np
import pytest
import supervision
from PIL import Image, ImageDraw

from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset, iou, masks_of, real_masks, ring_and_dot, small_dataset
from tests.exporters.snippets import run_snippet

SHAPE_KEYS = {"label", "points", "group_id", "description", "shape_type", "flags", "mask"}


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


def read(path):
    """The file, with what labelme's reader insists on checked, as it is written there."""
    said = json.loads(path.read_text(encoding="ascii"))
    assert {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"} == said.keys()
    assert said["imageData"] is None
    with Image.open(path.parent / said["imagePath"]) as picture:
        assert picture.size == (said["imageWidth"], said["imageHeight"])
    for shape in said["shapes"]:
        assert shape.keys() == SHAPE_KEYS
        assert isinstance(shape["label"], str) and isinstance(shape["description"], str)
        assert shape["points"] and all(len(point) == 2 for point in shape["points"])
        assert all(isinstance(value, int | float) for point in shape["points"] for value in point)
        assert shape["group_id"] is None or isinstance(shape["group_id"], int)
        assert all(isinstance(value, bool) for value in shape["flags"].values())
        assert (shape["mask"] is not None) == (shape["shape_type"] == "mask")
        assert shape["shape_type"] == "mask" or len(shape["points"]) > 2
    return said


def painted(shape, size_hw):
    """H×W bool as labelme's shapes_to_label paints it."""
    mask = np.zeros(size_hw, dtype=bool)
    if shape["shape_type"] == "mask":
        (x1, y1), (x2, y2) = np.array(shape["points"]).astype(int)
        mask[y1 : y2 + 1, x1 : x2 + 1] = np.array(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
        return mask
    canvas = Image.fromarray(mask.astype(np.uint8))
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in shape["points"]], outline=1, fill=1)
    return np.array(canvas, dtype=bool)


def masks_in(said):
    """In the order of the file, the shapes of a group joined."""
    size_hw = (said["imageHeight"], said["imageWidth"])
    masks: dict[object, np.ndarray] = {}
    for number, shape in enumerate(said["shapes"]):
        key = number if shape["group_id"] is None else f"group {shape['group_id']}"
        masks[key] = masks.get(key, np.zeros(size_hw, dtype=bool)) | painted(shape, size_hw)
    return list(masks.values())


def test_masks_come_back_exactly_with_their_holes_and_parts(dataset, tmp_path):
    report = export("labelme", dataset, tmp_path / "out")
    for stem, masks in masks_of(dataset).items():
        found = masks_in(read(tmp_path / f"out/images/{stem}.json"))
        assert len(found) == len(masks)
        assert all(np.array_equal(one, other) for one, other in zip(found, masks, strict=True))
    assert report.warnings == []


def test_polygons_give_parts_one_group_and_leave_what_has_holes_a_mask(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    cup = dataset.add_category("cup")
    image = dataset.add_image((24, 32), "a.png")
    two_parts, pixel, line = np.zeros((3, 24, 32), dtype=bool)
    two_parts[2:9, 3:12] = two_parts[14:20, 15:31] = pixel[23, 31] = line[4, 2:30] = True
    masks = [two_parts, ring_and_dot(), pixel, line, two_parts]
    for mask in masks:
        dataset.add_instance(image, mask, cup)
    report = export("labelme", dataset, tmp_path / "out", ExportOptions(polygons=True))
    said = read(tmp_path / "out/images/a.json")
    assert [(shape["shape_type"], shape["group_id"]) for shape in said["shapes"]] == [
        ("polygon", 1), ("polygon", 1), ("mask", None), ("polygon", None), ("polygon", None), ("polygon", 2),
        ("polygon", 2),
    ]  # fmt: skip
    assert all(np.array_equal(one, other) for one, other in zip(masks_in(said), masks, strict=True))
    text = "\n".join(report.warnings)
    assert "1 instances with holes are masks" in text
    assert "2 instances of several parts" in text


@pytest.mark.filterwarnings("ignore:Skipped unsupported LabelMe shape type")  # the masks that have holes
def test_polygons_of_real_things_are_good_for_labelme_and_supervision(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    coin = dataset.add_category("coin")
    image = dataset.add_image((303, 384), "coins.png")
    masks = [mask for mask in real_masks() if mask.shape == (303, 384)]
    for mask in masks:
        dataset.add_instance(image, mask, coin)
    export("labelme", dataset, tmp_path / "out", ExportOptions(polygons=True))
    said = read(tmp_path / "out/images/coins.json")
    assert all(iou(one, other) >= 0.98 for one, other in zip(masks_in(said), masks, strict=True))
    folder = str(tmp_path / "out/images")
    loaded = supervision.DetectionDataset.from_labelme(folder, folder)
    (detections,) = loaded.annotations.values()
    without_holes = {
        shape["group_id"] or f"{number}" for number, shape in enumerate(said["shapes"]) if not shape["mask"]
    }
    assert len(detections) == len(without_holes)
    best = [max(iou(found, mask) for mask in masks) for found in detections.mask]
    assert min(best) >= 0.98


def test_a_group_has_a_flag_and_labels_txt_the_categories(dataset, tmp_path):
    dataset.add_instance(dataset.images[1], np.ones((30, 20), dtype=bool), dataset.categories[0], is_crowd=True)
    export("labelme", dataset, tmp_path / "out")
    (shape,) = read(tmp_path / "out/images/empty.json")["shapes"]
    assert (shape["label"], shape["flags"]) == ("cup", {"iscrowd": True})
    labels = (tmp_path / "out/labels.txt").read_text(encoding="utf-8").splitlines()
    assert labels == ["__ignore__", "_background_", "cup", "yes: [no] 'ñ'", "1"]


def test_each_file_lies_beside_its_picture_in_its_split(dataset, tmp_path):
    dataset.replace_image(dataset.images[0], original_name="report.png")  # its JSON must not meet the export's own
    export("labelme", dataset, tmp_path / "out", ExportOptions(split=SplitOptions(train=0.5, val=0.25, test=0.25)))
    for split in ("train", "val", "test"):
        files = {path.name for path in (tmp_path / "out/images" / split).iterdir()}
        stems = {name.rpartition(".")[0] for name in files}
        assert files == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "json")}
    (found,) = (tmp_path / "out/images").rglob("report.json")
    assert read(found)["imagePath"] == "report.png"


def test_the_snippet_gives_pictures_and_masks(dataset, tmp_path):
    export("labelme", dataset, tmp_path / "out")
    names = run_snippet("labelme", tmp_path / "out")
    assert names["picture"].size == (32, 24)
    assert names["mask"].sum() == 28  # the line, which is the last of the last file by name
