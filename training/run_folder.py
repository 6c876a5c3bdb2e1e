"""What a run leaves behind: checkpoint, curves, pictures, each written aside and moved into place."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

CHECKPOINT = "checkpoint.pt"
CURVES, VALIDATION = "curves.csv", "validation.csv"


class RunFolder:
    """The folder of one run. Tables are CSV, one row a step or a validation, in the order of steps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def has_checkpoint(self) -> bool:
        return (self.path / CHECKPOINT).exists()

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep the state; the file that was there stays whole until the new one is."""
        beside = self.path / f"{CHECKPOINT}.part"
        with beside.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path / CHECKPOINT)

    def load(self) -> dict[str, Any]:
        """The state last saved, on the CPU; read without running anything that is in the file."""
        return torch.load(self.path / CHECKPOINT, map_location="cpu", weights_only=True)

    def write_bytes(self, name: str, content: bytes) -> None:
        beside = self.path / f"{name}.part"
        beside.write_bytes(content)
        os.replace(beside, self.path / name)

    def write_picture(self, name: str, image: np.ndarray) -> None:
        """H×W×3 uint8 RGB as PNG."""
        _, content = cv2.imencode(".png", np.ascontiguousarray(image[:, :, ::-1]))
        self.write_bytes(name, content.tobytes())

    def rows(self, name: str) -> list[dict[str, float]]:
        """A table that was written, empty cells left out; [] where there is none."""
        path = self.path / name
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as file:
            return [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(file)]

    def write_rows(self, name: str, rows: list[dict[str, float]]) -> None:
        """A whole table; a row may lack columns that others have."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines = [",".join(columns)]
        lines += [",".join(f"{row[key]:.6g}" if key in row else "" for key in columns) for row in rows]
        self.write_bytes(name, ("\n".join(lines) + "\n").encode())
