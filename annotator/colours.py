"""Any of Pillow's modes as 8-bit RGB: palettes, transparency, CMYK, deep grey, colour profiles."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image, ImageCms

BAND_PIXELS = 4_000_000  # converted at a time, so that a large picture never lies in memory three times over
SAME_COLOUR = 2  # levels of 255 by which a profile may differ from sRGB and still be called sRGB
SHIFTS_OF_16_BIT = (0, 4, 8)  # 8, 12 and 16 bits that are really used

Band = tuple[int, np.ndarray]  # the number of its first row, and h×W×3 uint8 RGB


class RgbConverter:
    """Reads one image in bands of rows, as 8-bit RGB. What a user should know about it is in `notes` afterwards."""

    def __init__(self, image: Image.Image) -> None:
        """Looks at the header alone: the pixels need not be loaded yet."""
        self.notes: list[str] = []
        self._mode, self._transform = self._profile(image)
        tags = getattr(image, "tag_v2", {})  # of a TIFF, where 0 can mean white; Pillow sees to that in 8 bits alone
        self._flip = np.uint8(255 if tags.get(ExifTags.Base.PhotometricInterpretation) == 0 else 0)

    @property
    def changes_colours(self) -> bool:
        """Whether a colour profile is at work, so that the file's own numbers are not the ones to keep."""
        return self._transform is not None

    def bands(self, image: Image.Image) -> Iterator[Band]:
        """The image from top to bottom."""
        if image.mode in ("I", "F"):
            yield from self._stretched(image)
        elif image.mode.startswith("I;16"):
            yield from self._shifted(image)
        else:
            for top, band in _cut(image):
                yield top, self._rgb(band)

    def _profile(self, image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform | None]:
        """The mode that goes into the transform to sRGB, and the transform; None where there is nothing to change."""
        if image.mode == "LAB":
            lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
            return "LAB", ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
        mode = {"L": "L", "LA": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
        icc = image.info.get("icc_profile")
        if not icc:
            return mode, None
        try:
            profile = ImageCms.getOpenProfile(io.BytesIO(icc))
            space = str(profile.profile.xcolor_space).strip()
            if space != {"L": "GRAY"}.get(mode, mode):
                return mode, None  # made for pixels of another kind: viewers pass over it too
            transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            self.notes.append("its colour profile is damaged and was left out")
            return mode, None
        return mode, None if _changes_nothing(transform, mode) else transform

    def _rgb(self, band: Image.Image) -> np.ndarray:
        """One band of an 8-bit mode (or 1-bit, or palette) as h×W×3 uint8."""
        if self._transform is not None:
            rgb = np.asarray(self._transform.apply(band.convert(self._mode)))
        else:
            rgb = np.asarray(band.convert("RGB"))
        if not band.has_transparency_data:
            return rgb
        alpha = np.asarray(band.convert("RGBA"))[..., 3:].astype(np.uint16)
        if alpha.min() == 255:
            return rgb
        self._note("transparent parts are white")
        return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _shifted(self, image: Image.Image) -> Iterator[Band]:
        """16-bit grey: the low bits dropped, as few as the brightest pixel allows out of 0, 4 and 8."""
        greatest = max(int(np.asarray(band).max()) for _, band in _cut(image))
        shift = next(shift for shift in SHIFTS_OF_16_BIT if greatest >> shift <= 255)
        self._note(f"16-bit grey, of which {8 + shift} bits are used, shown as 8 bits")
        for top, band in _cut(image):
            yield top, _grey_to_rgb((np.asarray(band) >> shift).astype(np.uint8) ^ self._flip)

    def _stretched(self, image: Image.Image) -> Iterator[Band]:
        """32-bit integers or floats: the least finite value becomes 0, the greatest 255; NaN becomes 0."""
        least, greatest = np.inf, -np.inf
        for _, band in _cut(image):
            values = np.asarray(band, np.float64)
            values = values[np.isfinite(values)]
            if values.size:
                least, greatest = min(least, values.min()), max(greatest, values.max())
        self._note(f"32-bit grey from {least:g} to {greatest:g}, shown as 0 to 255")
        if least > greatest:
            least = greatest = 0.0  # nothing but NaN
        scale = 255 / (greatest - least) if greatest > least else 0.0
        for top, band in _cut(image):
            values = np.nan_to_num(np.asarray(band, np.float64), nan=least, posinf=greatest, neginf=least)
            yield top, _grey_to_rgb(np.rint((values - least) * scale).astype(np.uint8) ^ self._flip)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _cut(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Bands of about BAND_PIXELS pixels, each with the number of its first row."""
    width, height = image.size
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows)))


def _grey_to_rgb(grey: np.ndarray) -> np.ndarray:
    """h×W uint8 -> h×W×3, without copying."""
    return np.broadcast_to(grey[..., None], (*grey.shape, 3))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform to sRGB leaves colours (nearly) as they are: its profile is sRGB then, whatever its name."""
    if mode == "CMYK":
        return False
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        colours = _grey_to_rgb(levels[None])
        probe = Image.fromarray(levels[None])
    else:
        colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
        probe = Image.fromarray(colours)
    after = np.asarray(transform.apply(probe)).astype(int)
    return bool(np.abs(after - colours).max() <= SAME_COLOUR)
