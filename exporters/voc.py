"""PASCAL VOC: JPEGImages, Annotations (XML), SegmentationObject and SegmentationClass (indexed PNG), ImageSets.

What was looked at in the devkit of VOC 2012, torchvision and supervision (0.31), and decides the form:
- bndbox counts pixels from 1 and includes the last one: a mask of the first pixel alone has xmin = xmax = 1. The box is
  the whole mask's, also where other masks cover it.
- Readers put ".jpg" after a picture's name without looking, so every picture is one: a PNG is written anew as JPEG of
  quality 95 without colour subsampling, and the report counts them. The masks are those of the exact pixels.
- The k-th object of the XML is number k in SegmentationObject. Who owns a pixel that several claim: exporters/overlaps.
  There is no border of "void" (255): it stands for pixels nobody is sure of, and here each is known.
- A picture of more than 254 objects has its boxes alone (segmented 0, not in ImageSets/Segmentation), as many pictures
  of VOC itself do: the map has no number for them.
- truncated is 1 where the mask touches the picture's border; difficult is 1 for a group (iscrowd), because evaluations
  pass over difficult objects as COCO's do over groups; occluded is 1 where another mask covers a part of it.
- Without a split every picture is in train, and val.txt and test.txt are there, but empty.
- labelmap.txt is CVAT's (name:colour:parts:actions), background first; it has no way to write a colon in a name.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Progress, Split
from exporters.labelmaps import MAX_INDEX, voc_palette, write_indexed
from exporters.overlaps import Claim, Losses, Settled, settle
from exporters.pictures import chosen_categories, sound_instances, write_pictures
from storage.records import CategoryRecord, ImageRecord

_QUALITY = 95
_PALETTE = voc_palette()
_FOLDERS = ("JPEGImages", "Annotations", "SegmentationObject", "SegmentationClass")
_USES = ("Main", "Segmentation")  # folders of ImageSets
_LISTS = ("train", "val", "trainval", "test")
_NOT_IN_XML = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_SNIPPET = """\
# torchvision looks for VOCdevkit/VOC2012: link (or move) the export there
from pathlib import Path
from torchvision.datasets import VOCDetection, VOCSegmentation

devkit = Path("EXPORT").resolve().parent / "VOCdevkit"
devkit.mkdir(exist_ok=True)
if not (devkit / "VOC2012").exists():
    (devkit / "VOC2012").symlink_to(Path("EXPORT").resolve(), target_is_directory=True)
boxes = VOCDetection(str(devkit.parent), year="2012", image_set="train")
classes = VOCSegmentation(str(devkit.parent), year="2012", image_set="train")
picture, class_map = classes[0]  # numpy.array(class_map): 0 background, classes from 1 in the order of labelmap.txt
"""


class VocExporter:
    """Writes a folder as the devkit's VOC2012 is. Memory does not grow with the number of pictures."""

    name = "voc"
    title = "Pascal VOC (XML, PNG)"
    summary = "Boxes as XML and masks as indexed PNG; torchvision, supervision and most older trainers load it"
    snippet = _SNIPPET
    takes: frozenset[str] = frozenset()

    def write(self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress) -> ExportReport:
        """See exporters.base.Exporter. Raises ExportError for more categories than a map has numbers."""
        report = ExportReport(format=self.name)
        categories, numbers = chosen_categories(dataset, options, report, first=1)
        if len(categories) > MAX_INDEX:
            raise ExportError(
                f"VOC's maps have room for {MAX_INDEX} categories and there are {len(categories)}. Choose some of "
                "them, or another format."
            )
        counts: Counter[str] = Counter()
        losses, lists = Losses(), _Lists()
        for sub in _FOLDERS:
            (folder / sub).mkdir(parents=True)
        for placed in write_pictures(dataset, lambda _: folder / "JPEGImages", options, report, progress):
            stem = _as_jpeg(folder / "JPEGImages", placed.name, report, counts)
            sound = sound_instances(dataset, placed.image, numbers, options, report)
            claims = [
                Claim(instance=instance, number=number, value=value, is_thing=categories[number - 1].is_thing)
                for value, (instance, number) in enumerate(sound, start=1)
            ]
            has_maps = len(claims) <= MAX_INDEX
            settled = settle(claims, placed.image.size_hw) if has_maps else None
            if settled:
                losses.add(placed.image, claims, settled)
                _write_maps(folder, stem, claims, settled)
            _write_xml(folder / "Annotations" / f"{stem}.xml", placed.image, claims, settled, categories)
            lists.add(stem, placed.split or Split.TRAIN, has_maps=has_maps)
            report.add_instances(len(claims), placed.split)
            _count(claims, counts, has_maps=has_maps)
        lists.write(folder / "ImageSets")
        _write_label_map(folder / "labelmap.txt", categories)
        report.warnings += [*losses.lines(), *_warnings(counts, categories)]
        return report


