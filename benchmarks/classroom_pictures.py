"""The pictures of a simulated class: each of another size and colour, with things on them whose places are known."""

import colorsys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

THINGS = 3
LARGEST = (1700, 1100)  # (width, height); above it sizes would begin to repeat


@dataclass(frozen=True)
class OwnPicture:
    """A picture that one labeler alone works on.

    things_xywh: where its ellipses are, in pixels. No two pictures of a class have the same width.
    """

    owner: str
    name: str
    size_hw: tuple[int, int]
    things_xywh: tuple[tuple[int, int, int, int], ...]
    hue: float  # 0..1


def class_pictures(owners: list[str], each: int) -> list[OwnPicture]:
    """each: pictures a labeler."""
    return [
        _picture(owner, f"{owner}-{one}.jpg", number * each + one)
        for number, owner in enumerate(owners)
        for one in range(each)
    ]


def write_pictures(pictures: list[OwnPicture], folder: Path) -> Iterator[Path]:
    """As JPEGs under their names; a little noise, or they would be encoded faster than photographs."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        path = folder / picture.name
        Image.fromarray(_draw(picture, np.random.default_rng(number))).save(path, quality=90)
        yield path


def _picture(owner: str, name: str, index: int) -> OwnPicture:
    width, height = 480 + 7 * index, 360 + 5 * (index * 37 % 97)
    if width > LARGEST[0]:
        raise ValueError(f"at most {(LARGEST[0] - 480) // 7} pictures can be told apart by their size")
    cell = width // THINGS
    things = tuple((cell * n + cell // 6, height // 4, cell * 2 // 3, height // 2) for n in range(THINGS))
    return OwnPicture(owner, name, (height, width), things, index * 0.618034 % 1)


def _draw(picture: OwnPicture, rng: np.random.Generator) -> np.ndarray:
    height, width = picture.size_hw
    rows, columns = np.mgrid[:height, :width]
    pixels = np.empty((height, width, 3), np.float32)
    pixels[:] = _colour(picture.hue, 0.25)
    for number, (x, y, w, h) in enumerate(picture.things_xywh):
        inside = ((columns - x - w / 2) / (w / 2)) ** 2 + ((rows - y - h / 2) / (h / 2)) ** 2 <= 1
        pixels[inside] = _colour(picture.hue + 0.35 + 0.1 * number, 0.85)
    return np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)


def _colour(hue: float, value: float) -> np.ndarray:
    return np.array(colorsys.hsv_to_rgb(hue % 1, 0.7, value), np.float32) * 255
