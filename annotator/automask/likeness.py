"""Which proposals show the same kind of thing: the mean of what the encoder saw under each mask, compared."""

import cv2
import numpy as np

from storage.rle import Rle


def describe(features: np.ndarray, rle: Rle, size_hw: tuple[int, int]) -> np.ndarray:
    """h×w×C features of a picture of size_hw, and a mask (of any size of that shape) -> C float32 unit vector.

    All zeros for an empty mask, or where the features say nothing.
    """
    if not rle.area:
        return np.zeros(features.shape[2], np.float32)
    height, width = features.shape[:2]
    share = cv2.resize(rle.decode().astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    if not share.any():  # a picture smaller than its features: INTER_AREA then only copies pixels
        left, top, mask_w, mask_h = rle.bbox_xywh
        row, column = (top + mask_h / 2) * height / rle.size_hw[0], (left + mask_w / 2) * width / rle.size_hw[1]
        share[min(int(row), height - 1), min(int(column), width - 1)] = 1
    mean = np.tensordot(share, features, axes=2).astype(np.float32)
    length = float(np.linalg.norm(mean))
    return mean / length if length else mean


def likeness(vectors: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """N×C unit vectors, C unit vector -> N float32 cosines, -1..1."""
    return np.clip(np.asarray(vectors, np.float32).reshape(-1, len(vector)) @ vector, -1, 1)
