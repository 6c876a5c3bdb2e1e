"""A second look, as FocalClick and RITM's zoom-in take one: what was found is cut out, encoded again, and refined.

It is here to be measured beside the segmenter itself (benchmarks/clicks.py, `second_look`), not in use.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from annotator.prediction import LOW_RES_SIDE, Embedding, Frame, Prompt
from annotator.segmenters.base import Segmenter
from benchmarks.peers import PeerAnswer

AROUND = 1.5  # the window's side, as a multiple of what it is to hold
LARGEST = 0.6  # of the picture's longer side: a window that is larger shows little more than the picture does
LEAST = 0.35  # of the same: closer up, a picture is blurred in a way that training did not show
WASTE = 1.6  # a window this much larger than need be is cut anew
NOTHING = -20.0  # the logits outside of the window


@dataclass(eq=False)
class Looked:
    """A picture (H×W×3 uint8 RGB), encoded; the last window (x0, y0, x1, y1), encoded too."""

    image: np.ndarray
    whole: Embedding
    window: tuple[int, int, int, int] | None = None
    close: Embedding | None = None


class SecondLook:
    """A segmenter that answers from the second click on out of a window around the object, where that is small."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self.fingerprint, self.device = f"{segmenter.fingerprint}-second-look", segmenter.device

    def embed(self, image: np.ndarray) -> Looked:
        return Looked(image, self._segmenter.embed(image))

    def predict(self, embedding: Looked, prompt: Prompt) -> PeerAnswer:
        frame = embedding.whole.frame
        earlier = None if prompt.mask_input is None else _to_picture(prompt.mask_input, frame)
        if earlier is None or not self._look(embedding, prompt, earlier > 0):
            found = self._segmenter.predict(embedding.whole, prompt)
            return PeerAnswer(list(found.masks), found.predicted_iou, found.low_res_logits)
        assert embedding.close is not None and embedding.window is not None
        close, (x0, y0, x1, y1) = embedding.close, embedding.window
        inside = ((prompt.point_coords >= (x0, y0)) & (prompt.point_coords < (x1, y1))).all(1)
        fed_back = _to_low_res(earlier[y0:y1, x0:x1], close.frame)
        points, labels = prompt.point_coords[inside] - (x0, y0), prompt.point_labels[inside]
        found = self._segmenter.predict(close, Prompt(points, labels, mask_input=fed_back))
        masks = np.zeros((len(found.masks), *frame.size_hw), bool)
        masks[:, y0:y1, x0:x1] = found.masks
        whole = np.full(frame.size_hw, NOTHING, np.float32)
        low_res = []
        for own in found.low_res_logits:
            whole[y0:y1, x0:x1] = _to_picture(own, close.frame)
            low_res.append(_to_low_res(whole, frame))
        return PeerAnswer(list(masks), found.predicted_iou, np.stack(low_res))

    def _look(self, embedding: Looked, prompt: Prompt, mask: np.ndarray) -> bool:
        """Encode the window that mask (H×W bool) and clicks ask for, unless the last serves; False if it is large."""
        height, width = embedding.whole.frame.size_hw
        rows, columns = np.nonzero(mask)
        foreground = prompt.point_coords[prompt.point_labels == 1]
        places = np.concatenate([foreground, prompt.point_coords[-1:], np.column_stack([columns, rows])])
        low, high = places.min(0), places.max(0) + 1
        longer = max(height, width)
        side = max(AROUND * float((high - low).max()), LEAST * longer)
        if side > LARGEST * longer:
            return False
        if embedding.window is not None:
            x0, y0, x1, y1 = embedding.window
            serves = (low >= (x0, y0)).all() and (high <= (x1, y1)).all()
            if serves and max(x1 - x0, y1 - y0) < WASTE * side:
                return True
        size = np.array([width, height])
        start = np.clip(np.rint((low + high - side) / 2), 0, np.maximum(0, size - side)).astype(int)
        end = np.minimum(np.rint(start + side).astype(int), size)
        embedding.window = (int(start[0]), int(start[1]), int(end[0]), int(end[1]))
        embedding.close = self._segmenter.embed(
            np.ascontiguousarray(embedding.image[start[1] : end[1], start[0] : end[0]])
        )
        return True


def _to_picture(logits: np.ndarray, frame: Frame) -> np.ndarray:
    """256×256 float32 logits in `frame` -> H×W float32."""
    height, width = frame.low_res_inner_hw
    return np.asarray(cv2.resize(logits[:height, :width], frame.size_hw[::-1], interpolation=cv2.INTER_LINEAR))


def _to_low_res(logits: np.ndarray, frame: Frame) -> np.ndarray:
    """H×W float32 -> 256×256 float32 logits in `frame`."""
    height, width = frame.low_res_inner_hw
    low_res = np.full((LOW_RES_SIDE, LOW_RES_SIDE), NOTHING, np.float32)
    low_res[:height, :width] = cv2.resize(logits, (width, height), interpolation=cv2.INTER_AREA)
    return low_res
