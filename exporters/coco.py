"""COCO instances: images/ and annotations.json beside it.

What was looked at in the libraries, and decides the form:
- file_name is the bare name under images/: CocoDetection(root="images", annFile="annotations.json"), supervision's
  DetectionDataset.from_coco("images", "annotations.json", force_masks=True) and fiftyone (data_path="images",
  labels_path="annotations.json") open it as it is. It is ASCII alone, as is all of the JSON, because pycocotools reads
  with the system's own encoding.
- Ids of pictures, categories and instances count from 1, in the list's, the user's and the saving order: 0 means "no
  match" to COCOeval, and a category's number is its YOLO class plus one.
- RLE with counts as a string is read exactly by pycocotools and by supervision 0.31, iscrowd 0 or 1; old versions of
  supervision read RLE with iscrowd 0 wrongly. For these, and for whoever needs lists of points, there are polygons.
- Polygons run along pixel edges, which pycocotools reads as they are. supervision rounds and paints the outline too,
  so its masks of polygons are up to a pixel larger to the right and below; of RLE they are exact.
- An inner ring would be filled, so a hole is joined to its part's outline by a keyhole; the report counts them.
- A group (iscrowd 1) stays RLE always, as in COCO itself.
- Nothing but the standard keys, and no clock.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from exporters.base import Dataset, ExportOptions, ExportReport, Progress
from exporters.pictures import sound_instances, write_pictures
from exporters.polygons import edge_polygons
from storage.records import CategoryRecord, InstanceRecord


class CocoExporter:
    """Writes images/ and annotations.json. Memory does not grow with the number of pictures' masks."""

    name = "coco"
    title = "COCO instances (JSON)"

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        categories = list(dataset.categories)
        numbers = {category.id: number for number, category in enumerate(categories, start=1)}
        report = ExportReport(format=self.name, categories=len(categories))
        holes = 0
        # One walk over the pictures gives both lists: the second waits in a file without a name.
        with (
            (folder / "annotations.json").open("w", encoding="ascii", newline="\n") as out,
            tempfile.TemporaryFile("w+", encoding="ascii", newline="\n", dir=folder) as annotations,
        ):
            listed = json.dumps([_category(category, numbers[category.id]) for category in categories])
            out.write(f'{{"info": {{"version": "1.0"}},\n"licenses": [],\n"categories": {listed},\n"images": [')
            for image, file_name in write_pictures(dataset, folder / "images", options, report, progress):
                entry = {"id": report.images, "file_name": file_name, "width": image.width, "height": image.height}
                out.write(_item(entry, report.images))
                for instance, category in sound_instances(dataset, image, numbers, report):
                    report.instances += 1
                    ids = {"id": report.instances, "image_id": report.images, "category_id": category}
                    segmentation, filled = _segmentation(instance, options)
                    holes += filled
                    annotations.write(_item(ids | _shape(instance, segmentation), report.instances))
            out.write('\n],\n"annotations": [')
            annotations.seek(0)
            shutil.copyfileobj(annotations, out)
            out.write("\n]}\n")
        if holes:
            report.warnings.append(f"{holes} instances with holes are polygons whose holes hang on a keyhole cut")
        return report


def _item(value: dict[str, Any], number: int) -> str:
    return ("\n" if number == 1 else ",\n") + json.dumps(value)


def _category(category: CategoryRecord, number: int) -> dict[str, Any]:
    return {"id": number, "name": category.name, "supercategory": category.supercategory}


def _shape(instance: InstanceRecord, segmentation: Any) -> dict[str, Any]:
    # Box and area are the mask's own, whatever the segmentation is written as.
    return {
        "iscrowd": int(instance.is_crowd),
        "bbox": list(instance.rle.bbox_xywh),
        "area": instance.rle.area,
        "segmentation": segmentation,
    }


def _segmentation(instance: InstanceRecord, options: ExportOptions) -> tuple[Any, bool]:
    """(RLE or list of polygons, whether holes were joined by a keyhole)."""
    if instance.is_crowd or not options.polygons:
        return instance.rle.to_coco(), False
    outline = edge_polygons(instance.rle.decode(), options.polygon_tolerance)
    return [[int(v) for v in ring.reshape(-1)] for ring in outline.rings], outline.holes > 0
