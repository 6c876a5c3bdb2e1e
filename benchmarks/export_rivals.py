"""The same exports by other tools, which are given what they start from ready made."""

import importlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import supervision

from benchmarks.export_data import CLASSES, MemoryDataset
from exporters.polygons import edge_polygons

_CONFIG = (
    '<View><Image name="image" value="$image"/><PolygonLabels name="label" toName="image">'
    + "".join(f'<Label value="{name}"/>' for name in CLASSES)
    + "</PolygonLabels></View>"
)


def rivals(dataset: MemoryDataset, folder: Path) -> dict[str, Callable[[], Any]]:
    """Name -> what writes the data set as COCO once.

    supervision has its masks unpacked: "rle" writes all as runs, "polygons" all as polygons (a hole's ring fills it),
    "as_is" is as_coco without more said: runs where there are holes or several parts. "label_studio" only where
    label-studio-converter is installed: it cannot convert masks, so it is given our polygons, ready as points.
    """
    for image in dataset.images:  # their sizes are read from the files
        cv2.imwrite(str(dataset.picture_path(image)), np.zeros((*image.size_hw, 3), dtype=np.uint8))
    written = {kind: _supervision(dataset, folder, kind) for kind in ("rle", "polygons", "as_is")}
    if importlib.util.find_spec("label_studio_converter"):
        written["label_studio"] = _label_studio(dataset, folder)
    return written


def _supervision(dataset: MemoryDataset, folder: Path, kind: str) -> Callable[[], Any]:
    annotations = {}
    for image in dataset.images:
        instances = dataset.instances(image)
        boxes = [(x, y, x + w, y + h) for x, y, w, h in (one.rle.bbox_xywh for one in instances)]
        forced = {} if kind == "as_is" else {"iscrowd": np.full(len(instances), int(kind == "rle"))}
        annotations[str(dataset.picture_path(image))] = supervision.Detections(
            xyxy=np.array(boxes, dtype=np.float32),
            mask=np.array([one.rle.decode() for one in instances]),
            class_id=np.array([one.category_id for one in instances]),
            data=forced,
        )
    loaded = supervision.DetectionDataset(CLASSES, list(annotations), annotations)
    return lambda: loaded.as_coco(annotations_path=str(folder / "supervision.json"))


def _label_studio(dataset: MemoryDataset, folder: Path) -> Callable[[], Any]:
    tasks = []
    for image in dataset.images:
        instances = dataset.instances(image)
        outlines = edge_polygons([one.rle for one in instances], 1.0)
        results = [
            {
                "id": f"{image.id}-{one.category_id}-{number}",
                "type": "polygonlabels",
                "from_name": "label",
                "to_name": "image",
                "original_width": image.width,
                "original_height": image.height,
                "value": {
                    "points": (100 * ring / (image.width, image.height)).tolist(),
                    "polygonlabels": [CLASSES[one.category_id]],
                },
            }
            for one, outline in zip(instances, outlines, strict=True)
            for number, ring in enumerate(outline.rings)
        ]
        annotation = {"id": image.id, "result": results, "completed_by": {"email": "a@example.org"}}
        data = {"image": str(dataset.picture_path(image))}
        tasks.append({"id": image.id, "data": data, "annotations": [annotation]})
    path = folder / "tasks.json"
    path.write_text(json.dumps(tasks))
    module = importlib.import_module("label_studio_converter")
    converter = module.Converter(_CONFIG, str(folder), download_resources=False)
    out = folder / "label_studio"
    return lambda: converter.convert_to_coco(str(path), str(out), output_image_dir=str(out), is_dir=False)
