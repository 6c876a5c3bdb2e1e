"""The registry: names, what is missing said, and no torch before it is needed."""

import os
import subprocess
import sys

import pytest

from annotator.errors import CheckpointError, SettingsError
from annotator.segmenters import SEGMENTERS, get_segmenter
from annotator.segmenters.base import SegmenterInfo
from annotator.segmenters.checkpoints import CHECKPOINTS
from tests.sources import ROOT


def test_the_first_segmenter_is_the_built_in_one_and_needs_no_download():
    first = next(iter(SEGMENTERS.values()))
    assert (first.name, first.download_bytes) == ("builtin", 0)


def test_every_line_is_filed_under_its_own_name_and_has_a_title_of_its_own():
    assert all(isinstance(info, SegmenterInfo) and info.name == name for name, info in SEGMENTERS.items())
    assert len({info.title for info in SEGMENTERS.values()}) == len(SEGMENTERS)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_line_with_official_weights_says_how_large_they_are(name):
    assert SEGMENTERS[name].download_bytes == CHECKPOINTS[name].size


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError) as caught:
        get_segmenter("vit_x")
    assert "'vit_x'" in str(caught.value)
    assert all(name in str(caught.value) for name in SEGMENTERS)


def test_the_built_in_segmenter_loads_without_a_word():
    segmenter = get_segmenter("builtin")
    assert (segmenter.name, segmenter.title) == ("builtin", SEGMENTERS["builtin"].title)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_missing_weights_are_said_with_the_command_the_address_and_the_place(name, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        get_segmenter(name, checkpoint_dir=tmp_path)
    text, checkpoint = str(caught.value), CHECKPOINTS[name]
    assert f"`python launch.py models download {name}`" in text
    assert checkpoint.url() in text
    assert str(tmp_path / checkpoint.file_name) in text
    assert "\n" not in text


def test_without_a_folder_the_default_workspace_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        get_segmenter("vit_b")
    assert str(tmp_path / "workspace" / "checkpoints" / "sam_vit_b_01ec64.pth") in str(caught.value)


def test_a_named_checkpoint_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CheckpointError, match=r"There is no file .*own\.pth\. --checkpoint takes"):
        get_segmenter("vit_b", checkpoint=tmp_path / "own.pth")


def test_an_official_file_of_the_wrong_size_is_said_and_left_alone(tmp_path):
    path = tmp_path / CHECKPOINTS["vit_b"].file_name
    path.write_bytes(b"half of it")
    with pytest.raises(CheckpointError, match=r"has 10 bytes, and 375,042,383 are expected.*Delete it"):
        get_segmenter("vit_b", checkpoint_dir=tmp_path)
    assert path.read_bytes() == b"half of it"


def test_an_official_file_of_the_right_size_but_other_content_is_said(tmp_path):
    path = tmp_path / CHECKPOINTS["vit_b"].file_name
    with path.open("wb") as file:
        file.truncate(CHECKPOINTS["vit_b"].size)
    with pytest.raises(CheckpointError, match=r"is damaged or another file \(MD5 \w{32}, expected 01ec64d29a"):
        get_segmenter("vit_b", checkpoint_dir=tmp_path)
    path.unlink()


def test_naming_the_segmenters_does_not_import_torch():
    code = (
        "import sys; from annotator.segmenters import SEGMENTERS, get_segmenter, checkpoints; "
        "from annotator.errors import CheckpointError\n"
        "print(len(SEGMENTERS))\n"
        "heavy = {'torch', 'torchvision', 'segment_anything', 'gradio', 'sqlalchemy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(len(SEGMENTERS))


@pytest.mark.parametrize("given", [None, "ACTIVE"])
def test_threads_that_wait_leave_their_core_to_others_unless_the_user_wants_it_otherwise(given):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": given} if given else {}
    program = "import os, sys, annotator.segmenters; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == [given or "PASSIVE", "False"]
