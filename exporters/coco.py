"""COCO instances: images/ and annotations.json; where split, images/<split>/ and annotations/instances_<split>.json.

What was looked at in the libraries, and decides the form:
- file_name is the bare name under images/: CocoDetection(root="images", annFile="annotations.json"), supervision's
  DetectionDataset.from_coco("images", "annotations.json", force_masks=True) and fiftyone (data_path="images",
  labels_path="annotations.json") open it as it is. It is ASCII alone, as is all of the JSON, because pycocotools reads
  with the system's own encoding.
- Ids of pictures, categories and instances count from 1, in the list's, the user's and the saving order: 0 means "no
  match" to COCOeval, and a category's number is its YOLO class plus one. Each split's file is whole in itself: its ids
  count from 1 too, and it lists all categories, so that their numbers agree.
- RLE with counts as a string is read exactly by pycocotools and by supervision 0.31, iscrowd 0 or 1; old versions of
  supervision read RLE with iscrowd 0 wrongly. For these, and for whoever needs lists of points, there are polygons.
- Polygons run along pixel edges, which pycocotools reads as they are. supervision rounds and paints the outline too,
  so its masks of polygons are up to a pixel larger to the right and below; of RLE they are exact.
- An inner ring would be filled, so a hole is joined to its part's outline by a keyhole; the report counts them.
- A group (iscrowd 1) stays RLE always, as in COCO itself.
- Nothing but the standard keys, and no clock.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from exporters.base import Dataset, ExportOptions, ExportReport, Progress, Split
from exporters.cocojson import CocoJson
from exporters.pictures import chosen_categories, sound_instances, write_pictures
from exporters.polygons import Outline, edge_polygons
from storage.records import CategoryRecord, InstanceRecord


class CocoExporter:
    """Writes pictures and annotations. Memory does not grow with the number of pictures' masks."""

    name = "coco"
    title = "COCO instances (JSON)"
    summary = "One JSON with every mask; for pycocotools, torchvision, detectron2, mmdetection, fiftyone"
    snippet = """from pycocotools.coco import COCO

coco = COCO("EXPORT/annotations.json")  # split: EXPORT/annotations/instances_train.json
for image in coco.loadImgs(coco.getImgIds()):
    path = "EXPORT/images/" + image["file_name"]  # split: EXPORT/images/train/
    masks = [coco.annToMask(one) for one in coco.imgToAnns[image["id"]]]
"""
    takes = frozenset({"polygons", "tolerance"})

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=1)
        images = folder / "images"
        holes = 0
        listed = [_category(category, number) for number, category in enumerate(categories, start=1)]
        with ExitStack() as stack:
            files: dict[Split | None, CocoJson] = {}
            for placed in write_pictures(
                dataset, lambda split: images / split if split else images, options, report, progress
            ):
                if placed.split not in files:
                    files[placed.split] = stack.enter_context(CocoJson(_path(folder, placed.split), listed))
                file = files[placed.split]
                size = {"width": placed.image.width, "height": placed.image.height}
                file.add_image({"id": file.images + 1, "file_name": placed.name, **size})
                before = file.annotations
                chosen = list(sound_instances(dataset, placed.image, numbers, options, report))
                outlines = _outlines([instance for instance, _ in chosen], options)
                for (instance, category), outline in zip(chosen, outlines, strict=True):
                    holes += outline is not None and outline.holes > 0
                    ids = {"id": file.annotations + 1, "image_id": file.images, "category_id": category}
                    file.add_annotation(ids | _shape(instance, outline))
                report.add_instances(file.annotations - before, placed.split)
            if not files:  # no picture could be read: still a file that says so
                stack.enter_context(CocoJson(folder / "annotations.json", listed))
        if holes:
            report.warnings.append(f"{holes} instances with holes are polygons whose holes hang on a keyhole cut")
        return report


def _path(folder: Path, split: Split | None) -> Path:
    return folder / "annotations" / f"instances_{split}.json" if split else folder / "annotations.json"


def _category(category: CategoryRecord, number: int) -> dict[str, Any]:
    return {"id": number, "name": category.name, "supercategory": category.supercategory}


def _outlines(instances: Sequence[InstanceRecord], options: ExportOptions) -> list[Outline | None]:
    """What is to be a polygon, all of a picture at once; None for what is to be RLE."""
    wanted = [options.polygons and not instance.is_crowd for instance in instances]
    rles = [instance.rle for instance, is_wanted in zip(instances, wanted, strict=True) if is_wanted]
    outlines = iter(edge_polygons(rles, options.polygon_tolerance))
    return [next(outlines) if is_wanted else None for is_wanted in wanted]


def _shape(instance: InstanceRecord, outline: Outline | None) -> dict[str, Any]:
    rings = [_numbers(ring) for ring in outline.rings] if outline else None
    # Box and area are the mask's own, whatever the segmentation is written as.
    return {
        "iscrowd": int(instance.is_crowd),
        "bbox": instance.rle.bbox_xywh,
        "area": instance.rle.area,
        "segmentation": rings or instance.rle.to_coco(),
    }


def _numbers(ring: np.ndarray) -> list[float]:
    whole = ring.astype(np.int64)  # all are, but for the ends of some keyholes
    numbers: list[Any] = (whole if (whole == ring).all() else ring).reshape(-1).tolist()
    return numbers
