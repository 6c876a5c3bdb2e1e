"""All instances side by side: in which order, what each is, and what is done to many of them at once."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from annotator.access.person import Role
from annotator.errors import AnnotatorError, ConflictError, NotAllowedError
from annotator.labelling import Labelling
from annotator.overview.look import Look
from annotator.overview.oddness import oddness
from storage.errors import RecordNotFound
from storage.records import ImageRecord
from storage.repository import Repository
from storage.repository.overview import InstanceFacts, InstanceFilter, InstanceOrder, KeyedMask

MOST_AT_ONCE = 300  # instances that one call tells of or changes
KEPT_CHANGES = 200  # the last ones, whose calls may come a second time after a lost answer


class GalleryOrder(StrEnum):
    """How the gallery can be sorted."""

    PICTURE = "picture"
    NEWEST = "newest"
    SMALLEST = "smallest"
    LARGEST = "largest"
    LEAST_SURE = "least_sure"
    ODD = "odd"  # farthest from what its category is like


@dataclass(frozen=True, kw_only=True)
class Tile:
    """An instance as the gallery shows it."""

    facts: InstanceFacts
    key: str  # changes where the mask does
    image_name: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """What came of a change of many instances: one step on each of their pictures."""

    op_id: str  # names those steps, and so what an undo takes back
    image_ids: tuple[int, ...]  # where there is such a step now; after an undo, where it was taken back
    gone: tuple[int, ...]  # instances that someone had deleted meanwhile
    refused: tuple[str, ...]  # why a picture was left as it was


class Gallery:
    """Reads and changes instances across pictures. A change is recorded as the labeler's step on each picture.

    role: a labeler changes their own instances alone; a picture with others among the chosen is refused.
    """

    def __init__(self, repository: Repository, labelling: Labelling) -> None:
        self._repository, self._labelling = repository, labelling
        self._changes: OrderedDict[tuple[str, str], Change] = OrderedDict()
        self._lock = threading.Lock()

    def ids(
        self, order: GalleryOrder, chosen: InstanceFilter | None = None, *, looks: Mapping[int, Look] | None = None
    ) -> list[int]:
        """The instances that the filter leaves, in that order. looks: what ODD goes by; without one, the last."""
        if order is not GalleryOrder.ODD:
            return self._repository.instance_ids(InstanceOrder(order.value), chosen)
        wanted = self._repository.instance_ids(InstanceOrder.PICTURE, chosen)
        odd = self._oddness(looks or {})
        return sorted(wanted, key=lambda instance_id: -odd.get(instance_id, -1.0))

    def tiles(self, ids: Sequence[int]) -> list[Tile]:
        """In the order of the ids; those that are gone are left out. Raises AnnotatorError for too many at once."""
        _check_number(ids)
        facts, masks = self._repository.instance_facts(ids), self._repository.instance_masks(ids)
        names = self._repository.image_names([one.image_id for one in facts.values()])
        there = [facts[one] for one in ids if one in facts and one in masks and facts[one].image_id in names]
        return [Tile(facts=one, key=masks[one.id].key, image_name=names[one.image_id]) for one in there]

    def mask(self, instance_id: int) -> tuple[KeyedMask, ImageRecord]:
        """An instance's mask and its picture. Raises RecordNotFound."""
        mask = self._repository.instance_masks([instance_id]).get(instance_id)
        if mask is None:
            raise RecordNotFound(f"There is no instance with the id {instance_id} (any more): reload the gallery.")
        return mask, self._repository.image(mask.image_id)

    def set_category(
        self, ids: Sequence[int], category_id: int, *, labeler: str, role: Role = Role.LABELER, op_id: str | None = None
    ) -> Change:
        """Give them all this category. op_id: the client's own; the same a second time changes nothing.

        Raises RecordNotFound for a category that is none.
        """
        category = self._repository.category(category_id)
        action = {"kind": "set_category", "category_id": category.id}
        return self._change(ids, action, labeler=labeler, role=role, op_id=op_id)

    def delete(
        self, ids: Sequence[int], *, labeler: str, role: Role = Role.LABELER, op_id: str | None = None
    ) -> Change:
        """Delete them all; the rest as in set_category."""
        return self._change(ids, {"kind": "delete_instance"}, labeler=labeler, role=role, op_id=op_id)

    def undo(
        self, of: str, image_ids: Sequence[int], *, labeler: str, role: Role = Role.LABELER, op_id: str | None = None
    ) -> Change:
        """Take back the steps that a change of that op_id took on these pictures.

        A picture on which something else was done since is left as it is: what comes last there is undone first.
        """
        return self._again("undo", of, image_ids, labeler=labeler, role=role, op_id=op_id)

    def redo(
        self, of: str, image_ids: Sequence[int], *, labeler: str, role: Role = Role.LABELER, op_id: str | None = None
    ) -> Change:
        """Take them again."""
        return self._again("redo", of, image_ids, labeler=labeler, role=role, op_id=op_id)

    def forget(self) -> None:
        """No change was made."""
        with self._lock:
            self._changes.clear()

    def _oddness(self, looks: Mapping[int, Look]) -> dict[int, float]:
        if not looks:
            return {}
        ids = np.concatenate([look.ids for look in looks.values()])
        traits = np.concatenate([look.traits for look in looks.values()])
        categories = self._repository.instance_categories()
        category_ids = np.array([categories.get(instance_id, 0) for instance_id in ids.tolist()], np.int64)
        there = category_ids > 0
        odd = oddness(traits[there], category_ids[there])
        return dict(zip(ids[there].tolist(), odd.tolist(), strict=True))

    def _change(
        self, ids: Sequence[int], action: dict[str, Any], *, labeler: str, role: Role, op_id: str | None
    ) -> Change:
        _check_number(ids)
        op_id = op_id or uuid.uuid4().hex
        with self._lock:
            if (labeler, op_id) in self._changes:
                return self._changes[labeler, op_id]
        facts = self._repository.instance_facts(ids)
        by_image: dict[int, list[int]] = {}
        for one in ids:
            if one in facts and facts[one].category_id != action.get("category_id"):
                by_image.setdefault(facts[one].image_id, []).append(one)
        steps = {image_id: {**action, "instance_ids": some} for image_id, some in by_image.items()}
        gone = tuple(one for one in ids if one not in facts)
        change = self._record(steps, labeler=labeler, role=role, op_id=op_id, gone=gone)
        with self._lock:
            self._changes[labeler, op_id] = change
            while len(self._changes) > KEPT_CHANGES:
                self._changes.popitem(last=False)
        return change

    def _again(
        self, kind: str, of: str, image_ids: Sequence[int], *, labeler: str, role: Role, op_id: str | None
    ) -> Change:
        _check_number(image_ids)
        steps: dict[int, dict[str, Any]] = {image_id: {"kind": kind, "of": of} for image_id in image_ids}
        return self._record(steps, labeler=labeler, role=role, op_id=op_id or uuid.uuid4().hex)

    def _record(
        self, steps: Mapping[int, dict[str, Any]], *, labeler: str, role: Role, op_id: str, gone: Iterable[int] = ()
    ) -> Change:
        done, refused = [], []
        for image_id, action in steps.items():
            try:
                image = self._repository.image(image_id)
                self._labelling.record(image, [{**action, "op_id": op_id}], labeler=labeler, role=role)
                done.append(image_id)
            except (ConflictError, NotAllowedError, RecordNotFound) as error:  # others are no worse for it
                refused.append(str(error))
        return Change(op_id=op_id, image_ids=tuple(done), gone=tuple(gone), refused=tuple(refused))


def _check_number(ids: Sequence[int]) -> None:
    if not 0 < len(ids) <= MOST_AT_ONCE:
        raise AnnotatorError(f"Name 1 to {MOST_AT_ONCE} at once, got {len(ids)}.")
