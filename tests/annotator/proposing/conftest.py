"""A workspace that is quick to begin."""

import shutil
from pathlib import Path

import pytest

from annotator.config import Settings
from tests.fakes import FakeSegmenter


@pytest.fixture
def settings(tmp_path: Path, fake_segmenter: FakeSegmenter, new_database: Path) -> Settings:
    settings = Settings(data=tmp_path / "workspace", model="fake")
    settings.data.mkdir()
    shutil.copy(new_database, settings.data / "annotator.db")
    return settings
