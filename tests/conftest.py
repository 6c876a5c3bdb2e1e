"""What every test may ask for, and how many threads a test process may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import PIL.Image
import pytest

from scripts.ensure_chromium import in_ci
from scripts.ensure_postgres import find_postgres

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

# Before anything imports torch or OpenBLAS, which read it once: two workers with two threads each on two cores get
# into each other's way. The servers that tests start inherit it.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))

# A busy machine is no fault of what is tested.
hypothesis.settings.register_profile("patient", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("patient")

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in tests/browser is marked so, GPU tests are skipped where there is no GPU, and the files that take
    longest come first: workers get whole files, and the last one is not to begin when the others have ended."""
    for item in items:
        if "browser" in item.path.relative_to(ROOT).parts:
            item.add_marker("browser")
        if item.get_closest_marker("gpu") and not _has_cuda():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU"))
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in long)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(autouse=True, scope="module")
def own_pillow() -> Iterator[None]:
    """Pillow's own way to open a picture: ultralytics puts another in its place as soon as it is imported."""
    opens = PIL.Image.open
    yield
    PIL.Image.open = opens


@pytest.fixture
def workspace_dir(tmp_path: Path) -> Path:
    """A workspace folder that does not exist yet."""
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def sample_paths() -> list[Path]:
    """The sample pictures that come with the tool, by name."""
    paths = sorted(path for path in SAMPLES.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    assert paths, f"no pictures in {SAMPLES}"
    return paths


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, made once and copied: to make the tables takes longer than most tests."""
    from storage.database import Database  # here, for the many tests that need none

    path = tmp_path_factory.mktemp("new") / "annotator.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A PostgreSQL server of this test process's own. Without the programs: skipped, in CI a failure."""
    programs = find_postgres()
    if programs is None:
        why = "there is no PostgreSQL: python scripts/ensure_postgres.py installs one, or says why not"
        pytest.fail(why) if in_ci() else pytest.skip(why)
    from tests.postgres import PostgresServer

    with PostgresServer(programs) as server:
        yield server
