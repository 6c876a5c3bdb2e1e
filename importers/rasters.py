"""PNGs whose pixels are numbers (classes, objects), decoded within bounds and without a change to the numbers."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, UnidentifiedImageError

from importers.base import ImporterError

MAX_PIXELS = 100_000_000  # as of the pictures themselves
MAX_BYTES = 2**28  # of a map's file; maps are flat, and so are their files small
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33  # signature and first chunk: enough for png_header
_NUMBERS = ("1", "L", "P", "I;16", "I")
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error, UnidentifiedImageError)


@dataclass(frozen=True)
class PngHeader:
    """size_hw in pixels; kind as the format counts it: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA."""

    size_hw: tuple[int, int]
    kind: int

    @property
    def is_of_numbers(self) -> bool:
        return self.kind in (0, 3)


@dataclass(frozen=True, eq=False)
class Raster:
    """pixels: H×W integers, or H×W×3 uint8 where colours stand for numbers. palette: K×3 uint8, None for grey."""

    pixels: np.ndarray = field(repr=False)
    palette: np.ndarray | None = field(default=None, repr=False)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]


def png_header(data: bytes) -> PngHeader | None:
    """What the first HEADER_BYTES of a file say, None where it is no PNG; nothing is decoded."""
    if len(data) < HEADER_BYTES or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height, _depth, kind = struct.unpack(">IIBB", data[16:26])
    return PngHeader((height, width), kind)


def read_raster(data: bytes, name: str, *, max_pixels: int = MAX_PIXELS) -> Raster:
    """Decode a PNG of numbers (grey of any depth, or palette), or of RGB. An alpha channel is left out.

    Raises ImporterError, with `name`, for any other file, damage, and more than max_pixels.
    """
    header = png_header(data)
    if header is None:
        raise ImporterError(f"{name}: It is no PNG. Save it as PNG, then import it.")
    height, width = header.size_hw
    if height * width > max_pixels:
        raise ImporterError(f"{name}: It has {width}×{height} pixels, more than {max_pixels // 10**6} million.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound has been looked at
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                return _numbers(image)
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise ImporterError(f"{name}: The PNG is damaged or cut off. Copy it again from where it came.") from error
    except MemoryError as error:
        raise ImporterError(f"{name}: There is not enough memory to open it. Make it smaller.") from error


def _numbers(image: Image.Image) -> Raster:
    if image.mode == "P":
        colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        return Raster(np.asarray(image), colours)
    if image.mode in _NUMBERS:
        pixels = np.asarray(image)
        return Raster(pixels.astype(np.uint8) if image.mode == "1" else pixels)
    if image.mode == "LA":
        return Raster(np.asarray(image)[..., 0])
    return Raster(np.asarray(image.convert("RGB")))
