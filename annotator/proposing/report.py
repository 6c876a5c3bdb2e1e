"""How far a job is, and at its end what came of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Counts of pictures, brought up to date while they are done."""

    total: int  # pictures to do
    done_before: int = 0  # pictures left out, because a run with the same settings is done
    pictures: int = 0
    proposals: int = 0  # open ones, on the pictures done
    failed: list[str] = field(default_factory=list)  # a line a picture

    def line(self) -> str:
        """ "3 of 40 pictures, 512 proposals"."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{self.pictures} of {_count(self.total, 'picture')}, {_count(self.proposals, 'proposal')}{failed}"

    def end_line(self) -> str:
        """The same of finished work, with the pictures that needed none."""
        if not self.total:
            return f"Nothing to do: {_count(self.done_before, 'picture')} done before with the same settings."
        before = f"; {_count(self.done_before, 'picture')} done before" if self.done_before else ""
        return self.line() + before

    def needs_none(self) -> None:
        """A picture that was to do is done already."""
        self.total -= 1
        self.done_before += 1

    def to_json(self) -> dict[str, Any]:
        names = ("total", "done_before", "pictures", "proposals")
        return {name: getattr(self, name) for name in names} | {"failed": len(self.failed)}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
