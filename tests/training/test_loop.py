"""A few steps on made pictures: they learn, stop, go on as if they had not stopped, and leave a file that serves."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from annotator.prediction import Prompt
from annotator.segmenters import builtin
from annotator.segmenters.base import LoadOptions
from annotator.segmenters.builtin.architecture import Architecture
from tests.sources import ROOT
from tests.training.made import data_folder, labelled_picture
from training.__main__ import main
from training.data import read
from training.export import main as export
from training.loop import EXPORT, Options, Pace, Trainer
from training.run_folder import VALIDATION, RunFolder
from training.validation import samples

WORDS = ["--no-imagenet", "--device", "cpu", "--single", "--batch", "2", "--objects", "2", "--sides", "64"]
WORDS += ["--features", "8", "8", "8", "8", "--decoder", "8", "8", "8", "8", "--validate-on", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data"), 24)


@pytest.fixture(scope="module")
def whole_run(data, tmp_path_factory):
    """Six steps in one go."""
    out = tmp_path_factory.mktemp("run") / "whole"
    main([str(data), "--out", str(out), "--steps", "6", *WORDS])
    return out


def test_a_run_that_was_interrupted_ends_with_the_same_weights(data, whole_run, tmp_path):
    out = tmp_path / "halves"
    main([str(data), "--out", str(out), "--steps", "6", "--minutes", "0", *WORDS])  # stops after its first step
    assert RunFolder(out).load()["step"] == 1
    main([str(data), "--out", str(out), "--resume", "--device", "cpu", "--single", "--validate-on", "2"])
    whole, halves = RunFolder(whole_run).load(), RunFolder(out).load()
    assert halves["step"] == 6
    assert halves["prompts"] == whole["prompts"] > 6 * 2 * 2 - 1
    for part in ("network", "average"):
        for name, weight in whole[part].items():
            assert torch.equal(weight, halves[part][name]), name


@pytest.mark.heavy
def test_two_processes_learn_as_one_and_go_on_as_one(data, tmp_path):
    words = ["--steps", "2", "--processes", "2", *WORDS]
    for out in (tmp_path / "whole", tmp_path / "halves"):
        train(data, out, [*words, "--minutes", "0"] if out.name == "halves" else words)
    assert RunFolder(tmp_path / "halves").load()["step"] == 1
    train(data, tmp_path / "halves", ["--resume", "--device", "cpu", "--single", "--validate-on", "2"])
    whole, halves = (RunFolder(tmp_path / name).load() for name in ("whole", "halves"))
    assert halves["step"] == whole["step"] == 2
    assert halves["prompts"] == whole["prompts"] >= 2 * 2 * 4
    for name, weight in whole["network"].items():
        assert torch.equal(weight, halves["network"][name]), name


def train(data, out, words):
    """In a process of its own: a team has to fork before torch computes."""
    command = [sys.executable, "-m", "training", str(data), "--out", str(out), *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)


def test_a_run_leaves_tables_pictures_and_weights(whole_run):
    folder = RunFolder(whole_run)
    assert [row["step"] for row in folder.rows(VALIDATION)] == [6]
    assert 0 <= folder.rows(VALIDATION)[0]["miou@1"] <= 1
    for name in ("curves.png", "samples.png", EXPORT):
        assert (whole_run / name).stat().st_size > 1000
    assert not list(whole_run.glob("*.part"))


def test_exported_weights_serve_in_the_built_in_segmenter(whole_run, tmp_path):
    out = tmp_path / "own.safetensors"
    export([str(whole_run), str(out)])
    left = load_file(whole_run / EXPORT)
    assert all(torch.equal(weight, left[name]) for name, weight in load_file(out).items())
    segmenter = builtin.load(LoadOptions(device="cpu", checkpoint=out))
    image, _ = labelled_picture(0)
    prediction = segmenter.predict(segmenter.embed(image), Prompt([[40, 50]], [1]))
    assert prediction.masks.shape == (3, 96, 128)
    assert prediction.masks[:, 50, 40].all()


def test_a_run_that_is_there_is_neither_overwritten_nor_invented(data, whole_run, tmp_path):
    for words in ([str(data), "--out", str(whole_run)], [str(data), "--out", str(tmp_path), "--resume"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2


def test_a_stop_saves_at_once_and_leaves_the_rest_for_later(data, tmp_path):
    size = Architecture(features=(8, 8, 8, 8), decoder=(8, 8, 8, 8))
    options = Options(steps=60, batch=2, objects=2, sides=(64,), imagenet=False, architecture=size)
    pace = Pace(device=torch.device("cpu"), half=False)
    pictures, folder = read(data)[:2], RunFolder(tmp_path)
    Trainer(folder, options, pace, resume=False).run(pictures, samples(pictures, 1), stop=lambda: True)
    assert folder.load()["step"] == 1
    assert not (tmp_path / EXPORT).exists()
