"""Which instances are cut out, and what their files are called."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from annotator.cutouts.rendering import Placed
from annotator.errors import CutoutError, NotFoundError
from exporters.names import file_names, safe_stem
from importers.names import UniqueNames
from storage.records import CategoryRecord, ImageRecord, InstanceRecord
from storage.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Selection:
    """None is all: of the workspace's pictures, of their instances, of the categories."""

    image_ids: tuple[int, ...] | None = None
    instance_ids: tuple[int, ...] | None = None
    category_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """One instance to cut out. stem: of its file, unlike that of any other that was chosen with it."""

    image: ImageRecord
    instance: InstanceRecord = field(repr=False)
    stem: str


def targets(repository: Repository, selection: Selection) -> Iterator[list[Target]]:
    """The chosen instances, picture by picture in the list's order, oldest first; pictures without any are left out."""
    images = repository.images()
    stems = {image_id: name.rpartition(".")[0] for image_id, name in file_names(images).items()}
    categories = {category.id: category for category in repository.categories()}
    names = UniqueNames()
    for image in images:
        if selection.image_ids is not None and image.id not in selection.image_ids:
            continue
        named = [
            (instance, names.take(_stem(stems[image.id], categories.get(instance.category_id), number)))
            for number, instance in enumerate(repository.instances(image.id), start=1)
        ]
        chosen = [
            Target(image=image, instance=instance, stem=stem)
            for instance, stem in named
            if (selection.instance_ids is None or instance.id in selection.instance_ids)
            and (selection.category_id is None or instance.category_id == selection.category_id)
        ]
        if chosen:
            yield chosen


def on_one_picture(repository: Repository, image_id: int, instance_ids: Collection[int]) -> list[Target]:
    """Those instances of a picture. Raises NotFoundError for one that is not there, CutoutError for none."""
    if not instance_ids:
        raise CutoutError("Choose at least one instance to cut out.")
    ids = tuple(instance_ids)
    found = [one for some in targets(repository, Selection(image_ids=(image_id,), instance_ids=ids)) for one in some]
    missing = sorted(set(ids) - {target.instance.id for target in found})
    if missing:
        raise NotFoundError(f"Instance {missing[0]} is not on picture {image_id} (any more). Open the picture again.")
    return found


def joined_stem(chosen: Sequence[Target]) -> str:
    """What one file of several instances is called: after the first of them."""
    return chosen[0].stem + ("" if len(chosen) == 1 else f"_and_{len(chosen) - 1}_more")


def joined_mask(image: ImageRecord, instances: Iterable[InstanceRecord]) -> Placed:
    """The instances of one picture as one object. Raises CutoutError where it has no pixel, or not this size."""
    masks = []
    for instance in instances:
        if instance.rle.size_hw != image.size_hw:
            raise CutoutError(f"{image.original_name}: instance {instance.id} has another size. Draw it anew.")
        if instance.rle.area:
            masks.append((instance.rle, instance.rle.bbox_xywh))
    if not masks:
        raise CutoutError(f"{image.original_name}: the mask has no pixel. Draw it anew, then cut it out.")
    left, top = min(box[0] for _, box in masks), min(box[1] for _, box in masks)
    right, bottom = max(box[0] + box[2] for _, box in masks), max(box[1] + box[3] for _, box in masks)
    whole = np.zeros((bottom - top, right - left), bool)
    for rle, (x, y, width, height) in masks:
        whole[y - top : y - top + height, x - left : x - left + width] |= rle.decode_part()
    return Placed(mask=whole, at_xy=(left, top))


def _stem(picture: str, category: CategoryRecord | None, number: int) -> str:
    kind = safe_stem(category.name) if category else ""
    return f"{picture}_{kind or 'instance'}_{number}"
