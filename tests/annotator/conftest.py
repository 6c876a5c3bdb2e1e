"""A workspace whose segmenter is the fake one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.config import Settings
from annotator.segmenters import SEGMENTERS
from annotator.segmenters.base import SegmenterInfo
from annotator.workspace import Workspace
from tests.fakes import FakeSegmenter

WIDTH, HEIGHT = 320, 200


@pytest.fixture
def fake_segmenter() -> Iterator[FakeSegmenter]:
    """A line of the registry, as a new variant would have one."""
    segmenter = FakeSegmenter()
    SEGMENTERS["fake"] = SegmenterInfo(name="fake", title="fake", load=lambda options: segmenter)
    yield segmenter
    del SEGMENTERS["fake"]


ON_BOTH = ("test_ownership", "test_review", "test_workspace")  # what writes in the most ways


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The tests of some modules run on PostgreSQL too."""
    if "dbms" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("dbms", ("sqlite", "postgres"))


@pytest.fixture
def dbms() -> str:
    """The kind of database."""
    return "sqlite"


@pytest.fixture
def settings(dbms: str, tmp_path: Path, fake_segmenter: FakeSegmenter, request: pytest.FixtureRequest) -> Settings:
    url = None
    if dbms == "postgres":
        server = request.getfixturevalue("postgres")
        server.database_with_tables()
        url = server.url("shared")
    return Settings(data=tmp_path / "workspace", database_url=url, model="fake")


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    with Workspace(settings) as workspace:
        yield workspace


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three small pictures that differ."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / f"{name}.png" for name in ("one", "two", "three")]
    for number, path in enumerate(paths):
        rng = np.random.default_rng(number)
        Image.fromarray(rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def image_id(workspace: Workspace, pictures: list[Path]) -> int:
    """The first of the pictures, in the workspace."""
    return workspace.import_pictures(pictures).image_ids[0]


@pytest.fixture
def cup(workspace: Workspace) -> int:
    """A category's id."""
    return workspace.repository.add_category("cup").id
