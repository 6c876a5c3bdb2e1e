"""labelme: images/, and beside each picture a JSON of its name; labels.txt with the categories in order.

What labelme (6.3) and its label_file.py read, and decides the form:
- An instance is one shape of the type "mask": a base64 PNG of its box, whose two points are the first and the last
  pixel. That is the one shape that labelme reads back exactly, holes and parts included. A labelme from before there
  were mask shapes needs the polygons.
- Polygons, on request, can be dragged by their corners in labelme: one shape a part, the parts of an instance with one
  group_id. They go through the outline's pixels, since labelme paints the outline too. labelme fills holes, so an
  instance with holes stays a mask.
- A group (iscrowd) has the flag "iscrowd". labelme keeps flags it does not know.
- The picture itself is beside its JSON (imageData null): labelme opens the folder of the pictures as it is.
- labels.txt is what `labelme --labels` and its converters take; its first two lines are theirs.
"""

import base64
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from exporters.base import Dataset, ExportOptions, ExportReport, Progress
from exporters.pictures import Placed, chosen_categories, sound_instances, write_pictures
from exporters.polygons import pixel_rings
from storage.records import InstanceRecord

_VERSION = "5.5.0"  # the form of the file, not of an installed labelme: it has been the same since mask shapes came
_RESERVED = ("__ignore__", "_background_")
_SNIPPET = """\
# in a terminal: labelme EXPORT/images --labels EXPORT/labels.txt
import base64, io, json
from pathlib import Path

import numpy as np
from PIL import Image

for path in sorted(Path("EXPORT/images").rglob("*.json")):  # split: EXPORT/images/train/
    said = json.loads(path.read_text())
    picture = Image.open(path.parent / said["imagePath"])
    for shape in said["shapes"]:
        if shape["shape_type"] == "mask":
            (x1, y1), (x2, y2) = shape["points"]
            mask = np.zeros((said["imageHeight"], said["imageWidth"]), dtype=bool)
            mask[y1 : y2 + 1, x1 : x2 + 1] = np.array(Image.open(io.BytesIO(base64.b64decode(shape["mask"]))))
"""


class LabelmeExporter:
    """Writes a JSON beside each picture. Memory does not grow with the number of pictures."""

    name = "labelme"
    title = "labelme (JSON)"
    summary = "A JSON beside each picture, opened and changed in labelme; masks are exact, or polygons to drag"
    snippet = _SNIPPET
    takes = frozenset({"polygons", "tolerance"})

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=0)
        counts: Counter[str] = Counter()
        for placed in write_pictures(
            dataset, lambda split: folder / "images" / (split or ""), options, report, progress
        ):
            shapes: list[dict[str, Any]] = []
            groups = 0
            written = 0
            for instance, number in sound_instances(dataset, placed.image, numbers, options, report):
                rings = _rings(instance, options, counts)
                groups += len(rings) > 1
                group_id = groups if len(rings) > 1 else None
                label = categories[number].name
                shapes += [_polygon(ring, label, group_id, instance) for ring in rings] or [_mask(instance, label)]
                written += 1
            report.add_instances(written, placed.split)
            path = folder / "images" / (placed.split or "") / f"{Path(placed.name).stem}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_file(placed, shapes), encoding="ascii", newline="\n")
        labels = [*_RESERVED, *(category.name for category in categories)]
        (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels), encoding="utf-8", newline="\n")
        report.warnings += _warnings(counts, options)
        return report


def _rings(instance: InstanceRecord, options: ExportOptions, counts: Counter[str]) -> list[list[list[float]]]:
    """A ring for each part; [] where the instance is to be a mask."""
    if not options.polygons:
        return []
    outline = pixel_rings(instance.rle, options.polygon_tolerance)
    if outline.holes:
        counts["holes"] += 1
        return []
    counts["polygons"] += 1
    counts["parts"] += outline.parts > 1
    return [[[round(float(x), 3), round(float(y), 3)] for x, y in ring] for ring in outline.rings]


def _file(placed: Placed, shapes: list[dict[str, Any]]) -> str:
    said: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": placed.name,
        "imageData": None,
        "imageHeight": placed.image.height,
        "imageWidth": placed.image.width,
    }
    return json.dumps(said, indent=1) + "\n"


def _polygon(points: list[list[float]], label: str, group_id: int | None, instance: InstanceRecord) -> dict[str, Any]:
    return _shape(label, "polygon", points, instance) | {"group_id": group_id}


def _mask(instance: InstanceRecord, label: str) -> dict[str, Any]:
    x, y, width, height = instance.rle.bbox_xywh
    out = io.BytesIO()
    Image.fromarray(instance.rle.decode_part()).save(out, "PNG")  # bool is one bit a pixel
    coded = base64.b64encode(out.getvalue()).decode("ascii")
    corners = [[x, y], [x + width - 1, y + height - 1]]
    return _shape(label, "mask", corners, instance) | {"mask": coded}


def _shape(label: str, kind: str, points: list[Any], instance: InstanceRecord) -> dict[str, Any]:
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {"iscrowd": True} if instance.is_crowd else {},
        "mask": None,
    }


def _warnings(counts: Counter[str], options: ExportOptions) -> list[str]:
    said = {
        "holes": "instances with holes are masks: labelme would fill the holes of a polygon",
        "parts": "instances of several parts are a polygon each part, with one group_id",
        "polygons": "instances are polygons, which are the mask up to the tolerance",
    }
    return [f"{counts[key]} {text}" for key, text in said.items() if counts[key]]
