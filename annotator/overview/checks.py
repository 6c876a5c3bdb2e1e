"""What may be wrong with a data set: each finding says what and where."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from annotator.errors import SettingsError
from annotator.overview.look import TWIN_IOU, Look
from storage.repository import Repository
from storage.repository.overview import InstanceFacts

MOST = 500  # findings of a check that are told one by one
TINY_AREA = 64  # pixels
WHOLE_SHARE = 0.98
STRIP_PIXELS = 2


class CheckName(StrEnum):
    """The checks, in the order in which they are told."""

    TWINS = "twins"
    DISPUTED = "disputed"
    SCATTERED = "scattered"
    TINY = "tiny"
    WHOLE = "whole"
    BORDER = "border"
    EMPTY = "empty"
    UNUSED = "unused"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to look at. Without instance_ids it is about the picture, without a picture about the category."""

    text: str
    image_id: int | None = None
    image_name: str = ""
    instance_ids: tuple[int, ...] = ()  # the one to look at comes first
    category_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check and what it found: total in all, of which MOST at most are told."""

    name: CheckName
    title: str
    advice: str
    total: int
    findings: tuple[Finding, ...]


def find(repository: Repository, looks: Mapping[int, Look], *, tiny_area: int = TINY_AREA) -> list[Check]:
    """All checks, also those that found nothing. looks: of all pictures, see Looking. tiny_area: pixels.

    Raises SettingsError for an area that is none.
    """
    if not 0 <= tiny_area < 2**31:
        raise SettingsError(f"The smallest area is a number of pixels from 0 on, got {tiny_area}.")
    teller = _Teller(repository)
    checks = [
        teller.twins(looks, one_category=True),
        teller.twins(looks, one_category=False),
        teller.scattered(looks),
        teller.tiny(tiny_area),
        teller.whole(),
        teller.border(),
        teller.empty(),
        teller.unused(),
    ]
    return teller.with_names(checks)


class _Teller:
    """Puts what was found into words."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._categories = repository.categories()
        self._names = {category.id: category.name for category in self._categories}

    def twins(self, looks: Mapping[int, Look], *, one_category: bool) -> Check:
        pairs = [pair for look in looks.values() for pair in look.twins if pair.one_category is one_category]
        facts = self._repository.instance_facts([i for pair in pairs for i in (pair.first_id, pair.second_id)])
        there = [pair for pair in pairs if pair.first_id in facts and pair.second_id in facts]
        there.sort(key=lambda pair: -pair.iou)
        findings = []
        for pair in there[:MOST]:
            first, second = facts[pair.first_id], facts[pair.second_id]
            names = self._name(second) if one_category else f"{self._name(second)} and {self._name(first)}"
            text = f"{names}: IoU {pair.iou:.2f}"
            findings.append(_of(second, text, others=(first.id,)))
        if one_category:
            title, advice = "Marked twice", f"Two masks of one category overlap by more than {TWIN_IOU:g}: delete one."
        else:
            title, advice = "One mask, two categories", "Two masks are the same, their categories are not: delete one."
        name = CheckName.TWINS if one_category else CheckName.DISPUTED
        return Check(name=name, title=title, advice=advice, total=len(there), findings=tuple(findings))

    def scattered(self, looks: Mapping[int, Look]) -> Check:
        found = [one for look in looks.values() for one in look.scattered]
        facts = self._repository.instance_facts([one.id for one in found])
        there = sorted((one for one in found if one.id in facts), key=lambda one: -one.pixels)
        findings = []
        for one in there[:MOST]:
            parts = "a part" if one.parts == 1 else f"{one.parts} parts"
            text = f"{self._name(facts[one.id])}: {parts} {one.pixels:,} pixels off"
            findings.append(_of(facts[one.id], text))
        return Check(
            name=CheckName.SCATTERED,
            title="Parts far apart",
            advice="One mask may be of two things, or have picked up something else: edit it.",
            total=len(there),
            findings=tuple(findings),
        )

    def tiny(self, area: int) -> Check:
        return self._by_columns(
            CheckName.TINY,
            "Tiny masks",
            f"Fewer than {area:,} pixels: often a click by mistake.",
            self._repository.masks_below(area, most=MOST),
            _pixels,
        )

    def whole(self) -> Check:
        return self._by_columns(
            CheckName.WHOLE,
            "The whole picture",
            f"At least {100 * WHOLE_SHARE:.0f} % of the picture under one mask: meant only for what fills it.",
            self._repository.masks_over(WHOLE_SHARE, most=MOST),
            _share,
        )

    def border(self) -> Check:
        return self._by_columns(
            CheckName.BORDER,
            "Strips along the border",
            f"Nothing of the mask is farther than {STRIP_PIXELS} pixels from the picture's edge.",
            self._repository.masks_along_the_border(STRIP_PIXELS, most=MOST),
            _box,
        )

    def _by_columns(
        self,
        name: CheckName,
        title: str,
        advice: str,
        found: tuple[int, Sequence[InstanceFacts]],
        words: Callable[[InstanceFacts], str],
    ) -> Check:
        total, some = found
        findings = tuple(_of(one, f"{self._name(one)}: {words(one)}") for one in some)
        return Check(name=name, title=title, advice=advice, total=total, findings=findings)

    def empty(self) -> Check:
        total, image_ids = self._repository.finished_without_instances(most=MOST)
        return Check(
            name=CheckName.EMPTY,
            title="Finished, but empty",
            advice="Marked done without an instance: fine where there is nothing to see.",
            total=total,
            findings=tuple(Finding(text="no instance", image_id=image_id) for image_id in image_ids),
        )

    def unused(self) -> Check:
        uses = self._repository.category_uses()
        unused = [category for category in self._categories if not uses.get(category.id)]
        return Check(
            name=CheckName.UNUSED,
            title="Categories without instances",
            advice="Delete those that nobody needs: every class of a data set costs its network something.",
            total=len(unused),
            findings=tuple(Finding(text=category.name, category_id=category.id) for category in unused[:MOST]),
        )

    def with_names(self, checks: Sequence[Check]) -> list[Check]:
        """The same with the pictures' names, asked for together; a picture that has gone is told no more."""
        ids = [one.image_id for check in checks for one in check.findings if one.image_id is not None]
        names = self._repository.image_names(ids)
        return [replace(check, findings=tuple(_named(check.findings, names))) for check in checks]

    def _name(self, one: InstanceFacts) -> str:
        return self._names.get(one.category_id, "?")


def _named(findings: Iterable[Finding], names: Mapping[int, str]) -> Iterable[Finding]:
    for one in findings:
        if one.image_id is None:
            yield one
        elif one.image_id in names:
            yield replace(one, image_name=names[one.image_id])


def _of(one: InstanceFacts, text: str, *, others: tuple[int, ...] = ()) -> Finding:
    return Finding(text=text, image_id=one.image_id, instance_ids=(one.id, *others), category_id=one.category_id)


def _pixels(one: InstanceFacts) -> str:
    return "empty" if not one.area else f"{one.area:,} pixel{'' if one.area == 1 else 's'}"


def _share(one: InstanceFacts) -> str:
    return f"{100 * one.area / (one.size_hw[0] * one.size_hw[1]):.1f} % of it"


def _box(one: InstanceFacts) -> str:
    return f"{one.bbox_xywh[2]:,} × {one.bbox_xywh[3]:,} pixels"
