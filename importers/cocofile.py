"""One COCO file gone through once: its categories, its pictures, and where in the file each one's annotations are."""

import posixpath
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from importers.base import FoundCategory, ImporterError, Remark, Tree, Unreadable
from importers.jsonstream import Element, elements, opened, parse_slice
from importers.opened import stated_size
from importers.texts import kind_of


@dataclass(frozen=True, slots=True)
class CocoImage:
    """A picture as the file lists it; the id as it is compared."""

    id: str
    file_name: str
    size_hw: tuple[int, int] | None


class CocoFile:
    """What is known of a file without its annotations; they stay on the disk until they are asked for."""

    def __init__(self, tree: Tree, name: str) -> None:
        """Raises ImporterError where the file is damaged, or says of one id two things."""
        self.name = name
        self.categories: dict[str, FoundCategory] = {}  # by id
        self.images: list[CocoImage] = []
        self.problems: list[Unreadable | Remark] = []
        self._path = tree.path(name)
        self._numbers: dict[str, int] = {}  # an image's id -> its number among the ids met
        self._image_of, self._starts, self._lengths = array("q"), array("q"), array("q")
        self._annotation_ids: set[str] = set()
        self._known_images: dict[str, str] = {}  # id -> file_name
        self._repeated_ids = 0
        self._go_through()
        self._order = np.argsort(np.array(self._image_of, np.int64), kind="stable")
        self._sorted = np.array(self._image_of, np.int64)[self._order]
        self._note_what_is_left()

    def annotations(self, image: CocoImage) -> Iterator[tuple[int, Any]]:
        """(number in the file from 1, annotation as JSON) of one picture, in the file's order."""
        number = self._numbers.get(image.id)
        if number is None:
            return
        low, high = np.searchsorted(self._sorted, [number, number + 1])
        with opened(self._path, self.name) as file:
            for position in self._order[low:high].tolist():
                file.seek(self._starts[position])
                yield position + 1, parse_slice(file.read(self._lengths[position]), self.name)

    def _go_through(self) -> None:
        lists: set[str] = set()
        with opened(self._path, self.name) as file:
            for element in elements(self._path, self.name):
                if element.is_list:
                    lists.add(element.key)
                elif element.key == "annotations" and "annotations" in lists:
                    value = element.value
                    if isinstance(value, dict) and not str(value.get("image_id")).isascii():
                        file.seek(element.start)
                        value = parse_slice(file.read(element.end - element.start), self.name)
                    self._take_annotation(element, value)
                elif element.key in ("images", "categories") and element.key in lists:
                    file.seek(element.start)
                    value = parse_slice(file.read(element.end - element.start), self.name)
                    if element.key == "images":
                        self._take_image(value)
                    else:
                        self._take_category(value)
        for wanted in ("images", "annotations", "categories"):
            if wanted not in lists and (wanted != "categories" or self._starts):
                raise ImporterError(
                    f'{self.name}: It has no list "{wanted}", which COCO needs. Export it again from where it came.'
                )
        self._annotation_ids.clear()

    def _take_image(self, entry: Any) -> None:
        where = f"{self.name}, image {len(self.images) + 1}"
        key = id_of(entry.get("id")) if isinstance(entry, dict) else None
        if key is None:
            found = "one whose id is no whole number" if isinstance(entry, dict) else kind_of(entry)
            self.problems.append(Unreadable(where, f"Expected an object with an id, found {found}."))
            return
        file_name = entry.get("file_name") or posixpath.basename(str(entry.get("coco_url") or ""))
        if not isinstance(file_name, str) or not file_name:
            self.problems.append(Unreadable(f"{self.name}, image id {key}", "It has no file_name."))
            return
        try:
            size_hw = stated_size(entry.get("height"), entry.get("width"))
        except ValueError as error:
            self.problems.append(Unreadable(f"{self.name}, image id {key} ({file_name})", sentence(error)))
            return
        if key in self._known_images:
            if self._known_images[key] != file_name:
                raise ImporterError(
                    f"{self.name}: The image id {key} is given to {self._known_images[key]!r} and to {file_name!r}: "
                    "which of them the labels belong to cannot be known. Give each picture an id of its own."
                )
            self.problems.append(Remark(f"{self.name}, image id {key}", f"{file_name} is listed twice; taken once"))
            return
        self._known_images[key] = file_name
        self.images.append(CocoImage(key, file_name, size_hw))

    def _take_category(self, entry: Any) -> None:
        key = id_of(entry.get("id")) if isinstance(entry, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if key is None or not isinstance(name, str | int | float) or not str(name).strip():
            self.problems.append(
                Unreadable(f"{self.name}, category {key or ''}".rstrip(), "Expected an object with an id and a name.")
            )
            return
        above = entry.get("supercategory")
        known = self.categories.setdefault(
            key,
            FoundCategory(
                name=str(name),
                supercategory=above if isinstance(above, str) else "",
                is_thing=entry.get("isthing", 1) not in (0, False),
            ),
        )
        if known.name != str(name):
            raise ImporterError(
                f"{self.name}: The category id {key} is {known.name!r} and {str(name)!r}: which of them an annotation "
                "means cannot be known. Give each category an id of its own."
            )

    def _take_annotation(self, element: Element, entry: Any) -> None:
        if isinstance(entry, dict) and "segments_info" in entry:
            raise ImporterError(
                f"{self.name}: It is COCO panoptic (segments_info): read it as coco-panoptic, its PNGs beside it."
            )
        key = id_of(entry.get("image_id")) if isinstance(entry, dict) else None
        own = id_of(entry.get("id")) if isinstance(entry, dict) else None
        if own is not None:
            self._repeated_ids += own in self._annotation_ids
            self._annotation_ids.add(own)
        self._image_of.append(-1 if key is None else self._numbers.setdefault(key, len(self._numbers)))
        self._starts.append(element.start)
        self._lengths.append(element.end - element.start)

    def _note_what_is_left(self) -> None:
        """Annotations of no picture, and ids that come twice."""
        counts = np.bincount(self._sorted[self._sorted >= 0], minlength=len(self._numbers))
        known = {image.id for image in self.images}
        lost = [(key, int(counts[number])) for key, number in self._numbers.items() if key not in known]
        for key, count in lost:
            self.problems.append(
                Unreadable(
                    f"{self.name}, image id {key}", f"No picture is listed with this id; {count} annotations are."
                )
            )
        if nameless := int((self._sorted < 0).sum()):
            self.problems.append(Unreadable(self.name, f"{nameless} annotations are no objects with an image_id."))
        if self._repeated_ids:
            self.problems.append(
                Remark(self.name, f"{self._repeated_ids} annotations have an id that another has; ids are given anew")
            )


def id_of(value: Any) -> str | None:
    """7, 7.0 and "7" -> "7": writers mix them. None for what is no id."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value)


def sentence(error: ValueError) -> str:
    """A reason in words as a sentence."""
    text = str(error)
    return text[:1].upper() + text[1:].rstrip(".") + "."
