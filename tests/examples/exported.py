"""Exports of generated pictures, small enough to train on in a test."""

from pathlib import Path

import cv2
import numpy as np

from examples.make_shapes import KINDS, make_scene
from exporters.base import ExportOptions, SplitOptions
from exporters.files import export
from tests.exporters.datasets import FakeDataset


def export_shapes(format_name: str, folder: Path, count: int, split: SplitOptions | None) -> Path:
    """An export of `count` pictures of 32×40; returns its folder."""
    dataset = FakeDataset(folder / "pictures")
    categories = {kind: dataset.add_category(kind) for kind in KINDS}
    for seed in range(count):
        scene = make_scene(np.random.default_rng(seed), (32, 40))
        image = dataset.add_image((32, 40), f"shapes-{seed}.png")
        cv2.imwrite(str(dataset.picture_path(image)), scene.pixels[..., ::-1])
        for kind, mask in scene.things:
            dataset.add_instance(image, mask, categories[kind])
    export(format_name, dataset, folder / "out", ExportOptions(split=split))
    return folder / "out"
