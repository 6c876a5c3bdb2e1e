"""What every format does alike: choose the pictures, copy them, and keep back what no format can say."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from exporters.base import Dataset, ExportError, ExportOptions, ExportReport, Progress
from exporters.names import file_names
from storage.records import ImageRecord, ImageStatus, InstanceRecord


def chosen_images(dataset: Dataset, options: ExportOptions, report: ExportReport) -> list[ImageRecord]:
    """The pictures that the options ask for. Raises ExportError when there is none: no library loads an empty set."""
    images = list(dataset.images)
    if not images:
        raise ExportError("There is no picture to export. Import pictures first.")
    chosen = [image for image in images if image.status is ImageStatus.DONE] if options.only_done else images
    if not chosen:
        raise ExportError("No picture is marked done. Mark one as done, or export all pictures.")
    if len(chosen) < len(images):
        report.left_out.append(f"{len(images) - len(chosen)} pictures that are not marked done")
    return chosen


def write_pictures(
    dataset: Dataset, folder: Path, options: ExportOptions, report: ExportReport, progress: Progress
) -> Iterator[tuple[ImageRecord, str]]:
    """Copy the pictures into `folder` one by one and give each with its file name, once it is there.

    A picture whose file is gone or cannot be read is left out with its labels, and named in the report. Counts the
    pictures in the report and calls progress after each.
    """
    names = file_names(dataset.images)
    images = chosen_images(dataset, options, report)
    folder.mkdir(parents=True, exist_ok=True)
    for done, image in enumerate(images, start=1):
        name = names[image.id]
        reason = _copy(dataset.picture_path(image), folder / name) if options.with_pictures else None
        if reason:
            report.left_out.append(f"{image.original_name!r} (picture {image.id}) and its labels: {reason}")
        else:
            report.images += 1
            if name != image.original_name:
                report.renamed[name] = image.original_name
            yield image, name
        progress(done, len(images))
    if not options.with_pictures:
        report.warnings.append("the pictures themselves were not asked for: put them into the images folder to train")


def sound_instances(
    dataset: Dataset, image: ImageRecord, numbers: Mapping[int, int], report: ExportReport
) -> Iterator[tuple[InstanceRecord, int]]:
    """The instances of one picture that can be written, each with its category's number; the rest are reported."""
    for instance in dataset.instances(image):
        if instance.category_id not in numbers:
            reason = "its category is not in this export"
        elif instance.rle.size_hw != image.size_hw:
            reason = f"its mask is {_size(instance.rle.size_hw)} pixels, the picture {_size(image.size_hw)}"
        elif not instance.rle.area:
            reason = "its mask is empty"
        else:
            yield instance, numbers[instance.category_id]
            continue
        report.left_out.append(f"instance {instance.id} of {image.original_name!r} (picture {image.id}): {reason}")


def _copy(source: Path, target: Path) -> str | None:
    """Copy a picture; why it could not be read, or None. An error in writing goes up: it stops the export."""
    try:
        reader = source.open("rb")
    except FileNotFoundError:
        return f"its file {source.name} is missing"
    except OSError as error:
        return f"its file {source.name} cannot be read ({error.strerror})"
    with reader:
        if not os.fstat(reader.fileno()).st_size:
            return f"its file {source.name} is empty"
        with target.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
    return None


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]}×{size_hw[0]}"
