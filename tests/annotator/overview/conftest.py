"""Pictures with instances that are filled boxes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH

ME = "local"
Save = Callable[..., list[int]]


@pytest.fixture
def image_ids(workspace: Workspace, pictures: list[Path]) -> list[int]:
    return list(workspace.import_pictures(pictures).image_ids)


@pytest.fixture
def category(workspace: Workspace) -> Callable[[str], int]:
    """The id of a category, made where there is none."""
    return lambda name: workspace.category_called(name).id


@pytest.fixture
def save(workspace: Workspace, category: Callable[[str], int]) -> Save:
    """save(image_id, category, (left, top, width, height), ..., labeler="ann") -> ids."""

    def add(image_id: int, name: str, *boxes: Any, labeler: str = "ann", **others: Any) -> list[int]:
        values = []
        for box in boxes:
            pixels = np.zeros((HEIGHT, WIDTH), bool)
            for x, y, width, height in [box] if isinstance(box, tuple) else box:
                pixels[y : y + height, x : x + width] = True
            rle = Rle.encode(pixels).to_coco()
            values.append({"category_id": category(name), "rle": rle, "origin": "click", **others})
        return [one.id for one in workspace.repository.add_instances(image_id, values, labeler=labeler)]

    return add
