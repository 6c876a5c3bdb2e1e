"""`launch.py check`: the findings as lines, and no failure."""

from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.config import Settings
from annotator.workspace import Workspace
from tests.annotator.overview.conftest import Save


def check(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(app, ["check", "--data", str(settings.data), *words])


def test_findings_are_lines_and_no_failure(
    settings: Settings, workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    one, two = save(image_ids[0], "cup", (5, 5, 20, 20), (5, 5, 20, 20))
    (tiny,) = save(image_ids[1], "cup", (5, 5, 2, 2))
    workspace.category_called("fork")
    said = check(settings)
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].startswith("Marked twice (1): ")
    assert f"  one.png: cup: IoU 1.00 (instance {two} and {one})" in lines
    assert f"  two.png: cup: 4 pixels (instance {tiny})" in lines
    assert "  fork" in lines
    assert lines[-1] == "3 findings in 3 instances on 3 pictures"


def test_a_sound_data_set_is_said_to_be_sound(settings: Settings, image_ids: list[int], save: Save) -> None:
    save(image_ids[0], "cup", (5, 5, 20, 20))
    assert check(settings).stdout.splitlines() == ["nothing found in 1 instance on 3 pictures"]
    assert "Tiny masks (1)" in check(settings, "--tiny-area", "401").stdout


def test_an_area_that_is_none_is_one_clear_line(settings: Settings, image_ids: list[int]) -> None:
    said = check(settings, "--tiny-area", "-1")
    assert said.exit_code == 1
    assert "got -1" in said.output
