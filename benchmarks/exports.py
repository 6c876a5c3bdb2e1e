"""How fast, how small and how true exports are.

    python benchmarks/exports.py [--pictures 10000] [--instances-per-picture 10] [--masks 1000] [--repeats 7]
                                 [--data FOLDER] [--json]

Speed: our COCO beside supervision's, and label-studio-converter's where that is installed, on the same masks: blobs of
640×480, a good part of them with holes and in several parts. Ours starts from the database; the others are given
unpacked masks, or points, ready. Labels alone are written, no pictures. They take turns on 40 pictures, and what counts
is the CPU's time, so that a busy machine slows all alike; a ratio is our time to theirs, the median of the repeats with
its spread. rivals: which of them ran.
time_ratio: masks as run-lengths, beside the fastest of the others, whatever that writes. polygons_time_ratio: polygons
of every mask, beside supervision's.

Memory: what a process grows by at most while it exports --pictures pictures from a database: run-lengths into a folder,
then polygons into a split zip. large_s: how long the two took.

Truth: --masks masks of pictures (a quarter with holes, one of several parts, one thin), from the label maps of --data
or from scikit-image's pictures, chosen by --seed; exported at the default tolerance, read from the files as
pycocotools, ultralytics and labelme read them, and compared. iou_p01 is the first percentile.
"""

import argparse
import base64
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.export_data import MemoryDataset, fill_database
from benchmarks.export_masks import blob, real_masks
from benchmarks.export_rivals import rivals
from exporters.base import ExportOptions, Pictures
from exporters.dataset import StoredDataset
from exporters.files import export
from exporters.splits import SplitOptions
from storage.database import Database
from storage.repository import Repository

SIZE_HW = (480, 640)
COMPARED = 40  # pictures that go side by side: supervision's masks of 10000 pictures would take 30 GB
LABELS = ExportOptions(pictures=Pictures.NONE)
POLYGONS = ExportOptions(pictures=Pictures.NONE, polygons=True)


