"""Data sets as other tools write them come in with their masks.

supervision writes its own here; ultralytics does in tests/exporters/test_ultralytics.py, where it is loaded. Label
Studio's converter and labelme's scripts are not installed with the tests: their files stand here by hand, member by
member in the form in which label-studio-sdk 2.1 and labelme's examples/ (labelme2coco.py, labelme2voc.py) write them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from PIL import Image
from pycocotools import mask as coco_mask

from tests.exporters.datasets import iou, ring_and_dot
from tests.importers.reading import Read, read

SIZE_HW = (40, 60)
NAMES = ["cup", "spoon"]


def block(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Half-open."""
    mask = np.zeros(SIZE_HW, bool)
    mask[top:bottom, left:right] = True
    return mask


def disc() -> np.ndarray:
    y, x = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    return (x - 42) ** 2 + (y - 18) ** 2 <= 13**2


MASKS = [block(5, 5, 25, 30), disc()]


def save_picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*SIZE_HW, 3), np.uint8)).save(path)
    return path


def check(result: Read, name: str, *, least: float, masks: list[np.ndarray] | None = None) -> None:
    """Each mask of a picture is there, under its category and in its order."""
    assert result.unreadable == []
    assert result.categories == NAMES
    found = result.masks(name, SIZE_HW)
    assert [category for category, _ in found] == NAMES
    assert result.pictures[name].path is not None
    for (_, mask), meant in zip(found, masks or MASKS, strict=True):
        assert iou(mask, meant) >= least


@pytest.fixture
def by_supervision(tmp_path: Path) -> sv.DetectionDataset:
    picture = str(save_picture(tmp_path / "source" / "a.png"))
    masks = np.stack(MASKS)
    found = sv.Detections(xyxy=sv.mask_to_xyxy(masks).astype(float), mask=masks, class_id=np.array([0, 1]))
    return sv.DetectionDataset(classes=NAMES, images=[picture], annotations={picture: found})


def test_coco_by_supervision_comes_in(by_supervision, tmp_path):
    out = tmp_path / "out"
    by_supervision.as_coco(str(out / "images"), str(out / "annotations.json"), approximation_percentage=0)
    check(read(out, "coco"), "a.png", least=0.88)  # its polygons go through pixels, COCO's readers take them for edges


def test_masks_with_holes_by_supervision_are_exact(tmp_path):
    picture = str(save_picture(tmp_path / "source" / "a.png"))
    holed = np.zeros(SIZE_HW, bool)
    holed[:24, :32] = ring_and_dot()
    masks = np.stack([holed, holed[::-1]])
    found = sv.Detections(xyxy=sv.mask_to_xyxy(masks).astype(float), mask=masks, class_id=np.array([0, 1]))
    whole = sv.DetectionDataset(classes=NAMES, images=[picture], annotations={picture: found})
    whole.as_coco(str(tmp_path / "out" / "images"), str(tmp_path / "out" / "annotations.json"))
    result = read(tmp_path / "out")
    check(result, "a.png", least=1.0, masks=list(masks))
    assert all(shape.is_crowd for shape in result.pictures["a.png"].shapes)  # it says so of whatever it writes as RLE


def test_yolo_by_supervision_comes_in(by_supervision, tmp_path):
    out = tmp_path / "out"
    by_supervision.as_yolo(str(out / "images"), str(out / "labels"), str(out / "data.yaml"), approximation_percentage=0)
    result = read(out)
    assert result.importer == "yolo"
    (name,) = result.pictures
    check(result, name, least=0.97)


def test_pascal_voc_by_supervision_comes_in(by_supervision, tmp_path):
    out = tmp_path / "out"
    by_supervision.as_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"), approximation_percentage=0)
    result = read(out)
    assert result.importer == "voc"
    check(result, "a.png", least=1.0)


def test_labelme_by_supervision_comes_in(by_supervision, tmp_path):
    by_supervision.as_labelme(str(tmp_path / "out"), str(tmp_path / "out"))
    result = read(tmp_path / "out")
    assert result.importer == "labelme"
    check(result, "a.png", least=1.0)


def annotation(number: int, segmentation: object, mask: np.ndarray, category: int, crowd: int = 0) -> dict:
    box = coco_mask.toBbox(coco_mask.encode(np.asfortranarray(mask, np.uint8))).tolist()
    return {
        "id": number, "image_id": 1, "category_id": category, "segmentation": segmentation, "iscrowd": crowd,
        "bbox": box, "area": int(mask.sum()),
    }  # fmt: skip


