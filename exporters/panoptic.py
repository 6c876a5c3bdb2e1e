"""COCO panoptic: images/, panoptic/ (one PNG a picture) and panoptic.json; with a split panoptic_train/ and so on.

What panopticapi reads, and decides the form:
- A pixel's segment is its colour, id = R + 256 G + 65536 B; black (0) is nobody's. Each id of the PNG is in the JSON's
  segments_info and each of these has a pixel at least.
- The folder of the PNGs is called as the JSON beside it without its suffix, as panopticapi takes for granted.
- A thing's instances are a segment each. Stuff has no instances: all of a category on a picture is one segment.
- Who owns a pixel that several claim: exporters/overlaps. area and bbox are those of the pixels that are left.
- iscrowd 1 is a group of things; evaluation passes over it. Stuff is never one.
- Ids are near the category's colour, so that the PNG can be looked at; a category's number is the one it has in COCO.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from exporters.base import Dataset, ExportOptions, ExportReport, Progress, Split
from exporters.cocojson import CocoJson
from exporters.labelmaps import rgb, write_rgb
from exporters.overlaps import Claim, Losses, Settled, cover_line, settle
from exporters.pictures import chosen_categories, sound_instances, write_pictures
from storage.records import CategoryRecord, InstanceRecord

_STEP = 0x2B1D17  # odd, so that every id is reached; small in each colour, so that neighbours look alike and yet differ
_IDS = 1 << 24
_SNIPPET = """\
import json

import numpy as np
from PIL import Image

panoptic = json.load(open("EXPORT/panoptic.json"))  # split: panoptic_train.json, and panoptic_train/ below
for annotation in panoptic["annotations"]:
    colors = np.array(Image.open(f"EXPORT/panoptic/{annotation['file_name']}"), dtype=np.uint32)
    ids = colors[..., 0] + 256 * colors[..., 1] + 65536 * colors[..., 2]
    masks = {segment["id"]: ids == segment["id"] for segment in annotation["segments_info"]}
"""


class PanopticExporter:
    """Writes panoptic PNGs and their JSON. Memory does not grow with the number of pictures."""

    name = "coco-panoptic"
    title = "COCO panoptic (PNG, JSON)"
    summary = "Things and stuff on one map, each pixel to one segment; panopticapi, Mask2Former and detectron2 load it"
    snippet = _SNIPPET
    takes: frozenset[str] = frozenset()

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=1)
        listed = [_category(category, number) for number, category in enumerate(categories, start=1)]
        losses = Losses()
        counts: Counter[str] = Counter()
        with ExitStack() as stack:
            files: dict[Split | None, CocoJson] = {}
            for placed in write_pictures(
                dataset, lambda split: folder / "images" / (split or ""), options, report, progress
            ):
                image, split = placed.image, placed.split
                maps = folder / (f"panoptic_{split}" if split else "panoptic")
                if split not in files:
                    maps.mkdir()
                    files[split] = stack.enter_context(CocoJson(maps.with_suffix(".json"), listed))
                claims = _claims(sound_instances(dataset, image, numbers, options, report), categories)
                settled = settle(claims, image.size_hw)
                hidden = losses.add(image, claims, settled)
                report.left_out += [cover_line(claim, image) for claim in hidden]
                report.add_instances(len(claims) - len(hidden), split)
                segments, colors = _segments(claims, settled, categories)
                name = f"{Path(placed.name).stem}.png"
                write_rgb(maps / name, colors[settled.values])
                number = files[split].images + 1  # each split's file is whole in itself, as COCO's are
                size = {"width": image.width, "height": image.height}
                files[split].add_image({"id": number, "file_name": placed.name, **size})
                files[split].add_annotation({"image_id": number, "file_name": name, "segments_info": segments})
                counts["merged"] += len(claims) - len({claim.value for claim in claims})
                counts["groups"] += sum(claim.instance.is_crowd and not claim.is_thing for claim in claims)
            if not files:  # no picture could be read: still a file that says so
                stack.enter_context(CocoJson(folder / "panoptic.json", listed))
        report.warnings += [*losses.lines(), *_warnings(counts)]
        return report


def _category(category: CategoryRecord, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": category.name,
        "supercategory": category.supercategory,
        "isthing": int(category.is_thing),
        "color": list(rgb(category.color)),
    }


def _claims(sound: Iterable[tuple[InstanceRecord, int]], categories: Sequence[CategoryRecord]) -> list[Claim]:
    """A value for each thing, and one for all stuff of a category."""
    claims: list[Claim] = []
    of_stuff: dict[int, int] = {}
    values = 0
    for instance, number in sound:
        is_thing = categories[number - 1].is_thing
        value = None if is_thing else of_stuff.get(number)
        if value is None:
            values += 1
            value = values
            if not is_thing:
                of_stuff[number] = value
        claims.append(Claim(instance=instance, number=number, value=value, is_thing=is_thing))
    return claims


def _segments(
    claims: Sequence[Claim], settled: Settled, categories: Sequence[CategoryRecord]
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """(segments_info of those that have a pixel, N×3 uint8: each value's id as a colour, from value 0)."""
    by_value: dict[int, list[Claim]] = {}
    for claim in claims:
        by_value.setdefault(claim.value, []).append(claim)
    colors = np.zeros((len(by_value) + 1, 3), np.uint8)
    taken = {0}
    segments = []
    for value, own in by_value.items():
        corner_x, corner_y, pixels = _inside(own, settled.values, value)
        columns, rows = np.flatnonzero(pixels.any(axis=0)), np.flatnonzero(pixels.any(axis=1))
        if not len(rows):
            continue
        number = _free_id(categories[own[0].number - 1], taken)
        colors[value] = number & 255, number >> 8 & 255, number >> 16
        segments.append(
            {
                "id": number,
                "category_id": own[0].number,
                "area": int(np.count_nonzero(pixels)),
                "bbox": [
                    corner_x + int(columns[0]),
                    corner_y + int(rows[0]),
                    int(columns[-1] - columns[0]) + 1,
                    int(rows[-1] - rows[0]) + 1,
                ],
                "iscrowd": int(own[0].is_thing and own[0].instance.is_crowd),
            }
        )
    return segments, colors


def _inside(own: Sequence[Claim], values: np.ndarray, value: int) -> tuple[int, int, np.ndarray]:
    """(x, y, h×w bool): where the segment's pixels are, within the box of its claims."""
    boxes = np.array([claim.instance.rle.bbox_xywh for claim in own])
    x, y = (int(v) for v in boxes[:, :2].min(axis=0))
    end_x, end_y = (int(v) for v in (boxes[:, :2] + boxes[:, 2:]).max(axis=0))
    return x, y, values[y:end_y, x:end_x] == value


def _free_id(category: CategoryRecord, taken: set[int]) -> int:
    red, green, blue = rgb(category.color)
    number = red + 256 * green + 65536 * blue
    while number in taken:
        number = (number + _STEP) % _IDS
    taken.add(number)
    return number


def _warnings(counts: Counter[str]) -> list[str]:
    said = {
        "merged": "instances of stuff were merged into another one of their category: stuff is one segment a picture",
        "groups": "instances of stuff marked as a group are plain stuff: only things have groups",
    }
    return [f"{counts[key]} {text}" for key, text in said.items() if counts[key]]
