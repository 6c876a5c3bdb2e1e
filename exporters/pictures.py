"""What every format does alike: choose, put the pictures in, and keep back what no format can say."""

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Pictures, Progress
from exporters.names import file_names
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, Split


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A picture in the export: its file name there, and its split where the data set is split."""

    image: ImageRecord
    name: str
    split: Split | None


def chosen_categories(
    dataset: Dataset, options: ExportOptions, report: ExportReport, *, first: int
) -> tuple[list[CategoryRecord], dict[int, int]]:
    """(the categories that the options ask for, their ids -> their numbers), in the user's order without gaps.

    first: the lowest number, 0 or 1 by the format's custom. Raises ExportError for a name that no category has.
    """
    categories = list(dataset.categories)
    if options.categories:
        wanted = {_alike(name): name for name in options.categories}
        if unknown := sorted(wanted.keys() - {_alike(category.name) for category in categories}):
            there = ", ".join(category.name for category in categories) or "none yet"
            raise ExportError(f"No category is called {wanted[unknown[0]]!r}. Choose among those there are: {there}.")
        categories = [category for category in categories if _alike(category.name) in wanted]
    report.categories = len(categories)
    report.numbers = {category.name: number for number, category in enumerate(categories, start=first)}
    return categories, {category.id: number for number, category in enumerate(categories, start=first)}


def chosen_images(dataset: Dataset, options: ExportOptions, report: ExportReport) -> list[ImageRecord]:
    """The pictures that the options ask for. Raises ExportError when there is none: no library loads an empty set."""
    images = list(dataset.images)
    if not images:
        raise ExportError("There is no picture to export. Import pictures first.")
    chosen = [image for image in images if image.status.is_finished] if options.only_done else images
    if not chosen:
        raise ExportError("No picture is marked done or accepted. Mark or accept one, or export all pictures.")
    if len(chosen) < len(images):
        report.leave("pictures not marked done", len(images) - len(chosen))
    return chosen


def write_pictures(
    dataset: Dataset,
    folder: Callable[[Split | None], Path],
    options: ExportOptions,
    report: ExportReport,
    progress: Progress,
) -> Iterator[Placed]:
    """Put the pictures into folder(split) one by one and give each, in the list's order, once it is there.

    folder: of a split's pictures, of all where nothing is split (None); it is made. A picture whose file is gone or
    cannot be read is left out with its labels, and named in the report. Counts the pictures in the report and calls
    progress after each.
    """
    names = file_names(dataset.images)
    images = chosen_images(dataset, options, report)
    splits = _splits(dataset, images, options, report)
    for split in dict.fromkeys(splits.values()):
        folder(split).mkdir(parents=True, exist_ok=True)
    for done, image in enumerate(images, start=1):
        placed = Placed(image=image, name=names[image.id], split=splits[image.id])
        target = folder(placed.split) / placed.name
        if reason := _put(dataset.picture_path(image), target, options.pictures, report):
            report.left_out.append(f"{image.original_name!r} (picture {image.id}) and its labels: {reason}")
        else:
            report.add_image(placed.split)
            if placed.name != image.original_name:
                report.renamed[placed.name] = image.original_name
            yield placed
        progress(done, len(images))
    if options.pictures is Pictures.NONE:
        report.warnings.append("the pictures themselves were not asked for: put them into the images folder to train")


def sound_instances(
    dataset: Dataset,
    image: ImageRecord,
    numbers: Mapping[int, int],
    options: ExportOptions,
    report: ExportReport,
) -> Iterator[tuple[InstanceRecord, int]]:
    """The instances of one picture that were chosen and can be written, each with its category's number.

    numbers: from chosen_categories. The others are reported. What is written in the end is the format's to count
    (ExportReport.add_instances).
    """
    there = {category.id for category in dataset.categories}
    for instance in dataset.instances(image):
        area = instance.rle.area
        if instance.category_id not in there:
            reason = "its category is not in this data set"
        elif instance.category_id not in numbers:
            report.leave("instances of other categories")
            continue
        elif instance.rle.size_hw != image.size_hw:
            reason = f"its mask is {_size(instance.rle.size_hw)} pixels, the picture {_size(image.size_hw)}"
        elif not area:
            reason = "its mask is empty"
        elif area < options.smallest_area:
            report.leave(f"instances smaller than {options.smallest_area} pixels")
            continue
        else:
            yield instance, numbers[instance.category_id]
            continue
        report.left_out.append(f"instance {instance.id} of {image.original_name!r} (picture {image.id}): {reason}")


def _splits(
    dataset: Dataset, images: Sequence[ImageRecord], options: ExportOptions, report: ExportReport
) -> Mapping[int, Split | None]:
    """Picture's id -> its split, None for all where none was asked for."""
    if options.split is None:
        return dict.fromkeys(image.id for image in images)
    splits = dataset.splits(options.split, images)
    used = set(splits.values())
    for split in (split for split, share in options.split.shares.items() if share):
        report.splits[split.value] = {"images": 0, "instances": 0}
        if split not in used:
            report.warnings.append(f"{len(images)} pictures are too few for one to come into {split}")
    return splits


def _put(source: Path, target: Path, how: Pictures, report: ExportReport) -> str | None:
    """Copy or link a picture; why it could not be read, or None. An error in writing goes up: it stops the export."""
    if how is Pictures.NONE:
        return None
    try:
        reader = source.open("rb")
    except FileNotFoundError:
        return f"its file {source.name} is missing"
    except OSError as error:
        return f"its file {source.name} cannot be read ({error.strerror})"
    with reader:
        if not os.fstat(reader.fileno()).st_size:
            return f"its file {source.name} is empty"
        if how is Pictures.LINK:
            try:
                os.link(source.resolve(), target)
                return None
            except OSError:  # another disk, a file system without hard links, too many on one file: each is a reason
                report.copied += 1
        with target.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
    return None


def _alike(name: str) -> str:
    """The same for two names that mean one category: letter case apart, and however a system composes its accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]}×{size_hw[0]}"
