"""The columns that hold a mask: of instances and of proposals."""

from typing import Any

from storage.errors import StorageError
from storage.rle import Rle
from storage.schema import ImageRow, InstanceRow, ProposalRow

MaskRow = InstanceRow | ProposalRow


def mask_of(row: MaskRow) -> Rle:
    """The mask that a row holds."""
    return Rle(size_hw=(row.rle_height, row.rle_width), counts=row.rle_counts)


def assign_mask(image: ImageRow, row: MaskRow, coded: Any) -> None:
    """Give a row its mask, with box and area. Raises StorageError for one that is unsound or of another size."""
    try:
        rle = coded if isinstance(coded, Rle) else Rle.from_coco(coded)
    except ValueError as e:
        raise StorageError(str(e)) from e
    if rle.size_hw != (image.height, image.width):
        raise StorageError(
            f"A mask has its picture's size, {image.height}×{image.width} (height×width); "
            f"this one has {rle.size_hw[0]}×{rle.size_hw[1]}."
        )
    row.rle_height, row.rle_width = rle.size_hw
    row.rle_counts = rle.counts
    row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height = rle.bbox_xywh
    row.area = rle.area
