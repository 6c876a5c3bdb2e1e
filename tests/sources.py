"""What the source files say they import, for the tests that hold the house's rules."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("storage", "exporters", "importers", "annotator")


def product_files() -> list[Path]:
    """Every Python file of the tool itself, relative to the project's folder."""
    return [*python_files(*PACKAGES), Path("launch.py")]


def python_files(*folders: str) -> list[Path]:
    """The Python files below these folders of the project, relative to it, by name."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file named relative to the project's folder."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports anywhere in it, relative ones resolved."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                around = path.parts[: len(path.parts) - node.level]
                module = ".".join((*around, *filter(None, [module])))
            yield module
            if module.split(".")[0] in PACKAGES:  # `from annotator import samples` imports a module too
                yield from (f"{module}.{alias.name}" for alias in node.names)


def top_level(path: Path) -> set[str]:
    """First words of what a file imports: "numpy", "annotator"."""
    return {name.split(".")[0] for name in imports(path)}
