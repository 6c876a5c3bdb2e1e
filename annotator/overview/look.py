"""A look at the masks of one picture: which are alike, which lie in parts far apart, and what each is like."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from storage.repository.overview import KeyedMask
from storage.rle import iou_matrix

TWIN_IOU = 0.9  # two masks of one picture that overlap so much are one thing, marked twice
LEAST_PART = 0.01  # of a mask's area; smaller crumbs are no parts
REACH, REACH_PIXELS = 0.5, 8  # how far a part may lie off: so much of the largest part's diagonal, and so many pixels
# What a mask is like: log10 of its share of the picture, log2 of width / height, share of its box that it fills, mean
# lightness, the two means of hue, and how much the lightness varies (CIELAB, 0..255 each).
TRAITS = 7


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Two masks of one picture that are (nearly) the same; the first is the older one."""

    first_id: int
    second_id: int
    iou: float
    one_category: bool


@dataclass(frozen=True, kw_only=True)
class Scattered:
    """A mask with parts far from its largest one."""

    id: int
    parts: int  # that lie far off
    pixels: int  # from the nearest of them to what is no such part


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What a look at a picture's masks found."""

    state: str  # of the masks, as Repository.mask_states has it; another one: look again
    ids: np.ndarray  # N int64
    traits: np.ndarray  # N×TRAITS float32; NaN where the picture could not be read
    twins: tuple[Twins, ...]
    scattered: tuple[Scattered, ...]


def look(masks: Sequence[KeyedMask], thumbnail: np.ndarray | None, *, state: str) -> Look:
    """All masks of one picture, and the picture in a small size (h×w×3 uint8 RGB, None where there is none)."""
    lab = None if thumbnail is None else cv2.cvtColor(thumbnail, cv2.COLOR_RGB2LAB).astype(np.float32)
    traits = np.full((len(masks), TRAITS), np.nan, np.float32)
    scattered = []
    for place, mask in enumerate(masks):
        if not mask.area:
            continue
        inside = mask.rle.decode_part()
        traits[place, :3] = _shape(mask)
        if lab is not None:
            traits[place, 3:] = _colour(mask, inside, lab)
        found = far_parts(inside)
        if found is not None:
            scattered.append(Scattered(id=mask.id, parts=found[0], pixels=found[1]))
    ids = np.array([mask.id for mask in masks], np.int64)
    return Look(state=state, ids=ids, traits=traits, twins=twins(masks), scattered=tuple(scattered))


def twins(masks: Sequence[KeyedMask], *, iou: float = TWIN_IOU) -> tuple[Twins, ...]:
    """Masks of one picture that overlap an older one by more than `iou`, each with the older one it overlaps most."""
    boxes = np.array([mask.bbox_xywh for mask in masks], np.float64).reshape(-1, 4)
    left_top, right_bottom = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    areas = np.array([mask.area for mask in masks], np.float64)
    found = []
    for place in range(1, len(masks)):
        # What two masks share lies in what their boxes share: most pairs are told apart without their pixels.
        common = np.minimum(right_bottom[:place], right_bottom[place]) - np.maximum(left_top[:place], left_top[place])
        most = np.minimum(common.clip(0).prod(axis=1), np.minimum(areas[:place], areas[place]))
        older = np.flatnonzero((most > iou * np.maximum(areas[:place], areas[place])) & (most > 0))
        if not len(older):
            continue
        overlaps = iou_matrix([masks[place].rle], [masks[at].rle for at in older.tolist()])[0]
        best = int(overlaps.argmax())
        if overlaps[best] > iou:
            first, second = masks[int(older[best])], masks[place]
            one_category = first.category_id == second.category_id
            pair = Twins(first_id=first.id, second_id=second.id, iou=float(overlaps[best]), one_category=one_category)
            found.append(pair)
    return tuple(found)


def far_parts(inside: np.ndarray) -> tuple[int, int] | None:
    """h×w bool -> how many parts lie far from the largest one, and how far off the nearest of them is, in pixels.

    None where there are none. A part is near when from it the largest can be reached in steps over other parts, no gap
    between two boxes being wider than half the diagonal of the largest one's box, and 8 pixels.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(inside).view(np.uint8), connectivity=8)
    if count <= 2:  # the outside is counted, too
        return None
    stats = stats[1:].astype(np.float64)
    sizes = stats[:, cv2.CC_STAT_AREA]
    boxes = stats[np.argsort(-sizes, kind="stable")][: np.count_nonzero(sizes >= LEAST_PART * sizes.sum())]
    left_top = boxes[:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
    sides = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    reach = REACH_PIXELS + REACH * float(np.hypot(*sides[0]))
    gaps = _gaps(left_top, left_top + sides)
    near = np.zeros(len(boxes), bool)
    near[0] = True
    while True:
        reached = near | (gaps[near].min(axis=0) <= reach)
        if (reached == near).all():
            break
        near = reached
    if near.all():
        return None
    return int((~near).sum()), round(float(gaps[near][:, ~near].min()))


def _gaps(left_top: np.ndarray, right_bottom: np.ndarray) -> np.ndarray:
    """N×2 corners of boxes -> N×N distances between them in pixels, 0 where they touch or overlap."""
    apart = np.maximum(left_top[:, None] - right_bottom[None], left_top[None] - right_bottom[:, None])
    return np.linalg.norm(apart.clip(0), axis=2)


def _shape(mask: KeyedMask) -> tuple[float, float, float]:
    _, _, width, height = mask.bbox_xywh
    rows, columns = mask.rle.size_hw
    return float(np.log10(mask.area / (rows * columns))), float(np.log2(width / height)), mask.area / (width * height)


def _colour(mask: KeyedMask, inside: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """4 numbers: the mean colour under the mask and the spread of its lightness, in a small copy of the picture."""
    across, down = lab.shape[1] / mask.rle.size_hw[1], lab.shape[0] / mask.rle.size_hw[0]
    x, y, width, height = mask.bbox_xywh
    left, top = min(int(x * across), lab.shape[1] - 1), min(int(y * down), lab.shape[0] - 1)
    part = lab[top : top + max(1, round(height * down)), left : left + max(1, round(width * across))]
    shares = cv2.resize(inside.astype(np.float32), part.shape[1::-1], interpolation=cv2.INTER_AREA)
    if not shares.any():  # thinner than a pixel of the small copy
        shares[:] = 1
    shares = shares / shares.sum()
    mean = np.tensordot(shares, part, axes=2)
    spread = np.sqrt(max(0.0, float((shares * (part[..., 0] - mean[0]) ** 2).sum())))
    return np.array([*mean, spread], np.float32)
