"""Value types of a segmenter call: what goes in (Prompt), what is kept (Embedding), what comes out (Prediction)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from annotator.errors import PromptError

CANDIDATES = 3
LOW_RES_SIDE = 256  # of low_res_logits, as SAM's mask decoder gives and takes them
MASK_THRESHOLD = 0.0  # a logit above it is inside the mask
STRIP_PIXELS = 1 << 17  # of a mask, upscaled at a time: more would be fresh memory each time, which costs the most


@dataclass(frozen=True, eq=False)
class Prompt:
    """Points, a box, and perhaps the logits of an earlier answer.

    point_coords: N×2 float32 (x, y) in pixels of the original image, pixel centres at whole numbers.
    point_labels: N int64, 1 foreground, 0 background.
    box_xyxy: 4 float32, the same pixels, or None.
    mask_input: 256×256 float32 logits, one of an earlier Prediction.low_res_logits, or None.
    """

    point_coords: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    point_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    box_xyxy: np.ndarray | None = None
    mask_input: np.ndarray | None = None

    def __post_init__(self) -> None:
        coords = np.asarray(self.point_coords if self.point_coords is not None else [], np.float32).reshape(-1, 2)
        labels = np.asarray(self.point_labels if self.point_labels is not None else [], np.int64).reshape(-1)
        if len(coords) != len(labels):
            raise PromptError(f"Expected one label per point, got {len(coords)} points and {len(labels)} labels.")
        if not np.isfinite(coords).all():
            raise PromptError("A point's coordinates must be finite numbers.")
        if not np.isin(labels, (0, 1)).all():
            raise PromptError(f"A point label is 1 (foreground) or 0 (background), got {sorted(set(labels.tolist()))}.")
        object.__setattr__(self, "point_coords", coords)
        object.__setattr__(self, "point_labels", labels)
        if self.box_xyxy is not None:
            box = np.asarray(self.box_xyxy, np.float32).reshape(-1)
            if box.shape != (4,) or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
                raise PromptError(f"A box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, got {box.tolist()}.")
            object.__setattr__(self, "box_xyxy", box)
        if self.mask_input is not None:
            logits = np.asarray(self.mask_input, np.float32)
            if logits.shape != (LOW_RES_SIDE, LOW_RES_SIDE):
                raise PromptError(f"mask_input is {LOW_RES_SIDE}×{LOW_RES_SIDE} logits, got shape {logits.shape}.")
            object.__setattr__(self, "mask_input", logits)
        if not len(coords) and self.box_xyxy is None and self.mask_input is None:
            raise PromptError("A prompt needs a point, a box, or an earlier mask.")


def single_points(point_coords: np.ndarray) -> list[Prompt]:
    """N×2 (x, y) -> N prompts of one foreground point each."""
    return [Prompt(point_coords=point[None], point_labels=np.ones(1, np.int64)) for point in point_coords]


@dataclass(frozen=True)
class Frame:
    """How an image lies in a segmenter's square input: scaled to inner_hw, at the top left, the rest padding."""

    side: int
    inner_hw: tuple[int, int]
    size_hw: tuple[int, int]

    @classmethod
    def fit(cls, size_hw: tuple[int, int], *, side: int) -> "Frame":
        """The frame of an image whose longer side is scaled to `side`; a half pixel rounds up, as SAM's does."""
        scale = side / max(size_hw)
        height, width = (max(1, int(length * scale + 0.5)) for length in size_hw)
        return cls(side=side, inner_hw=(height, width), size_hw=(int(size_hw[0]), int(size_hw[1])))

    @property
    def low_res_inner_hw(self) -> tuple[int, int]:
        """The part of 256×256 low_res_logits that the image covers (rounded up), rows and columns."""
        height, width = (-(-length * LOW_RES_SIDE // self.side) for length in self.inner_hw)
        return height, width


@dataclass(frozen=True, eq=False)
class Embedding:
    """What an image encoder made of one image; its arrays are for the segmenter that made it alone.

    segmenter: the fingerprint of that segmenter. arrays: floats, or uint8 pixels, by name, on the CPU.
    """

    segmenter: str
    frame: Frame
    arrays: Mapping[str, np.ndarray]

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


@dataclass(frozen=True, eq=False)
class Prediction:
    """The three candidates that answer one prompt.

    low_res_logits: 3×256×256 float32 in the segmenter's frame; feed one back as mask_input to refine.
    predicted_iou: 3 float32, 0..1. stability_score: 3 float32, 0..1.
    """

    low_res_logits: np.ndarray
    predicted_iou: np.ndarray
    stability_score: np.ndarray
    frame: Frame

    @property
    def best(self) -> int:
        """Index of the candidate with the highest predicted IoU."""
        return int(np.argmax(self.predicted_iou))

    @cached_property
    def masks(self) -> np.ndarray:
        """3×H×W bool in the original image's size; computed when first asked for."""
        return np.stack([self.mask(index) for index in range(len(self.low_res_logits))])

    def mask(self, index: int, size_hw: tuple[int, int] | None = None) -> np.ndarray:
        """One candidate as H×W bool, in the original's size or in size_hw (a reduced picture of the same shape).

        Two bilinear steps as SAM's `postprocess_masks`: to the frame, cut to the inner part, to the size asked for.
        Only the part that can hold mask pixels is computed.
        """
        return upscale_mask(self.low_res_logits[index], self.frame, size_hw or self.frame.size_hw)


@dataclass(frozen=True, eq=False)
class PointAnswers:
    """Candidates that answer points asked one by one, those of a high enough predicted IoU; by point, then candidate.

    point_index: K int64, which point each answers. predicted_iou: K float32 as the network gave it: SAM's go a little
    beyond 1, and their order there still says which is best. low_res_logits: K×256×256 float32, right wherever they
    bear on the picture, and anything in the padding.
    """

    point_index: np.ndarray
    predicted_iou: np.ndarray
    low_res_logits: np.ndarray

    @classmethod
    def of(cls, predictions: Sequence[Prediction], *, above: float) -> "PointAnswers":
        """From the answer to each point in turn."""
        scores = np.array([one.predicted_iou for one in predictions], np.float32).reshape(-1, CANDIDATES)
        points, candidates = np.nonzero(scores > above)
        logits = [predictions[int(point)].low_res_logits[one] for point, one in zip(points, candidates, strict=True)]
        return cls(
            point_index=points,
            predicted_iou=scores[points, candidates],
            low_res_logits=np.array(logits, np.float32).reshape(-1, LOW_RES_SIDE, LOW_RES_SIDE),
        )

    @classmethod
    def joined(cls, parts: Sequence["PointAnswers"]) -> "PointAnswers":
        """Answers to one group of points after another, each counting its points on."""
        return cls(
            point_index=np.concatenate([np.zeros(0, np.int64), *(part.point_index for part in parts)]),
            predicted_iou=np.concatenate([np.zeros(0, np.float32), *(part.predicted_iou for part in parts)]),
            low_res_logits=np.concatenate(
                [np.zeros((0, LOW_RES_SIDE, LOW_RES_SIDE), np.float32), *(part.low_res_logits for part in parts)]
            ),
        )


def upscale_mask(logits: np.ndarray, frame: Frame, size_hw: tuple[int, int]) -> np.ndarray:
    """256×256 float32 logits in `frame` -> H×W bool of size_hw, only the rows that can hold mask pixels computed."""
    mask = np.zeros(size_hw, bool)
    for top, left, strip in upscaled_strips(logits, frame, size_hw):
        mask[top : top + strip.shape[0], left : left + strip.shape[1]] = strip > MASK_THRESHOLD
    return mask


def upscaled_strips(
    logits: np.ndarray, frame: Frame, size_hw: tuple[int, int], *, above: float = MASK_THRESHOLD
) -> Iterator[tuple[int, int, np.ndarray]]:
    """256×256 float32 logits in `frame` -> the box of an H×W picture outside of which none of them is greater than
    `above`, in strips from top to bottom: row and column of the first pixel, and h×w float32 upscaled logits.

    Interpolation never exceeds its neighbours, so nothing above lies more than one low-res pixel (and one frame pixel
    for the second step) away from a logit above.
    """
    rows, columns = np.flatnonzero((logits > above).any(1)), np.flatnonzero((logits > above).any(0))
    if not len(rows):
        return
    per_cell = frame.side / LOW_RES_SIDE
    spans = []
    for found, inner, size in zip((rows, columns), frame.inner_hw, size_hw, strict=True):
        first, last = (found[0] - 1.5) * per_cell - 1, (found[-1] + 2.5) * per_cell + 1
        scale = size / inner
        spans.append((max(0, int(first * scale)), min(size, int(np.ceil(last * scale)) + 1)))
    (top, bottom), (left, right) = spans
    if top >= bottom or left >= right:
        return
    side, (height, width) = frame.side, frame.inner_hw
    framed = cv2.resize(logits.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)[:height, :width]
    strip_rows = max(1, STRIP_PIXELS // size_hw[1])
    for start in range(top, bottom, strip_rows):
        stop = min(bottom, start + strip_rows)
        _, low, high, share = _taps(np.arange(start, stop), height, size_hw[0])
        stretched = framed[low] + share[:, None] * (framed[high] - framed[low])
        # OpenCV resizes whole rows faster than any way to compute only left..right of them
        strip = cv2.resize(stretched, (size_hw[1], stop - start), interpolation=cv2.INTER_LINEAR)
        yield start, left, strip[:, left:right]


def upscale_weights(outputs: np.ndarray, side: int, inner: int, size: int) -> np.ndarray:
    """How the two bilinear steps 256 -> side, cut to inner, -> size make some of the last one's rows (or columns).

    outputs: N int, 0..size-1 -> N×256 float32; each row sums to 1.
    """
    at, low, high, part = _taps(outputs, inner, size)
    weights = np.zeros((len(outputs), LOW_RES_SIDE), np.float32)
    for frame_row, weight in ((low, 1 - part), (high, part)):
        _, first, second, share = _taps(frame_row, LOW_RES_SIDE, side)
        np.add.at(weights, (at, first), weight * (1 - share))
        np.add.at(weights, (at, second), weight * share)
    return weights


def _taps(
    outputs: np.ndarray, length_in: int, length_out: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each output place: its number, the two inputs it lies between, and its share of the second."""
    place = np.clip((outputs + 0.5) * (length_in / length_out) - 0.5, 0, None).astype(np.float32)
    low = np.minimum(place.astype(np.int64), length_in - 1)
    return np.arange(len(outputs)), low, np.minimum(low + 1, length_in - 1), (place - low).astype(np.float32)


def stability_scores(low_res_logits: np.ndarray, frame: Frame, *, offset: float = 1.0) -> np.ndarray:
    """K×256×256 logits -> K float32: IoU of the mask cut at +offset with the mask cut at -offset.

    SAM's `calculate_stability_score`, on the low-res logits inside the image; 0 where both are empty.
    """
    height, width = frame.low_res_inner_hw
    inner = low_res_logits[:, :height, :width]
    inside = (inner > MASK_THRESHOLD + offset).sum((1, 2)).astype(np.float32)
    union = (inner > MASK_THRESHOLD - offset).sum((1, 2)).astype(np.float32)
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def resize_image(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """H×W×3 uint8 to another size; area averaging when it shrinks, bilinear when it grows."""
    if image.shape[:2] == tuple(size_hw):
        return image
    shrinks = size_hw[0] < image.shape[0] or size_hw[1] < image.shape[1]
    return cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
