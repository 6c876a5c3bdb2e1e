"""The YOLO of the examples, one epoch on a few pictures, without a network. Alone in a file: importing it is slow."""

import os

import pytest
import torch
from PIL import Image

from examples.train_yolo import main
from exporters.base import SplitOptions
from tests.examples.exported import export_shapes


@pytest.fixture
def ultralytics_at_rest(tmp_path, monkeypatch):
    """Ultralytics' settings in a temporary folder, and what it changes in this process put back."""
    before, threads = dict(os.environ), torch.get_num_threads()
    os.environ["YOLO_CONFIG_DIR"] = str(tmp_path)
    os.environ["YOLO_VERBOSE"] = "false"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Image, "open", Image.open)  # ultralytics puts its own there: what was is given back
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    os.environ.clear()
    os.environ.update(before)


def test_one_epoch_runs_on_an_export_and_leaves_weights(ultralytics_at_rest, tmp_path, capsys):
    out = export_shapes("yolo-segment", tmp_path, 6, SplitOptions(train=0.67, val=0.33, test=0))
    measured = main([str(out), "--size", "32", "--batch", "4", "--out", str(tmp_path / "runs")])
    assert "metrics/mAP50(M)" in measured
    assert (tmp_path / "runs/train/weights/best.pt").stat().st_size > 1_000_000
    assert f"weights in {tmp_path / 'runs/train/weights'}" in capsys.readouterr().out


def test_a_folder_that_is_no_export_is_answered_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path)])
    said = capsys.readouterr().err
    assert stopped.value.code == 1
    assert "no data.yaml" in said and len(said.splitlines()) == 1
