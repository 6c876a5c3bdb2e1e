"""Two labelers' work on the same pictures: how far they agree, and their masks side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotator.agreement import NOBODY, Agreement, Matched, Tally, agreement, match
from storage.records import ImageRecord, InstanceRecord
from storage.repository import Repository

MOST_PICTURES = 500  # that one answer compares: the newest


@dataclass(frozen=True, kw_only=True)
class ComparedPicture:
    """Two labelers on one picture."""

    image: ImageRecord
    tally: Tally


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Two labelers' instances on one picture, and which are of one thing."""

    image: ImageRecord
    labeler: str
    other: str
    mine: tuple[InstanceRecord, ...]
    theirs: tuple[InstanceRecord, ...]
    matched: tuple[Matched, ...]  # a category each


class Comparison:
    """Reads only. The labelers of a picture are those who have instances on it, or who have handed it in."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def agreement(self) -> Agreement:
        """Over the newest MOST_PICTURES on which at least two have worked."""
        return agreement(self._repository, self._pictures())

    def pictures(self, labeler: str, other: str) -> list[ComparedPicture]:
        """Those that both have worked on, the least alike first."""
        found = []
        for image_id in self._pictures():
            if not {labeler, other} <= self._labelers(image_id):
                continue
            tally = Tally()
            for matched in match(self._repository.instances(image_id), [labeler, other]):
                tally.add(matched)
            found.append(ComparedPicture(image=self._repository.image(image_id), tally=tally))
        return sorted(found, key=lambda one: (1.0 if one.tally.f1 is None else one.tally.f1, one.image.position))

    def overlay(self, image_id: int, labeler: str, other: str) -> Overlay:
        """Raises RecordNotFound."""
        image = self._repository.image(image_id)
        instances = self._repository.instances(image_id)
        return Overlay(
            image=image,
            labeler=labeler,
            other=other,
            mine=_of(instances, labeler),
            theirs=_of(instances, other),
            matched=tuple(match(instances, [labeler, other])),
        )

    def _pictures(self) -> list[int]:
        return self._repository.pictures_of_several(nobodys=NOBODY, most=MOST_PICTURES)

    def _labelers(self, image_id: int) -> set[str]:
        submitted = {one.labeler for one in self._repository.assignments(image_id) if one.submitted}
        return submitted | self._repository.labelers_on(image_id=image_id)


def _of(instances: Sequence[InstanceRecord], labeler: str) -> tuple[InstanceRecord, ...]:
    return tuple(one for one in instances if one.labeler == labeler)
