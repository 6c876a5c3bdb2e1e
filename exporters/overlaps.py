"""Who owns a pixel that several masks claim: the one rule of every format that gives a pixel to one of them alone.

Things lie over stuff. Among things, single ones lie over groups (iscrowd), and the smaller mask lies over the larger;
of two that are equal in all of this the one saved later lies on top. The same goes for stuff among itself.

Why this and not the order of saving: labelers work in any order, and nobody can see or change that order afterwards,
while what is inside another mask (a spoon in a cup, a button on a coat) is nearly always in front of it or a part of
it. Under "later over earlier" a large mask saved late would wipe out all that it holds; here something small can
vanish only under something smaller still. So the least is lost, and the same masks give the same map in every order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from storage.records import ImageRecord, InstanceRecord


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A mask that wants its pixels.

    number: its category's in the format. value: what is written into its pixels, from 1; claims of one value are never
    in each other's way (stuff of one category is one segment). is_thing: of its category.
    """

    instance: InstanceRecord
    number: int
    value: int
    is_thing: bool


@dataclass(frozen=True)
class Settled:
    """What became of the claims on one picture.

    values: H×W of the smallest unsigned integers that hold them (a picture may have 100 megapixels), 0 where nobody
    claims. lost: for each claim, in the order given, how many of its pixels went to
    another value.
    """

    values: np.ndarray
    lost: list[int]


def settle(claims: Sequence[Claim], size_hw: tuple[int, int]) -> Settled:
    """Give each pixel to one claim by the module's rule. The masks are all of size_hw; claims come in saving order."""
    values = np.zeros(size_hw, np.min_scalar_type(max((claim.value for claim in claims), default=0)))
    areas = [claim.instance.rle.area for claim in claims]
    parts = []
    for claim in claims:
        x, y, width, height = claim.instance.rle.bbox_xywh
        parts.append((slice(y, y + height), slice(x, x + width)))

    def height_of(number: int) -> tuple[bool, bool, int, int]:
        claim = claims[number]
        return claim.is_thing, not claim.instance.is_crowd, -areas[number], number

    for number in sorted(range(len(claims)), key=height_of):  # lowest first: what comes later covers it
        values[parts[number]][claims[number].instance.rle.decode_part()] = claims[number].value
    # Decoded a second time, because thousands of kept masks would take more memory than that takes time.
    lost = [
        areas[number] - int(np.count_nonzero(values[parts[number]][claim.instance.rle.decode_part()] == claim.value))
        for number, claim in enumerate(claims)
    ]
    return Settled(values, lost)


@dataclass
class Losses:
    """What all the pictures of an export lost to overlaps, for its report."""

    pixels: int = 0
    shortened: int = 0  # instances that lost a part
    hidden: int = 0  # instances that lost everything
    pictures: set[int] = field(default_factory=set)

    def add(self, image: ImageRecord, claims: Sequence[Claim], settled: Settled) -> list[Claim]:
        """Count a picture's losses. Returns the claims of which nothing is left."""
        hidden = []
        for claim, lost in zip(claims, settled.lost, strict=True):
            if not lost:
                continue
            self.pixels += lost
            self.pictures.add(image.id)
            if lost == claim.instance.rle.area:
                hidden.append(claim)
            else:
                self.shortened += 1
        self.hidden += len(hidden)
        return hidden

    def lines(self) -> list[str]:
        """The warning for the report; none where no masks overlapped."""
        if not self.pixels:
            return []
        hidden = f", {self.hidden} are covered altogether" if self.hidden else ""
        return [
            f"masks overlap on {len(self.pictures)} pictures, and a pixel can say one thing only: {self.pixels} pixels "
            f"went to things over stuff, else to the smaller over the larger; {self.shortened} instances lost a part"
            f"{hidden}"
        ]


def cover_line(claim: Claim, image: ImageRecord) -> str:
    """What a report says of an instance that others cover altogether."""
    return f"instance {claim.instance.id} of {image.original_name!r} (picture {image.id}): others cover it altogether"
