"""One picture and its label map turned, scaled, recoloured: pixels and labels always moved together."""

from dataclasses import dataclass

import cv2
import numpy as np

from training.data import IGNORED, Picture

BORDER = (124, 116, 104)  # what lies outside a picture: near zero once normalised
WHOLE = 0.35  # of the crops hold the whole picture
LARGEST = 560  # pixels of the longer side of a picture of which a part is cut out: inference sees 512
CLOSE_UPS = 0.3  # of such parts may be closer still, as those of the second look are,
CLOSEST = 1200  # so far
PASTED = 0.15  # of the crops get an object of another picture
LEAST_PASTED = 100  # pixels, for an object worth pasting


@dataclass(frozen=True, eq=False)
class Crop:
    """A square of a picture: S×S×3 uint8 RGB, S×S uint16 labels (IGNORED outside), S×S bool inside the picture."""

    image: np.ndarray
    labels: np.ndarray
    inside: np.ndarray


def crop(picture: Picture, side: int, random: np.random.Generator) -> Crop:
    """Cut a square of `side` pixels, the picture scaled, turned and mirrored at random; colours are left alone."""
    while True:
        cut = moved(picture, random_matrix(picture.labels.shape[:2], side, random), side)
        if cut.inside.any():  # close up, the corner beside a turned picture is as large as a crop
            return cut


def moved(picture: Picture, matrix: np.ndarray, side: int) -> Crop:
    """The picture under a 2×3 affine matrix (to crop pixels, centres at whole numbers)."""
    size = (side, side)
    image = cv2.warpAffine(
        picture.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=BORDER
    )
    labels = cv2.warpAffine(picture.labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORED)
    whole = np.ones(picture.labels.shape, np.uint8)
    inside = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_NEAREST, borderValue=0) > 0
    return Crop(image=np.asarray(image, np.uint8), labels=np.asarray(labels, np.uint16), inside=inside)


def random_matrix(size_hw: tuple[int, ...], side: int, random: np.random.Generator) -> np.ndarray:
    """2×3 float64: a third of the time the whole picture, else a part of it as large as where inference would look."""
    height, width = size_hw[:2]
    whole = random.random() < WHOLE
    closest = max(1.0, (CLOSEST if random.random() < CLOSE_UPS else LARGEST) / side)
    longer = side * (random.uniform(0.75, 1) if whole else np.exp(random.uniform(np.log(0.9), np.log(closest))))
    scale = longer / max(height, width)
    stretch = np.exp(random.normal(0, 0.06))
    angle = np.deg2rad(random.normal(0, 12)) if random.random() < 0.4 else 0.0
    mirror = -1.0 if random.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * scale * stretch, scale / stretch])
    extent = np.abs(linear) @ [width, height]
    # the middle of the picture lands where no more is lost, and no more empty, than has to be
    slack = (extent - side) / 2
    target = side / 2 + random.uniform(-1, 1, 2) * np.abs(slack)
    offset = target - linear @ (np.array([width, height]) / 2)
    offset += linear @ [0.5, 0.5] - 0.5  # pixel centres at whole numbers
    return np.column_stack([linear, offset])


def paste(onto: Crop, other: Crop, random: np.random.Generator) -> Crop:
    """Lay one object of another crop over this one, as a new label; unchanged where the other has none to give."""
    ids, areas = np.unique(other.labels, return_counts=True)
    fit = ids[(ids > 0) & (ids < IGNORED) & (areas >= LEAST_PASTED) & (areas < 0.4 * other.labels.size)]
    used = onto.labels[onto.labels < IGNORED]
    new = int(used.max(initial=0)) + 1
    if not len(fit) or new >= IGNORED:
        return onto
    mask = (other.labels == random.choice(fit)) & onto.inside
    soft = cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0)[:, :, None]
    image = (soft * other.image + (1 - soft) * onto.image).round().astype(np.uint8)
    return Crop(image=image, labels=np.where(mask, np.uint16(new), onto.labels), inside=onto.inside)


def recoloured(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """S×S×3 uint8 with other light, colours, sharpness and compression; nothing moves."""
    changed = image.astype(np.float32)
    if random.random() < 0.8:
        changed = (changed - 128) * random.uniform(0.65, 1.35) + 128 + random.uniform(-35, 35)
        changed *= random.uniform(0.88, 1.12, 3).astype(np.float32)
        grey = changed @ np.array([0.299, 0.587, 0.114], np.float32)
        share = 0.0 if random.random() < 0.05 else random.uniform(0.5, 1.4)
        changed = grey[:, :, None] + share * (changed - grey[:, :, None])
    if random.random() < 0.15:
        changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), random.uniform(0.4, 1.5)), np.float32)
    if random.random() < 0.15:
        changed += random.normal(0, random.uniform(2, 12), changed.shape).astype(np.float32)
    result = changed.clip(0, 255).astype(np.uint8)
    if random.random() < 0.25:
        quality = int(random.integers(30, 90))
        _, coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])
        result = np.asarray(
            cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8
        )  # channel order is kept: coded and decoded alike
    return result
