"""A table of boxes: images/, boxes.csv (one row an instance) and pictures.csv (one row a picture).

- xmin, ymin, xmax, ymax are half-open pixels, as in torchvision, supervision and Python's slices: the first pixel alone
  is 0, 0, 1, 1, and picture[ymin:ymax, xmin:xmax] is the inside of the box. area is the mask's pixel count, not the
  box's.
- pictures.csv is there because a picture without instances has no row in boxes.csv.
- A name that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a carriage return) has an
  apostrophe before it, and so has one that begins with such an apostrophe; the importer takes it away again.
- UTF-8 and plain commas: pandas.read_csv and Python's csv read it as it is. Empty is "not known" (an instance drawn by
  hand has no predicted_iou).
"""

import csv
from pathlib import Path

from exporters.base import Dataset, ExportOptions, ExportReport, Progress
from exporters.pictures import chosen_categories, sound_instances, write_pictures
from storage.records import InstanceRecord

_COLUMNS = (
    "split", "file", "width", "height", "category", "xmin", "ymin", "xmax", "ymax", "area", "is_crowd",
    "predicted_iou", "stability_score", "origin", "model", "labeler",
)  # fmt: skip
_PICTURE_COLUMNS = ("split", "file", "width", "height", "original_name", "status", "instances")
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_SNIPPET = """\
import pandas

boxes = pandas.read_csv("EXPORT/boxes.csv", keep_default_na=False, na_values={"predicted_iou": "", "split": ""})
print(boxes.groupby("category").size())
for file, rows in boxes.groupby("file"):  # file is a path inside the export
    xyxy = rows[["xmin", "ymin", "xmax", "ymax"]].to_numpy()  # half-open pixels, as torchvision takes them
"""


class CsvExporter:
    """Writes images/, boxes.csv and pictures.csv. Memory does not grow with the number of pictures."""

    name = "csv"
    title = "Table of boxes (CSV)"
    summary = "One row an instance: picture, category, box, area, predicted IoU, labeler; for pandas and spreadsheets"
    snippet = _SNIPPET
    takes: frozenset[str] = frozenset()

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=0)
        with (
            (folder / "boxes.csv").open("w", encoding="utf-8", newline="") as boxes_file,
            (folder / "pictures.csv").open("w", encoding="utf-8", newline="") as pictures_file,
        ):
            boxes = csv.writer(boxes_file, lineterminator="\n")
            pictures = csv.writer(pictures_file, lineterminator="\n")
            boxes.writerow(_COLUMNS)
            pictures.writerow(_PICTURE_COLUMNS)
            for placed in write_pictures(
                dataset, lambda split: folder / "images" / (split or ""), options, report, progress
            ):
                image, split = placed.image, placed.split or ""
                path = "/".join(filter(None, ["images", split, placed.name]))
                about = [split, path, image.width, image.height]
                written = 0
                for instance, number in sound_instances(dataset, image, numbers, options, report):
                    boxes.writerow([*about, as_text(categories[number].name), *_row(instance)])
                    written += 1
                report.add_instances(written, placed.split)
                pictures.writerow([*about, as_text(image.original_name), image.status.value, written])
        report.warnings.append("a table of boxes has no masks: take another format to train segmentation")
        return report


def _row(instance: InstanceRecord) -> list[object]:
    """The columns from xmin on."""
    x, y, width, height = instance.rle.bbox_xywh
    return [
        x, y, x + width, y + height, instance.rle.area, int(instance.is_crowd), _score(instance.predicted_iou),
        _score(instance.stability_score), instance.origin.value, as_text(instance.model or ""),
        as_text(instance.labeler),
    ]  # fmt: skip


def as_text(name: str) -> str:
    """A name that stays one in a spreadsheet, whatever it begins with."""
    return f"'{name}" if name.lstrip("'").startswith(FORMULA_BEGINS) else name


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
