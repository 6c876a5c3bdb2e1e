"""What is found on a picture goes into the database, picture by picture, wherever it was found."""

from collections.abc import Callable, Sequence

from annotator.automask import AutomaskSettings, Proposal
from annotator.automask.sifting import Candidates, visible
from annotator.errors import USER_ERRORS
from annotator.proposing.plan import Plan
from annotator.proposing.report import Report
from storage.records import ImageRecord
from storage.repository import NewProposal, Repository


class Keeping:
    """Saves the pictures of one job, one transaction each, and counts them in its report.

    finish: called with each picture that is done. once: a picture that someone else did meanwhile is left as it is.
    """

    def __init__(
        self,
        repository: Repository,
        plan: Plan,
        report: Report,
        *,
        finish: Callable[[int], None] = lambda image_id: None,
        once: bool = False,
    ) -> None:
        self._repository, self.plan, self.report = repository, plan, report
        self.finish, self._once = finish, once

    def keep(self, image: ImageRecord, found: Sequence[Proposal]) -> None:
        """Save what was found; the picture is done then. Raises RecordNotFound, StorageError and what finish raises."""
        new = self._sifted(image.id, found, self.plan.settings)
        open_count = self._repository.save_proposals(image.id, new, **self.plan.noted(), once=self._once)
        if open_count is None:
            self.report.needs_none()
        else:
            self.report.proposals += open_count
            self.report.pictures += 1
        self.finish(image.id)

    def fail(self, image: ImageRecord, message: str) -> None:
        """Note with the picture why nothing was found; it is a line of the report. Raises RecordNotFound."""
        self.report.failed.append(f"{image.original_name}: {message}")
        self._repository.fail_proposals(image.id, **self.plan.noted(), message=message)

    def _sifted(self, image_id: int, found: Sequence[Proposal], settings: AutomaskSettings) -> list[NewProposal]:
        """What was found, told whether the settings show it; rejected proposals overlap as they did before."""
        rejected = [proposal for proposal in self._repository.proposals(image_id) if proposal.rejected]
        kept = visible(
            Candidates.of([*rejected, *found]),
            pred_iou_thresh=settings.pred_iou_thresh,
            stability_score_thresh=settings.stability_score_thresh,
            box_nms_thresh=settings.floor.box_nms_thresh,
        )
        shown = {int(index) - len(rejected) for index in kept}
        return [
            NewProposal(
                rle=one.rle,
                predicted_iou=one.predicted_iou,
                stability_score=one.stability_score,
                point_xy=one.point_xy,
                shown=number in shown,
            )
            for number, one in enumerate(found)
        ]


def why_failed(error: Exception) -> str | None:
    """What a user reads of a picture on which nothing could be proposed; None for a bug, which is to be logged."""
    return str(error) if isinstance(error, USER_ERRORS) else None


def bug_line(error_name: str) -> str:
    """What a user reads of a bug. error_name: of its class."""
    return f"a mistake in the program ({error_name}); the server's log has the details"