class _Lists:
    """Which picture is in which list of ImageSets."""

    def __init__(self) -> None:
        self._stems: dict[tuple[str, str], list[str]] = {(use, name): [] for use in _USES for name in _LISTS}

    def add(self, stem: str, split: Split, *, has_maps: bool) -> None:
        for use in _USES if has_maps else _USES[:1]:
            self._stems[use, split].append(stem)
            if split is not Split.TEST:
                self._stems[use, "trainval"].append(stem)

    def write(self, folder: Path) -> None:
        """All lists, empty ones too: readers open them without asking."""
        for (use, name), stems in self._stems.items():
            (folder / use).mkdir(parents=True, exist_ok=True)
            text = "".join(f"{stem}\n" for stem in stems)
            (folder / use / f"{name}.txt").write_text(text, encoding="ascii", newline="\n")


def _as_jpeg(folder: Path, name: str, report: ExportReport, counts: Counter[str]) -> str:
    """Have the picture `name` in `folder`, if it is there, end in .jpg and be a JPEG. Returns its stem."""
    source = folder / name
    target = source.with_suffix(".jpg")
    if source == target:
        return source.stem
    original = report.renamed.pop(name, name)
    if target.name != original:
        report.renamed[target.name] = original
    pixels = _pixels(source) if source.suffix != ".jpeg" and source.exists() else None
    if pixels is not None:
        pixels.save(target, "JPEG", quality=_QUALITY, subsampling=0)
        source.unlink()
        counts["jpeg"] += 1
    elif source.exists():
        source.rename(target)
        counts["damaged"] += source.suffix != ".jpeg"
    return source.stem


def _pixels(path: Path) -> Image.Image | None:
    """The picture in RGB, None where it cannot be decoded: other formats pass such a file on, and so does this."""
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError):  # what Pillow's readers raise over a damaged file
        return None


def _write_maps(folder: Path, stem: str, claims: Sequence[Claim], settled: Settled) -> None:
    classes = np.array([0, *(claim.number for claim in claims)], np.uint8)
    write_indexed(folder / "SegmentationObject" / f"{stem}.png", settled.values, _PALETTE)
    write_indexed(folder / "SegmentationClass" / f"{stem}.png", classes[settled.values], _PALETTE)


def _write_xml(
    path: Path,
    image: ImageRecord,
    claims: Sequence[Claim],
    settled: Settled | None,
    categories: Sequence[CategoryRecord],
) -> None:
    root = ElementTree.Element("annotation")
    _texts(root, folder="VOC2012", filename=f"{path.stem}.jpg")
    _texts(ElementTree.SubElement(root, "source"), database="Unknown", annotation="Unknown", image="Unknown")
    _texts(ElementTree.SubElement(root, "size"), width=image.width, height=image.height, depth=3)
    _texts(root, segmented=int(settled is not None))
    for place, claim in enumerate(claims):
        x, y, width, height = claim.instance.rle.bbox_xywh
        at_border = x == 0 or y == 0 or x + width == image.width or y + height == image.height
        thing = ElementTree.SubElement(root, "object")
        _texts(
            thing,
            name=_NOT_IN_XML.sub("_", categories[claim.number - 1].name),
            pose="Unspecified",
            truncated=int(at_border),
            occluded=int(settled is not None and settled.lost[place] > 0),
            difficult=int(claim.instance.is_crowd),
        )
        box = ElementTree.SubElement(thing, "bndbox")
        _texts(box, xmin=x + 1, ymin=y + 1, xmax=x + width, ymax=y + height)
    ElementTree.indent(root, "\t")
    # ASCII with numbers for all other characters: read alike whatever encoding a reader takes for granted.
    path.write_bytes(ElementTree.tostring(root, encoding="us-ascii", xml_declaration=False) + b"\n")


def _texts(parent: ElementTree.Element, **values: object) -> None:
    for tag, value in values.items():
        ElementTree.SubElement(parent, tag).text = str(value)


def _write_label_map(path: Path, categories: Sequence[CategoryRecord]) -> None:
    rows = zip(["background", *(category.name for category in categories)], _PALETTE, strict=False)
    lines = [f"{name}:{red},{green},{blue}::" for name, (red, green, blue) in rows]
    path.write_text("\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n", encoding="utf-8", newline="\n")


def _count(claims: Sequence[Claim], counts: Counter[str], *, has_maps: bool) -> None:
    counts["groups"] += sum(claim.instance.is_crowd for claim in claims)
    counts["stuff"] += sum(not claim.is_thing for claim in claims)
    counts["many"] += not has_maps


def _warnings(counts: Counter[str], categories: Sequence[CategoryRecord]) -> list[str]:
    said = {
        "jpeg": f"pictures were written anew as JPEG (quality {_QUALITY}): VOC's readers open nothing else",
        "damaged": "pictures cannot be decoded and are there as they were stored, with another suffix",
        "groups": "instances marked as a group are objects marked difficult: VOC has no word for groups",
        "stuff": "instances of stuff are objects like all others: VOC has no word for stuff",
        "many": f"pictures have more than {MAX_INDEX} instances and so boxes alone, no maps",
    }
    lines = [f"{counts[key]} {text}" for key, text in said.items() if counts[key]]
    lines += [
        f"labelmap.txt cannot say the name {category.name!r} (colon): rename the category, or take the XML's names"
        for category in categories
        if ":" in category.name
    ]
    return lines
