"""The rooms of the house, and which doors between them are open."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sources import PACKAGES, ROOT, imports, parsed, product_files, python_files, top_level

MAY_IMPORT = {
    "storage": {"storage"},
    "exporters": {"exporters", "storage"},
    "importers": {"importers", "storage"},
    "annotator": {"annotator", "exporters", "importers", "storage"},
    "launch.py": {"annotator", "exporters", "importers", "storage"},
}
LIVES_ONLY_IN = {
    "torch": "annotator/segmenters",
    "torchvision": "annotator/segmenters",
    "segment_anything": "annotator/segmenters",
    "sqlalchemy": "storage",
    "alembic": "storage",
    "gradio": "annotator/ui",
    "starlette": "annotator/ui",
    "fastapi": "annotator/ui",
    "uvicorn": "annotator/ui",
    "plotly": "annotator/ui",
    "typer": "annotator/cli",
    "dask": "annotator/clusters",
    "distributed": "annotator/clusters",
    "fsspec": "annotator/objects",
    "s3fs": "annotator/objects",
}
MOST_LINES = 400

every_product_file = pytest.mark.parametrize("path", product_files(), ids=str)


@every_product_file
def test_imports_point_one_way(path):
    room = path.parts[0]
    assert top_level(path) & {*PACKAGES, "launch", "tests", "benchmarks", "scripts"} <= MAY_IMPORT[room]


@every_product_file
def test_a_library_is_imported_in_its_room_alone(path):
    for library in top_level(path) & LIVES_ONLY_IN.keys():
        assert path.as_posix().startswith(LIVES_ONLY_IN[library]), f"{library} belongs to {LIVES_ONLY_IN[library]}"


@every_product_file
def test_a_file_begins_with_what_it_is_for(path):
    assert ast.get_docstring(parsed(path))


@every_product_file
def test_a_file_is_read_without_scrolling_for_minutes(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@every_product_file
def test_no_exception_is_swallowed_in_silence(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ExceptHandler):
            catches_all = node.type is None or (isinstance(node.type, ast.Name) and node.type.id.endswith("Exception"))
            does_nothing = all(isinstance(line, ast.Pass) for line in node.body)
            assert not (catches_all and does_nothing), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    ("module", "furniture"),
    [
        ("annotator.segmenters", ("torch", "torchvision", "segment_anything", "gradio")),
        ("exporters", ("torch", "gradio", "sqlalchemy")),
        ("importers.registry", ("torch", "gradio", "sqlalchemy")),
        ("annotator.cli", ("torch", "gradio")),
        ("annotator.clusters.worker", ("torch", "gradio", "sqlalchemy", "distributed")),
        ("annotator.proposing", ("gradio", "distributed")),
        ("annotator.objects", ("torch", "gradio", "fsspec", "s3fs")),
    ],
)
def test_importing_a_room_loads_nothing_heavy_of_another(module, furniture):
    program = f"import sys, {module}; print(*[name for name in {furniture!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == []


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_has_its_tests(package):
    tested = {name for path in python_files(f"tests/{package}") for name in imports(path)}
    modules = {".".join(path.with_suffix("").parts) for path in python_files(package) if path.name != "__init__.py"}
    assert modules & tested, f"no test in tests/{package} imports {package}"


@pytest.mark.parametrize("path", python_files("tests"), ids=str)
def test_the_name_of_a_test_is_a_sentence(path: Path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert len(node.name.split("_")) > 3, f"{path}:{node.lineno} {node.name}"