def runs(mask: np.ndarray) -> list[int]:
    flat = np.concatenate(([False], mask.T.ravel()))
    return np.diff(np.append(np.flatnonzero(np.diff(flat, prepend=False)), flat.size), prepend=1).tolist()


def coco_document(*annotations: dict) -> dict:
    return {
        "info": {"description": "example", "year": 2017}, "licenses": [{"id": 1, "name": "none", "url": ""}],
        "images": [{
            "license": 1, "file_name": "000000000139.png", "coco_url": "", "height": SIZE_HW[0], "width": SIZE_HW[1],
            "date_captured": "2013-11-21", "flickr_url": "", "id": 1,
        }],
        "annotations": list(annotations),
        "categories": [{"supercategory": "kitchen", "id": 47, "name": "cup"}, {"id": 50, "name": "spoon"}],
    }  # fmt: skip


def test_a_crowd_of_runs_beside_polygons_comes_in_as_in_coco_itself(tmp_path):
    square = [[5.0, 5.0, 25.0, 5.0, 25.0, 30.0, 5.0, 30.0]]
    coded = {"counts": runs(disc()), "size": list(SIZE_HW)}
    assert sum(coded["counts"]) == SIZE_HW[0] * SIZE_HW[1]
    document = coco_document(annotation(1768, square, MASKS[0], 47), annotation(90000, coded, MASKS[1], 50, crowd=1))
    save_picture(tmp_path / "set" / "val2017" / "000000000139.png")
    (tmp_path / "set" / "annotations").mkdir()
    (tmp_path / "set" / "annotations" / "instances_val2017.json").write_text(json.dumps(document))
    result = read(tmp_path / "set")
    check(result, "000000000139.png", least=1.0)
    picture = result.pictures["000000000139.png"]
    assert ([shape.is_crowd for shape in picture.shapes], picture.split) == ([False, True], "val")


LABEL_STUDIO_COCO = """{
  "images": [{"width": 60, "height": 40, "id": 0, "file_name": "images\\\\2f1a-a.png"}],
  "categories": [{"id": 0, "name": "cup"}, {"id": 1, "name": "spoon"}],
  "annotations": [
    {"id": 0, "image_id": 0, "category_id": 0, "segmentation": [[5.0, 5.0, 25.0, 5.0, 25.0, 30.0, 5.0, 30.0]],
     "bbox": [5.0, 5.0, 20.0, 25.0], "ignore": 0, "iscrowd": 0, "area": 500.0},
    {"id": 1, "image_id": 0, "category_id": 1, "segmentation": [], "bbox": [36.0, 10.0, 12.0, 20.0],
     "ignore": 0, "iscrowd": 0, "area": 240.0}
  ],
  "info": {"year": 2024, "version": "1.0", "description": "", "contributor": "Label Studio", "url": "",
           "date_created": "2024-02-03 10:00:00.000000"}
}"""
LABEL_STUDIO_VOC = """<?xml version="1.0" encoding="utf-8"?>
<annotation>
<folder>images</folder>
<filename>2f1a-a.png</filename>
<source><database>MyDatabase</database><annotation>COCO2017</annotation><image>flickr</image>
<flickrid>NULL</flickrid><annotator>1</annotator></source>
<owner><flickrid>NULL</flickrid><name>Label Studio</name></owner>
<size><width>60</width><height>40</height><depth>3</depth></size>
<segmented>0</segmented>
<object><name>cup</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>25</xmax><ymax>30</ymax></bndbox></object>
<object><name>spoon</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
<bndbox><xmin>36</xmin><ymin>10</ymin><xmax>48</xmax><ymax>30</ymax></bndbox></object>
</annotation>
"""
DRAWN = [block(5, 5, 25, 30), block(36, 10, 48, 30)]


def test_coco_by_label_studio_comes_in(tmp_path):
    save_picture(tmp_path / "set" / "images" / "2f1a-a.png")
    (tmp_path / "set" / "result.json").write_text(LABEL_STUDIO_COCO)
    result = read(tmp_path / "set")
    check(result, "images\\2f1a-a.png", least=1.0, masks=DRAWN)


