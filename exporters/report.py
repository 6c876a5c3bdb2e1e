"""What an export says about itself: shown on the page and on the terminal, and put into it as report.json."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from storage.records import Split


@dataclass
class ExportReport:
    """What was written, what was left out and why.

    numbers: a category's name -> its number in this format, for those that are in it, in their order. splits: a split's
    name -> its "images" and "instances"; empty where nothing was split. not_chosen: what the options asked to leave
    out, and how many. left_out: what could not be written, one line each with the reason. warnings: what is said in
    another form than it was stored, or needs a step of the user's. renamed: file name in the export -> the name that
    the picture came with. copied: pictures that were to be linked and had to be copied.
    """

    format: str
    images: int = 0
    instances: int = 0
    categories: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    not_chosen: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    copied: int = 0

    def add_image(self, split: Split | None) -> None:
        """Count a picture that is in the export."""
        self.images += 1
        self._count("images", split, 1)

    def add_instances(self, count: int, split: Split | None) -> None:
        """Count instances that were written."""
        self.instances += count
        self._count("instances", split, count)

    def leave(self, what: str, count: int = 1) -> None:
        """Count what the options asked to leave out, such as "pictures not marked done"."""
        self.not_chosen[what] = self.not_chosen.get(what, 0) + count

    def lines(self) -> Iterable[str]:
        """The report as a person reads it."""
        yield f"{self.format}: {self.instances} instances of {self.categories} categories on {self.images} pictures"
        for split, counts in self.splits.items():
            yield f"{split}: {counts['instances']} instances on {counts['images']} pictures"
        if self.copied:
            yield f"copied: {self.copied} pictures, because no hard links to them can be made there"
        yield from (f"warning: {line}" for line in self.warnings)
        yield from (f"not chosen: {count} {what}" for what, count in self.not_chosen.items())
        yield from (f"left out: {line}" for line in self.left_out)

    def to_json(self, entries: Sequence[str]) -> str:
        """The text of report.json. entries: what lies beside it in the export's folder."""
        return json.dumps({**asdict(self), "entries": sorted(entries)}, indent=1) + "\n"

    def _count(self, what: str, split: Split | None, count: int) -> None:
        if split is not None:
            self.splits.setdefault(split.value, {"images": 0, "instances": 0})[what] += count
