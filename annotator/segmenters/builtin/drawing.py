"""A prompt drawn as the maps that the built-in network's decoder takes."""

import numpy as np

from annotator.prediction import Frame, Prompt
from annotator.segmenters.builtin.network import PROMPT_MAPS, SIDE, STRIDE

MAP_SIDE = SIDE // STRIDE
CLICK_RADIUS = 2.5  # of a drawn click, in map pixels; its edge falls off over one more


def prompt_maps(prompt: Prompt, frame: Frame) -> np.ndarray:
    """4×128×128 float32: foreground clicks, background clicks, box (0 or 1), probabilities of the previous mask."""
    maps = np.zeros((PROMPT_MAPS, MAP_SIDE, MAP_SIDE), np.float32)
    per_pixel = np.array([inner / size for inner, size in zip(frame.inner_hw, frame.size_hw, strict=True)]) / STRIDE
    for channel, label in enumerate((1, 0)):
        yx = prompt.point_coords[prompt.point_labels == label][:, ::-1]
        if len(yx):
            maps[channel] = _discs((yx + 0.5) * per_pixel - 0.5)
    if prompt.box_xyxy is not None:
        (x0, y0), (x1, y1) = (prompt.box_xyxy.reshape(2, 2) * per_pixel[::-1]).clip(0, MAP_SIDE)
        maps[2, int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 1
    if prompt.mask_input is not None:
        probability = 1 / (1 + np.exp(-prompt.mask_input.clip(-30, 30)))
        maps[3] = probability.reshape(MAP_SIDE, 2, MAP_SIDE, 2).mean((1, 3))
    return maps


def _discs(yx: np.ndarray) -> np.ndarray:
    """N×2 (row, column) places -> map with 1 near any of them, 0 away from all."""
    places = np.arange(MAP_SIDE, dtype=np.float32)
    yx = yx.astype(np.float32)
    squared = (places[:, None] - yx[:, 0, None, None]) ** 2 + (places - yx[:, 1, None, None]) ** 2
    return np.clip(CLICK_RADIUS + 1 - np.sqrt(squared.min(0)), 0, 1)
