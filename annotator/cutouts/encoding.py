"""Cut-outs as files: PNG or JPEG, with the resolution that a photo for identity papers is printed at."""

import io
from pathlib import PurePath

import numpy as np
from PIL import Image

from annotator.errors import CutoutError

JPEG_QUALITY = 95
SUFFIXES = {"PNG": ".png", "JPEG": ".jpg"}
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def format_of(name: str) -> str:
    """ "PNG" or "JPEG", by the file's suffix. Raises CutoutError for another."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in _FORMATS:
        raise CutoutError(f"{name}: a cut-out is a .png or a .jpg file; {suffix or 'no suffix'} is neither.")
    return _FORMATS[suffix]


def encode(pixels: np.ndarray, format: str, *, dpi: int | None = None) -> bytes:
    """H×W×3 RGB or H×W×4 RGBA uint8 as a file's bytes. Raises CutoutError for transparency as JPEG."""
    out = io.BytesIO()
    resolution = {"dpi": (dpi, dpi)} if dpi else {}
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if format == "PNG":
        image.save(out, "PNG", compress_level=4, **resolution)
    elif pixels.shape[2] == 4:
        raise CutoutError("JPEG has no transparency: name the file .png, or choose a background.")
    else:
        image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, **resolution)
    return out.getvalue()


def encode_preview(pixels: np.ndarray) -> tuple[bytes, str]:
    """The same, small and quick, for a look: bytes and their media type."""
    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if pixels.shape[2] == 4:
        image.save(out, "PNG", compress_level=1)
        return out.getvalue(), "image/png"
    image.save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue(), "image/jpeg"