def test_voc_by_label_studio_comes_in(tmp_path):
    save_picture(tmp_path / "set" / "images" / "2f1a-a.png")
    (tmp_path / "set" / "Annotations").mkdir()
    (tmp_path / "set" / "Annotations" / "2f1a-a.xml").write_text(LABEL_STUDIO_VOC)
    check(read(tmp_path / "set"), "2f1a-a.png", least=1.0, masks=DRAWN)


def test_yolo_by_label_studio_comes_in(tmp_path):
    save_picture(tmp_path / "set" / "images" / "2f1a-a.png")
    (tmp_path / "set" / "labels").mkdir()
    (tmp_path / "set" / "classes.txt").write_text("cup\nspoon\n")
    (tmp_path / "set" / "notes.json").write_text('{"categories": [{"id": 0, "name": "cup"}], "info": {"year": 2024}}')
    outline = " ".join(f"{x / 60:.10f} {y / 40:.10f}" for x, y in ((5, 5), (24, 5), (24, 29), (5, 29)))
    (tmp_path / "set" / "labels" / "2f1a-a.txt").write_text(f"0 {outline}\n1 0.7 0.5 0.2 0.5\n")
    result = read(tmp_path / "set")
    (name,) = result.pictures
    check(result, name, least=0.95, masks=DRAWN)


def test_coco_by_the_script_of_labelme_comes_in(tmp_path):
    document = {
        "info": {"description": None, "url": None, "version": None, "year": 2024, "contributor": None},
        "licenses": [{"url": None, "id": 0, "name": None}], "type": "instances",
        "images": [{
            "license": 0, "url": None, "file_name": "JPEGImages/a.jpg", "height": 40, "width": 60,
            "date_captured": None, "id": 0,
        }],
        "categories": [
            {"supercategory": None, "id": 0, "name": "_background_"}, {"supercategory": None, "id": 1, "name": "cup"},
            {"supercategory": None, "id": 2, "name": "spoon"},
        ],
        "annotations": [
            # Two polygons of one group_id, then a rectangle: of that the script writes the two corners alone.
            {
                "id": 0, "image_id": 0, "category_id": 1, "area": 500.0, "bbox": [5.0, 5.0, 20.0, 25.0], "iscrowd": 0,
                "segmentation": [[5, 5, 25, 5, 25, 20, 5, 20], [5, 18, 25, 18, 25, 30, 5, 30]],
            },
            {
                "id": 1, "image_id": 0, "category_id": 2, "segmentation": [[36, 10, 47, 29]], "area": 240.0,
                "bbox": [36.0, 10.0, 12.0, 20.0], "iscrowd": 0,
            },
        ],
    }  # fmt: skip
    save_picture(tmp_path / "set" / "JPEGImages" / "a.jpg")
    save_picture(tmp_path / "set" / "Visualization" / "a.jpg")
    (tmp_path / "set" / "annotations.json").write_text(json.dumps(document))
    result = read(tmp_path / "set")
    assert result.pictures["JPEGImages/a.jpg"].path == "JPEGImages/a.jpg"
    assert [category for category, _ in result.masks("JPEGImages/a.jpg")] == NAMES
    assert [iou(mask, meant) for (_, mask), meant in zip(result.masks("JPEGImages/a.jpg"), DRAWN, strict=True)] == [
        1,
        1,
    ]
    assert "its box was taken" in result.remarks[0].text


def test_voc_by_the_script_of_labelme_comes_in(tmp_path):
    folder = tmp_path / "set"
    for sub in ("JPEGImages", "SegmentationClassVisualization", "SegmentationObjectVisualization"):
        save_picture(folder / sub / "a.jpg")
    (folder / "class_names.txt").write_text("_background_\ncup\nspoon")
    for sub, numbers in (("SegmentationObject", (1, 2)), ("SegmentationClass", (1, 2))):
        pixels = sum(mask.astype(np.uint8) * number for mask, number in zip(DRAWN, numbers, strict=True))
        (folder / sub).mkdir()
        Image.fromarray(np.asarray(pixels, np.int32).astype(np.uint8)).save(folder / sub / "a.png")
        np.save(folder / sub / "a.npy", pixels)
    result = read(folder)
    (name,) = result.pictures
    assert result.pictures[name].path == "JPEGImages/a.jpg"
    check(result, name, least=1.0, masks=DRAWN)
