"""Make .venv hold what a requirements file names: python3 scripts/setup_venv.py requirements.txt

Run by any python3 with nothing installed. A stamp inside .venv says which requirements were met, with which Python and
which packages, so that the second time only compares. It is written last: after an interruption, the next run goes on.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


class SetupError(Exception):
    """What stands in the way, and what to do about it."""


def main(requirements: Path, venv: Path = VENV) -> None:
    """Bring `venv` to what the requirements file says; quick where it is there already. Raises SetupError."""
    if sys.version_info < OLDEST:
        raise SetupError(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Install a newer one, or name one that is here: make setup PYTHON=python3.12"
        )
    version = version_of(python_in(venv))
    if version < OLDEST:
        create(venv)
        version = version_of(python_in(venv))
    stamp = venv / f".{requirements.name}.stamp"
    wanted = fingerprint(requirements, version)
    if is_met(stamp, wanted):
        return
    stamp.unlink(missing_ok=True)
    install(requirements, venv)
    write_stamp(stamp, wanted)
    print(f"{venv.name} has what {requirements.name} names (Python {version[0]}.{version[1]}).", flush=True)


def python_in(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def version_of(python: Path) -> "tuple[int, int]":
    """(major, minor) of an interpreter; (0, 0) where there is none or it does not run."""
    try:
        said = subprocess.run(
            [str(python), "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
        )
        major, minor = said.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0, 0


def create(venv: Path) -> None:
    """A new virtual environment, without pip, in the place of a broken one."""
    # Not sys.executable: with .venv active that is the interpreter which is about to be removed.
    python = getattr(sys, "_base_executable", sys.executable)
    print(f"Creating {venv.name} with {python} ...", flush=True)
    if venv.exists():
        shutil.rmtree(venv)
    run([python, "-m", "venv", "--without-pip", str(venv)], "Python's venv module did not work")


def provide_pip(venv: Path) -> None:
    """pip from ensurepip or, where Debian has split that off (package python3-venv), from the pip outside."""
    inside, outside = str(python_in(venv)), getattr(sys, "_base_executable", sys.executable)
    if has_pip(inside):
        return
    for remains in venv.glob("[Ll]ib/**/site-packages/pip*"):  # half a pip counts as installed to ensurepip
        if remains.is_dir():
            shutil.rmtree(remains)
    for command in (
        [inside, "-m", "ensurepip", "--default-pip"],
        [outside, "-m", "pip", "--python", inside, "install", "pip"],
    ):
        subprocess.run(command, capture_output=True)
        if has_pip(inside):
            return
    raise SetupError(f"{outside} has neither ensurepip nor pip. On Debian: sudo apt-get install python3-venv")


def has_pip(python: str) -> bool:
    """Whether that interpreter has a pip that starts."""
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


def install(requirements: Path, venv: Path) -> None:
    """pip install, then a look at whether OpenCV can be imported on this machine."""
    python = str(python_in(venv))
    provide_pip(venv)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    print(f"Installing {requirements.name} into {venv.name} (torch alone can be some GB) ...", flush=True)
    if subprocess.run([*pip, "--quiet", "--upgrade", "pip"]).returncode != 0:
        print("pip could not be upgraded; going on with the one that is here.", file=sys.stderr, flush=True)
    run(
        [*pip, "-r", str(requirements)],
        f"pip could not install {requirements.name}: its own words are above; what it fetched is kept for the next try",
    )
    run([python, str(ROOT / "scripts" / "check_opencv.py")], "OpenCV cannot be imported")


def run(command: "list[str]", otherwise: str) -> None:
    """Run a command with its output shown. Raises SetupError with `otherwise` where it fails."""
    if subprocess.run(command).returncode != 0:
        raise SetupError(f"{otherwise}.")


def fingerprint(requirements: Path, version: "tuple[int, int]") -> str:
    """Changes with the requirements, those they include (-r), this folder's scripts and the Python version."""
    digest = hashlib.sha256(repr(version).encode())
    files = [requirements, Path(__file__).resolve(), ROOT / "scripts" / "check_opencv.py"]
    while files:
        text = files.pop().read_bytes()
        digest.update(text)
        included = [line[3:].strip() for line in text.decode().splitlines() if line.startswith("-r ")]
        files += [requirements.parent / name for name in included]
    return digest.hexdigest()


def packages_in(venv: Path) -> "list[str]":
    """Names and versions of what is installed, as the folder names beside the packages have them; sorted."""
    return sorted(folder.name for folder in venv.glob("[Ll]ib/**/site-packages/*.dist-info"))


def is_met(stamp: Path, wanted: str) -> bool:
    """Whether the stamp says `wanted` and every package it lists is still there in that version."""
    if not stamp.is_file():
        return False
    said, *packages = stamp.read_text(encoding="utf-8").splitlines()
    return said == wanted and set(packages) <= set(packages_in(stamp.parent))


def write_stamp(stamp: Path, wanted: str) -> None:
    """Written aside and moved into place: half a stamp is none."""
    aside = stamp.with_suffix(".new")
    aside.write_text("\n".join([wanted, *packages_in(stamp.parent)]), encoding="utf-8")
    os.replace(aside, stamp)


if __name__ == "__main__":
    try:
        main(ROOT / sys.argv[1])
    except SetupError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. The next `make setup` goes on from here.")
