"""What is new, the history, and two versions of an instance, as plain JSON."""

from collections.abc import Mapping
from typing import Any

from annotator.clashes import Clash, Side
from annotator.news import Findings
from annotator.ui.render import categories_json, image_json, instance_json, resized, session_json, shown_hw
from annotator.workspace import Workspace
from storage.records import ChangeRecord, ImageRecord
from storage.repository.undoing import OF_INSTANCES

JSON = dict[str, Any]
MOST_TOLD = 20  # instances of one change that are told of one by one


def news_json(found: Findings, workspace: Workspace) -> JSON:
    """Only what is new is in it; {} for nothing."""
    told: JSON = dict(found.more)
    if found.seen:
        told["seen"] = found.seen
    if found.reload_images:
        told["reload_images"] = True
    if found.images:
        told["images"] = [
            image_json(one.image, instances=one.instances, proposals=one.proposals) for one in found.images
        ]
    if found.removed:
        told["removed"] = list(found.removed)
    if found.categories:
        told["categories"] = categories_json(workspace)
    if found.session is not None:
        told["session"] = session_json(found.session, workspace, display=True)
    if found.instances is not None:
        news = found.instances
        size_hw = shown_hw(workspace.image(news.image_id), workspace)
        told["instances"] = {
            "image_id": news.image_id,
            "change_id": news.change_id,
            "instances": [instance_json(one, size_hw) for one in news.instances],
        }
    return told


def change_json(change: ChangeRecord, image_name: str | None = None) -> JSON:
    """An entry of the history, without the masks that it holds. image_name: None where it is about no picture."""
    of_instances = change.kind in OF_INSTANCES
    return {
        "id": change.id,
        "at": change.at.isoformat(),
        "labeler": change.labeler,
        "kind": change.kind.value,
        "image_id": change.image_id,
        "image_name": image_name,
        "category_id": change.category_id,
        "instances": change.instances,
        "instance_ids": [int(one) for one in list(change.after)[:MOST_TOLD]] if of_instances else [],
        "before": _told(change.before) if of_instances else change.before,
        "after": _told(change.after) if of_instances else change.after,
        "undoes": change.undoes,
        "undone": change.undone,
    }


def _told(side: Mapping[str, Any]) -> JSON:
    """Of each instance its category and whether it is deleted; "mask" where it has another one."""
    told = {}
    for instance_id, values in list(side.items())[:MOST_TOLD]:
        told[instance_id] = {name: values[name] for name in ("category_id", "deleted") if name in values}
        told[instance_id] |= {"mask": True} if "rle" in values else {}
    return told


def clash_json(clash: Clash, image: ImageRecord, workspace: Workspace) -> JSON:
    """Both versions, their masks in the size that the page shows."""
    size_hw = shown_hw(image, workspace)

    def side(one: Side) -> JSON:
        return {"deleted": one.deleted, "category_id": one.category_id, "rle": resized(one.rle, size_hw).to_coco()}

    return {
        "instance_id": clash.instance_id,
        "mine": side(clash.mine),
        "theirs": side(clash.theirs),
        "version": clash.version,
        "labeler": clash.labeler,
        "at": None if clash.at is None else clash.at.isoformat(),
        "kind": None if clash.kind is None else clash.kind.value,
    }
