"""COCO run-length encoding of masks, by pycocotools."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask


@dataclass(frozen=True)
class Rle:
    """A mask in COCO's compressed form: runs in column-major order, zeros first, as an ASCII string.

    `encode` and `from_coco` make sound ones; the constructor itself takes what is known to be sound.
    """

    size_hw: tuple[int, int]
    counts: str

    @classmethod
    def encode(cls, mask: np.ndarray) -> "Rle":
        """H×W of bool or numbers, anything but 0 being inside -> its runs. Raises ValueError for another shape."""
        if mask.ndim != 2 or 0 in mask.shape:
            raise ValueError(f"Expected an H×W mask of at least one pixel, got shape {mask.shape}.")
        # pycocotools starts a new run wherever two bytes differ: a mask of 1 and 255 has to become one of 1 first.
        coded = coco_mask.encode(np.asfortranarray(mask, dtype=bool).view(np.uint8))
        return cls(size_hw=(int(mask.shape[0]), int(mask.shape[1])), counts=coded["counts"].decode("ascii"))

    @classmethod
    def encode_part(cls, part: np.ndarray, *, at: tuple[int, int], size_hw: tuple[int, int]) -> "Rle":
        """h×w bool, a mask's part that begins at row and column `at` of H×W pixels and lies within -> the whole's runs.

        A small part costs little, whatever the size of the whole.
        """
        (height, width), (top, left) = part.shape, at
        if 2 * part.size > size_hw[0] * size_hw[1]:  # where pycocotools is faster over all of it
            whole = np.zeros(size_hw, bool)
            whole[top : top + height, left : left + width] = part
            return cls.encode(whole)
        framed = np.zeros((width, height + 2), bool)  # column by column, each between two pixels outside
        framed[:, 1:-1] = part.T
        columns, rows = np.divmod(np.flatnonzero(framed[:, 1:] != framed[:, :-1]), height + 1)
        edges = (left + columns) * size_hw[0] + top + rows
        return cls._from_runs(np.diff(edges, prepend=0, append=size_hw[0] * size_hw[1]), size_hw)

    @classmethod
    def from_coco(cls, coded: dict[str, Any]) -> "Rle":
        """{"size": [h, w], "counts": str or bytes} -> Rle. Raises ValueError when the runs do not fill the size.

        What comes from outside is checked here, because pycocotools gives boxes of 2^32 pixels for some of it.
        """
        try:
            height, width = (int(side) for side in coded["size"])
            counts = coded["counts"]
            text = counts if isinstance(counts, str) else counts.decode("ascii")
            runs = _runs(text)
        except (KeyError, TypeError, AttributeError, ValueError) as e:
            raise ValueError('Expected a mask as {"size": [h, w], "counts": COCO\'s compressed string}.') from e
        if height < 1 or width < 1 or (runs < 0).any() or int(runs.sum()) != height * width:
            raise ValueError(f"The runs of a mask must add up to its size: {height}×{width} pixels got {runs.sum()}.")
        rle = cls(size_hw=(height, width), counts=text)
        # Runs of no pixels are legal, but toBbox stumbles over them; the same mask has a form without.
        return rle if (runs[1:] > 0).all() else cls._from_runs(runs, rle.size_hw)

    @classmethod
    def _from_runs(cls, runs: np.ndarray, size_hw: tuple[int, int]) -> "Rle":
        """K lengths, zeros first, any of which may be 0 -> the same mask with neighbours of a kind joined."""
        inside = np.arange(len(runs))[runs > 0] % 2
        is_end = np.append(np.diff(inside) != 0, True)
        joined = np.diff(runs.cumsum()[runs > 0][is_end], prepend=0).tolist()
        counts = [0, *joined] if inside[0] else joined
        coded = coco_mask.frPyObjects({"size": list(size_hw), "counts": counts}, *size_hw)
        return cls(size_hw=size_hw, counts=coded["counts"].decode("ascii"))

    def to_coco(self) -> dict[str, Any]:
        """{"size": [h, w], "counts": str}, ready for JSON and for pycocotools."""
        return {"size": list(self.size_hw), "counts": self.counts}

    def decode(self) -> np.ndarray:
        """H×W bool."""
        return coco_mask.decode(self.to_coco()).view(bool)

    def decode_part(self) -> np.ndarray:
        """h×w bool, what lies in the mask's box; costs what the box's columns cost, not what the whole does."""
        x, y, width, height = self.bbox_xywh
        runs = _runs(self.counts)
        runs[0] -= x * self.size_hw[0]
        if len(runs) % 2:  # it ends with zeros, which reach beyond the box
            runs[-1] += width * self.size_hw[0] - runs.sum()
        columns = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return columns.reshape(width, self.size_hw[0])[:, y : y + height].T

    @cached_property
    def area(self) -> int:
        """Number of pixels in the mask."""
        return int(coco_mask.area(self.to_coco()))

    @property
    def bbox_xywh(self) -> tuple[int, int, int, int]:
        """The tightest box, COCO form: one pixel at the top left is (0, 0, 1, 1); (0, 0, 0, 0) when empty."""
        x, y, width, height = (int(v) for v in coco_mask.toBbox(self.to_coco()))
        return x, y, width, height


def runs_of(rles: Sequence[Rle]) -> list[np.ndarray]:
    """For each mask K int64 lengths of runs in column-major order, zeros first; but for the first none is 0."""
    if not rles:
        return []
    numbers, ends = _differences("".join(rle.counts for rle in rles))
    bounds = np.searchsorted(ends, np.cumsum([len(rle.counts) for rle in rles])[:-1])
    return [_summed(own) for own in np.split(numbers, bounds)]


def iou_matrix(rles: Sequence[Rle], others: Sequence[Rle]) -> np.ndarray:
    """N masks and M masks of one size -> N×M float64: each pair's intersection over union."""
    if not rles or not others:
        return np.zeros((len(rles), len(others)))
    found = coco_mask.iou([one.to_coco() for one in rles], [one.to_coco() for one in others], [0] * len(others))
    return np.asarray(found, np.float64).reshape(len(rles), len(others))


def union_area(rles: Sequence[Rle]) -> int:
    """Number of pixels under at least one of these masks of one size."""
    return int(coco_mask.area(coco_mask.merge([one.to_coco() for one in rles]))) if rles else 0


def _runs(counts: str) -> np.ndarray:
    """COCO's compressed string -> K int64 lengths of runs. Raises ValueError for a string that is none."""
    return _summed(_differences(counts)[0])


def _differences(counts: str) -> tuple[np.ndarray, np.ndarray]:
    """COCO's compressed strings, one or several -> (K int64 as they are written, K: the place of their last character).

    A number is written five bits a character (from "0"), lowest first, the sixth bit saying that more follow and the
    fifth of its last character being its sign.
    """
    codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - ord("0")
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError("not a string of runs")
    ends = np.flatnonzero((codes & 32) == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends + 1 - starts
    if lengths.max() > 7:  # 35 bits; pycocotools itself keeps 32
        raise ValueError("a run too long")
    place = 5 * (np.arange(len(codes)) - np.repeat(starts, lengths))
    numbers = np.add.reduceat((codes & 31) << place, starts)
    numbers -= np.where(codes[ends] & 16, np.int64(1) << (5 * lengths), 0)
    return numbers, ends


def _summed(numbers: np.ndarray) -> np.ndarray:
    """The numbers of one string -> its runs: from the fourth on each is the difference from the one two before."""
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
