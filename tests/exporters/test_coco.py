"""COCO JSON as pycocotools, torchvision and supervision read it."""

import json

import numpy as np
import pytest
import supervision
from pycocotools.coco import COCO
from scipy import ndimage
from torchvision.datasets import CocoDetection

from exporters.base import ExportOptions
from exporters.files import export
from tests.exporters.datasets import detected, iou, masks_of, small_dataset


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


def read(folder):
    return json.loads((folder / "annotations.json").read_text(encoding="ascii"))


def masks_by_stem(coco):
    """Stem of a file name -> the masks of its annotations in the order of their ids."""
    return {
        image["file_name"].rpartition(".")[0]: [
            coco.annToMask(annotation).astype(bool)
            for annotation in coco.loadAnns(sorted(coco.getAnnIds(imgIds=image["id"])))
        ]
        for image in coco.dataset["images"]
    }


def from_supervision(folder):
    return supervision.DetectionDataset.from_coco(
        str(folder / "images"), str(folder / "annotations.json"), force_masks=True
    )


def test_the_file_says_what_coco_says_and_no_more(dataset, tmp_path):
    export("coco", dataset, tmp_path / "out")
    said = read(tmp_path / "out")
    assert said.keys() == {"info", "licenses", "categories", "images", "annotations"}
    assert [(category["id"], category["name"]) for category in said["categories"]] == [
        (1, "cup"),
        (2, "yes: [no] 'ñ'"),
        (3, "1"),
    ]
    assert said["images"][2] == {"id": 3, "file_name": "tea_time-2.png", "width": 384, "height": 303}
    assert [annotation["id"] for annotation in said["annotations"]] == [1, 2, 3, 4, 5, 6, 7]
    assert {annotation["image_id"] for annotation in said["annotations"]} == {1, 3}
    frame, _, pixel, line = said["annotations"][:4]
    assert frame.keys() == {"id", "image_id", "category_id", "iscrowd", "bbox", "area", "segmentation"}
    assert (frame["bbox"], frame["area"]) == ([4, 3, 26, 17], 17 * 14 - 6 * 5 + 7 * 7)
    assert (pixel["bbox"], pixel["area"]) == ([31, 23, 1, 1], 1)
    assert (line["bbox"], line["area"]) == ([2, 4, 28, 1], 28)
    assert isinstance(frame["segmentation"]["counts"], str)
    assert frame["segmentation"]["size"] == [24, 32]


def test_pycocotools_reads_the_masks_exactly(dataset, tmp_path):
    export("coco", dataset, tmp_path / "out")
    found = masks_by_stem(COCO(str(tmp_path / "out/annotations.json")))
    expected = masks_of(dataset)
    assert found.keys() == expected.keys()
    for stem, masks in expected.items():
        assert len(masks) == len(found[stem])
        assert all(np.array_equal(one, other) for one, other in zip(masks, found[stem], strict=True))


def test_torchvision_reads_pictures_and_masks(dataset, tmp_path):
    export("coco", dataset, tmp_path / "out")
    loaded = CocoDetection(str(tmp_path / "out/images"), str(tmp_path / "out/annotations.json"))
    assert len(loaded) == 3
    sizes_and_masks = [
        (picture.size, [loaded.coco.annToMask(a) for a in annotations]) for picture, annotations in loaded
    ]
    assert [size for size, _ in sizes_and_masks] == [(32, 24), (20, 30), (384, 303)]
    for (_, found), expected in zip(sizes_and_masks, masks_of(dataset).values(), strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_supervision_reads_the_masks_exactly(dataset, tmp_path):
    crowd = np.zeros((303, 384), dtype=bool)
    crowd[10:50, 20:90] = crowd[60:70, 10:20] = True
    dataset.add_instance(dataset.images[2], crowd, dataset.categories[0], is_crowd=True)
    export("coco", dataset, tmp_path / "out")
    loaded = from_supervision(tmp_path / "out")
    assert loaded.classes == ["cup", "yes: [no] 'ñ'", "1"]
    for stem, found in detected(loaded).items():
        assert [mask.tolist() for mask in found] == [mask.tolist() for mask in masks_of(dataset)[stem]]
    assert sum(len(found) for found in detected(loaded).values()) == 8


def test_coco_evaluation_finds_every_instance(dataset, tmp_path):
    from pycocotools.cocoeval import COCOeval

    export("coco", dataset, tmp_path / "out")
    truth = COCO(str(tmp_path / "out/annotations.json"))
    answers = truth.loadRes([{**annotation, "score": 0.9} for annotation in read(tmp_path / "out")["annotations"]])
    evaluation = COCOeval(truth, answers, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_a_group_is_marked_and_stays_rle(dataset, tmp_path):
    dataset.add_instance(dataset.images[1], np.ones((30, 20), dtype=bool), dataset.categories[0], is_crowd=True)
    export("coco", dataset, tmp_path / "out", ExportOptions(polygons=True))
    (group,) = [annotation for annotation in read(tmp_path / "out")["annotations"] if annotation["iscrowd"]]
    assert isinstance(group["segmentation"], dict)


def test_polygons_are_read_by_pycocotools_with_their_holes(dataset, tmp_path):
    report = export("coco", dataset, tmp_path / "out", ExportOptions(polygons=True))
    said = read(tmp_path / "out")["annotations"]
    assert len(said[0]["segmentation"]) == 2  # a list for each part
    assert all(isinstance(annotation["segmentation"], list) for annotation in said)
    assert said[0]["area"] == 17 * 14 - 6 * 5 + 7 * 7  # of the mask, not of the polygons
    found = masks_by_stem(COCO(str(tmp_path / "out/annotations.json")))
    for stem, masks in masks_of(dataset).items():
        assert all(iou(one, other) >= 0.99 for one, other in zip(found[stem], masks, strict=True))
    assert any("instances with holes are polygons" in line for line in report.warnings)


def test_polygons_are_read_by_supervision_within_a_pixel(dataset, tmp_path):
    export("coco", dataset, tmp_path / "out", ExportOptions(polygons=True))
    for stem, masks in detected(from_supervision(tmp_path / "out")).items():
        for found, mask in zip(masks, masks_of(dataset)[stem], strict=True):
            near = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=2)
            core = ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=2)
            assert not (found & ~near).any()
            assert not (core & ~found).any()


def test_rle_is_exact_whatever_the_tolerance_is(dataset, tmp_path):
    export("coco", dataset, tmp_path / "one", ExportOptions(polygon_tolerance=9.0))
    export("coco", dataset, tmp_path / "two", ExportOptions(polygon_tolerance=0.0))
    assert read(tmp_path / "one") == read(tmp_path / "two")
