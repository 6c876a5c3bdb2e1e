"""Records and views as the plain JSON that the page and the API's clients read."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from annotator import analysis
from annotator.automask import AutomaskSettings
from annotator.engine import Candidate
from annotator.images import display_size_hw
from annotator.jobs import Job
from annotator.labelling import SessionView
from annotator.proposals import Offer, ProposalView
from annotator.segmenters import SEGMENTERS
from annotator.shrinking import shrunk
from annotator.ui import plots
from annotator.ui.figure import plot_json, plotly_address
from annotator.workspace import Workspace
from exporters.base import Exporter
from storage.errors import RecordNotFound
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, ProposalRunRecord, RunState
from storage.repository.statistics import MaskKind, Saved

JSON = dict[str, Any]


def image_json(image: ImageRecord, *, instances: int, proposals: int) -> JSON:
    """instances, proposals: how many the picture has; of the proposals those that are open."""
    version = version_of(image)
    return {
        "id": image.id,
        "name": image.original_name,
        "width": image.width,
        "height": image.height,
        "status": image.status.value,
        "review_comment": image.review_comment,
        "instances": instances,
        "proposals": proposals,
        "url": f"annotator/pictures/{image.id}.jpg?v={version}",
        "thumb": f"annotator/thumbs/{image.id}.jpg?v={version}",
    }


def version_of(image: ImageRecord) -> str:
    """The same id with other pixels is another address, so that browsers may keep pictures."""
    return image.sha256[:8]


def counted_image_json(image: ImageRecord, workspace: Workspace) -> JSON:
    repository = workspace.repository
    return image_json(
        image, instances=repository.instance_count(image.id), proposals=repository.proposal_count(image.id)
    )


def category_json(category: CategoryRecord, *, instances: int) -> JSON:
    return {
        "id": category.id,
        "name": category.name,
        "color": category.color,
        "key": category.key,
        "supercategory": category.supercategory,
        "is_thing": category.is_thing,
        "instances": instances,
    }


def instance_json(instance: InstanceRecord, size_hw: tuple[int, int] | None = None) -> JSON:
    """size_hw: the size of the mask; the original's where it is None."""
    return {
        "id": instance.id,
        "category_id": instance.category_id,
        "area": instance.area,
        "bbox_xywh": list(instance.bbox_xywh),
        "predicted_iou": instance.predicted_iou,
        "stability_score": instance.stability_score,
        "model": instance.model,
        "origin": instance.origin.value,
        "labeler": instance.labeler,
        "version": instance.version,
        "rle": (instance.rle if size_hw is None else resized(instance.rle, size_hw)).to_coco(),
    }


def proposal_json(offer: Offer, size_hw: tuple[int, int] | None = None) -> JSON:
    """size_hw: the size of the mask; the original's where it is None."""
    proposal = offer.proposal
    return {
        "id": proposal.id,
        "bbox_xywh": list(proposal.bbox_xywh),
        "area": proposal.area,
        "predicted_iou": round(proposal.predicted_iou, 6),
        "stability_score": round(proposal.stability_score, 6),
        "point_xy": list(proposal.point_xy),
        "model": proposal.model,
        "rle": (proposal.rle if size_hw is None else resized(proposal.rle, size_hw)).to_coco(),
        "rejected": proposal.rejected,
        "overlap": round(offer.overlap, 4),
        "overlap_id": offer.instance_id,
    }


def proposals_json(view: ProposalView, workspace: Workspace) -> JSON:
    """All of a picture's proposals, in the size that the page shows; best predicted IoU first."""
    size_hw = shown_hw(view.image, workspace)
    return _run_of(view, workspace) | {"proposals": [proposal_json(offer, size_hw) for offer in view.offers]}


def shown_proposals_json(view: ProposalView, shown: Iterable[Offer], workspace: Workspace) -> JSON:
    """Some of them, in the original's size."""
    return _run_of(view, workspace) | {"proposals": [proposal_json(offer) for offer in shown]}


def _run_of(view: ProposalView, workspace: Workspace) -> JSON:
    done, waiting = view.runs.get(RunState.DONE), view.runs.get(RunState.WAITING)
    run = done or waiting
    settings = workspace.proposing.settings() if run is None else AutomaskSettings.from_json(run.settings)
    return {
        "image_id": view.image.id,
        "run": None if run is None else run_json(run, waits=waiting is not None),
        "floor": asdict(settings.floor),
        "duplicate_iou": view.duplicate_iou,
    }


def run_json(run: ProposalRunRecord, *, waits: bool) -> JSON:
    """The run that the proposals are of; waits: whether the picture waits for another (or for its first)."""
    return {
        "state": (RunState.WAITING if waits else run.state).value,
        "settings": run.settings,
        "model": run.model,
        "message": run.message,
    }


def analysis_json(workspace: Workspace, image_id: int | None) -> JSON:
    """A picture's figures, or the workspace's. plotly: the address of the library that draws them."""
    settings, repository = workspace.proposing.settings(), workspace.repository
    if image_id is None:
        found = analysis.of_workspace(repository, settings=settings)
    else:
        found = analysis.of_picture(repository, workspace.proposals(image_id), settings=settings)
    return {
        "image_id": image_id,
        "plotly": plotly_address(),
        "facts": plots.facts(found),
        "figures": [plot_json(plot) for plot in plots.plots(found)],
    }


