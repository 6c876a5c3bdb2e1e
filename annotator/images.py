"""From a file's bytes to upright RGB pixels: what is taken, what is refused, and in which form it is kept."""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from annotator.colours import RgbConverter
from annotator.errors import ImageError
from annotator.filetypes import HEAD_BYTES, looks_taken, why_not_taken
from annotator.prediction import resize_image

MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 2**30  # 100 megapixels of 16-bit RGBA, uncompressed, and some room
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
TIFF_PAGES_LOOKED_AT = 32
JPEG_SIDE = 65_500  # libjpeg writes none longer
DISPLAY_SIDE = 2560
THUMBNAIL_SIDE = 160
STORED_JPEG_QUALITY = 95

# Pillow warns above this size and refuses above twice of it when it reads a header; our own cap is checked right after.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture as it was given, decoded.

    pixels: H×W×3 uint8 RGB, always upright. exif_orientation: 1..8 as the file said it. format: "JPEG", "PNG", "WEBP",
    "BMP" or "TIFF". sha256: of the file's bytes, hex. note: what a user should know about how it was read, "" for
    nothing. kept: the file's own bytes where they can be stored unchanged, else None.
    """

    pixels: np.ndarray = field(repr=False)
    exif_orientation: int
    format: str
    sha256: str
    note: str = ""
    kept: bytes | None = field(default=None, repr=False)

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.pixels.shape[0], self.pixels.shape[1]


def read_image(source: Path | bytes, *, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a JPEG, PNG, WebP, BMP or TIFF, told by its content, into upright 8-bit RGB.

    Transparency is laid over white. A colour profile (ICC) other than sRGB is converted to sRGB; CMYK without one is
    converted plainly, and JPEGs of it are taken as inverted, the way Adobe writes them. 16-bit grey becomes 8 by
    dropping the low bits, fewer where the high ones are unused; 32-bit integers and floats are stretched from their own
    least to their own greatest value. Of an animation the first frame is taken. A TIFF of several pages is refused,
    unless the others are smaller copies or masks of the first. Picture.note says which of these was done.

    name: what errors call the file; left out, the path's own name. max_pixels: width × height, at most; Pillow refuses
    200 megapixels whatever is said here. Raises ImageError.
    """
    name = name or (source.name if isinstance(source, Path) else "The picture")
    data = source if isinstance(source, bytes) else file_bytes(source, name=name)
    try:
        return _decode(data, max_pixels)
    except _Refused as refused:
        raise ImageError(f"{name}: {refused}") from refused.__cause__
    except MemoryError as error:
        raise ImageError(f"{name}: There is not enough memory to open it. Make it smaller, then import it.") from error


def upright_size_hw(path: Path, *, name: str) -> tuple[int, int]:
    """The height and width that `read_image` would give a file, from its header alone. Raises ImageError."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ImageError(f"{name}: It cannot be read ({error.strerror}). Check its permissions.") from error
    try:
        with Image.open(path, formats=FORMATS) as image:
            orientation, _ = _orientation(image)
            return image.size if orientation >= 5 else (image.height, image.width)
    except Exception as error:  # see _open
        raise ImageError(f"{name}: {why_not_taken(head)}") from error


def file_bytes(path: Path, *, name: str) -> bytes:
    """A file's content, unless a look at its size and first bytes says that it is none of ours. Raises ImageError."""
    try:
        if not path.is_file():
            raise ImageError(f"{name}: There is no such file ({path}).")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise ImageError(f"{name}: It is larger than {MAX_FILE_BYTES // 2**20} MiB. Save it as JPEG or PNG.")
            head = file.read(HEAD_BYTES)
            if not looks_taken(head):
                raise ImageError(f"{name}: {why_not_taken(head)}")
            return head + file.read()
    except OSError as error:
        raise ImageError(f"{name}: It cannot be read ({error.strerror}). Check its permissions.") from error


