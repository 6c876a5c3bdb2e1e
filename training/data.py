"""Pictures with label maps, decoded once into memory, each with the weight at which it is drawn."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

IGNORED = 65535  # in a label map: what it is, is not said
HELD_OUT = 10  # one picture in so many is never trained on


@dataclass(frozen=True)
class Kind:
    """What is known of a data set: the weight of a picture, and whether its masks are regions that make up wholes."""

    weight: float = 1.0
    regions: bool = False


KINDS = {
    "bsds500": Kind(8, regions=True),
    "camvid": Kind(2),
    "ccp": Kind(1.5, regions=True),
    "coco_mini": Kind(10),
    "cwfid": Kind(2),
    "dsb2018_nuclei": Kind(1),
    "duts_tr": Kind(1),
    "facade_roboflow": Kind(1),
    "feral_cats": Kind(2),
    "food_id": Kind(2),
    "weizmann_horse": Kind(1),
}


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture with one label map. A picture that several people labelled is here several times, pixels shared.

    image: H×W×3 uint8 RGB. labels: H×W uint16, 0 unlabelled, 1..N one object or region each, IGNORED.
    """

    set_name: str
    name: str
    image: np.ndarray
    labels: np.ndarray
    weight: float
    regions: bool


def read(folder: Path) -> list[Picture]:
    """Every picture of folder/<set>/images with its folder/<set>/masks. Raises SystemExit where there is none.

    `<name>__a2.png` is another person's label map of <name>; a picture's weight is shared among its maps.
    """
    masks = sorted(folder.glob("*/masks/*.png"))
    if not masks:
        raise SystemExit(f"{folder} has no <set>/masks/*.png beside <set>/images/*.jpg. See training/README.md.")
    stems = [(path.parent.parent, path.stem.split("__a")[0]) for path in masks]
    maps_of = Counter(stems)
    with ThreadPoolExecutor() as pool:  # OpenCV decodes outside Python's lock
        keys = list(maps_of)
        images = dict(zip(keys, pool.map(_read_image, keys), strict=True))
        labels = pool.map(_read_labels, masks)
        found = []
        for path, stem, label_map in zip(masks, stems, labels, strict=True):
            if images[stem].shape[:2] != label_map.shape:
                raise SystemExit(f"{path} is not of the size of its picture.")
            kind = KINDS.get(stem[0].name, Kind())
            found.append(
                Picture(
                    set_name=stem[0].name,
                    name=stem[1],
                    image=images[stem],
                    labels=label_map,
                    weight=kind.weight / maps_of[stem],
                    regions=kind.regions,
                )
            )
    return found


def _read_image(stem: tuple[Path, str]) -> np.ndarray:
    folder, name = stem
    for suffix in (".jpg", ".png"):
        path = folder / "images" / f"{name}{suffix}"
        if path.exists():
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is not None:
                return np.ascontiguousarray(image[:, :, ::-1])
    raise SystemExit(f"{folder / 'images'} has no readable picture {name}.jpg or {name}.png.")


def _read_labels(path: Path) -> np.ndarray:
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if labels is None or labels.ndim != 2:
        raise SystemExit(f"{path} is not a label map: one channel of 8 or 16 bits.")
    return labels.astype(np.uint16)


def is_held_out(picture: Picture) -> bool:
    """Whether a picture is for validation: by its name alone, so the same ones in every run and on every machine."""
    digest = hashlib.sha256(f"{picture.set_name}/{picture.name}".encode()).digest()
    return digest[0] * 256 + digest[1] < 65536 / HELD_OUT


def split(pictures: Sequence[Picture]) -> tuple[list[Picture], list[Picture]]:
    """(for training, held out)."""
    training = [picture for picture in pictures if not is_held_out(picture)]
    return training, [picture for picture in pictures if is_held_out(picture)]


def shares(pictures: Sequence[Picture]) -> np.ndarray:
    """N float64 that add up to 1: how often each picture is drawn."""
    weights = np.array([picture.weight for picture in pictures], np.float64)
    return weights / weights.sum()
