"""A class at work as the plain JSON that the instructor's view and the API's clients read."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from annotator.agreement import Agreement, Tally
from annotator.backup.usecases import BackupFile
from annotator.classroom.comparison import ComparedPicture, Overlay
from annotator.classroom.modelqueue import EncodingTold, ModelQueue
from annotator.classroom.progress import ClassProgress, LabelerProgress
from annotator.jobs import Job
from annotator.ui import render
from annotator.workspace import Workspace
from storage.records import AssignmentRule, ImageRecord

JSON = dict[str, Any]


def notices_json(workspace: Workspace) -> JSON:
    """What each page is told of the class: words to everybody, and what is locked."""
    return workspace.classroom.notices().to_json()


def progress_json(progress: ClassProgress, names: Mapping[int, str]) -> JSON:
    """names: of the pictures that labelers are on, by id; those that are gone are not in it."""
    return {
        "since": progress.since.isoformat(),
        "labelers": [_labeler_json(one, names) for one in progress.labelers],
        "statuses": {status.value: count for status, count in progress.statuses.items()},
    }


def _labeler_json(one: LabelerProgress, names: Mapping[int, str]) -> JSON:
    on = one.image_id if one.image_id in names else None
    return {
        "name": one.name,
        "begun": one.begun,
        "done": one.done,
        "submitted": one.submitted,
        "instances": one.instances,
        "per_hour": None if one.per_hour is None else round(one.per_hour, 1),
        "median_s": None if one.median_s is None else round(one.median_s, 1),
        "last_seen": None if one.last_seen is None else one.last_seen.isoformat(),
        "image": None if on is None else {"id": on, "name": names[on]},
    }


def queue_json(queue: ModelQueue) -> JSON:
    return {
        "model": queue.model,
        "device": queue.device,
        "answering": queue.answering,
        "encodings": [_encoding_json(one) for one in queue.encodings],
        "encodings_total": queue.encodings_total,
        "jobs": [_job_json(job) for job in queue.jobs],
    }


def _encoding_json(one: EncodingTold) -> JSON:
    return {
        "image_id": one.image_id,
        "name": one.name,
        "running": one.running,
        "urgent": one.urgent,
        "askers": list(one.askers),
        "elapsed_s": round(one.elapsed_s, 1),
    }


def _job_json(job: Job) -> JSON:
    told = job.to_json()
    return {name: told[name] for name in ("id", "kind", "done", "total", "message", "seconds_left")} | {
        "owner": job.owner
    }


def rule_json(rule: AssignmentRule) -> JSON:
    return {"mode": rule.mode.value, "labelers": rule.labelers, "lease_s": rule.lease_s}


def backup_json(one: BackupFile) -> JSON:
    return {"name": one.name, "bytes": one.size, "at": one.at.isoformat(), "url": f"annotator/backups/{one.name}"}


def restoring_json(workspace: Workspace) -> JSON:
    """What the view shows before and after a restore. obstacle: why there can be none, null where there can."""
    last = workspace.restoring.last
    return {
        "obstacle": workspace.restoring.obstacle,
        "last": None if last is None else asdict(last) | {"at": last.at.isoformat()},
    }


def agreement_json(found: Agreement, names: Mapping[int, str]) -> JSON:
    """names: of the categories, by id."""
    return {
        "pictures": found.pictures,
        "overall": tally_json(found.overall),
        "categories": [
            {"category_id": one, "name": names.get(one, "deleted category"), **tally_json(tally)}
            for one, tally in sorted(found.categories.items())
        ],
        "labelers": [{"name": name, **tally_json(tally)} for name, tally in sorted(found.labelers.items())],
        "pairs": [
            {"labeler": one, "other": other, **tally_json(tally)} for (one, other), tally in sorted(found.pairs.items())
        ],
    }


def tally_json(tally: Tally) -> JSON:
    return {
        "paired": tally.paired,
        "alone": tally.alone,
        "f1": None if tally.f1 is None else round(tally.f1, 4),
        "mean_iou": None if tally.mean_iou is None else round(tally.mean_iou, 4),
    }


def compared_json(found: Iterable[ComparedPicture]) -> list[JSON]:
    return [{"image": _image_json(one.image), **tally_json(one.tally)} for one in found]


def overlay_json(overlay: Overlay, workspace: Workspace) -> JSON:
    """Masks in the size that the page shows. iou: that of the instance and its partner, null where it has none."""
    size_hw = render.shown_hw(overlay.image, workspace)
    pairs = [pair for matched in overlay.matched for pair in matched.pairs]
    ious = {one: pair.iou for pair in pairs for one in (pair.instance_id, pair.other_id)}

    def side(labeler: str, instances: Iterable[Any]) -> JSON:
        return {
            "labeler": labeler,
            "instances": [
                {
                    "id": one.id,
                    "category_id": one.category_id,
                    "iou": round(ious[one.id], 4) if one.id in ious else None,
                    "rle": render.resized(one.rle, size_hw).to_coco(),
                }
                for one in instances
            ],
        }

    return {
        "image": _image_json(overlay.image),
        "sides": [side(overlay.labeler, overlay.mine), side(overlay.other, overlay.theirs)],
    }


def _image_json(image: ImageRecord) -> JSON:
    return render.image_json(image, instances=0, proposals=0)
