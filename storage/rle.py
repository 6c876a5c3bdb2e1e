"""COCO run-length encoding of masks, by pycocotools."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask


@dataclass(frozen=True)
class Rle:
    """A mask in COCO's compressed form: runs in column-major order, zeros first, as an ASCII string."""

    size_hw: tuple[int, int]
    counts: str

    @classmethod
    def encode(cls, mask: np.ndarray) -> "Rle":
        """H×W bool or 0/1 uint8 -> its runs. Raises ValueError for another shape."""
        if mask.ndim != 2:
            raise ValueError(f"Expected an H×W mask, got shape {mask.shape}.")
        coded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
        return cls(size_hw=(int(mask.shape[0]), int(mask.shape[1])), counts=coded["counts"].decode("ascii"))

    @classmethod
    def from_coco(cls, coded: dict[str, Any]) -> "Rle":
        """{"size": [h, w], "counts": str or bytes} -> Rle."""
        counts = coded["counts"]
        height, width = coded["size"]
        return cls(size_hw=(int(height), int(width)), counts=counts if isinstance(counts, str) else counts.decode("ascii"))

    def to_coco(self) -> dict[str, Any]:
        """{"size": [h, w], "counts": str}, ready for JSON and for pycocotools."""
        return {"size": list(self.size_hw), "counts": self.counts}

    def decode(self) -> np.ndarray:
        """H×W bool."""
        return coco_mask.decode(self.to_coco()).astype(bool)

    @property
    def area(self) -> int:
        """Number of pixels in the mask."""
        return int(coco_mask.area(self.to_coco()))

    @property
    def bbox_xywh(self) -> tuple[int, int, int, int]:
        """The tightest box, COCO form: one pixel at the top left is (0, 0, 1, 1); (0, 0, 0, 0) when empty."""
        x, y, width, height = (int(v) for v in coco_mask.toBbox(self.to_coco()))
        return x, y, width, height
