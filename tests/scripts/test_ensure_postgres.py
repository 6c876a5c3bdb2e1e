"""Where a PostgreSQL is looked for, with small shell scripts in its and the package managers' place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.ensure_postgres import version
from tests.sources import ROOT

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PATH and package managers of Linux")

SERVER = ("initdb", "postgres")


def folder_of(folder: Path, *programs: str) -> Path:
    folder.mkdir()
    for name in programs:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def ensure(tmp_path):
    """Runs the script with nothing on PATH."""

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "scripts/ensure_postgres.py"],
            cwd=ROOT,
            env={**os.environ, "CI": "", "PATH": str(tmp_path), **more},
            capture_output=True,
            text=True,
        )

    return run


def test_the_named_folder_is_the_only_one_looked_into(ensure, tmp_path):
    here = folder_of(tmp_path / "mine", *SERVER)
    said = ensure(POSTGRES_BIN=str(here))
    assert (said.returncode, said.stdout.strip()) == (0, str(here))


def test_programs_of_the_client_alone_are_no_server_and_fail_in_ci_alone(ensure, tmp_path):
    client = str(folder_of(tmp_path / "client", "psql"))
    at_a_desk, in_ci = ensure(POSTGRES_BIN=client), ensure(POSTGRES_BIN=client, CI="true")
    assert (at_a_desk.returncode, in_ci.returncode) == (0, 1)
    assert at_a_desk.stdout == in_ci.stdout == ""
    assert "POSTGRES_BIN=" in in_ci.stderr


def test_the_newest_of_several_versions_comes_first():
    folders = [Path(f"/usr/lib/postgresql/{number}/bin") for number in (9, 15, 13)]
    assert sorted(folders, key=version, reverse=True)[0] == folders[1]
