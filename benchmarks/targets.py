"""Objects to be found in pictures with label maps: what benchmarks click on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from annotator.errors import AnnotatorError

IGNORED = 65535
SMALLEST = 0.005  # of the picture, for an object to be tried
WAYS = (cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED)  # of reading a picture and its label map


@dataclass(frozen=True)
class Target:
    """One object to be found: H×W×3 uint8 RGB, H×W bool where it is, H×W bool where an answer is judged."""

    image: np.ndarray
    truth: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class LabelledPicture:
    """A picture whose objects are known: H×W×3 uint8 RGB, H×W label map, ids of the objects that are large enough."""

    image: np.ndarray
    labels: np.ndarray
    ids: np.ndarray

    def target(self, chosen: int) -> Target:
        return Target(image=self.image, truth=self.labels == chosen, valid=self.labels != IGNORED)


def pictures(folder: Path, random: np.random.Generator, smallest: float = SMALLEST) -> Iterator[LabelledPicture]:
    """The pictures of a set in random order, with their objects of at least `smallest` of the picture, if any."""
    pairs = [
        (image, mask)
        for mask in sorted((folder / "masks").glob("*.png"))
        for image in sorted((folder / "images").glob(f"{mask.stem.split('__a')[0]}.*"))[:1]
    ]
    if not pairs:
        raise AnnotatorError(f"{folder} has no masks/*.png with a picture of the same name in images/.")
    for number in random.permutation(len(pairs)):
        image, labels = (cv2.imread(str(path), way) for path, way in zip(pairs[number], WAYS, strict=True))
        if image is None or labels is None or image.shape[:2] != labels.shape:
            raise AnnotatorError(f"{pairs[number][1]} is not a label map of the size of {pairs[number][0]}.")
        ids, areas = np.unique(labels, return_counts=True)
        fit = ids[(ids > 0) & (ids < IGNORED) & (areas > smallest * labels.size)]
        yield LabelledPicture(image=np.ascontiguousarray(image[:, :, ::-1]), labels=labels, ids=fit)


def targets(folder: Path, count: int, seed: int) -> Iterator[Target]:
    """Up to `count` targets, one a picture, drawn with a fixed seed."""
    random = np.random.default_rng(seed)
    with_objects = (picture for picture in pictures(folder, random) if len(picture.ids))
    for picture in islice(with_objects, count):
        yield picture.target(random.choice(picture.ids))
