"""The part of a picture's plane that a cut-out shows, and how large."""

from dataclasses import dataclass, replace

from annotator.cutouts.edges import reach
from annotator.cutouts.heads import Head
from annotator.cutouts.options import CutoutOptions
from annotator.cutouts.photosizes import PhotoSize
from annotator.errors import CutoutError

MOST_PIXELS = 120_000_000  # of a cut-out: the largest picture that is taken, with a margin

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the picture


@dataclass(frozen=True, kw_only=True)
class Frame:
    """box_xywh: in pixels of the picture, and may reach beyond it. size_hw: in which it is given out."""

    box_xywh: Box
    size_hw: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels given out for one of the picture."""
        return self.size_hw[0] / self.box_xywh[3]

    @property
    def is_plain(self) -> bool:
        """Whether a pixel given out is a pixel of the picture."""
        return self.size_hw == (self.box_xywh[3], self.box_xywh[2])

    def reduced(self, longest: int) -> "Frame":
        """The same part, its longer side no longer than that."""
        scale = min(1.0, longest / max(self.size_hw))
        height, width = (max(1, round(side * scale)) for side in self.size_hw)
        return replace(self, size_hw=(height, width))

    def within(self, picture_hw: tuple[int, int]) -> Box:
        """The part of the frame that the picture fills; of no width or height where there is none."""
        x, y, width, height = self.box_xywh
        left, top = min(max(x, 0), picture_hw[1]), min(max(y, 0), picture_hw[0])
        right, bottom = min(max(x + width, left), picture_hw[1]), min(max(y + height, top), picture_hw[0])
        return left, top, right - left, bottom - top

    def placed(self, box: Box) -> Box:
        """A box of the picture, in pixels given out and relative to the frame; at least 1×1."""
        across, down = self.size_hw[1] / self.box_xywh[2], self.size_hw[0] / self.box_xywh[3]
        x, y = box[0] - self.box_xywh[0], box[1] - self.box_xywh[1]
        left, top = round(x * across), round(y * down)
        right, bottom = round((x + box[2]) * across), round((y + box[3]) * down)
        return left, top, max(1, right - left), max(1, bottom - top)


def frame_of(box_xywh: Box, picture_hw: tuple[int, int], options: CutoutOptions) -> Frame:
    """The frame of an object with that box: the whole picture, or the object with its soft edge and the margin.

    A margin is as wide as asked also where the picture ends. Raises CutoutError where that gives too many pixels.
    """
    if not options.crop:
        return Frame(box_xywh=(0, 0, picture_hw[1], picture_hw[0]), size_hw=picture_hw)
    soft, margin = reach(options.soft_edge), options.margin
    x, y, width, height = box_xywh
    left, top = max(0, x - soft), max(0, y - soft)
    right, bottom = min(picture_hw[1], x + width + soft), min(picture_hw[0], y + height + soft)
    across, down = right - left + 2 * margin, bottom - top + 2 * margin
    if across * down > MOST_PIXELS:
        raise CutoutError(f"With that margin it would have {across}×{down} pixels. Take a smaller margin.")
    return Frame(box_xywh=(left - margin, top - margin, across, down), size_hw=(down, across))


def photo_frame(head: Head, photo: PhotoSize, options: CutoutOptions) -> Frame:
    """The frame in which a head lies as a photo for identity papers wants it, corrected by hand as the options say.

    The head's middle is in the middle of the width; chin to crown, and the room above, are those of the photo.
    """
    size_hw = photo.size_hw
    height = head.height * photo.height_mm / photo.head_mm / options.zoom
    width = height * size_hw[1] / size_hw[0]
    # the head keeps its place when it is zoomed: its middle stays where it is on the photo
    middle_mm = photo.crown_mm + photo.head_mm / 2
    top = (head.crown_y + head.chin_y) / 2 - height * middle_mm / photo.height_mm - options.shift_y * height
    left = head.centre_x - width / 2 - options.shift_x * width
    box = (round(left), round(top), max(1, round(width)), max(1, round(height)))
    return Frame(box_xywh=box, size_hw=size_hw)
