"""Colours for categories that colour-blind people can tell apart."""

import colorsys
from collections.abc import Collection

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/) without its black, which vanishes on dark pictures.
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
_GOLDEN = 0.618034  # of a turn: each new hue falls into the widest gap that is left
_LIGHTNESS = (0.72, 0.42, 0.57)  # in turn, because where hues look alike lightness still differs


def next_color(used: Collection[str]) -> str:
    """The first "#rrggbb" of the palette, then of the generated ones, that is not in use."""
    for color in OKABE_ITO:
        if color not in used:
            return color
    step = 0
    while (color := _generated(step)) in used:
        step += 1
    return color


def _generated(step: int) -> str:
    # Beyond 4096 steps the hues repeat within rounding; a slow drift of the saturation keeps the colours apart.
    red, green, blue = colorsys.hls_to_rgb(step * _GOLDEN % 1, _LIGHTNESS[step % 3], 0.75 - 0.3 * (step / 4096 % 1))
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
