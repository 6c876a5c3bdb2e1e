"""Make a workspace of generated pictures with masks, so that the other examples have something to train on.

    python examples/make_shapes.py shapes
    python launch.py --data shapes export semantic shapes-semantic --split 0.8,0.2,0
    python examples/train_unet.py shapes-semantic

Discs, squares, triangles and rings lie on rough ground. Their colours, sizes and turns are drawn by lot, so that only
the shape tells what a thing is. `python launch.py --data shapes` shows the workspace in the browser. The same options
give the same pictures.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator.config import Settings
from annotator.workspace import Workspace
from storage.records import ImageStatus, Origin
from storage.rle import Rle

KINDS = ("disc", "square", "triangle", "ring")
LEAST_VISIBLE = 0.7  # of a thing: what is covered more than that does not show its shape any more
LEAST_CONTRAST = 45  # between the mean colours of a thing and the ground, in grey levels


@dataclass(frozen=True)
class Scene:
    """pixels: H×W×3 uint8 RGB. things: (its kind, H×W bool of what is seen of it)."""

    pixels: np.ndarray
    things: list[tuple[str, np.ndarray]]


def make_scene(random: np.random.Generator, size_hw: tuple[int, int]) -> Scene:
    """Two to four things on rough ground, later ones over earlier ones."""
    pixels = texture(random, size_hw, random.uniform(40, 215, 3), roughness=12)
    things: list[tuple[str, np.ndarray]] = []
    whole: list[int] = []  # pixels of each thing before others came over it
    for _ in range(int(random.integers(2, 5))):
        kind = str(random.choice(KINDS))
        mask = draw(random, kind, size_hw)
        uncovered = [(name, seen & ~mask) for name, seen in things]
        if any(left.sum() < LEAST_VISIBLE * area for (_, left), area in zip(uncovered, whole, strict=True)):
            continue
        ground = pixels[mask].mean(axis=0)
        color = random.uniform(0, 255, 3)
        while np.abs(color - ground).mean() < LEAST_CONTRAST:
            color = random.uniform(0, 255, 3)
        pixels[mask] = texture(random, size_hw, color, roughness=8)[mask]
        things = [*uncovered, (kind, mask)]
        whole.append(int(mask.sum()))
    blurred = cv2.GaussianBlur(pixels, (3, 3), 0)  # a lens has no hard edges
    noisy = blurred + random.normal(0, 5, pixels.shape)
    return Scene(np.clip(noisy, 0, 255).astype(np.uint8), things)


def texture(random: np.random.Generator, size_hw: tuple[int, int], color: np.ndarray, roughness: float) -> np.ndarray:
    """H×W×3 float32: one colour with spots of several sizes."""
    height, width = size_hw
    result = np.broadcast_to(color, (height, width, 3)).astype(np.float32)
    for cell in (4, 12, 40):
        spots = random.normal(0, roughness, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        result = result + cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC)
    return result


def draw(random: np.random.Generator, kind: str, size_hw: tuple[int, int]) -> np.ndarray:
    """H×W bool: one thing of any size and turn, wholly or mostly inside the picture."""
    height, width = size_hw
    radius = random.uniform(0.16, 0.3) * min(size_hw)
    centre = np.array([random.uniform(radius, width - radius), random.uniform(radius, height - radius)])
    canvas = np.zeros(size_hw, np.uint8)
    if kind in ("disc", "ring"):
        place = tuple(int(v) for v in centre.round())
        cv2.circle(canvas, place, round(radius), (1,), -1)
        if kind == "ring":
            cv2.circle(canvas, place, round(radius * random.uniform(0.45, 0.6)), (0,), -1)
    else:
        corners = {"square": 4, "triangle": 3}[kind]
        angles = random.uniform(0, 2 * np.pi) + np.arange(corners) * 2 * np.pi / corners
        points = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        cv2.fillPoly(canvas, [points.round().astype(np.int32)], (1,))
    return canvas.astype(bool)


def scenes(count: int, size_hw: tuple[int, int], seed: int) -> Iterator[Scene]:
    """`count` scenes; each depends on the seed and its number alone."""
    for number in range(count):
        yield make_scene(np.random.default_rng([seed, number]), size_hw)


def fill(workspace: Workspace, made: Iterator[Scene]) -> int:
    """Put scenes into a workspace through the tool's own import; returns the number of instances."""
    categories = {kind: workspace.category_called(kind).id for kind in KINDS}
    instances = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, scene in enumerate(made, start=1):
            path = Path(folder) / f"shapes-{number:04}.png"
            cv2.imwrite(str(path), scene.pixels[..., ::-1])
            (image_id,) = workspace.import_pictures([path]).image_ids
            path.unlink()
            if workspace.instances(image_id):  # made before: the same picture is there already
                continue
            values = [
                {"category_id": categories[kind], "rle": Rle.encode(mask).to_coco(), "origin": Origin.IMPORT.value}
                for kind, mask in scene.things
            ]
            workspace.repository.add_instances(image_id, values, labeler="make_shapes")
            workspace.set_status(image_id, ImageStatus.DONE)
            instances += len(values)
    return instances


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="workspace folder to make, or to add to")
    parser.add_argument("--count", type=int, default=300, help="pictures (default: %(default)s)")
    parser.add_argument("--width", type=int, default=96, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=96, help="pixels (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other pictures (default: %(default)s)")
    given = parser.parse_args(arguments)
    if given.count < 1 or min(given.width, given.height) < 32:
        parser.error("Give a --count of at least 1, and a --width and --height of at least 32.")
    with Workspace(Settings(data=given.out)) as workspace:
        instances = fill(workspace, scenes(given.count, (given.height, given.width), given.seed))
    print(f"{given.count} pictures with {instances} new instances are in {given.out}")
    print(f"next: python launch.py --data {given.out} export semantic {given.out}-semantic --split 0.8,0.2,0")


if __name__ == "__main__":
    main()
