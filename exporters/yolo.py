"""YOLO txt: images/<split> beside labels/<split>, and data.yaml. What is not split is in train.

What was looked at in ultralytics (8.4) and supervision (0.31), and decides the form:
- `path` is empty: ultralytics then takes the folder that data.yaml lies in, wherever the export is moved to. A dot
  would be the working directory.
- "train" and "val" have to name folders with pictures in them, or training does not begin: where a split has none, the
  other one is named, with a warning. "test" may be null.
- data.yaml is ASCII with escapes, and every name is quoted where YAML would read "yes" or "1" as something else.
- A picture without instances has an empty label file: a background picture to ultralytics, not a missing label.
- A row of a segment is one ring (exporters/polygons.pixel_ring): parts joined by bridges, holes by keyholes. Crumbs far
  from the rest, a tenth of the mask at most, are left out and counted: bridges are painted, one pixel wide. Each row
  has three points at least, so it is never taken for a detect row; one file never holds both.
- ultralytics drops a row of the class and box of another one (8.4 only when the polygons are the same too), pictures
  below 10×10 pixels, and has no word for a group (iscrowd): its own COCO converter leaves these out, and so do we.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import yaml

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Progress, Split
from exporters.pictures import Placed, chosen_categories, sound_instances, write_pictures
from exporters.polygons import pixel_ring
from storage.records import CategoryRecord, InstanceRecord

_MIN_SIDE = 10  # pixels; ultralytics skips smaller pictures
_POOR_IOU = 0.95
_SNIPPET = """from ultralytics import YOLO

model = YOLO("{model}")
model.train(data="EXPORT/data.yaml", epochs=100)
"""


class YoloExporter:
    """Writes images/, labels/ and data.yaml, with rows of one kind: "segment" or "detect"."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = f"yolo-{kind}"
        self.title = {"segment": "YOLO segment (txt, outlines)", "detect": "YOLO detect (txt, boxes)"}[kind]
        shape = {"segment": "outline", "detect": "box"}[kind]
        self.summary = f"One txt a picture, one {shape} a row, and data.yaml; for ultralytics and supervision"
        self.snippet = _SNIPPET.format(model={"segment": "yolo11n-seg.pt", "detect": "yolo11n.pt"}[kind])
        self.takes = frozenset({"tolerance"} if kind == "segment" else ())

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=0)
        if not categories:
            raise ExportError("There is no category yet, and YOLO needs one at least. Add a category first.")
        counts: Counter[str] = Counter()
        for placed in write_pictures(
            dataset, lambda split: folder / "images" / (split or Split.TRAIN), options, report, progress
        ):
            rows = self._rows(dataset, placed, numbers, options, report, counts)
            text = "".join(f"{row}\n" for row in rows)
            path = (folder / "labels" / (placed.split or Split.TRAIN) / placed.name).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii", newline="\n")
        report.warnings += _warnings(counts, categories)
        report.warnings += _write_data_yaml(folder, categories, report)
        return report

    def _rows(
        self,
        dataset: Dataset,
        placed: Placed,
        numbers: dict[int, int],
        options: ExportOptions,
        report: ExportReport,
        counts: Counter[str],
    ) -> list[str]:
        rows: list[str] = []
        seen: set[tuple[int, tuple[int, int, int, int]]] = set()
        groups = 0
        for instance, number in sound_instances(dataset, placed.image, numbers, options, report):
            if instance.is_crowd:
                groups += 1
                continue
            key = number, instance.rle.bbox_xywh
            counts["twins"] += key in seen
            seen.add(key)
            values = _segment(instance, options, counts) if self.kind == "segment" else _box(instance)
            rows.append(" ".join([str(number), *(f"{value:.6f}" for value in values)]))
        if groups:
            image = placed.image
            line = f"{groups} instances marked as a group in {image.original_name!r} (picture {image.id})"
            report.left_out.append(f"{line}: YOLO has no word for groups")
        counts["small"] += min(placed.image.size_hw) < _MIN_SIDE
        report.add_instances(len(rows), placed.split)
        return rows


def _box(instance: InstanceRecord) -> np.ndarray:
    """xc, yc, w, h, all 0..1."""
    height, width = instance.rle.size_hw
    x, y, w, h = instance.rle.bbox_xywh
    return np.array([(x + w / 2) / width, (y + h / 2) / height, w / width, h / height])


def _segment(instance: InstanceRecord, options: ExportOptions, counts: Counter[str]) -> np.ndarray:
    """x1, y1, ..., xn, yn, all 0..1, n >= 3."""
    outline = pixel_ring(instance.rle, options.polygon_tolerance)
    counts["parts"] += outline.parts > 1
    counts["holes"] += outline.holes > 0
    counts["crumbs"] += outline.dropped
    counts["poor"] += outline.iou < _POOR_IOU
    height, width = instance.rle.size_hw
    return np.clip(outline.rings[0] / (width, height), 0, 1).reshape(-1)


def _write_data_yaml(folder: Path, categories: list[CategoryRecord], report: ExportReport) -> list[str]:
    """Returns what there is to warn of."""
    counts = {split: report.splits.get(split, {"images": 0})["images"] for split in Split}
    warnings = []
    if not report.splits:
        train = val = Split.TRAIN
        warnings.append("every picture is in train, and val names the same ones: split them before you measure")
    else:
        train = Split.TRAIN if counts[Split.TRAIN] else max(counts, key=lambda split: counts[split])
        val = Split.VAL if counts[Split.VAL] else train
        for split, named in ((Split.TRAIN, train), (Split.VAL, val)):
            if split != named:
                warnings.append(f"no picture is in {split}, and data.yaml names those of {named} in its place")
    data = {
        "path": "",
        "train": f"images/{train}",
        "val": f"images/{val}",
        "test": f"images/{Split.TEST}" if counts[Split.TEST] else None,
        "names": {number: category.name for number, category in enumerate(categories)},
    }
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=False, width=10_000)
    (folder / "data.yaml").write_text(text, encoding="ascii", newline="\n")
    return warnings


def _warnings(counts: Counter[str], categories: list[CategoryRecord]) -> list[str]:
    said = {
        "parts": "instances of several parts are one row each, the parts joined by bridges",
        "holes": "instances with holes are one row each, the holes joined by keyholes",
        "crumbs": "small parts of instances are left out: the bridge to each would paint more pixels than it has",
        "poor": f"instances give their mask back with an IoU below {_POOR_IOU}: bridges between small parts",
        "twins": "rows have the class and box of another row of their picture: ultralytics may keep one of them",
        "small": f"pictures are smaller than {_MIN_SIDE}×{_MIN_SIDE} pixels: ultralytics skips them",
    }
    lines = [f"{counts[key]} {text}" for key, text in said.items() if counts[key]]
    if categories[0].name.startswith("n0"):
        lines.append(f"ultralytics takes {categories[0].name!r} for an ImageNet code: rename the first category")
    return lines
