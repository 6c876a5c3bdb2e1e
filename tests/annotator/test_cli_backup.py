"""`launch.py backup` and `launch.py restore`."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.config import Settings
from annotator.workspace import Workspace


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture
def backup(settings: Settings, workspace: Workspace, image_id: int, tmp_path: Path) -> Path:
    """Made while the workspace is open."""
    out = tmp_path / "backup.zip"
    said = run("backup", out, "--data", settings.data)
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[0].startswith("3 pictures and 0 instances, ")
    assert said.stdout.splitlines()[-1] == f"written to {out}"
    return out


def test_a_backup_is_checked_and_restored(backup: Path, tmp_path: Path) -> None:
    said = run("restore", backup, "--check", "--data", tmp_path / "new")
    assert said.stdout.splitlines() == [f"{backup} is whole: 3 pictures and 0 instances"]
    assert not (tmp_path / "new").exists()
    said = run("restore", backup, "--data", tmp_path / "new")
    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[-1] == f"restored into {tmp_path / 'new'}"
    again = run("restore", backup, "--data", tmp_path / "new")
    assert (again.exit_code, "--force" in again.stderr) == (1, True)
    forced = run("restore", backup, "--data", tmp_path / "new", "--force")
    assert "what was there before lies in" in forced.stdout


def test_a_workspace_in_use_is_not_restored_into(backup: Path, settings: Settings) -> None:
    said = run("restore", backup, "--data", settings.data, "--force")
    assert (said.exit_code, "is in use" in said.stderr) == (1, True)


def test_mistakes_are_one_line(backup: Path, settings: Settings, tmp_path: Path) -> None:
    for words, reason in (
        (["backup", tmp_path / "x.zip", "--data", tmp_path / "nowhere"], "There is no workspace"),
        (["backup", backup, "--data", settings.data], "is there already"),
        (["restore", tmp_path / "nothing.zip", "--data", tmp_path / "new"], "There is no backup"),
        (["restore", __file__, "--data", tmp_path / "new"], "is no backup"),
        (["--database", "sqlite:////x.db", "restore", backup], "Leave --database"),
    ):
        said = run(*words)
        assert said.exit_code == 1, words
        assert reason in said.stderr, said.output
        assert len(said.stderr.strip().splitlines()) == 1