def encode_for_store(picture: Picture) -> tuple[bytes, str]:
    """The bytes to keep of a picture, and their file extension ("jpg" or "png").

    A plain JPEG or PNG (8-bit RGB or grey, upright, whole, without palette, transparency, animation, or a profile other
    than sRGB) is kept byte for byte, so that nothing is lost; that includes its metadata, a camera's position among it.
    Everything else is written anew, upright and without any metadata: JPEGs as JPEG (quality 95, full colour
    resolution), the others as PNG. What is read back is picture.pixels exactly; from a rewritten JPEG, nearly.
    """
    if picture.kept is not None:
        return picture.kept, "jpg" if picture.format == "JPEG" else "png"
    if picture.format == "JPEG" and max(picture.size_hw) <= JPEG_SIDE:
        return _jpeg(picture.pixels, STORED_JPEG_QUALITY), "jpg"
    out = io.BytesIO()
    Image.fromarray(picture.pixels).save(out, "PNG", compress_level=3)
    return out.getvalue(), "png"


def display_size_hw(size_hw: tuple[int, int], *, longest: int = DISPLAY_SIDE) -> tuple[int, int]:
    """The size a picture is shown in: its own, or reduced so that the longer side is `longest`; at least 1×1."""
    scale = min(1.0, longest / max(size_hw))
    height, width = (max(1, round(length * scale)) for length in size_hw)
    return height, width


def reduced_jpeg(pixels: np.ndarray, size_hw: tuple[int, int], quality: int = 90) -> bytes:
    """H×W×3 uint8 RGB as a JPEG of size_hw; full colour resolution, so that coloured edges stay sharp."""
    return _jpeg(resize_image(pixels, size_hw), quality)


def thumbnail_jpeg(pixels: np.ndarray, side: int = THUMBNAIL_SIDE) -> bytes:
    """H×W×3 uint8 RGB as a small JPEG that fits into side×side."""
    return reduced_jpeg(pixels, display_size_hw((pixels.shape[0], pixels.shape[1]), longest=side), 80)


class _Refused(Exception):
    """Why a file is not taken, and what to do, without its name."""


def _decode(data: bytes, max_pixels: int) -> Picture:
    with _open(data) as image:
        _check_size(image, max_pixels)
        frames_note = _guarded(lambda: _frames_note(image))
        orientation, orientation_is_plain = _orientation(image)
        converter = _guarded(lambda: RgbConverter(image))
        _guarded(image.load)
        # Pillow turns a TIFF upright while it loads it and forgets the tag then: look at what is left to be done.
        left_to_do, _ = _orientation(image)
        pixels = _guarded(lambda: _upright_rgb(image, left_to_do, converter))
        notes = [note for note in (frames_note, *converter.notes) if note]
        unchanged = orientation == 1 and orientation_is_plain and not notes and not converter.changes_colours
        return Picture(
            pixels=pixels,
            exif_orientation=orientation,
            format="JPEG" if image.format == "MPO" else str(image.format),
            sha256=hashlib.sha256(data).hexdigest(),
            note="; ".join(notes),
            kept=data if unchanged and _is_plain(image, data) else None,
        )


