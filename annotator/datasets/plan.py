"""What a data set would bring, found out without changing anything."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from annotator.importing import first_lines
from importers.base import Remark, Unreadable


@dataclass(frozen=True)
class Conflict:
    """A picture that has instances other than those that come. here: how many it has; coming: how many are new."""

    picture: str
    image_id: int
    here: int
    coming: int

    def __str__(self) -> str:
        return f"{self.picture} has {counted(self.here, 'instance')} here, and {self.coming} more would come"


@dataclass
class PlannedCategory:
    """A class that comes. color: where the data set says one. is_new: there is none of that name yet."""

    name: str
    color: str | None
    is_new: bool
    instances: int = 0


@dataclass(kw_only=True)
class ImportPlan:
    """A dry run.

    found, matched, new: pictures that the data set names, those that are here already, those that would come in.
    missing: the pictures that are nowhere. instances: all that could be read, there_already among them (same picture
    and category, an IoU of 0.99 at least). boxes: how many instances are known as a rectangle alone. unreadable,
    remarks: what was left out and what there is to know. others: formats that the files could also be.
    """

    paths: tuple[Path, ...]
    format: str
    title: str
    entry: str
    found: int = 0
    matched: int = 0
    new: int = 0
    missing: list[str] = field(default_factory=list)
    categories: list[PlannedCategory] = field(default_factory=list)
    instances: int = 0
    there_already: int = 0
    boxes: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    others: tuple[str, ...] = ()

    @property
    def finds_something(self) -> bool:
        """Whether a picture of the data set is here, or would come in."""
        return self.matched + self.new > 0

    def summary(self) -> Iterator[str]:
        """What it is, in a few lines."""
        yield f"{self.title}: {self.entry}"
        yield (
            f"{counted(self.found, 'picture')}: {self.new} to import, {self.matched} here already, "
            f"{len(self.missing)} missing"
        )
        new = [category.name for category in self.categories if category.is_new]
        kinds = counted(len(self.categories), "category", "categories")
        yield f"{counted(self.instances, 'instance')} of {kinds}" + (f" ({', '.join(new)} new)" if new else "")

    def lines(self) -> Iterator[str]:
        """The plan as a person reads it."""
        yield from self.summary()
        if self.boxes:
            yield f"{self.boxes} of them are boxes, whose masks are full rectangles"
        if self.there_already:
            yield f"{self.there_already} of them are here already"
        if self.conflicts:
            yield "where there is a conflict, the picture stays as it is, unless you choose to add or to replace:"
        yield from first_lines([f"conflict: {conflict}" for conflict in self.conflicts], "conflicts")
        yield from first_lines([f"missing picture: {name}" for name in self.missing], "missing")
        yield from problem_lines(self.unreadable, self.remarks)
        if self.others:
            yield f"it could also be read as {', '.join(self.others)}"

    def unreadable_lines(self) -> Iterator[str]:
        """What of it cannot be read, and why; the first ones, where they are many."""
        return problem_lines(self.unreadable, ())

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain JSON, nothing left out."""
        return {
            "format": self.format,
            "title": self.title,
            "entry": self.entry,
            "pictures": {
                "found": self.found,
                "matched": self.matched,
                "new": self.new,
                "missing": len(self.missing),
            },
            "missing": self.missing,
            "categories": [asdict(category) for category in self.categories],
            "instances": self.instances,
            "there_already": self.there_already,
            "new_instances": self.instances - self.there_already,
            "boxes": self.boxes,
            "conflicts": [asdict(conflict) for conflict in self.conflicts],
            "unreadable": [asdict(one) for one in self.unreadable],
            "remarks": [asdict(one) for one in self.remarks],
            "others": list(self.others),
        }


def problem_lines(unreadable: Sequence[Unreadable], remarks: Sequence[Remark]) -> Iterator[str]:
    yield from first_lines([f"left out {one.name}: {one.reason}" for one in unreadable], "left out")
    yield from first_lines([f"note on {one.name}: {one.text}" for one in remarks], "notes")


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 picture", "2 pictures"."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
