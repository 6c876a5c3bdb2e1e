"""`launch.py cutout`: saved instances as files, from the command line."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.config import Settings
from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH

Cutout = Callable[..., Result]


@pytest.fixture
def cutout(settings: Settings, workspace: Workspace, pictures: list[Path]) -> Cutout:
    """Runs the command over two pictures with an instance each, of which the first has a second one."""
    workspace.import_pictures(pictures)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[40:160, 50:130] = True
    for number, image in enumerate(workspace.images()[:2]):
        values = [
            {"category_id": workspace.category_called(name).id, "rle": Rle.encode(shape).to_coco(), "origin": "click"}
            for name, shape in (("cup", mask), ("spoon", mask[:, ::-1]))[: 2 - number]
        ]
        workspace.repository.add_instances(image.id, values, labeler="local")

    def run(out: Path, *words: str) -> Result:
        return CliRunner().invoke(app, ["cutout", str(out), "--data", str(settings.data), *words])

    return run


def test_each_instance_becomes_a_file_of_a_folder_or_a_zip(cutout: Cutout, tmp_path: Path) -> None:
    said = cutout(tmp_path / "out")
    assert said.exit_code == 0, said.output
    assert "3 cut-outs from 2 pictures" in said.output
    assert len(list((tmp_path / "out").glob("*.png"))) == 3
    assert cutout(tmp_path / "cups", "--zip", "--category", "CUP", "--background", "blue").exit_code == 0
    with zipfile.ZipFile(tmp_path / "cups.zip") as archive:
        assert archive.namelist() == ["one_cup_1.png", "two_cup_1.png"]


def test_options_reach_the_file(cutout: Cutout, workspace: Workspace, tmp_path: Path) -> None:
    instance = str(workspace.instances(workspace.images()[0].id)[0].id)
    out = tmp_path / "cup.png"
    assert cutout(out, "--instance", instance, "--soft-edge", "0", "--margin", "7").exit_code == 0
    with Image.open(out) as cropped:
        assert (cropped.size, cropped.mode) == ((80 + 14, 120 + 14), "RGBA")
    assert cutout(out, "--instance", instance, "--full", "--background", "#102030", "--overwrite").exit_code == 0
    with Image.open(out) as full:
        assert (full.size, full.getpixel((0, 0))) == ((WIDTH, HEIGHT), (16, 32, 48))
    photo = tmp_path / "photo.jpg"
    said = cutout(photo, "--instance", instance, "--size", "35x45mm", "--background", "grey", "--zoom", "0.8")
    assert "Check, and correct" in re.sub(r"\s+", " ", said.output)
    with Image.open(photo) as taken:
        assert (taken.size, round(taken.info["dpi"][0])) == ((413, 531), 300)


MISTAKES = [
    (("--category", "fork"), "There is no category 'fork'. There are: cup, spoon"),
    (("--image", "nowhere.png"), "No picture is called 'nowhere.png'"),
    (("--instance", "77"), "no instance with the id 77"),
    (("--background", "pink"), "The background 'pink' is none"),
    (("--background", "nowhere.jpg"), "no picture nowhere.jpg"),
    (("--size", "A4"), "35x45mm, 2x2in"),
    (("--soft-edge", "99"), "from 0 to 50"),
    ((), "several pictures"),
    (("--image", "three.png"), "no saved instance"),
]


def test_a_mistake_is_one_clear_line(cutout: Cutout, tmp_path: Path) -> None:
    for words, text in MISTAKES:
        said = cutout(tmp_path / "one.png", *words)
        assert said.exit_code == 1, words
        assert text in re.sub(r"\s+", " ", said.output)
        assert "Traceback" not in said.output
    assert not (tmp_path / "one.png").exists()


def test_what_is_there_already_is_not_written_over(cutout: Cutout, tmp_path: Path) -> None:
    there = tmp_path / "one.zip"
    there.write_text("mine", encoding="utf-8")
    said = cutout(there)
    assert said.exit_code == 1
    assert "is there already" in re.sub(r"\s+", " ", said.output)
    assert there.read_text(encoding="utf-8") == "mine"
