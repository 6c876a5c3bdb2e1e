"""Where a Chromium is looked for, with small shell scripts in the browsers' and package managers' place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PATH and package managers of Linux")

WORKS = "#!/bin/sh\necho Chromium 1.0\n"
SNAP_NOTE = "#!/bin/sh\necho 'requires the chromium snap to be installed' >&2\nexit 1\n"
# as root it is called directly, else through this sudo; both end in the same place
SUDO = '#!/bin/sh\nshift\nexec /usr/bin/env "$@"\n'


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def path_folder(tmp_path):
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def ensure(tmp_path, path_folder):
    """Runs the script with nothing installed but what lies in path_folder, and no way to Playwright's downloads."""

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        nowhere = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "none"), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
        unset = {"CI": "", "CHROMIUM": ""}
        return subprocess.run(
            [sys.executable, "scripts/ensure_chromium.py"],
            cwd=ROOT,
            env={**os.environ, **unset, **nowhere, "PATH": str(path_folder), **more},
            capture_output=True,
            text=True,
        )

    return run


def test_one_on_path_is_taken(ensure, path_folder):
    here = script(path_folder / "chromium-browser", WORKS)
    said = ensure()
    assert (said.returncode, said.stdout.strip()) == (0, str(here))


def test_one_that_does_not_start_is_passed_over(ensure, path_folder):
    script(path_folder / "chromium-browser", SNAP_NOTE)
    here = script(path_folder / "google-chrome", WORKS)
    assert ensure().stdout.strip() == str(here)


def test_the_named_one_comes_first(ensure, path_folder, tmp_path):
    script(path_folder / "chromium", WORKS)
    named = script(tmp_path / "my-browser", WORKS)
    assert ensure(CHROMIUM=str(named)).stdout.strip() == str(named)


def test_the_package_manager_is_asked_where_none_is_here(ensure, path_folder):
    here = path_folder / "chromium"
    script(path_folder / "sudo", SUDO)
    script(
        path_folder / "apt-get",
        f"""#!/bin/sh
[ "$DEBIAN_FRONTEND" = noninteractive ] || exit 9
[ "$1" = install ] || exit 0
printf '%s' '{WORKS}' > {here} && /bin/chmod 755 {here}
""",
    )
    said = ensure()
    assert (said.returncode, said.stdout.strip()) == (0, str(here)), said.stderr


def test_none_to_be_had_fails_in_ci_alone(ensure, path_folder):
    at_a_desk, in_ci = ensure(), ensure(CI="true")
    assert (at_a_desk.returncode, in_ci.returncode) == (0, 1)
    assert at_a_desk.stdout == in_ci.stdout == ""
    assert "CHROMIUM=" in in_ci.stderr
