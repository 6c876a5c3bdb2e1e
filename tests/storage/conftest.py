"""A database in a temporary folder, a picture in it, two categories, and a labeler."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.records import CategoryRecord, ImageRecord
from storage.repository import Repository
from tests.storage.scene import HEIGHT, WIDTH, Labeler, without_waiting_for_the_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of a test is, or will be."""
    return tmp_path / "annotator.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def database(new_database: Path, path: Path, url: str) -> Iterator[Database]:
    shutil.copy(new_database, path)
    database = without_waiting_for_the_disk(Database.open(url))
    yield database
    database.close()


@pytest.fixture
def repository(database: Database) -> Repository:
    return Repository(database)


@pytest.fixture
def new_image(repository: Repository) -> Callable[[], ImageRecord]:
    """Adds another picture each time it is called."""
    count = 0

    def add() -> ImageRecord:
        nonlocal count
        count += 1
        image, is_new = repository.add_image(
            sha256=f"{count:064x}",
            stored_name=f"{count}.png",
            original_name=f"cup {count}.png",
            width=WIDTH,
            height=HEIGHT,
            exif_orientation=1,
        )
        assert is_new
        return image

    return add


@pytest.fixture
def image(new_image: Callable[[], ImageRecord]) -> ImageRecord:
    return new_image()


@pytest.fixture
def cup(repository: Repository) -> CategoryRecord:
    return repository.add_category("cup")


@pytest.fixture
def spoon(repository: Repository) -> CategoryRecord:
    return repository.add_category("spoon")


@pytest.fixture
def labeler(repository: Repository, image: ImageRecord) -> Labeler:
    return Labeler(repository, image)
