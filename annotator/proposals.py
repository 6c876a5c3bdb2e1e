"""Proposals beside the instances of their picture: what is offered, and what accepting one means."""

from dataclasses import dataclass
from typing import Any

from storage.records import ImageRecord, Origin, ProposalRecord, ProposalRunRecord, RunState
from storage.repository import Repository
from storage.rle import iou_matrix


@dataclass(frozen=True)
class Offer:
    """A proposal, and the instance that it overlaps most."""

    proposal: ProposalRecord
    overlap: float  # IoU with that instance, 0 where it meets none
    instance_id: int | None


@dataclass(frozen=True)
class ProposalView:
    """A picture's proposals at one moment, rejected ones too: they take part in what others overlap."""

    image: ImageRecord
    runs: dict[RunState, ProposalRunRecord]
    offers: tuple[Offer, ...]
    duplicate_iou: float  # an overlap with an instance from which on a proposal is not offered

    def is_open(self, offer: Offer) -> bool:
        """Whether it can be accepted or rejected still."""
        return not offer.proposal.rejected and offer.overlap < self.duplicate_iou


def offers(repository: Repository, image_id: int) -> list[Offer]:
    """Every proposal of the picture, best predicted IoU first."""
    proposals, instances = repository.proposals(image_id), repository.instances(image_id)
    if not instances:
        return [Offer(proposal, 0.0, None) for proposal in proposals]
    overlaps = iou_matrix([one.rle for one in proposals], [one.rle for one in instances])
    result = []
    for proposal, row in zip(proposals, overlaps, strict=True):
        most = int(row.argmax())
        overlap = float(row[most])
        result.append(Offer(proposal, overlap, instances[most].id if overlap else None))
    return result


def accepted_values(proposal: ProposalRecord, category_id: int) -> dict[str, Any]:
    """The values of the instance that a proposal becomes."""
    return {
        "category_id": category_id,
        "rle": proposal.rle.to_coco(),
        "predicted_iou": proposal.predicted_iou,
        "stability_score": proposal.stability_score,
        "model": proposal.model,
        "origin": Origin.AUTO.value,
        "prompt": [],
        "is_crowd": False,
    }
