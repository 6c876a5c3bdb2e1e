"""Small data sets in memory, with pictures on disk and masks shaped as real things are."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from exporters.names import file_names
from exporters.splits import SplitOptions, assign, rarest_categories
from storage.records import CategoryRecord, ImageRecord, ImageStatus, InstanceRecord, Origin, Split
from storage.rle import Rle

_MAPS = re.compile(r"masks/|panoptic|Segmentation")  # what formats call the folders of their maps
NOW = datetime(2024, 2, 3, tzinfo=UTC)


@dataclass
class FakeDataset:
    """A Dataset that is all in memory but for its pictures, which lie in `folder`."""

    folder: Path
    categories: list[CategoryRecord] = field(default_factory=list)
    images: list[ImageRecord] = field(default_factory=list)
    by_image: dict[int, list[InstanceRecord]] = field(default_factory=dict)

    def instances(self, image: ImageRecord) -> Sequence[InstanceRecord]:
        return self.by_image.get(image.id, [])

    def picture_path(self, image: ImageRecord) -> Path:
        return self.folder / image.stored_name

    def splits(self, options: SplitOptions, images: Sequence[ImageRecord]) -> dict[int, Split]:
        """Without a memory: of these pictures alone."""
        categories = {image.id: {one.category_id for one in self.instances(image)} for image in images}
        hashes = {image.id: image.sha256 for image in images}
        return assign(options, hashes, stratum_of=rarest_categories(categories))

    def add_category(self, name: str, category_id: int | None = None) -> CategoryRecord:
        category = CategoryRecord(
            id=category_id or len(self.categories) + 1, name=name, color="#0072b2", position=len(self.categories),
            supercategory="", is_thing=True, key=None,
        )  # fmt: skip
        self.categories.append(category)
        return category

    def add_image(
        self, size_hw: tuple[int, int], name: str = "", status: ImageStatus = ImageStatus.DONE
    ) -> ImageRecord:
        number = len(self.images) + 1
        self.folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (*size_hw, 3), dtype=np.uint8)
        cv2.imwrite(str(self.folder / f"{number:08x}.png"), pixels)
        image = ImageRecord(
            id=number, sha256=f"{number:064x}", stored_name=f"{number:08x}.png", original_name=name or f"p{number}.png",
            width=size_hw[1], height=size_hw[0], exif_orientation=1, position=number - 1, status=status, created_at=NOW,
        )  # fmt: skip
        self.images.append(image)
        return image

    def add_instance(
        self, image: ImageRecord, mask: np.ndarray, category: CategoryRecord, is_crowd: bool = False
    ) -> InstanceRecord:
        rle = Rle.encode(mask)
        instance = InstanceRecord(
            id=sum(map(len, self.by_image.values())) + 1, image_id=image.id, category_id=category.id, rle=rle,
            bbox_xywh=rle.bbox_xywh, area=rle.area, predicted_iou=0.9, stability_score=0.9, model="fake",
            origin=Origin.CLICK, labeler="ann", prompt=[], is_crowd=is_crowd, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        self.by_image.setdefault(image.id, []).append(instance)
        return instance

    def replace_image(self, image: ImageRecord, **changes: object) -> ImageRecord:
        changed = replace(image, **changes)
        self.images[self.images.index(image)] = changed
        return changed


@cache
def real_masks() -> list[np.ndarray]:
    """Things cut out of real photographs by their brightness: coins, a horse, a cup, galaxies; H×W bool each.

    Some have holes, some several parts, some a few pixels only.
    """
    # here, because it takes a second that the tests of files do not need
    from skimage import data, filters, measure
    from skimage.util import img_as_float

    masks = []
    for name, smoothing in (("coins", 0), ("horse", 0), ("coffee", 2), ("hubble_deep_field", 1)):
        picture = img_as_float(getattr(data, name)())
        grey = filters.gaussian(picture.mean(axis=2) if picture.ndim == 3 else picture, smoothing)
        inside = grey < 0.5 if name == "horse" else grey > filters.threshold_otsu(grey)
        labels = measure.label(inside, connectivity=2)
        things = sorted(measure.regionprops(labels), key=lambda thing: -thing.area)
        found = [labels == thing.label for thing in things if thing.area >= 10][:25]
        masks += [*found, np.any(found[:3], axis=0)]
    return masks


def ring_and_dot() -> np.ndarray:
    """24×32 bool: a frame with a hole, and a block beside it: all that polygons find hard."""
    mask = np.zeros((24, 32), dtype=bool)
    mask[3:20, 4:18] = True
    mask[8:14, 8:13] = False
    mask[5:12, 23:30] = True
    return mask


def coins_dataset(folder: Path) -> tuple[FakeDataset, list[np.ndarray]]:
    """One picture, coins.png, of coins that do not overlap, and their masks."""
    dataset = FakeDataset(folder)
    coin = dataset.add_category("coin")
    masks = [mask for mask in real_masks() if mask.shape == (303, 384)][:-1]  # the last joins the first three
    image = dataset.add_image((303, 384), "coins.png")
    for mask in masks:
        dataset.add_instance(image, mask, coin)
    return dataset, masks


def plain_dataset(folder: Path) -> FakeDataset:
    """Three pictures of 24×32 with one instance each, for tests that are about files."""
    dataset = FakeDataset(folder)
    cup = dataset.add_category("cup")
    for name in ("a.png", "b.png", "c.png"):
        dataset.add_instance(dataset.add_image((24, 32), name), ring_and_dot(), cup)
    return dataset


def small_dataset(folder: Path) -> FakeDataset:
    """Three pictures (the second without instances), three categories of odd names, seven instances."""
    dataset = FakeDataset(folder)
    cup = dataset.add_category("cup", 4)
    unused = dataset.add_category("yes: [no] 'ñ'", 2)
    spoon = dataset.add_category("1", 9)
    assert unused.id == 2
    first = dataset.add_image((24, 32), "tea time.jpg")
    dataset.add_image((30, 20), "empty.jpg")
    third = dataset.add_image((303, 384), "ordner/tea time.webp")
    dataset.add_instance(first, ring_and_dot(), cup)
    dataset.add_instance(first, np.ones((24, 32), dtype=bool), spoon)
    one_pixel, line = np.zeros((2, 24, 32), dtype=bool)
    one_pixel[23, 31] = line[4, 2:30] = True
    dataset.add_instance(first, one_pixel, cup)
    dataset.add_instance(first, line, cup)
    for mask in real_masks()[:3]:
        dataset.add_instance(third, mask, spoon)
    return dataset


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two H×W masks."""
    one, other = one.astype(bool), other.astype(bool)
    return float((one & other).sum() / max(1, (one | other).sum()))


def masks_of(dataset: FakeDataset) -> dict[str, list[np.ndarray]]:
    """Stem of the file name in an export -> masks, in order."""
    names = file_names(dataset.images)
    return {
        Path(names[image.id]).stem: [instance.rle.decode() for instance in dataset.instances(image)]
        for image in dataset.images
    }


def detected(loaded: Iterable[tuple[str, Any, Any]]) -> dict[str, np.ndarray]:
    """The same of a supervision.DetectionDataset: N×H×W bool, N may be 0."""
    return {
        Path(path).stem: np.zeros((0, 1, 1), dtype=bool) if detections.mask is None else detections.mask
        for path, _, detections in loaded
    }


def picture_files(folder: Path) -> list[str]:
    """Paths under an export of the pictures themselves, and not of the maps that are pictures too."""
    return [path for path in tree_bytes(folder) if path.endswith((".png", ".jpg")) and not _MAPS.match(path)]


def tree_bytes(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
