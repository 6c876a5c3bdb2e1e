"""What the masks of one picture, or of the whole workspace, are like: the numbers behind the page's figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.automask import AutomaskSettings
from annotator.proposals import ProposalView
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, ProposalRecord, RunState
from storage.repository import Repository
from storage.repository.statistics import MaskKind, MaskScore, MaskScores
from storage.rle import union_area

SIZE_EDGES = tuple(10 ** (step / 5) for step in range(46))  # of the histogram of areas, 1 to 10^9 pixels
MOST_SCORES = 2500  # of a kind; a browser moves so many dots without a stutter
MOST_COVERED = 100  # pictures whose masks are laid over one another, which takes some milliseconds a picture


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What a proposal needs to be shown, 0..1."""

    predicted_iou: float
    stability_score: float
    is_shared: bool  # False: some pictures' runs had others


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Of proposals, a picture's are those that are open; the workspace's count accepted ones too, but in `counts`."""

    image: ImageRecord | None  # None: the workspace
    counts: Mapping[MaskKind, Sequence[int]]  # masks on each picture, proposals that are open
    scores: Mapping[MaskKind, MaskScores]
    hidden: MaskScores  # proposals below the thresholds, or that overlap a better one; of one picture alone
    sizes: Mapping[MaskKind, Sequence[int]]  # masks in each bin of SIZE_EDGES
    covered: Mapping[MaskKind, Sequence[float]]  # share of each picture looked at that lies under such a mask, 0..1
    covered_by_any: float | None  # share under masks of either kind; of one picture alone
    categories: Sequence[tuple[CategoryRecord, int]]  # in the user's order, each with the number of its instances
    thresholds: Thresholds

    @property
    def is_empty(self) -> bool:
        """Whether there is no mask to tell of."""
        return not self.hidden.total and not any(sum(counts) for counts in self.counts.values())


def of_picture(repository: Repository, view: ProposalView, *, settings: AutomaskSettings) -> Analysis:
    """settings: whose thresholds count where the picture had no run yet."""
    instances = repository.instances(view.image.id)
    run = view.runs.get(RunState.DONE)
    limits = _thresholds([settings.to_json() if run is None else run.settings])
    still_open = [offer.proposal for offer in view.offers if view.is_open(offer)]
    shown = [proposal for proposal in still_open if proposal.shown]
    masks: dict[MaskKind, Sequence[InstanceRecord | ProposalRecord]] = {
        MaskKind.INSTANCE: instances,
        MaskKind.PROPOSAL: shown,
    }
    pixels = view.image.width * view.image.height
    rles = {kind: [one.rle for one in some] for kind, some in masks.items()}
    uses = Counter(instance.category_id for instance in instances)
    return Analysis(
        image=view.image,
        counts={kind: [len(some)] for kind, some in masks.items()},
        scores={kind: _scores(kind, some) for kind, some in masks.items()},
        hidden=_scores(MaskKind.PROPOSAL, [proposal for proposal in still_open if not proposal.shown]),
        sizes={kind: np.histogram([one.area for one in some], SIZE_EDGES)[0].tolist() for kind, some in masks.items()},
        covered={kind: [union_area(some) / pixels] for kind, some in rles.items()},
        covered_by_any=union_area([one for some in rles.values() for one in some]) / pixels,
        categories=[(category, uses[category.id]) for category in repository.categories()],
        thresholds=limits,
    )


def of_workspace(repository: Repository, *, settings: AutomaskSettings) -> Analysis:
    """settings: whose thresholds count where no picture had a run yet."""
    images = repository.images()
    counts = {MaskKind.INSTANCE: repository.instance_counts(), MaskKind.PROPOSAL: repository.proposal_counts()}
    looked_at = spread(images, MOST_COVERED)
    uses = repository.category_uses()
    runs = [run.settings for run in repository.all_proposal_runs(RunState.DONE) if not run.message]
    return Analysis(
        image=None,
        counts={kind: [some.get(image.id, 0) for image in images] for kind, some in counts.items()},
        scores={kind: repository.mask_scores(kind, most=MOST_SCORES) for kind in MaskKind},
        hidden=MaskScores(total=0, scores=()),
        sizes={kind: repository.mask_sizes(kind, SIZE_EDGES) for kind in MaskKind},
        covered={kind: _covered(repository, kind, looked_at) for kind in MaskKind},
        covered_by_any=None,
        categories=[(category, uses.get(category.id, 0)) for category in repository.categories()],
        thresholds=_thresholds(runs or [settings.to_json()]),
    )


def spread(images: Sequence[ImageRecord], most: int) -> list[ImageRecord]:
    """At most so many of them, from all over the list, the first and the last among them."""
    if len(images) <= most:
        return list(images)
    return [images[round(place)] for place in np.linspace(0, len(images) - 1, most)]


def _covered(repository: Repository, kind: MaskKind, images: Sequence[ImageRecord]) -> list[float]:
    areas = repository.covered_areas(kind, [image.id for image in images])
    return [areas.get(image.id, 0) / (image.width * image.height) for image in images]


def _scores(kind: MaskKind, masks: Sequence[InstanceRecord | ProposalRecord]) -> MaskScores:
    scores = tuple(
        MaskScore(
            kind=kind,
            id=one.id,
            image_id=one.image_id,
            predicted_iou=one.predicted_iou,
            stability_score=one.stability_score,
            area=one.area,
        )
        for one in masks
        if one.predicted_iou is not None and one.stability_score is not None
    )
    return MaskScores(total=len(scores), scores=scores)


def _thresholds(settings: Sequence[Mapping[str, float]]) -> Thresholds:
    """Those of most of the runs."""
    found = Counter((one["pred_iou_thresh"], one["stability_score_thresh"]) for one in settings)
    (predicted_iou, stability_score), _ = found.most_common(1)[0]
    return Thresholds(predicted_iou=predicted_iou, stability_score=stability_score, is_shared=len(found) == 1)
