"""Masks in the size of a reduced picture."""

import numpy as np

from storage.rle import Rle


def shrunk(rle: Rle, size_hw: tuple[int, int]) -> Rle:
    """A mask in a smaller size: a pixel belongs to it where at least half of what it covers does.

    The same as cv2.resize by area and cut at a half, but looks at the mask's box alone.
    """
    if rle.size_hw == size_hw:
        return rle
    if not rle.area:
        return Rle.encode(np.zeros(size_hw, bool))
    x, y, _, _ = rle.bbox_xywh
    rows, top = _shares(rle.decode_part(), before=y, length=rle.size_hw[0], out_length=size_hw[0])
    covered, left = _shares(rows.T, before=x, length=rle.size_hw[1], out_length=size_hw[1])
    return Rle.encode_part(covered.T >= 0.5 - 1e-4, at=(top, left), size_hw=size_hw)


def _shares(values: np.ndarray, *, before: int, length: int, out_length: int) -> tuple[np.ndarray, int]:
    """N×M values that begin at row `before` of `length` rows -> K×M float32 means over the rows of the smaller size.

    Returns them with the number of their first row; what lies outside of the given rows counts as 0.
    """
    scale = out_length / length
    first = int(before * scale)
    last = min(out_length, int(np.ceil((before + len(values)) * scale)))
    edges = np.clip(np.arange(first, last + 1) / scale - before, 0, len(values))
    low = np.minimum(edges.astype(np.int64), len(values) - 1)
    sums = np.zeros((len(values) + 1, values.shape[1]), np.float32)
    np.cumsum(values, axis=0, dtype=np.float32, out=sums[1:])
    part = (edges - low).astype(np.float32)[:, None]
    at_edges = sums[low] * (1 - part) + sums[low + 1] * part
    return np.diff(at_edges, axis=0) * np.float32(scale), first
