"""A real virtual environment and the real pip, with two small wheels of our own in place of the network."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from scripts import setup_venv

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make setup is for Linux and macOS")

NO_LIBGL = 'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")\n'


def write_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """The smallest wheel that pip takes."""
    stem = f"{name.replace('-', '_')}-{version}"
    contents = {
        **files,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in contents) + f"{stem}.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in (contents | {f"{stem}.dist-info/RECORD": record}).items():
            wheel.writestr(path, text)


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder that pip takes for all there is; opencv-python there fails to import, as on a bare Linux."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "opencv-python", "5.0.1", {"cv2/__init__.py": NO_LIBGL})
    write_wheel(folder, "opencv-python-headless", "5.0.0", {"cv2/__init__.py": "HEADLESS = 'of another version'\n"})
    write_wheel(folder, "opencv-python-headless", "5.0.1", {"cv2/__init__.py": "HEADLESS = 'yes'\n"})
    write_wheel(folder, "small", "1.0", {"small.py": "VALUE = 1\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def requirements(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("opencv-python>=5,<6\n")
    return path


def said_by(venv: Path, program: str) -> str:
    done = subprocess.run([setup_venv.python_in(venv), "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_a_setup_is_made_once_kept_and_repaired(tmp_path, wheels, requirements, capfd):
    venv = tmp_path / ".venv"

    # a failure says where to look, and leaves no stamp; the next time goes on
    requirements.write_text("nowhere-to-be-found>=1,<2\n")
    with pytest.raises(setup_venv.SetupError, match=r"could not install requirements\.txt"):
        setup_venv.main(requirements, venv)
    assert not (venv / ".requirements.txt.stamp").exists()

    # where the machine lacks libGL, the headless build of the same version takes over, and a line says so
    requirements.write_text("opencv-python>=5,<6\n")
    setup_venv.main(requirements, venv)
    assert said_by(venv, "import cv2; print(cv2.HEADLESS)") == "yes"
    assert "libGL.so.1" in capfd.readouterr().out

    # the second time only compares
    started = time.monotonic()
    setup_venv.main(requirements, venv)
    assert time.monotonic() - started < 1
    assert capfd.readouterr().out == ""

    # a further requirement is installed, and opencv-python is not brought back
    requirements.write_text("opencv-python>=5,<6\nsmall>=1,<2\n")
    setup_venv.main(requirements, venv)
    assert said_by(venv, "import cv2, small; print(cv2.HEADLESS, small.VALUE)") == "yes 1"

    # a package that someone removed comes back, and so does a pip that is half there
    next(venv.glob("lib/*/site-packages/small.py")).unlink()
    shutil.rmtree(next(venv.glob("lib/*/site-packages/small-1.0.dist-info")))
    shutil.rmtree(next(venv.glob("lib/*/site-packages/pip")))
    setup_venv.main(requirements, venv)
    assert said_by(venv, "import pip, small; print(pip.__name__, small.VALUE)") == "pip 1"

    # the Python it was made with is gone
    for name in ("python", "python3", f"python3.{sys.version_info[1]}"):
        (venv / "bin" / name).unlink(missing_ok=True)
    (venv / "bin" / "python").symlink_to(tmp_path / "gone")
    setup_venv.main(requirements, venv)
    assert said_by(venv, "import cv2, small; print(cv2.HEADLESS, small.VALUE)") == "yes 1"


def test_an_old_python_is_refused_with_the_way_out(tmp_path, monkeypatch, requirements):
    monkeypatch.setattr(setup_venv, "OLDEST", (4, 0))
    with pytest.raises(setup_venv.SetupError, match=r"Python 4\.0 or newer is needed.*make setup PYTHON="):
        setup_venv.main(requirements, tmp_path / ".venv")
    assert not (tmp_path / ".venv").exists()


def test_a_changed_included_file_changes_the_fingerprint(tmp_path):
    inner, outer = tmp_path / "requirements.txt", tmp_path / "requirements-dev.txt"
    inner.write_text("small>=1,<2\n")
    outer.write_text("-r requirements.txt\n")
    before = setup_venv.fingerprint(outer, (3, 11))
    inner.write_text("small>=1,<3\n")
    assert setup_venv.fingerprint(outer, (3, 11)) != before
    assert setup_venv.fingerprint(outer, (3, 12)) != setup_venv.fingerprint(outer, (3, 11))
