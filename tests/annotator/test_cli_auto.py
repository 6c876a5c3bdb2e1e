"""`launch.py auto`: proposals over a workspace from the command line."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.clusters import ENGINES, Cluster, SegmenterSource
from annotator.clusters.source import Source
from annotator.config import Settings
from annotator.workspace import Workspace
from storage.records import RunState
from tests.annotator.proposing.fakecluster import FakeCluster
from tests.fakes import FakeSegmenter
from tests.serving import ROOT, environment

COARSE = ["--points-per-side", "3", "--pred-iou-thresh", "0.85", "--stability-score-thresh", "0.5"]
Auto = Callable[..., Result]


@pytest.fixture
def auto(settings: Settings, workspace: Workspace, pictures: list[Path]) -> Auto:
    """Runs the command over three pictures with the fake segmenter."""
    workspace.import_pictures(pictures)

    def run(*words: str, before: tuple[str, ...] = ()) -> Result:
        return CliRunner().invoke(
            app, [*before, "auto", "--data", str(settings.data), "--model", "fake", *COARSE, *words]
        )

    return run


def test_proposals_wait_for_the_page_afterwards(auto: Auto, workspace: Workspace) -> None:
    said = auto()
    assert said.exit_code == 0, said.output
    assert "3 of 3 pictures, 27 proposals" in said.output
    assert sum(workspace.repository.proposal_counts().values()) == 27
    assert not any(workspace.instances(image.id) for image in workspace.images())


def test_the_same_command_again_does_nothing_twice(auto: Auto, fake_segmenter: FakeSegmenter) -> None:
    auto("--image", "one.png")
    said = auto()
    assert "2 of 2 pictures, 18 proposals; 1 picture done before" in said.output
    asked = fake_segmenter.predicts
    assert "Nothing to do: 3 pictures done before" in auto().output
    assert fake_segmenter.predicts == asked
    assert "3 of 3 pictures" in auto("--again").output


def test_accepted_ones_are_instances_of_a_category_made_for_them(auto: Auto, workspace: Workspace) -> None:
    auto("--image", "one.png")
    said = auto("--accept", "Coin")
    assert "27 saved as Coin" in said.output, "those of the picture that was done before, too"
    assert [category.name for category in workspace.categories()] == ["Coin"]
    assert "0 saved as Coin" in auto("--accept", "coin").output
    instances = [one for image in workspace.images() for one in workspace.instances(image.id)]
    assert {(one.origin, one.labeler, one.model) for one in instances} == {("auto", "auto", "fake")}
    assert len(instances) == 27
    assert workspace.repository.proposal_counts() == {}


def test_the_model_may_be_named_before_the_command(settings: Settings, auto: Auto) -> None:
    said = CliRunner().invoke(app, ["--data", str(settings.data), "--model", "fake", "auto", *COARSE])
    assert "27 proposals" in said.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--image", "nowhere.png"), "No picture is called 'nowhere.png'"),
        (("--box-nms-thresh", "7"), "box_nms_thresh is a number from 0 to 1, got 7"),
        (("--accept", " "), "cannot be empty"),
        (("--model", "vit_z"), "vit_z"),
        (("--engine", "spark"), "No engine is called 'spark'. Choose one of: local, dask."),
        (("--workers", "2"), "say --engine dask with them"),
        (("--engine", "dask", "--cluster", "tcp://10.0.0.5:8786", "--workers", "2"), "has its own"),
    ],
)
def test_a_mistake_is_one_clear_line(auto: Auto, words: tuple[str, ...], text: str) -> None:
    said = auto(*words)
    assert said.exit_code == 1
    assert text in re.sub(r"\s+", " ", said.output)
    assert "Traceback" not in said.output


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_is_done(auto: Auto, workspace: Workspace) -> None:
    first = workspace.images()[0]
    workspace.pictures.path(first.stored_name).unlink()
    said = auto()
    assert said.exit_code == 0
    assert f"{first.original_name}: " in said.output
    assert "2 of 3 pictures, 18 proposals, 1 failed" in said.output
    assert workspace.repository.proposal_runs(first.id)[RunState.DONE].message


@pytest.fixture
def fake_engine(fake_segmenter: FakeSegmenter) -> Iterator[list[dict[str, Any]]]:
    """An engine called fake; what it is opened with."""
    opened = []

    def open_fake(source: Source, address: str | None, workers: int) -> AbstractContextManager[Cluster]:
        opened.append({"source": source, "address": address, "workers": workers})
        return nullcontext(FakeCluster(fake_segmenter, lose=(2,)))

    ENGINES["fake"] = open_fake
    yield opened
    del ENGINES["fake"]


def test_an_engine_does_the_same_work(auto: Auto, workspace: Workspace, fake_engine: list[dict[str, Any]]) -> None:
    auto("--image", "one.png")
    said = auto("--engine", "fake", "--workers", "3", "--accept", "cup")
    assert said.exit_code == 0, said.output
    assert "2 of 2 pictures, 18 proposals; 1 picture done before" in said.output
    assert "27 saved as cup" in said.output
    assert {len(workspace.instances(image.id)) for image in workspace.images()} == {9}
    source = SegmenterSource("fake", "auto", None, workspace.settings.data / "checkpoints")
    assert fake_engine == [{"source": source, "address": None, "workers": 3}]
    assert "Nothing to do" in auto("--engine", "fake", "--cluster", "tcp://10.0.0.5:8786").output
    assert fake_engine[1]["address"] == "tcp://10.0.0.5:8786"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C is sent otherwise there")
def test_ctrl_c_keeps_what_is_done(tmp_path: Path, sample_paths: list[Path]) -> None:
    data = tmp_path / "workspace"
    with Workspace(Settings(data=data)) as workspace:
        workspace.import_pictures(sample_paths)
    command = [sys.executable, "launch.py", "--data", str(data), "auto", "--points-per-side", "16"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with Workspace(Settings(data=data)) as workspace:
        deadline = time.monotonic() + 300
        while not (done := workspace.repository.all_proposal_runs(RunState.DONE)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0].decode()
        assert process.returncode == 1
        stopped = re.search(r"Stopped: (\d) of 4 pictures", said)
        assert stopped, said
        kept = workspace.repository.all_proposal_runs(RunState.DONE)
        assert kept[0] == done[0]
        assert len(kept) == int(stopped[1])
