"""How fast, how small and how true exports are: our COCO beside supervision's as_coco on the same masks.

    python benchmarks/exports.py [--pictures 40] [--instances 8] [--rounds 7] [--json]

Synthetic blobs of 640×480, a good part of them with holes and in several parts. Labels alone are written, no pictures.
Ours starts from run-lengths, as they are stored; supervision is given its masks ready, so that unpacking them does not
count against it. The two take turns, so that a busy machine slows both; time_ratio is ours to theirs, the median of the
rounds with its spread. Ours writes RLE for it; polygons_time_ratio is the same with polygons: ours for every mask, with
keyholes, while supervision writes masks with holes or several parts as RLE with iscrowd 1. peak_mb is what the memory
grows by at most during an export of 2000 pictures, in a process of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from exporters.base import ExportOptions, Pictures
from exporters.files import export
from exporters.polygons import edge_polygons, pixel_ring
from exporters.splits import SplitOptions, assign
from storage.records import CategoryRecord, ImageRecord, ImageStatus, InstanceRecord, Origin, Split
from storage.rle import Rle

SIZE_HW = (480, 640)
CLASSES = ["cup", "spoon", "plate"]
LONG_EXPORT = 2000  # pictures, for the memory
NOW = datetime(2024, 1, 1, tzinfo=UTC)


class SyntheticDataset:
    """A Dataset of `pictures` pictures. After the first `distinct` ones, the same instances come again."""

    def __init__(self, folder: Path, pictures: int, instances: int, distinct: int) -> None:
        self.folder = folder
        self.categories = [
            CategoryRecord(id=n, name=name, color="#000000", position=n, supercategory="", is_thing=True, key=None)
            for n, name in enumerate(CLASSES)
        ]
        self.images = [
            ImageRecord(
                id=n + 1, sha256=f"{n:064x}", stored_name=f"{n}.png", original_name=f"{n}.png", width=SIZE_HW[1],
                height=SIZE_HW[0], exif_orientation=1, position=n, status=ImageStatus.DONE, created_at=NOW,
            )
            for n in range(pictures)
        ]  # fmt: skip
        dice = np.random.default_rng(7)
        self._instances = [[_instance(_blob(dice), n % 3) for n in range(instances)] for _ in range(distinct)]

    def instances(self, image: ImageRecord) -> list[InstanceRecord]:
        """Read afresh for each picture, as from the database."""
        return [replace(one, image_id=image.id) for one in self._instances[image.position % len(self._instances)]]

    def picture_path(self, image: ImageRecord) -> Path:
        return self.folder / image.stored_name

    def splits(self, options: SplitOptions, images: Sequence[ImageRecord]) -> dict[int, Split]:
        return assign(options, {image.id: image.sha256 for image in images})


def _blob(dice: np.random.Generator) -> np.ndarray:
    """H×W bool: smooth noise inside a box, between two levels."""
    height, width = dice.integers(40, 300, 2)
    noise = cv2.GaussianBlur(dice.random((height, width)), (0, 0), float(dice.uniform(4, 16)))
    low = np.quantile(noise, dice.uniform(0.2, 0.5))
    mask = np.zeros(SIZE_HW, dtype=bool)
    top, left = dice.integers(0, SIZE_HW[0] - height), dice.integers(0, SIZE_HW[1] - width)
    mask[top : top + height, left : left + width] = noise > low
    return mask


def _instance(mask: np.ndarray, category_id: int) -> InstanceRecord:
    rle = Rle.encode(mask)
    return InstanceRecord(
        id=1, image_id=1, category_id=category_id, rle=rle, bbox_xywh=rle.bbox_xywh, area=rle.area, predicted_iou=None,
        stability_score=None, model=None, origin=Origin.AUTO, labeler="", prompt=[], is_crowd=False, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip


def compare_times(dataset: SyntheticDataset, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds of each, and the ratios, after one round that does not count."""
    import supervision

    theirs = _for_supervision(dataset, folder)
    times: dict[str, list[float]] = {"rle": [], "polygons": [], "supervision": []}
    for number in range(rounds + 1):
        for kind, seconds in times.items():
            start = time.perf_counter()
            if kind == "supervision":
                theirs.as_coco(annotations_path=str(folder / "theirs.json"))
            else:
                options = ExportOptions(pictures=Pictures.NONE, polygons=kind == "polygons")
                export("coco", dataset, folder / kind, options)
            if number:
                seconds.append(time.perf_counter() - start)
    figures: dict[str, Any] = {f"{kind}_s": round(statistics.median(seconds), 4) for kind, seconds in times.items()}
    for key, kind in (("time_ratio", "rle"), ("polygons_time_ratio", "polygons")):
        ratios = [ours / other for ours, other in zip(times[kind], times["supervision"], strict=True)]
        figures |= {
            key: round(statistics.median(ratios), 4),
            f"{key}_spread": [round(f(ratios), 4) for f in (min, max)],
        }
    return figures | {"supervision": supervision.__version__}


