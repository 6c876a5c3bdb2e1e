"""Pictures whose pixels are numbers: what the label maps of several formats have in common."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

MAX_INDEX = 254  # of an 8-bit map: 255 stays free, since trainers and VOC itself take it for "ignore this pixel"

Color = tuple[int, int, int]  # red, green, blue, each 0..255


def rgb(color: str) -> Color:
    """ "#rrggbb" -> its three numbers."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def write_indexed(path: Path, values: np.ndarray, palette: Sequence[Color]) -> None:
    """H×W of numbers 0..255 as a PNG of palette indices, so that a viewer shows colours and a program reads numbers.

    palette: the colour of each number from 0; black beyond its end. Always 256 entries, because Pillow packs several
    pixels into a byte where there are fewer, and not every reader unpacks them.
    """
    picture = Image.fromarray(np.asarray(values, np.uint8))
    flat = [part for color in palette for part in color]
    picture.putpalette(flat + [0] * (3 * 256 - len(flat)))
    _save(picture, path)


def write_16_bit(path: Path, values: np.ndarray) -> None:
    """H×W of numbers 0..65535 as a grey PNG of 16 bits: a palette has room for 256."""
    _save(Image.fromarray(np.asarray(values, np.uint16)), path)


def write_rgb(path: Path, pixels: np.ndarray) -> None:
    """H×W×3 uint8 as a PNG."""
    _save(Image.fromarray(pixels), path)


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, "PNG", compress_level=4)  # maps are flat: more effort takes off little


def voc_palette(length: int = 256) -> list[Color]:
    """The colours of PASCAL VOC's devkit (VOClabelcolormap): number k takes its bits 0, 3, 6 … as the high bits of red,
    1, 4, 7 … of green and 2, 5, 8 … of blue."""
    return [(_spread(number), _spread(number >> 1), _spread(number >> 2)) for number in range(length)]


def _spread(bits: int) -> int:
    """Every third bit of a number, the lowest first, as the bits of a byte from its highest."""
    return sum((bits >> (3 * place) & 1) << (7 - place) for place in range(8))