def mask_json(workspace: Workspace, image_id: int, kind: MaskKind, mask_id: int) -> JSON:
    """One mask in the size that the page shows, with its picture. Raises RecordNotFound."""
    image = workspace.image(image_id)
    size_hw = shown_hw(image, workspace)
    masks: Iterable[JSON]
    if kind is MaskKind.INSTANCE:
        masks = (instance_json(one, size_hw) for one in workspace.instances(image_id) if one.id == mask_id)
    else:
        masks = (
            proposal_json(one, size_hw) for one in workspace.proposals(image_id).offers if one.proposal.id == mask_id
        )
    mask = next(iter(masks), None)
    if mask is None:
        raise RecordNotFound(f"This {kind.value} is not there any more: open the analysis again.")
    return {"image": counted_image_json(image, workspace), "kind": kind.value, "mask": mask}


def candidate_json(candidate: Candidate, image: ImageRecord) -> JSON:
    """Area and box in pixels of the original, whatever the mask's size."""
    height, width = candidate.rle.size_hw
    across, down = image.width / width, image.height / height
    x, y, box_width, box_height = candidate.rle.bbox_xywh
    return {
        "index": candidate.index,
        "predicted_iou": round(candidate.predicted_iou, 4),
        "stability_score": round(candidate.stability_score, 4),
        "area": round(candidate.rle.area * across * down),
        "bbox_xywh": [round(x * across), round(y * down), round(box_width * across), round(box_height * down)],
        "rle": candidate.rle.to_coco(),
    }


def session_json(view: SessionView, workspace: Workspace, *, display: bool) -> JSON:
    """A picture's whole state. display: masks in the size that the page shows, else in the original's."""
    image = view.image
    size_hw = shown_hw(image, workspace) if display else image.size_hw
    box = view.state.box
    return {
        "image": counted_image_json(image, workspace),
        "revision": view.revision,
        "change_id": None if view.instances is None else view.change_id,
        "display_hw": list(size_hw),
        "points": [{"x": step.at[0], "y": step.at[1], "label": step.label} for step in view.state.points],
        "box": list(box.at) if box else None,
        "editing": view.state.editing,
        "editing_version": view.state.editing_version,
        "steps": [step.to_json() for step in view.state.steps],
        "candidates": [candidate_json(c, image) for c in view.answer.candidates(size_hw)] if view.answer else None,
        "chosen": view.chosen,
        "instances": None if view.instances is None else [instance_json(one, size_hw) for one in view.instances],
        "categories": None if view.instances is None else categories_json(workspace),
        "can_undo": view.undo_name is not None,
        "can_redo": view.redo_name is not None,
        "undo_name": view.undo_name,
        "redo_name": view.redo_name,
        "encoding": None if view.encoding_s is None else {"elapsed_s": round(view.encoding_s, 1)},
        "problem": view.problem,
        "notices": notices_json(workspace),
        "segmenter": active_segmenter_json(workspace),
    }


def notices_json(workspace: Workspace) -> JSON:
    """How many notices there were since the start, and the last one."""
    return {"count": len(workspace.notices), "last": workspace.notices[-1] if workspace.notices else None}


def images_json(workspace: Workspace) -> list[JSON]:
    instances, proposals = workspace.repository.instance_counts(), workspace.repository.proposal_counts()
    return [
        image_json(image, instances=instances.get(image.id, 0), proposals=proposals.get(image.id, 0))
        for image in workspace.images()
    ]


def categories_json(workspace: Workspace) -> list[JSON]:
    counts = workspace.repository.category_uses()
    return [category_json(category, instances=counts.get(category.id, 0)) for category in workspace.categories()]


def active_segmenter_json(workspace: Workspace) -> JSON:
    segmenter = workspace.engine.segmenter
    return {
        "name": segmenter.name,
        "title": segmenter.title,
        "device": segmenter.device,
        "active": True,
        "ready": True,
        "download_bytes": SEGMENTERS[segmenter.name].download_bytes,
    }


def segmenters_json(workspace: Workspace) -> list[JSON]:
    active = workspace.engine.segmenter
    return [
        {
            "name": info.name,
            "title": info.title,
            "device": active.device if info.name == active.name else None,
            "active": info.name == active.name,
            "ready": ready,
            "download_bytes": info.download_bytes,
        }
        for info, ready in workspace.engine.known()
    ]


def format_json(exporter: Exporter) -> JSON:
    """An export format as the export dialog offers it."""
    facts = {name: getattr(exporter, name) for name in ("name", "title", "summary", "snippet")}
    return facts | {"takes": sorted(exporter.takes)}


def job_json(job: Job) -> JSON:
    value = job.to_json()
    if job.kind == "cutout" and job.result is not None:
        token, filename = job.result["token"], job.result["filename"]
        value["result"] = {"url": f"annotator/cutouts/{token}/{quote(filename)}", "filename": filename}
    if job.kind == "backup" and job.result is not None:
        value["result"] = job.result | {"url": f"annotator/backups/{job.result['name']}"}
    if job.kind == "export" and job.result is not None:
        token, filename = job.result["token"], job.result["filename"]
        value["result"] = {
            "url": f"annotator/exports/{token}/{filename}",
            "filename": filename,
            "report": job.result["report"],
        }
    return value


def outlook_json(saved: Saved, chosen: Iterable[int]) -> JSON:
    """What an export would give. chosen: the ids of its categories; counts: of all, so that others can be chosen."""
    return {
        "images": saved.images,
        "instances": sum(saved.instances.get(category_id, 0) for category_id in chosen),
        "counts": {str(category_id): number for category_id, number in saved.instances.items()},
    }


def shown_hw(image: ImageRecord, workspace: Workspace) -> tuple[int, int]:
    """The size in which the page shows a picture."""
    return display_size_hw(image.size_hw, longest=workspace.settings.display_side)


resized = lru_cache(maxsize=4096)(shrunk)
