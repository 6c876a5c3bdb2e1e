"""What stands around the code: requirements, command line, the pages that a reader sees first."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from annotator import __version__
from annotator.cli import app
from tests.sources import PACKAGES, ROOT, product_files, python_files, top_level


def command_lines(command: object, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of every command there is: ("models",), ("models", "download")."""
    for name, inner in getattr(command, "commands", {}).items():
        yield (*before, name)
        yield from command_lines(inner, *before, name)


OWN = {*PACKAGES, "launch", "tests", "scripts", "benchmarks", "training", "examples"}
NOT_IMPORTED = {
    "requirements.txt": {"torchvision"},  # segment-anything imports it and does not say so
    # tools and pytest's plugins are called, not imported
    "requirements-dev.txt": {
        "moto",
        "mypy",
        "pip-audit",
        "pre-commit",
        "pytest-timeout",
        "pytest-xdist",
        "ruff",
        "s3fs",
        "types-defusedxml",
        "types-pyyaml",
        "types-shapely",
    },
}
COMMANDS = [" ".join(words) for words in command_lines(typer.main.get_command(app))]


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def names(name: str) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements(name)}


@cache
def distributions() -> dict[str, set[str]]:
    """Import name -> what may be installed for it; opencv-python-headless stands in for opencv-python."""
    found = {name: {str(canonicalize_name(one)) for one in given} for name, given in packages_distributions().items()}
    return found | {"cv2": {"opencv-python"}}


def third_party(paths: Iterable[Path]) -> set[str]:
    used = {name for path in paths for name in top_level(path)}
    return used - OWN - set(sys.stdlib_module_names) - {""}


def test_everything_the_tool_imports_is_required():
    missing = {
        name
        for name in third_party(product_files())
        if not distributions().get(name, set()) & (names("requirements.txt") | names("requirements-cluster.txt"))
    }
    assert missing == set()


def test_everything_the_tests_and_benchmarks_import_is_required():
    files = ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt")
    known = set().union(*map(names, files)) | {"packaging"}  # pytest itself needs packaging
    used = third_party(python_files("tests", "benchmarks", "training", "examples", "scripts"))
    assert {name for name in used if not distributions().get(name, set()) & known} == set()


@pytest.mark.parametrize(
    ("name", "folders"),
    [
        ("requirements.txt", ("annotator", "exporters", "importers", "storage")),
        ("requirements-dev.txt", ("tests", "benchmarks", "training", "examples", "scripts")),
    ],
)
def test_nothing_is_required_that_nobody_imports(name, folders):
    used = {one for module in third_party(python_files(*folders)) for one in distributions().get(module, ())}
    assert names(name) - used == NOT_IMPORTED[name]


def test_what_only_a_cluster_needs_is_imported_where_a_cluster_is_opened():
    needed = {"cryptography", "dask", "distributed"}
    assert names("requirements-cluster.txt") == needed <= top_level(Path("annotator/clusters/daskcluster.py"))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-cluster.txt", "requirements-dev.txt"])
def test_every_requirement_has_a_lower_and_an_upper_bound(name):
    for requirement in requirements(name):
        assert requirement.url is None
        assert {">=", "<"} <= {specifier.operator for specifier in requirement.specifier}, str(requirement)


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **more}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")


@cache
def help_of(command: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "launch.py", *command.split(), "--help")


def test_help_names_every_option_and_command():
    said = help_of("")
    assert said.returncode == 0, said.stderr
    for option in ("--data", "--model", "--device", "--host", "--port", "--share", "--access-code"):
        assert option in said.stdout
    for command in ("import", "export", "models"):
        assert command in said.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command):
    said = help_of(command)
    assert said.returncode == 0, said.stderr
    assert "Usage" in said.stdout


def test_a_mistake_on_the_command_line_is_one_clear_line(tmp_path):
    said = run(sys.executable, "launch.py", "--data", str(tmp_path / "workspace"), "import", str(tmp_path / "nowhere"))
    assert said.returncode == 1
    assert "nowhere" in said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_file_that_the_pages_link_to_exists():
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{page}: {target}"


def test_every_path_that_the_readme_names_exists():
    folders = "annotator|exporters|importers|storage|scripts|benchmarks|training|examples|tests|samples|docs"
    for path in re.findall(rf"`((?:{folders})/[\w./-]*)`", readme()):
        assert (ROOT / path).exists(), path


def test_every_make_target_that_the_pages_name_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    pages = readme() + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", pages, flags=re.MULTILINE))
    assert {"setup", "run", "test", "lint"} <= targets
    assert {first or second for first, second in named} <= targets


def test_every_command_line_in_the_readme_names_options_that_exist():
    helps = "".join(help_of(command).stdout for command in ("", *COMMANDS))
    for line in re.findall(r"launch\.py(.*)", readme()):
        for option in re.findall(r"(--[a-z-]+)", line):
            assert option in helps, f"launch.py{line}"


def test_the_changelog_tells_of_this_version():
    assert re.search(
        rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_the_licence_is_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.skipif(os.name == "nt", reason="bash and make")
def test_ci_runs_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")
    assert run("bash", "-n", str(script)).returncode == 0


def test_no_page_of_the_house_is_missing():
    for name in (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "pyproject.toml",
        ".pre-commit-config.yaml",
    ):
        assert (ROOT / name).stat().st_size > 200, name
