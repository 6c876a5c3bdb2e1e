"""The sizes of photos for identity papers, and where a head belongs on them."""

from dataclasses import dataclass

MM_PER_INCH = 25.4


@dataclass(frozen=True, kw_only=True)
class PhotoSize:
    """Lengths in millimetres of the printed photo. head_mm: chin to crown. crown_mm: from the upper edge."""

    title: str
    width_mm: float
    height_mm: float
    head_mm: float
    crown_mm: float
    rule: str  # what is published, for people to compare with
    dpi: int = 300

    @property
    def size_hw(self) -> tuple[int, int]:
        """Pixels at its resolution."""
        height, width = (round(length / MM_PER_INCH * self.dpi) for length in (self.height_mm, self.width_mm))
        return height, width


# ICAO Doc 9303, part 3: the head takes 70 to 80 % of the height; on 35×45 mm that is 32 to 36 mm, of which the middle.
# U.S. Department of State: 2×2 inch, head 1 to 1 3/8 inch, eyes 1 1/8 to 1 3/8 inch above the lower edge. Eyes lie
# halfway between chin and crown, so with both at their middle the crown is 2 - (1.25 + 1.1875 / 2) inch from the top.
PHOTO_SIZES: dict[str, PhotoSize] = {
    "35x45mm": PhotoSize(
        title="35×45 mm",
        width_mm=35,
        height_mm=45,
        head_mm=34,
        crown_mm=4,
        rule="head 32–36 mm from chin to crown",
    ),
    "2x2in": PhotoSize(
        title="2×2 inch",
        width_mm=2 * MM_PER_INCH,
        height_mm=2 * MM_PER_INCH,
        head_mm=1.1875 * MM_PER_INCH,
        crown_mm=(2 - 1.25 - 1.1875 / 2) * MM_PER_INCH,
        rule="head 1–1 3/8 inch, eyes 1 1/8–1 3/8 inch above the lower edge",
    ),
}
