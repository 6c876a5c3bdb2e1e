"""Semantic label maps: images/, masks/ (one indexed PNG a picture), categories.json and categories.csv.

The form, and why:
- Number 0 is background, what nobody labelled; the categories follow from 1 in the user's order. Every picture has a
  map, also one without instances.
- A map is an 8-bit PNG of palette indices in the categories' own colours: numpy.array(PIL.Image.open(path)) gives the
  numbers, a viewer shows the colours. cv2.imread and torchvision.io.read_image give colours and not numbers.
- 255 is never used, because losses and trainers ignore it by habit; with more than 254 categories the maps are 16-bit
  grey PNGs.
- A map knows no instances: two that touch are one region. Who owns a pixel that several claim: exporters/overlaps.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Progress
from exporters.labelmaps import MAX_INDEX, Color, rgb, write_16_bit, write_indexed
from exporters.overlaps import Claim, Losses, cover_line, settle
from exporters.pictures import chosen_categories, sound_instances, write_pictures
from storage.records import CategoryRecord

_BACKGROUND = "background"
_BLACK: Color = (0, 0, 0)
_MAX_WIDE = 65_534
_SNIPPET = """\
import json
from pathlib import Path

import numpy as np
from PIL import Image

root = Path("EXPORT")
names = [category["name"] for category in json.loads((root / "categories.json").read_text())["categories"]]
for path in sorted((root / "masks").rglob("*.png")):  # split: masks/train/
    picture_path = next((root / "images" / path.relative_to(root / "masks").parent).glob(f"{path.stem}.*"))
    picture = np.array(Image.open(picture_path).convert("RGB"))  # H×W×3
    mask = np.array(Image.open(path))  # H×W of class numbers: 0 is background, names[number] is what it is
"""


class SemanticExporter:
    """Writes label maps. Memory does not grow with the number of pictures."""

    name = "semantic"
    title = "Semantic label maps (PNG)"
    summary = "One PNG a picture whose pixels are class numbers; U-Net, DeepLab, SegFormer and the like train on it"
    snippet = _SNIPPET
    takes: frozenset[str] = frozenset()

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter. Raises ExportError for more categories than 16 bits can number."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=1)
        if len(categories) > _MAX_WIDE:
            raise ExportError(f"A label map has room for {_MAX_WIDE} categories and there are {len(categories)}.")
        palette = [_BLACK, *(rgb(category.color) for category in categories)]
        losses = Losses()
        groups = 0
        for placed in write_pictures(
            dataset, lambda split: folder / "images" / (split or ""), options, report, progress
        ):
            claims = [
                Claim(instance=instance, number=number, value=number, is_thing=categories[number - 1].is_thing)
                for instance, number in sound_instances(dataset, placed.image, numbers, options, report)
            ]
            settled = settle(claims, placed.image.size_hw)
            hidden = losses.add(placed.image, claims, settled)
            report.left_out += [cover_line(claim, placed.image) for claim in hidden]
            report.add_instances(len(claims) - len(hidden), placed.split)
            groups += sum(claim.instance.is_crowd for claim in claims)
            path = folder / "masks" / (placed.split or "") / f"{Path(placed.name).stem}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            if len(categories) > MAX_INDEX:
                write_16_bit(path, settled.values)
            else:
                write_indexed(path, settled.values, palette)
        _write_categories(folder, categories, palette)
        report.warnings += losses.lines()
        if groups:
            report.warnings.append(f"{groups} instances marked as a group are plain pixels of their category")
        if len(categories) > MAX_INDEX:
            report.warnings.append(f"the maps are 16-bit grey: a palette has no room for {len(categories)} categories")
        if any(category.name.casefold() == _BACKGROUND for category in categories):
            report.warnings.append("a category has the name of class 0, background: tell them apart by their numbers")
        return report


def _write_categories(folder: Path, categories: Sequence[CategoryRecord], palette: Sequence[Color]) -> None:
    entries = [{"id": 0, "name": _BACKGROUND, "color": "#000000", "supercategory": "", "isthing": 0}]
    entries += [
        {
            "id": number,
            "name": category.name,
            "color": category.color,
            "supercategory": category.supercategory,
            "isthing": int(category.is_thing),
        }
        for number, category in enumerate(categories, start=1)
    ]
    text = json.dumps({"categories": entries}, indent=1) + "\n"
    (folder / "categories.json").write_text(text, encoding="ascii", newline="\n")
    with (folder / "categories.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["id", "name", "red", "green", "blue", "supercategory", "isthing"])
        for entry, color in zip(entries, palette, strict=True):
            writer.writerow([entry["id"], entry["name"], *color, entry["supercategory"], entry["isthing"]])