def _for_supervision(dataset: SyntheticDataset, folder: Path) -> Any:
    import supervision

    annotations = {}
    for image in dataset.images:
        path = dataset.picture_path(image)
        cv2.imwrite(str(path), np.zeros((*SIZE_HW, 3), dtype=np.uint8))  # it reads the size from the file
        instances = dataset.instances(image)
        boxes = [(x, y, x + w, y + h) for x, y, w, h in (one.rle.bbox_xywh for one in instances)]
        annotations[str(path)] = supervision.Detections(
            xyxy=np.array(boxes, dtype=np.float32),
            mask=np.array([one.rle.decode() for one in instances]),
            class_id=np.array([one.category_id for one in instances]),
        )
    return supervision.DetectionDataset(CLASSES, list(annotations), annotations)


def measure_truth(dataset: SyntheticDataset) -> dict[str, float]:
    """IoU of masks and their polygons, as pycocotools reads COCO's and as ultralytics reads YOLO's, at 1 pixel."""
    masks = [one.rle.decode() for image in dataset.images for one in dataset.instances(image)]
    figures = {}
    for key, outline_of in (("polygon_iou", edge_polygons), ("yolo_iou", pixel_ring)):
        found = [outline_of(mask, 1.0).iou for mask in masks]
        figures[f"{key}_p01"] = round(float(np.percentile(found, 1)), 4)
        figures[f"{key}_median"] = round(float(np.median(found)), 4)
    return figures


def measure_peak(instances: int) -> float:
    """Megabytes that a process grows by at most during an export of many pictures."""
    program = [sys.executable, __file__, "--peak", "--instances", str(instances)]
    said = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(said.stdout)


def print_peak(instances: int) -> None:
    """In that process."""
    import resource

    with tempfile.TemporaryDirectory() as name:
        dataset = SyntheticDataset(Path(name), LONG_EXPORT, instances, 20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        export("coco", dataset, Path(name) / "out", ExportOptions(pictures=Pictures.NONE, polygons=True))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(grown / (1 << 20 if sys.platform == "darwin" else 1 << 10))  # bytes there, kilobytes elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--instances", type=int, default=8, help="on each picture")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        return print_peak(arguments.instances)
    warnings.simplefilter("ignore")  # supervision warns of masks that it writes without an outline
    with tempfile.TemporaryDirectory() as name:
        # The memory first: on Linux a child's highest mark starts at what its parent takes when it is born.
        figures: dict[str, Any] = {"peak_mb": round(measure_peak(arguments.instances), 1)}
        dataset = SyntheticDataset(Path(name), arguments.pictures, arguments.instances, arguments.pictures)
        figures |= compare_times(dataset, Path(name), arguments.rounds) | measure_truth(dataset)
    figures |= {"pictures": arguments.pictures, "instances": arguments.pictures * arguments.instances}
    for key, value in figures.items():
        print(f"{key}: {value}")
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