def _open(data: bytes) -> Image.Image:
    """The picture with its header read and nothing decoded. Raises _Refused."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.format == "PNG":  # load() passes over checksums and a missing end; verify() does not, but uses it up
            with Image.open(io.BytesIO(data), formats=FORMATS) as checked:
                checked.verify()
        return image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _Refused("It has far too many pixels. Make it smaller, then import it.") from error
    except MemoryError:
        raise
    except Exception as error:  # a malformed file makes Pillow's readers trip in whatever way it likes
        raise _Refused(why_not_taken(data)) from error


def _guarded(work: Callable[[], Value]) -> Value:
    """What work() returns; whatever a malformed file makes Pillow raise becomes a _Refused."""
    try:
        return work()
    except (_Refused, MemoryError):
        raise
    except Exception as error:  # see _open
        text = f"It is damaged or cut off ({error}). Copy it again from where it came, or save it anew as PNG."
        raise _Refused(text) from error


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise _Refused("It has no pixels.")
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:g} megapixels"
        raise _Refused(f"It has {width}×{height} pixels; at most {limit} are taken. Make it smaller, then import it.")


def _frames_note(image: Image.Image) -> str:
    """What to say about a file of several pictures, of which the first is taken. Raises _Refused for TIFF pages."""
    if isinstance(image, TiffImageFile):
        _refuse_more_pages(image)
        _refuse_missing_strips(image)
        return ""
    frames = getattr(image, "n_frames", 1)
    return f"the first of {frames} pictures in the file" if frames > 1 else ""


def _refuse_more_pages(image: TiffImageFile) -> None:
    """Overviews (as maps have) and transparency masks are no pages of their own; anything else is."""
    try:
        for page in range(1, TIFF_PAGES_LOOKED_AT + 1):
            image.seek(page)
            if not image.tag_v2.get(ExifTags.Base.NewSubfileType, 0) & 0b101:  # bit 0: reduced copy, bit 2: mask
                break
        raise _Refused("It has more than one page. Save each page as a file of its own and import those.")
    except EOFError:
        image.seek(0)


def _refuse_missing_strips(image: TiffImageFile) -> None:
    """Pillow leaves black what no strip or tile covers. (libtiff, which reads compressed files, refuses by itself.)"""
    planes = len(image.getbands()) if image.tag_v2.get(ExifTags.Base.PlanarConfiguration, 1) == 2 else 1
    covered = 0
    for tile in image.tile:
        if tile.codec_name == "libtiff":
            return
        left, top, right, bottom = tile.extents or (0, 0, 0, 0)
        covered += (right - left) * (bottom - top)
    if covered < image.width * image.height * planes:
        raise ValueError("parts of the picture are not in the file")


def _orientation(image: Image.Image) -> tuple[int, bool]:
    """The EXIF orientation, 1..8 (1 where it is missing or nonsense), and whether it is not nonsense."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a broken EXIF block is no reason to refuse good pixels
        return 1, False
    return (value, True) if isinstance(value, int) and 1 <= value <= 8 else (1, False)


def _upright_rgb(image: Image.Image, orientation: int, converter: RgbConverter) -> np.ndarray:
    """H×W×3 uint8, written band by band through a view that lies as the file does: no turned copy is made."""
    width, height = image.size
    upright = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    as_stored = upright[_FLIPS[orientation]]
    if orientation >= 5:
        as_stored = as_stored.swapaxes(0, 1)
    for top, band in converter.bands(image):
        as_stored[top : top + len(band)] = band
    return upright


_ALONG, _AGAINST = slice(None), slice(None, None, -1)
_FLIPS = {  # rows and columns of the upright picture, in the order the file has them; 5 to 8 are then transposed
    1: (_ALONG, _ALONG),
    2: (_ALONG, _AGAINST),
    3: (_AGAINST, _AGAINST),
    4: (_AGAINST, _ALONG),
    5: (_ALONG, _ALONG),
    6: (_ALONG, _AGAINST),
    7: (_AGAINST, _AGAINST),
    8: (_AGAINST, _ALONG),
}


def _is_plain(image: Image.Image, data: bytes) -> bool:
    """Whether every reader finds the same RGB or grey pixels in these bytes."""
    if image.format == "JPEG":
        return image.mode in ("RGB", "L") and data.endswith(b"\xff\xd9")
    bit_depth, colour_type = data[24:25], data[25:26]
    eight_bit_grey_or_rgb = bit_depth == b"\x08" and colour_type in (b"\x00", b"\x02")
    whole = data.endswith(b"IEND\xaeB`\x82")
    return image.format == "PNG" and eight_bit_grey_or_rgb and whole and "transparency" not in image.info


def _jpeg(pixels: np.ndarray, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()
