"""Heads on masks, and where they come to lie on photos for identity papers."""

import cv2
import numpy as np
import pytest

from annotator.cutouts import PHOTO_SIZES, CutoutOptions
from annotator.cutouts.frames import photo_frame
from annotator.cutouts.heads import Told, find_head
from annotator.cutouts.notes import photo_notes
from annotator.errors import CutoutError

CROWN, CHIN, MIDDLE = 100, 300, 260


def person(*, neck: int = 70, size: int = 640, hair: int = 0) -> np.ndarray:
    """A mask: an oval head from CROWN to CHIN, a neck, shoulders down to the lower edge. hair: half its width."""
    mask = np.zeros((size, size), np.uint8)
    cv2.ellipse(mask, (MIDDLE, (CROWN + CHIN) // 2), (78, (CHIN - CROWN) // 2), 0, 0, 360, 1, -1)
    if neck:
        cv2.rectangle(mask, (MIDDLE - neck // 2, 250), (MIDDLE + neck // 2, 380), 1, -1)
        cv2.ellipse(mask, (MIDDLE, 560), (210, 200), 0, 0, 360, 1, -1)
        mask[560:] |= mask[560]
    if hair:
        cv2.rectangle(mask, (MIDDLE - hair, 190), (MIDDLE + hair, 480), 1, -1)
    return mask.astype(bool)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_neck_tells_where_the_chin_is(scale: float) -> None:
    small = person().astype(np.uint8)
    mask = cv2.resize(small, (0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST).astype(bool)
    head = find_head(mask)
    assert head.told is Told.NECK
    assert head.crown_y == pytest.approx(CROWN * scale, abs=6 * scale)
    assert head.chin_y == pytest.approx(CHIN * scale, abs=20 * scale)
    assert head.centre_x == pytest.approx(MIDDLE * scale, abs=6 * scale)


def test_a_mask_of_a_head_alone_ends_with_the_chin() -> None:
    head = find_head(person(neck=0))
    assert head.told is Told.END
    assert (head.crown_y, head.chin_y) == pytest.approx((CROWN, CHIN), abs=4)


def test_long_hair_hides_the_chin_and_that_is_said() -> None:
    head = find_head(person(hair=85))
    assert head.told is Told.GUESS
    assert head.chin_y == pytest.approx(CHIN, abs=50)
    photo = PHOTO_SIZES["35x45mm"]
    (note, *_) = photo_notes(head, photo_frame(head, photo, CutoutOptions(size="35x45mm")), photo, (640, 640))
    assert "guessed" in note


def test_crumbs_of_the_mask_are_no_crown() -> None:
    mask = person()
    mask[3:6, 500:504] = True
    assert find_head(mask).crown_y == pytest.approx(CROWN, abs=6)


def test_a_heads_place_is_that_of_the_picture() -> None:
    mask = person()[CROWN:, 40:]
    head = find_head(mask, at_xy=(40, CROWN))
    assert head.crown_y == pytest.approx(CROWN, abs=4)
    assert head.centre_x == pytest.approx(MIDDLE, abs=6)


@pytest.mark.parametrize(
    ("mask", "what"),
    [(np.ones((1, 1), bool), "a pixel"), (np.ones((3, 500), bool), "a bar"), (np.ones((500, 2), bool), "a line")],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_no_person_gets_a_frame_all_the_same(mask: np.ndarray, what: str) -> None:
    head = find_head(mask)
    assert head.height >= 1, what
    frame = photo_frame(head, PHOTO_SIZES["2x2in"], CutoutOptions(size="2x2in"))
    assert frame.size_hw == (600, 600)


@pytest.mark.parametrize(
    ("name", "size_hw", "least_mm", "most_mm"), [("35x45mm", (531, 413), 32, 36), ("2x2in", (600, 600), 25.4, 34.9)]
)
def test_a_head_lies_on_the_photo_as_the_rule_says(
    name: str, size_hw: tuple[int, int], least_mm: float, most_mm: float
) -> None:
    photo = PHOTO_SIZES[name]
    head = find_head(person())
    frame = photo_frame(head, photo, CutoutOptions(size=name))
    assert frame.size_hw == size_hw
    x, y, width, height = frame.box_xywh
    per_mm = height / photo.height_mm
    assert least_mm <= head.height / per_mm <= most_mm
    assert (head.crown_y - y) / per_mm == pytest.approx(photo.crown_mm, abs=0.3)
    assert head.centre_x == pytest.approx(x + width / 2, abs=1)
    if name == "2x2in":
        eyes_mm = (y + height - (head.crown_y + head.chin_y) / 2) / per_mm
        assert 1.125 * 25.4 <= eyes_mm <= 1.375 * 25.4


def test_zoom_keeps_the_head_in_place_and_shift_moves_it() -> None:
    photo, head = PHOTO_SIZES["35x45mm"], find_head(person())

    def middle(options: CutoutOptions) -> tuple[float, float, float]:
        """Of the head, in parts of the photo; and the head's part of the height."""
        x, y, width, height = photo_frame(head, photo, options).box_xywh
        return (head.centre_x - x) / width, ((head.crown_y + head.chin_y) / 2 - y) / height, head.height / height

    across, down, part = middle(CutoutOptions(size="35x45mm"))
    zoomed = middle(CutoutOptions(size="35x45mm", zoom=1.5))
    assert zoomed == pytest.approx((across, down, part * 1.5), abs=0.01)
    shifted = middle(CutoutOptions(size="35x45mm", shift_x=0.1, shift_y=-0.05))
    assert shifted == pytest.approx((across + 0.1, down - 0.05, part), abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [{"soft_edge": -1}, {"soft_edge": float("nan")}, {"margin": 5000}, {"zoom": 0}, {"shift_x": 2}, {"size": "A4"}],
)
def test_settings_out_of_range_are_refused_in_words(wrong: dict) -> None:
    with pytest.raises(CutoutError, match=r"from .* to|Choose one of"):
        CutoutOptions(**wrong)
