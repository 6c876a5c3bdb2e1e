"""A data set read to its end, as the tests look at it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from importers.base import Importer, ImporterError, LabelledPicture, Remark, Unreadable
from importers.masks import mask_of
from importers.registry import IMPORTERS
from importers.tree import open_tree


@dataclass
class Read:
    """What came of it: pictures by name, and the lines about the rest."""

    importer: str = ""
    entry: str = ""
    categories: list[str] = field(default_factory=list)
    pictures: dict[str, LabelledPicture] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def masks(self, name: str, size_hw: tuple[int, int] | None = None) -> list[tuple[str, np.ndarray]]:
        """(category, H×W bool) of each shape on a picture."""
        picture = self.pictures[name]
        size = size_hw or picture.size_hw
        assert size is not None
        return [(shape.category, mask_of(shape, size).decode()) for shape in picture.shapes]

    def reasons(self) -> str:
        return "\n".join(f"{one.name}: {one.reason}" for one in self.unreadable)


def read(path: Path | Sequence[Path], importer: Importer | str | None = None, *, work: Path | None = None) -> Read:
    """Read what lies at a path by the importer named, else by the first that recognises it. Raises ImporterError."""
    paths = [path] if isinstance(path, Path) else list(path)
    with open_tree(paths, work_dir=work or paths[0].parent / "work") as tree:
        chosen = IMPORTERS[importer] if isinstance(importer, str) else importer
        chosen = chosen or next((one for one in IMPORTERS.values() if one.recognises(tree)), None)
        assert chosen is not None, f"nobody recognises {tree.names()}"
        reading = chosen.read(tree)
        result = Read(chosen.name, reading.entry, [category.name for category in reading.categories])
        for one in reading.pictures():
            if isinstance(one, LabelledPicture):
                result.pictures[one.file_name] = one
            elif isinstance(one, Unreadable):
                result.unreadable.append(one)
            else:
                result.remarks.append(one)
        return result


def complaint(function: Callable[..., object], *arguments: object) -> str:
    """What an ImporterError of this call says, "" where none is raised; any other exception is the test's failure."""
    try:
        function(*arguments)
    except ImporterError as error:
        return str(error)
    return ""
