"""`launch.py export`: every option, and what a mistake or Ctrl+C leaves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.config import Settings
from annotator.workspace import Workspace
from exporters.registry import EXPORTERS
from storage.records import Origin
from storage.rle import Rle
from tests.serving import ROOT, environment

Export = Callable[..., Result]


@pytest.fixture
def export(settings: Settings, workspace: Workspace, pictures: list[Path]) -> Export:
    """Runs the command over three pictures, each with a cup of 600 pixels and a spoon of 20; the first one is done."""
    workspace.import_pictures(pictures)
    cup, spoon = workspace.category_called("cup"), workspace.category_called("spoon")
    for image in workspace.images():
        masks = np.zeros((2, *image.size_hw), dtype=bool)
        masks[0, 10:30, 20:50] = masks[1, 100:110, 7:9] = True
        for category, mask in zip((cup, spoon), masks, strict=True):
            values = {"category_id": category.id, "rle": Rle.encode(mask).to_coco(), "origin": Origin.IMPORT.value}
            workspace.repository.add_instances(image.id, [values], labeler="ann")
    workspace.set_status(workspace.images()[0].id, "done")
    return lambda *words: CliRunner().invoke(app, ["export", "--data", str(settings.data), *map(str, words)])


def lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.parametrize("words", [["export", "coco", "out"], ["check"], ["auto"], ["cutout", "out.zip"]])
def test_a_mistyped_folder_does_not_become_a_workspace(words: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    done = CliRunner().invoke(app, [*words, "--data", str(folder)])
    assert done.exit_code == 1
    assert f"There is no workspace in {folder}" in done.stderr
    assert not folder.exists()


def test_the_formats_in_the_help_are_those_of_the_registry() -> None:
    said = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"})
    formats = said.output.partition("Formats:")[2]
    assert re.findall(r"^  (\S+)", formats, re.MULTILINE) == list(EXPORTERS)
    for exporter in EXPORTERS.values():
        assert exporter.summary.split()[0] in formats


def test_a_split_is_made_said_and_kept(export: Export, workspace: Workspace, tmp_path: Path) -> None:
    said = lines(export("coco", tmp_path / "out", "--split", "2,1,0", "--seed", "4", "--stratify"))
    assert said == [
        "coco: 6 instances of 2 categories on 3 pictures",
        "train: 4 instances on 2 pictures",
        "val: 2 instances on 1 pictures",
        f"written to {tmp_path / 'out'}",
    ]
    assert sorted(path.name for path in (tmp_path / "out/annotations").iterdir()) == [
        "instances_train.json",
        "instances_val.json",
    ]
    (counts,) = workspace.repository.split_counts().values()
    assert counts == {"train": 2, "val": 1, "test": 0}


def test_categories_areas_and_finished_pictures_can_be_chosen(export: Export, tmp_path: Path) -> None:
    said = lines(export("yolo-detect", tmp_path / "out", "--category", "Spoon", "--only-done"))
    assert said[0] == "yolo-detect: 1 instances of 1 categories on 1 pictures"
    assert "not chosen: 2 pictures not marked done" in said
    assert "not chosen: 1 instances of other categories" in said
    assert "numbers: 0 spoon" in said
    said = lines(export("coco", tmp_path / "out", "--category", "cup", "--category", "spoon", "--smallest-area", "21"))
    assert "not chosen: 3 instances smaller than 21 pixels" in said
    assert "numbers: 1 cup, 2 spoon" in said


@pytest.mark.parametrize(
    ("words", "there", "linked"),
    [
        ((), True, False),
        (("--pictures", "copy"), True, False),
        (("--pictures", "link"), True, True),
        (("--pictures", "none"), False, False),
        (("--no-pictures",), False, False),
    ],
)
def test_pictures_are_copied_linked_or_left_out(
    export: Export, workspace: Workspace, tmp_path: Path, words: tuple[str, ...], there: bool, linked: bool
) -> None:
    lines(export("coco", tmp_path / "out", *words))
    stored = {path.stat().st_ino for path in Path(workspace.pictures.objects.place).iterdir()}
    found = {path.stat().st_ino for path in (tmp_path / "out/images").iterdir()}
    assert len(found) == (3 if there else 0)
    assert found <= stored if linked else not found & stored


def test_polygons_and_their_tolerance_reach_the_format(export: Export, tmp_path: Path) -> None:
    lines(export("coco", tmp_path / "out", "--polygons", "--tolerance", "2.5"))
    said = json.loads((tmp_path / "out/annotations.json").read_text())
    assert {len(one["segmentation"][0]) for one in said["annotations"]} == {8}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("tfrecord",), r"no export format 'tfrecord'\. Choose one of: coco, "),
        (("coco", "--split", "0.8,0.2"), "three numbers with commas between them, such as 0.8,0.1,0.1, got '0.8,0.2'"),
        (("coco", "--split", "most,few,none"), "three numbers"),
        (("coco", "--split", "0,0,0"), "each 0 or more and not all 0"),
        (("coco", "--split=-1,1,1"), "each 0 or more"),
        (("coco", "--seed", "3"), "need a --split"),
        (("coco", "--stratify"), "need a --split"),
        (("coco", "--category", "fork"), "No category is called 'fork'. Choose among those there are: cup, spoon"),
        (("coco", "--smallest-area", "-5"), "The smallest area is -5"),
        (("coco", "--tolerance", "nan"), "Give a number of pixels, 0 or more"),
    ],
)
def test_a_mistake_is_one_clear_line_and_nothing_is_written(
    export: Export, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    name, *more = words
    said = export(name, tmp_path / "out", *more)
    assert said.exit_code == 1
    assert re.search(text, said.output)
    assert len(said.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_leaves_nothing_behind(export: Export, settings: Settings, workspace: Workspace, tmp_path: Path) -> None:
    image = workspace.images()[0]
    values = {"category_id": workspace.categories()[0].id, "origin": Origin.IMPORT.value}
    noise = np.random.default_rng(0).random(image.size_hw) < 0.5
    many = [values | {"rle": Rle.encode(noise).to_coco()}] * 800  # polygons of noise take their time
    workspace.repository.add_instances(image.id, many, labeler="ann")
    place = tmp_path / "place"
    command = [
        sys.executable,
        "launch.py",
        "--data",
        str(settings.data),
        "export",
        "coco",
        str(place / "out.zip"),
    ]
    process = subprocess.Popen(
        [*command, "--polygons"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # What a shell starts in the background ignores SIGINT, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not (place.exists() and any(place.iterdir())):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 1, said
    assert said.strip().endswith("Stopped.")
    assert "Traceback" not in said
    assert list(place.iterdir()) == []
