"""Workspaces whose tables are there already: to make them takes longer than most of these tests."""

import shutil
from pathlib import Path

import pytest

from annotator.config import Settings
from tests.fakes import FakeSegmenter


@pytest.fixture
def settings(tmp_path: Path, new_database: Path, fake_segmenter: FakeSegmenter) -> Settings:
    for name in ("workspace", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(new_database, tmp_path / name / "annotator.db")
    return Settings(data=tmp_path / "workspace", model="fake")
