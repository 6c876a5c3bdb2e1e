"""Maps of numbers (classes, objects, segments) -> one mask for each number."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from storage.rle import Rle

MOST_NUMBERS = 65_535  # on one map; a photo taken for a map has more
_STRIP_PIXELS = 2**20  # looked through at a time, so that a large map needs little memory beside its own
# Pixels in the boxes of all numbers together, which is what it costs to take a map apart: times those of the map, and
# how many in any case.
_MOST_SCATTERED, _LEAST_SCATTERED = 300, 10**8
_BITS_OF_A_COLOR = 8


def boxes_of(pixels: np.ndarray) -> dict[int, tuple[int, int, int, int]]:
    """H×W integers -> {number: (left, top, right, bottom), half-open}, least number first.

    Raises ValueError, its text a reason in words, for more than MOST_NUMBERS.
    """
    height, width = pixels.shape
    boxes: dict[int, tuple[int, int, int, int]] = {}
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        for number, (left, first, right, last) in _boxes_of_strip(pixels[top : top + step]):
            old = boxes.get(number, (width, height, 0, 0))
            boxes[number] = (min(left, old[0]), min(top + first, old[1]), max(right, old[2]), max(top + last, old[3]))
        if len(boxes) > MOST_NUMBERS:
            raise ValueError(f"it has more than {MOST_NUMBERS} different numbers, so it is a picture and no map")
    return dict(sorted(boxes.items()))


def masks_of(pixels: np.ndarray, *, leave_out: Collection[int] = (0,)) -> Iterator[tuple[int, Rle]]:
    """H×W integers -> (number, mask of its pixels) for each number but those left out, least first.

    Raises ValueError, its text a reason in words, for more than MOST_NUMBERS, and for numbers scattered all over.
    """
    size_hw = pixels.shape[0], pixels.shape[1]
    boxes = boxes_of(pixels)
    looked_at = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes.values())
    if looked_at > max(_LEAST_SCATTERED, _MOST_SCATTERED * pixels.size):
        raise ValueError("its numbers are scattered all over as in a photograph, so it is a picture and no map")
    for number, (left, top, right, bottom) in boxes.items():
        if number not in leave_out:
            part = pixels[top:bottom, left:right] == number
            yield number, Rle.encode_part(part, at=(top, left), size_hw=size_hw)


def colors_as_numbers(pixels: np.ndarray) -> np.ndarray:
    """H×W×3 uint8 -> H×W int32, red + 256 green + 65536 blue."""
    coded = pixels[..., 2].astype(np.int32)
    for channel in (1, 0):
        coded <<= _BITS_OF_A_COLOR
        coded |= pixels[..., channel]
    return coded


def by_color(pixels: np.ndarray, numbers: Mapping[int, int], *, other: int) -> np.ndarray:
    """H×W×3 uint8 -> H×W int32: the number of each pixel's colour (as colors_as_numbers says it), `other` for more."""
    coded = colors_as_numbers(pixels)
    if not numbers:
        return np.full(coded.shape, other, np.int32)
    colors = np.array(sorted(numbers), np.int32)
    meant = np.array([numbers[int(color)] for color in colors], np.int32)
    step = max(1, _STRIP_PIXELS // coded.shape[1])
    for top in range(0, len(coded), step):
        strip = coded[top : top + step]
        place = np.minimum(np.searchsorted(colors, strip), len(colors) - 1)
        strip[...] = np.where(colors[place] == strip, meant[place], np.int32(other))
    return coded


def voc_color(number: int) -> tuple[int, int, int]:
    """The colour (red, green, blue) of a number in the palette of PASCAL VOC's devkit: its bits 0, 3, 6 are the high
    bits of red, 1, 4, 7 those of green, 2, 5 those of blue."""
    red, green, blue = (
        sum(((number >> 3 * place + channel) & 1) << (_BITS_OF_A_COLOR - 1 - place) for place in range(3))
        for channel in range(3)
    )
    return red, green, blue


def color_number(color: Sequence[int]) -> int:
    """(red, green, blue) -> the number that colors_as_numbers gives it."""
    return int(color[0]) + 256 * int(color[1]) + 65536 * int(color[2])


def _boxes_of_strip(strip: np.ndarray) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    width = strip.shape[1]
    flat = strip.reshape(-1)
    order = np.argsort(flat, kind="stable")
    values = flat[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    rows, columns = np.divmod(order, width)
    ends = np.append(starts[1:], len(flat)) - 1
    lefts, rights = np.minimum.reduceat(columns, starts), np.maximum.reduceat(columns, starts)
    for k, start in enumerate(starts):  # the sort is stable: in each group rows are in order
        box = int(lefts[k]), int(rows[start]), int(rights[k]) + 1, int(rows[ends[k]]) + 1
        yield int(values[start]), box
