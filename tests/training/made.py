"""A small folder of made pictures: coloured discs and boxes on noise, with their label maps."""

from pathlib import Path

import cv2
import numpy as np

from training.data import IGNORED


def labelled_picture(seed: int, size_hw: tuple[int, int] = (96, 128)) -> tuple[np.ndarray, np.ndarray]:
    """H×W×3 uint8 and H×W uint16: two or three objects, one strip to be ignored."""
    random = np.random.default_rng(seed)
    image = random.integers(90, 120, (*size_hw, 3)).astype(np.uint8)
    labels = np.zeros(size_hw, np.uint16)
    for label in range(1, 3 + seed % 2):
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        place = tuple(int(random.integers(20, length - 20)) for length in size_hw[::-1])
        for canvas, value in ((image, colour), (labels, label)):
            cv2.circle(canvas, place, 8 + 6 * label, value, -1)
    labels[:, :3] = IGNORED
    return image, labels


def data_folder(path: Path, count: int = 12, set_name: str = "made") -> Path:
    """path with <set>/images and <set>/masks of `count` pictures."""
    for kind in ("images", "masks"):
        (path / set_name / kind).mkdir(parents=True)
    for number in range(count):
        image, labels = labelled_picture(number)
        cv2.imwrite(str(path / set_name / "images" / f"{number:03}.jpg"), image)
        cv2.imwrite(str(path / set_name / "masks" / f"{number:03}.png"), labels)
    return path
