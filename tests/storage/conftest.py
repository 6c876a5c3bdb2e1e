"""A database in a temporary folder, a picture in it, two categories, and a labeler."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.records import CategoryRecord, ImageRecord
from storage.repository import Repository
from tests.storage.scene import HEIGHT, WIDTH, Labeler, without_waiting_for_the_disk

KINDS = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that uses a database runs on both kinds, unless it is marked `sqlite` or names the file's path."""
    if "dbms" in metafunc.fixturenames:
        names_a_file = "path" in metafunc.definition._fixtureinfo.argnames
        is_marked = metafunc.definition.get_closest_marker("sqlite") is not None
        metafunc.parametrize("dbms", KINDS[:1] if names_a_file or is_marked else KINDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the SQLite database of a test is, or will be."""
    return tmp_path / "annotator.db"


@pytest.fixture
def url(dbms: str, path: Path, request: pytest.FixtureRequest) -> str:
    """Of a database of this test's own, without tables yet."""
    return f"sqlite:///{path}" if dbms == "sqlite" else request.getfixturevalue("postgres").new_database()


@pytest.fixture
def database(dbms: str, path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Open, and empty but for its tables. At `url`, for a test that asks for that too."""
    if dbms == "postgres" and "url" not in request.fixturenames:
        yield request.getfixturevalue("postgres").database_with_tables()
        return
    if dbms == "sqlite":
        shutil.copy(request.getfixturevalue("new_database"), path)
        database = without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))
    else:
        database = Database.open(request.getfixturevalue("url"))
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
