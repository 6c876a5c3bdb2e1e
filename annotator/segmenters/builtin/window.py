"""What the network looks at: the whole picture, or a square around what is asked for, closer.

Small things are drawn better close up, as FocalClick (Chen et al. 2022) and RITM (Sofiiuk et al. 2021) have it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from annotator.prediction import LOW_RES_SIDE, MASK_THRESHOLD, Frame, Prompt, resize_image
from annotator.segmenters.builtin.network import SIDE, STRIDE

NOTHING = -20.0  # the logits of what lies outside of a window
AROUND = 1.5  # the side of a window, as a multiple of what it has to hold
SIZES = (96, 128, 160)  # of windows, in low-res pixels: of a larger one more would not be seen than of the picture
CLOSE_SIDE = 384  # pixels of the network's input for each of them, which takes half the time of SIDE
STEPS = 8  # a window lies at a multiple of so much of its size, and so stays where it is for most clicks


@dataclass(frozen=True)
class Window:
    """A square of the 256×256 low-res pixels of a frame, and how many pixels of the network's input it becomes."""

    top: int
    left: int
    size: int
    side: int

    @property
    def map_side(self) -> int:
        """Of the maps that prompts are drawn on."""
        return self.side // STRIDE

    def pixels(self, picture: np.ndarray, frame: Frame) -> np.ndarray:
        """A picture, H×W×3 uint8, scaled down to CLOSEST at most -> this part of it, side×side less what is beyond."""
        per_low_res = CLOSEST // LOW_RES_SIDE
        top, left, size = (per_low_res * length for length in (self.top, self.left, self.size))
        closest = Frame.fit(frame.size_hw, side=CLOSEST)
        part = resize_image(picture, closest.inner_hw)[top : top + size, left : left + size]
        height, width = (round(length * self.side / size) for length in part.shape[:2])
        return resize_image(part, (height, width))

    def inside(self, frame: Frame) -> np.ndarray:
        """map_side×map_side float32: 1 where the frame's picture is, 0 beyond it."""
        ends = (np.array(frame.low_res_inner_hw) - (self.top, self.left)) * self.map_side / self.size
        shown = np.zeros((self.map_side, self.map_side), np.float32)
        rows, columns = np.ceil(ends).astype(int).tolist()
        shown[:rows, :columns] = 1
        return shown

    def cut(self, low_res: np.ndarray) -> np.ndarray:
        """256×256 float32 -> map_side×map_side, this part of it."""
        part = low_res[self.top : self.top + self.size, self.left : self.left + self.size]
        return _resized(part, self.map_side)

    def spread(self, logits: np.ndarray) -> np.ndarray:
        """K×s×s float32 logits of this part (two for each map pixel) -> K×256×256, NOTHING elsewhere."""
        whole = np.full((len(logits), LOW_RES_SIDE, LOW_RES_SIDE), NOTHING, np.float32)
        for own, target in zip(logits, whole, strict=True):
            target[self.top : self.top + self.size, self.left : self.left + self.size] = _resized(own, self.size)
        return whole

    def cuts(self, logits: np.ndarray, frame: Frame) -> bool:
        """Whether a mask (s×s logits of this part) runs on beyond the window, in the picture."""
        mask = logits > MASK_THRESHOLD
        height, width = frame.low_res_inner_hw
        edges = (
            (self.top > 0, mask[0]),
            (self.left > 0, mask[:, 0]),
            (self.top + self.size < height, mask[-1]),
            (self.left + self.size < width, mask[:, -1]),
        )
        return any(goes_on and edge.any() for goes_on, edge in edges)


WHOLE = Window(top=0, left=0, size=LOW_RES_SIDE, side=SIDE)
CLOSEST = CLOSE_SIDE * LOW_RES_SIDE // min(SIZES)  # pixels of the longer side of a picture, for all windows


def close_up(prompt: Prompt, frame: Frame) -> Window | None:
    """The window for a prompt with an earlier mask or a box, None where that is large; a function of the prompt alone.

    It holds the mask, the box, and the last and every foreground click.
    """
    if prompt.mask_input is None and prompt.box_xyxy is None:
        return None  # nobody knows yet how large it is
    inner = np.array(frame.low_res_inner_hw)
    scale = inner / frame.size_hw
    coords = prompt.point_coords[:, ::-1]
    places = [(coords[prompt.point_labels == 1] + 0.5) * scale, (coords[-1:] + 0.5) * scale]
    if prompt.box_xyxy is not None:
        places.append(prompt.box_xyxy.reshape(2, 2)[:, ::-1] * scale)
    if prompt.mask_input is not None:
        mask = prompt.mask_input[: inner[0], : inner[1]] > MASK_THRESHOLD
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        if width:
            places.append(np.array([[y, x], [y + height, x + width]]))
    corners = np.concatenate(places).clip(0, inner)
    low, high = corners.min(0), corners.max(0)
    size = next((size for size in SIZES if size >= AROUND * (high - low).max()), None)
    if size is None:
        return None
    step = size // STEPS
    start = np.rint(((low + high) / 2 - size / 2) / step) * step
    top, left = start.clip(0, np.maximum(0, inner - size)).astype(int).tolist()
    return Window(top=top, left=left, size=size, side=CLOSE_SIDE)


def _resized(logits: np.ndarray, side: int) -> np.ndarray:
    shrinks = side < len(logits)
    return np.asarray(cv2.resize(logits, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