def compare_times(pictures: int, instances: int, repeats: int, folder: Path) -> dict[str, Any]:
    """CPU seconds of each, and the ratios, after one round that does not count."""
    dice = np.random.default_rng(7)
    masks = [[blob(dice, SIZE_HW) for _ in range(instances)] for _ in range(min(pictures, COMPARED))]
    fill_database(folder / "annotator.db", len(masks), [mask for each in masks for mask in each], instances)
    database = Database.open(f"sqlite:///{folder / 'annotator.db'}")
    dataset = StoredDataset(Repository(database), folder.joinpath)
    runs: dict[str, Callable[[], Any]] = {
        "rle": lambda: export("coco", dataset, folder / "rle", LABELS),
        "polygons": lambda: export("coco", dataset, folder / "polygons", POLYGONS),
        "yolo": lambda: export("yolo-segment", dataset, folder / "yolo", LABELS),
    }
    runs |= {f"their_{name}": run for name, run in rivals(MemoryDataset(folder, masks), folder).items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if repeat:
                times[name].append(time.process_time() - start)
    database.close()
    theirs = {name: seconds for name, seconds in times.items() if name.startswith("their_")}
    figures: dict[str, Any] = {
        "compared_instances": len(masks) * instances,
        "rivals": [name.removeprefix("their_") for name in theirs],
    }
    figures |= {f"{name}_ms": round(1000 * statistics.median(times[name]) / len(masks) / instances, 3) for name in runs}
    figures |= _ratio("time_ratio", times["rle"], [min(each) for each in zip(*theirs.values(), strict=True)])
    for name, seconds in theirs.items():
        figures |= _ratio(name.replace("their_", "polygons_time_ratio_to_"), times["polygons"], seconds)
    return figures | _ratio("polygons_time_ratio", times["polygons"], times["their_polygons"])


def _ratio(key: str, ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return {key: round(statistics.median(ratios), 4), f"{key}_spread": [round(f(ratios), 4) for f in (min, max)]}


def measure_truth(masks: list[np.ndarray], folder: Path) -> dict[str, Any]:
    """IoU of each mask and what comes back from a file; points an instance."""
    dataset = MemoryDataset(folder, [[mask] for mask in masks])
    figures: dict[str, Any] = {"masks": len(masks)}
    formats = {
        "rle": ("coco", LABELS, _read_coco),
        "polygon": ("coco", POLYGONS, _read_coco),
        "yolo": ("yolo-segment", LABELS, _read_yolo),
        "labelme": ("labelme", POLYGONS, _read_labelme),
    }
    for key, (name, options, read) in formats.items():
        export(name, dataset, folder / key, options)
        ious, points = [], []
        for mask, (back, count) in zip(masks, read(folder / key, masks), strict=True):
            ious.append(np.count_nonzero(mask & back) / np.count_nonzero(mask | back))
            points.append(count)
        figures |= {
            f"{key}_iou_median": round(float(np.median(ious)), 4),
            f"{key}_iou_p01": round(float(np.percentile(ious, 1)), 4),
            f"{key}_iou_min": round(min(ious), 4),
        }
        if key != "rle":
            figures |= {
                f"{key}_points_{part}": round(np.percentile(points, q)) for part, q in (("median", 50), ("p95", 95))
            }
    return figures


def _read_coco(folder: Path, masks: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    coco = COCO(str(folder / "annotations.json"))
    return [(coco.annToMask(one).astype(bool), _points(one["segmentation"])) for one in coco.dataset["annotations"]]


def _points(segmentation: Any) -> int:
    return 0 if isinstance(segmentation, dict) else sum(map(len, segmentation)) // 2


def _read_yolo(folder: Path, masks: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    found = []
    for number, mask in enumerate(masks):
        row = (folder / f"labels/train/{number}.txt").read_text().split()
        points = np.array(row[1:], dtype=np.float32).reshape(-1, 2) * mask.shape[::-1]
        painted = np.zeros(mask.shape, dtype=np.uint8)
        cv2.fillPoly(painted, [points.astype(np.int32)], (1,))
        found.append((painted.astype(bool), len(points)))
    return found


def _read_labelme(folder: Path, masks: list[np.ndarray]) -> list[tuple[np.ndarray, int]]:
    found = []
    for number, mask in enumerate(masks):
        whole, count = Image.new("1", mask.shape[::-1]), 0
        for shape in json.loads((folder / f"images/{number}.json").read_text())["shapes"]:
            if shape["shape_type"] == "mask":  # what has holes
                coded = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
                whole.paste(1, tuple(shape["points"][0]), coded)
            else:
                ImageDraw.Draw(whole).polygon([tuple(point) for point in shape["points"]], fill=1, outline=1)
                count += len(shape["points"])
        found.append((np.array(whole), count))
    return found


def measure_large(pictures: int, instances: int, folder: Path) -> dict[str, Any]:
    """Memory and seconds of a large export, in a process of its own."""
    dice = np.random.default_rng(11)
    fill_database(folder / "annotator.db", pictures, [blob(dice, SIZE_HW) for _ in range(40 * instances)], instances)
    said = subprocess.run(
        [sys.executable, __file__, "--large-in", str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout) | {"pictures": pictures, "instances": pictures * instances}


def print_large(folder: Path) -> None:
    """In that process."""
    database = Database.open(f"sqlite:///{folder / 'annotator.db'}")
    before = _resident_mb()
    seconds = []
    split = ExportOptions(pictures=Pictures.NONE, polygons=True, split=SplitOptions(stratify=True))
    for out, options in (("rle", LABELS), ("polygons.zip", split)):
        start = time.perf_counter()
        export("coco", StoredDataset(Repository(database), folder.joinpath), folder / out, options)
        seconds.append(round(time.perf_counter() - start, 1))
    database.close()
    print(json.dumps({"peak_mb": round(_peak_mb() - before, 1), "large_s": seconds}))


def _resident_mb() -> float:
    pages = Path("/proc/self/statm")  # Linux; elsewhere the highest mark so far
    return int(pages.read_text().split()[1]) * resource.getpagesize() / 2**20 if pages.exists() else _peak_mb()


def _peak_mb() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000, help="of the large export")
    parser.add_argument("--instances-per-picture", type=int, default=10)
    parser.add_argument("--masks", type=int, default=1000, help="to compare with what comes back")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--data", type=Path, help="folder with .../masks/*.png; scikit-image's pictures without")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    parser.add_argument("--large-in", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.large_in:
        return print_large(arguments.large_in)
    warnings.simplefilter("ignore")  # supervision warns of masks that it writes without an outline
    pictures, instances = arguments.pictures, arguments.instances_per_picture
    figures: dict[str, Any] = {}
    # The memory first: on Linux a child's highest mark starts at what its parent takes when it is born.
    with tempfile.TemporaryDirectory() as name:
        figures |= measure_large(pictures, instances, Path(name))
    with tempfile.TemporaryDirectory() as name:
        figures |= compare_times(pictures, instances, arguments.repeats, Path(name))
    with tempfile.TemporaryDirectory() as name:
        figures |= measure_truth(real_masks(arguments.data, arguments.masks, arguments.seed), Path(name))
    figures |= {"seed": arguments.seed, "data": arguments.data.name if arguments.data else "scikit-image"}
    for key, value in figures.items():
        print(f"{key}: {value}")
    if arguments.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
