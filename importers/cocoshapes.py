"""One COCO annotation -> a shape."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from importers.base import Box, FoundCategory, Remark, Shape
from importers.cocofile import id_of
from importers.texts import finite_numbers, kind_of
from storage.rle import Rle

_MOST_PIXELS = 2**31  # of a mask; pycocotools counts with 32 bits
_MOST_RUNS = 2**26


def shape_of(entry: Any, name: str, categories: Mapping[str, FoundCategory]) -> tuple[Shape, Remark | None]:
    """The annotation's shape, and what there is to know about how it was read.

    name: where it stands. categories: by id. Raises ValueError, its text a reason in words.
    """
    if not isinstance(entry, Mapping):
        raise ValueError(f"expected an object, found {kind_of(entry)}")
    key = id_of(entry.get("category_id"))
    if key is None or key not in categories:
        said = "it has no category_id" if key is None else f"no category is listed with the id {key}"
        raise ValueError(said)
    crowd = entry.get("iscrowd", 0)
    rle: Rle | None = None
    polygons: tuple[np.ndarray, ...] = ()
    box: Box | None = None
    remark: Remark | None = None
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, Mapping):
        rle = _rle(segmentation)
    elif segmentation not in (None, [], ""):
        polygons, short = _polygons(segmentation)
        if not polygons:  # labelme's script writes a rectangle's two corners so
            if not entry.get("bbox"):
                raise ValueError("its polygons have fewer than three points, and it has no bbox")
            box = _box(entry.get("bbox"))
            remark = Remark(name, "its polygons have fewer than three points, so its box was taken")
        elif short:
            remark = Remark(name, f"{short} of its polygons have fewer than three points, and were left out")
    else:
        box = _box(entry.get("bbox"))
    shape = Shape(
        name=name,
        category=categories[key].name,
        rle=rle,
        polygons=polygons,
        box_xyxy=box,
        is_crowd=crowd is True or (isinstance(crowd, int | float) and crowd == 1),
    )
    return shape, remark


def _rle(coded: Mapping[str, Any]) -> Rle:
    """Of counts as COCO's string, or as a list of runs."""
    size, counts = coded.get("size"), coded.get("counts")
    sides = finite_numbers(size)
    if sides.shape != (2,) or (sides < 1).any() or (sides != sides.round()).any() or sides.prod() > _MOST_PIXELS:
        raise ValueError(f"its RLE has the size {size!r}, where two whole numbers [height, width] belong")
    height, width = (int(side) for side in sides)
    if isinstance(counts, list):
        if len(counts) > _MOST_RUNS:
            raise ValueError(f"its RLE has {len(counts)} runs, more than any mask")
        runs = finite_numbers(counts)
        if runs.ndim != 1 or (runs < 0).any() or (runs != runs.round()).any() or runs.sum() != height * width:
            raise ValueError(f"the runs of its RLE do not add up to {width}×{height} pixels")
        whole = {"size": [height, width], "counts": runs.astype(np.int64).tolist()}
        counts = coco_mask.frPyObjects(whole, height, width)["counts"]
    return Rle.from_coco({"size": [height, width], "counts": counts})


def _polygons(segmentation: Any) -> tuple[tuple[np.ndarray, ...], int]:
    """(rings, how many were left out for having fewer than three points)."""
    if not isinstance(segmentation, list):
        raise ValueError(f"its segmentation is {kind_of(segmentation)}, where polygons or an RLE belong")
    if not isinstance(segmentation[0], list | tuple):  # one flat list in place of a list of lists
        segmentation = [segmentation]
    elif all(isinstance(point, list | tuple) and len(point) == 2 for point in segmentation):
        segmentation = [segmentation]  # a list of points
    rings = [_ring(ring) for ring in segmentation]
    whole = tuple(ring for ring in rings if len(ring) >= 3)
    return whole, len(rings) - len(whole)


def _ring(values: Any) -> np.ndarray:
    """[x, y, x, y, ...], or pairs -> N×2 float64."""
    numbers = finite_numbers(values)
    if numbers.size % 2 or numbers.ndim not in (1, 2) or (numbers.ndim == 2 and numbers.shape[1] != 2):
        raise ValueError("a polygon of it is no list of x, y, x, y, …")
    return numbers.reshape(-1, 2)


def _box(values: Any) -> Box:
    if values in (None, []):
        raise ValueError("it has neither a segmentation nor a bbox")
    numbers = finite_numbers(values)
    if numbers.shape != (4,):
        raise ValueError("its bbox is not [x, y, width, height]")
    x, y, width, height = numbers.tolist()
    if width <= 0 or height <= 0:
        raise ValueError(f"its bbox is {width:g} wide and {height:g} high, which holds no pixel")
    return x, y, x + width, y + height
