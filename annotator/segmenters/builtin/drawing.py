"""A prompt drawn as the maps that the built-in network's decoder takes."""

import numpy as np

from annotator.prediction import LOW_RES_SIDE, Frame, Prompt
from annotator.segmenters.builtin.network import PROMPT_MAPS
from annotator.segmenters.builtin.window import WHOLE, Window

CLICK_RADIUS = 2.5  # of a drawn click, in map pixels; its edge falls off over one more


def prompt_maps(prompt: Prompt, frame: Frame, window: Window = WHOLE) -> np.ndarray:
    """4×s×s float32: foreground clicks, background clicks, box (0 or 1), probabilities of the previous mask.

    s is the window's map_side: 128 for the whole picture. Clicks outside of the window are left out.
    """
    side = window.map_side
    maps = np.zeros((PROMPT_MAPS, side, side), np.float32)
    per_low_res = side / window.size
    origin = np.array([window.top, window.left]) * per_low_res
    low_res_per_pixel = np.array(frame.inner_hw) / frame.size_hw * (LOW_RES_SIDE / frame.side)
    per_pixel = low_res_per_pixel * per_low_res
    for channel, label in enumerate((1, 0)):
        yx = prompt.point_coords[prompt.point_labels == label][:, ::-1]
        if len(yx):
            maps[channel] = _discs((yx + 0.5) * per_pixel - origin - 0.5, side)
    if prompt.box_xyxy is not None:
        (x0, y0), (x1, y1) = (prompt.box_xyxy.reshape(2, 2) * per_pixel[::-1] - origin[::-1]).clip(0, side)
        maps[2, int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 1
    if prompt.mask_input is not None:
        maps[3] = window.cut(1 / (1 + np.exp(-prompt.mask_input.clip(-30, 30))))
    return maps


def _discs(yx: np.ndarray, side: int) -> np.ndarray:
    """N×2 (row, column) places -> map with 1 near any of them, 0 away from all."""
    places = np.arange(side, dtype=np.float32)
    yx = yx.astype(np.float32)
    squared = (places[:, None] - yx[:, 0, None, None]) ** 2 + (places - yx[:, 1, None, None]) ** 2
    return np.clip(CLICK_RADIUS + 1 - np.sqrt(squared.min(0)), 0, 1)
