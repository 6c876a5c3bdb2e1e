"""The examples as scripts, started from anywhere."""

import subprocess
import sys

import pytest

from tests.sources import ROOT


@pytest.mark.parametrize("script", ["make_shapes.py", "train_yolo.py"])  # train_unet.py would load torch once more
def test_a_script_explains_itself_wherever_it_is_started(script, tmp_path):
    command = [sys.executable, str(ROOT / "examples" / script), "--help"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert said.returncode == 0, said.stderr
    assert "usage:" in said.stdout and "--seed" in said.stdout
    assert not list(tmp_path.iterdir())
