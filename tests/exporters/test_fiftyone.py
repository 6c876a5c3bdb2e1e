"""COCO as fiftyone reads it, where it is installed; its reader needs no database of its own, unlike the rest of it."""

import numpy as np
import pytest

from exporters.files import export
from tests.exporters.datasets import small_dataset


@pytest.fixture
def fiftyone_coco(tmp_path, monkeypatch):
    """fiftyone.utils.coco, its settings in a temporary folder."""
    monkeypatch.setenv("FIFTYONE_CONFIG_PATH", str(tmp_path / "config.json"))
    monkeypatch.setenv("FIFTYONE_REQUIREMENT_ERROR_LEVEL", "2")
    monkeypatch.setenv("FIFTYONE_DO_NOT_TRACK", "true")
    return pytest.importorskip("fiftyone.utils.coco", reason="fiftyone is not installed", exc_type=ImportError)


def test_every_mask_of_the_coco_export_is_read(fiftyone_coco, tmp_path):
    dataset = small_dataset(tmp_path / "pictures")
    export("coco", dataset, tmp_path / "out")
    reader = fiftyone_coco.COCODetectionDatasetImporter(
        data_path=str(tmp_path / "out/images"),
        labels_path=str(tmp_path / "out/annotations.json"),
        label_types=["segmentations"],
    )
    reader.setup()
    found = []
    for _, _, labels in reader:
        detections = labels.get("segmentations") if isinstance(labels, dict) else labels
        found.append(sorted(int(np.sum(one.mask)) for one in detections.detections) if detections else [])
    assert sorted(found) == sorted(sorted(one.area for one in dataset.instances(image)) for image in dataset.images)
