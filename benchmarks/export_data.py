"""Data sets to export: in memory, and in a database as large as asked."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from exporters.splits import SplitOptions, assign
from storage.database import Database
from storage.records import CategoryRecord, ImageRecord, ImageStatus, InstanceRecord, Origin, Split
from storage.repository import Repository
from storage.rle import Rle

CLASSES = ["cup", "spoon", "plate"]
_NOW = datetime(2024, 1, 1, tzinfo=UTC)
_DISTINCT = 40  # pictures of a database that are made one by one; the others are copies


@dataclass
class MemoryDataset:
    """A Dataset of one entry a picture: the masks on it, all of one size, N×(H×W bool)."""

    folder: Path
    masks: Sequence[Sequence[np.ndarray]]
    categories: list[CategoryRecord] = field(init=False)
    images: list[ImageRecord] = field(init=False)

    def __post_init__(self) -> None:
        self.categories = [
            CategoryRecord(id=n, name=name, color="#000000", position=n, supercategory="", is_thing=True, key=None)
            for n, name in enumerate(CLASSES)
        ]
        self.images = [
            ImageRecord(
                id=n + 1, sha256=f"{n:064x}", stored_name=f"{n}.png", original_name=f"{n}.png",
                width=masks[0].shape[1], height=masks[0].shape[0], exif_orientation=1, position=n,
                status=ImageStatus.DONE, created_at=_NOW,
            )
            for n, masks in enumerate(self.masks)
        ]  # fmt: skip
        self._instances = [[_instance(mask, n % len(CLASSES)) for n, mask in enumerate(each)] for each in self.masks]

    def instances(self, image: ImageRecord) -> list[InstanceRecord]:
        """Made afresh for each picture, as from the database."""
        return [replace(one, image_id=image.id) for one in self._instances[image.position]]

    def picture_path(self, image: ImageRecord) -> Path:
        return self.folder / image.stored_name

    def splits(self, options: SplitOptions, images: Sequence[ImageRecord]) -> dict[int, Split]:
        return assign(options, {image.id: image.sha256 for image in images})


def fill_database(path: Path, pictures: int, masks: Sequence[np.ndarray], instances: int) -> None:
    """Make a database of `pictures` pictures with `instances` of the masks (of one size) on each."""
    database = Database.open(f"sqlite:///{path}")
    repository = Repository(database)
    categories = [repository.add_category(name) for name in CLASSES]
    height, width = masks[0].shape
    for number in range(min(pictures, _DISTINCT)):
        image, _ = repository.add_image(
            sha256=f"{number:064x}", stored_name=f"{number}.png", original_name=f"{number}.png", width=width,
            height=height, exif_orientation=1,
        )  # fmt: skip
        chosen = [masks[(number * instances + n) % len(masks)] for n in range(instances)]
        values = [
            {"category_id": categories[n % 3].id, "rle": Rle.encode(mask).to_coco(), "origin": Origin.IMPORT.value}
            for n, mask in enumerate(chosen)
        ]
        repository.add_instances(image.id, values, labeler="")
    database.close()
    with sqlite3.connect(path) as connection:
        for first in range(_DISTINCT, pictures, _DISTINCT):
            _copy_rows(connection, "images", "id <= :count", min(_DISTINCT, pictures - first), first)
            _copy_rows(connection, "instances", "image_id <= :count", min(_DISTINCT, pictures - first), first)
    connection.close()


def _copy_rows(connection: sqlite3.Connection, table: str, where: str, count: int, first: int) -> None:
    """The rows of the first `count` pictures once more, for pictures `first` further on."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    moved = {
        "sha256": "printf('%064x', position + :first)",
        "stored_name": "(position + :first) || '.png'",
        "original_name": "(position + :first) || '.png'",
        "position": "position + :first",
        "image_id": "image_id + :first",
    }
    picked = ", ".join(moved.get(column, column) for column in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picked} FROM {table} WHERE {where} ORDER BY id",
        {"first": first, "count": count},
    )


def _instance(mask: np.ndarray, category_id: int) -> InstanceRecord:
    rle = Rle.encode(mask)
    return InstanceRecord(
        id=1, image_id=1, category_id=category_id, rle=rle, bbox_xywh=rle.bbox_xywh, area=rle.area, predicted_iou=None,
        stability_score=None, model=None, origin=Origin.AUTO, labeler="", prompt=[], is_crowd=False, created_at=_NOW,
        updated_at=_NOW,
    )  # fmt: skip
