"""Two versions of an instance: what a labeler was about to make of it, and what somebody else has made meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotator.errors import ClashError
from storage.errors import InstanceChanged
from storage.records import ChangeKind, InstanceRecord
from storage.repository import Repository
from storage.rle import Rle


@dataclass(frozen=True, kw_only=True)
class Side:
    """One version: a mask with its category, or that it is deleted."""

    deleted: bool
    category_id: int
    rle: Rle  # in the original's size; of a deleted one, the last


@dataclass(frozen=True, kw_only=True)
class Clash:
    """An instance on which two versions meet."""

    instance_id: int
    mine: Side  # what it would be, if it is kept
    theirs: Side  # what it is
    version: int  # of theirs: an action that names it as seen is done
    labeler: str  # who made theirs; "" where nobody is known
    at: datetime | None
    kind: ChangeKind | None


def clash_error(repository: Repository, error: InstanceChanged, *, op_id: str) -> ClashError:
    """The error with both versions of each instance. op_id: of the action that was refused."""
    versions = repository.instance_versions(error.targets)
    clashes = []
    for instance_id, target in error.targets.items():
        if instance_id not in versions:  # its picture was removed just now
            continue
        now = versions[instance_id]
        theirs = Side(deleted=now.deleted, category_id=now.instance.category_id, rle=now.instance.rle)
        clashes.append(
            Clash(
                instance_id=instance_id,
                mine=_made_of(now.instance, target),
                theirs=theirs,
                version=now.instance.version,
                labeler=now.labeler,
                at=now.at,
                kind=now.kind,
            )
        )
    return ClashError(str(error), clashes=tuple(clashes), op_id=op_id)


def _made_of(instance: InstanceRecord, target: Mapping[str, Any] | None) -> Side:
    if target is None:
        return Side(deleted=True, category_id=instance.category_id, rle=instance.rle)
    rle = Rle.from_coco(target["rle"]) if "rle" in target else instance.rle
    return Side(deleted=False, category_id=target.get("category_id", instance.category_id), rle=rle)
