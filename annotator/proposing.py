"""Proposing masks for whole pictures: one after another in the background, taken up again after a restart."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from annotator.automask import AutomaskSettings, Proposal, generate
from annotator.automask.sifting import Candidates, visible
from annotator.encoder import EncodingState
from annotator.engine import Engine
from annotator.errors import USER_ERRORS, AnnotatorError, Cancelled
from annotator.jobs import Job, Jobs, JobState
from annotator.proposals import Offer, ProposalView, offers
from annotator.segmenters.base import Segmenter
from annotator.turns import POLL_S, Turns
from storage.records import ImageRecord, ProposalRunRecord, RunState
from storage.repository import NewProposal, Repository

log = logging.getLogger(__name__)

JOB_KIND = "propose"
WAIT_TO_CLOSE_S = 10.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is to be done with each picture of a job."""

    fingerprint: str  # of the segmenter
    model: str  # its name
    settings: AutomaskSettings

    def noted(self) -> dict[str, Any]:
        """As the repository keeps it."""
        return {"fingerprint": self.fingerprint, "model": self.model, "settings": self.settings.to_json()}

    def asked_by(self, run: ProposalRunRecord | None) -> bool:
        return run is not None and run.same_work(fingerprint=self.fingerprint, settings=self.settings.to_json())

    @property
    def points(self) -> int:
        """Grid points of one picture; crops are counted in, so that pictures are of one length."""
        return self.settings.points_per_side**2


@dataclass
class Report:
    """How far a job is, and at its end what came of it."""

    total: int  # pictures to do
    done_before: int = 0  # pictures left out, because a run with the same settings is done
    pictures: int = 0
    proposals: int = 0  # open ones, on the pictures done
    failed: list[str] = field(default_factory=list)  # a line a picture

    def line(self) -> str:
        """ "3 of 40 pictures, 512 proposals"."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{self.pictures} of {_count(self.total, 'picture')}, {_count(self.proposals, 'proposal')}{failed}"

    def end_line(self) -> str:
        """The same of finished work, with the pictures that needed none."""
        if not self.total:
            return f"Nothing to do: {_count(self.done_before, 'picture')} done before with the same settings."
        before = f"; {_count(self.done_before, 'picture')} done before" if self.done_before else ""
        return self.line() + before

    def to_json(self) -> dict[str, Any]:
        names = ("total", "done_before", "pictures", "proposals")
        return {name: getattr(self, name) for name in names} | {"failed": len(self.failed)}


class Proposing:
    """Runs the grid over pictures. Jobs take turns, a picture each, so that a short one never waits for a long one."""

    def __init__(
        self, repository: Repository, engine: Engine, load_pixels: Callable[[ImageRecord], np.ndarray], jobs: Jobs
    ) -> None:
        self._repository, self._engine, self._load_pixels, self._jobs = repository, engine, load_pixels, jobs
        self._turns = Turns()
        self._running: list[Job] = []
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def settings(self, given: dict[str, Any] | None = None) -> AutomaskSettings:
        """The defaults of the segmenter at work, overridden by what is given. Raises SettingsError."""
        return AutomaskSettings.for_segmenter(self._engine.segmenter.name, **(given or {}))

    def view(self, image_id: int) -> ProposalView:
        """The picture's proposals as they stand. Raises RecordNotFound."""
        return ProposalView(
            image=self._repository.image(image_id),
            runs=self._repository.proposal_runs(image_id),
            offers=tuple(offers(self._repository, image_id)),
            duplicate_iou=self._repository.duplicate_iou,
        )

    def shown(self, image_id: int, thresholds: dict[str, Any] | None = None) -> list[Offer]:
        """The open proposals that pass these thresholds, best predicted IoU first; [] where no run is done.

        thresholds: pred_iou_thresh, stability_score_thresh and min_area; the run's own where one is missing. Raises
        AnnotatorError for an unknown one, and for one below the floor, where not every candidate was kept.
        """
        view = self.view(image_id)
        run = view.runs.get(RunState.DONE)
        if run is None:
            return []
        settings = AutomaskSettings.from_json(run.settings)
        kept = visible(
            Candidates.of(offer.proposal for offer in view.offers),
            **_checked_thresholds(settings, thresholds or {}),
            box_nms_thresh=settings.floor.box_nms_thresh,
        )
        return [view.offers[index] for index in kept if view.is_open(view.offers[index])]

    # jobs

    def running(self) -> list[Job]:
        """The jobs under way, oldest first."""
        with self._lock:
            self._running = [job for job in self._running if job.state is JobState.RUNNING]
            return list(self._running)

    def under_way(self) -> list[Job]:
        """The same with those of other processes on the same database."""
        return self.running() + self._jobs.running_elsewhere(JOB_KIND)

    def start(self, image_ids: Sequence[int] | None, settings: AutomaskSettings, *, again: bool = False) -> Job:
        """Propose in the background; see `propose`. The pictures are noted first: a restart goes on with them."""
        plan = self._plan(settings)
        ids, done_before = self._to_do(image_ids, plan, again=again)
        self._repository.queue_proposals(ids, **plan.noted())
        return self._start(ids, plan, Report(total=len(ids), done_before=len(done_before)))

    def resume(self) -> list[Job]:
        """Go on with what waits for the segmenter at work; what waits for another goes on when that one is."""
        segmenter = self._engine.segmenter
        busy = {image_id for job in self.under_way() for image_id in job.subject}
        waiting: dict[str, tuple[Plan, list[int]]] = {}
        for run in self._repository.all_proposal_runs(RunState.WAITING):
            if run.fingerprint == segmenter.fingerprint and run.image_id not in busy:
                plan = Plan(run.fingerprint, run.model, AutomaskSettings.from_json(run.settings))
                waiting.setdefault(repr(plan), (plan, []))[1].append(run.image_id)
        return [self._start(ids, plan, Report(total=len(ids))) for plan, ids in waiting.values()]

    def propose(
        self,
        image_ids: Sequence[int] | None,
        settings: AutomaskSettings,
        *,
        again: bool = False,
        progress: Progress,
        cancelled: Callable[[], bool],
        say: Callable[[str], None],
        finish: Callable[[int], None] = lambda image_id: None,
    ) -> Report:
        """Propose masks on these pictures (None: on all), but for those where the same run is done, unless again.

        progress(done, total) counts grid points. say: told a line when a picture is done. finish: called with each
        picture that is done, now or before. A picture that fails is a line of the report, the rest goes on. Nothing
        is noted as waiting: the same command goes on where this one stopped, and a server that starts meanwhile does
        not do the same work. Raises Cancelled, whose text says how far it came.
        """
        plan = self._plan(settings)
        ids, done_before = self._to_do(image_ids, plan, again=again)
        report = Report(total=len(ids), done_before=len(done_before))
        for image_id in done_before:
            finish(image_id)
        try:
            self._work(ids, plan, report, progress=progress, cancelled=cancelled, say=say, finish=finish)
        except Cancelled as stop:
            raise Cancelled(f"Stopped: {report.line()}. The same command goes on from here.") from stop
        return report

    def close(self) -> None:
        """Stop, at most WAIT_TO_CLOSE_S from now; what waits goes on at the next start."""
        self._closing.set()
        for job in self.running():
            job.cancel()
        for job in self.running():
            job.wait(WAIT_TO_CLOSE_S)

    def _plan(self, settings: AutomaskSettings) -> Plan:
        segmenter = self._engine.segmenter
        return Plan(segmenter.fingerprint, segmenter.name, settings)

    def _to_do(self, image_ids: Sequence[int] | None, plan: Plan, *, again: bool) -> tuple[list[int], list[int]]:
        """The pictures that need the run, and those that do not."""
        if image_ids is None:
            ids = [image.id for image in self._repository.images()]
        else:
            ids = [self._repository.image(image_id).id for image_id in dict.fromkeys(image_ids)]
        if not ids:
            raise AnnotatorError("There is no picture to propose masks on: import some first.")
        if again:
            return ids, []
        done = {run.image_id for run in self._repository.all_proposal_runs(RunState.DONE) if plan.asked_by(run)}
        return [one for one in ids if one not in done], [one for one in ids if one in done]

    def _start(self, ids: Sequence[int], plan: Plan, report: Report) -> Job:
        def work(job: Job) -> dict[str, Any]:
            def say(line: str) -> None:
                job.message, job.lines = line, list(report.failed)

            try:
                self._work(
                    ids, plan, report, progress=job.progress, cancelled=job.cancelled, say=say, still_waits=still_waits
                )
            except Cancelled as stop:
                if not self._closing.is_set():
                    self._repository.drop_waiting_proposals(
                        ids, fingerprint=plan.fingerprint, settings=plan.settings.to_json()
                    )
                raise Cancelled(f"Stopped: {report.line()}.") from stop
            say(report.end_line())
            if report.failed and not report.pictures:
                raise AnnotatorError(report.failed[0])
            return report.to_json()

        def still_waits(image_id: int) -> bool:
            return plan.asked_by(self._repository.proposal_runs(image_id).get(RunState.WAITING))

        job = self._jobs.start(JOB_KIND, work, subject=ids)
        with self._lock:
            self._running.append(job)
        return job

    def _work(
        self,
        ids: Sequence[int],
        plan: Plan,
        report: Report,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
        say: Callable[[str], None],
        still_waits: Callable[[int], bool] = lambda image_id: True,
        finish: Callable[[int], None] = lambda image_id: None,
    ) -> None:
        total = len(ids) * plan.points
        for number, image_id in enumerate(ids):
            before = number * plan.points

            def share(done: int, of: int, before: int = before) -> None:
                progress(before + plan.points * done // max(1, of), total)

            with self._turns.take(
                cancelled=cancelled,
                say_waiting=lambda: say("Waits for its turn: other proposals are under way."),
            ):
                share(0, 1)
                say(report.line())
                if not still_waits(image_id):  # another job did it meanwhile, or is going to with other settings
                    report.total -= 1
                    report.done_before += 1
                    continue
                segmenter = self._engine.segmenter
                if segmenter.fingerprint != plan.fingerprint:
                    raise AnnotatorError(
                        f"Stopped after {report.line()}: {segmenter.title} is at work now, not {plan.model}. The rest "
                        f"goes on when {plan.model} is chosen again; or propose anew."
                    )
                self._try_one(image_id, plan, segmenter, report, progress=share, cancelled=cancelled, finish=finish)
            say(report.line())
            share(1, 1)

    def _try_one(
        self,
        image_id: int,
        plan: Plan,
        segmenter: Segmenter,
        report: Report,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
        finish: Callable[[int], None],
    ) -> None:
        """One picture, done or failed; a failure is noted with the picture, and is a line of the report."""
        image = None
        try:
            image = self._repository.image(image_id)
            report.proposals += self._one(image, plan, segmenter, progress=progress, cancelled=cancelled)
            report.pictures += 1
            finish(image_id)
            return
        except Cancelled:
            raise
        except USER_ERRORS as error:
            message = str(error)
        except Exception as error:  # the other pictures are none the worse for it
            log.exception("No masks could be proposed on picture %s", image_id)
            message = f"a mistake in the program ({type(error).__name__}); the server's log has the details"
        if image is None:  # taken out of the workspace meanwhile
            report.total -= 1
            return
        report.failed.append(f"{image.original_name}: {message}")
        self._repository.fail_proposals(image_id, **plan.noted(), message=message)

    def _one(
        self,
        image: ImageRecord,
        plan: Plan,
        segmenter: Segmenter,
        *,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> int:
        """Propose masks on one picture and save them; the number of open ones."""
        embedding = self._embedding(image, segmenter, cancelled)
        found = generate(
            segmenter,
            self._load_pixels(image),
            plan.settings,
            embedding=embedding,
            progress=progress,
            cancelled=cancelled,
        )
        new = self._sifted(image.id, found.found, plan.settings)
        if cancelled():
            raise Cancelled("Stopped.")
        return self._repository.save_proposals(image.id, new, **plan.noted())

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

    def _embedding(self, image: ImageRecord, segmenter: Segmenter, cancelled: Callable[[], bool]) -> Any:
        """Waits behind the pictures that labelers have open. Raises AnnotatorError where encoding fails, Cancelled."""
        while True:
            encoding = self._engine.encode(image, urgent=False, segmenter=segmenter)
            while (embedding := encoding.wait(POLL_S)) is None and encoding.state is not EncodingState.DROPPED:
                if cancelled():
                    raise Cancelled("Stopped.")
            if embedding is not None:
                return embedding
            if cancelled():  # dropped by a closing engine, or by prefetches: those are soon through
                raise Cancelled("Stopped.")


def _checked_thresholds(settings: AutomaskSettings, given: dict[str, Any]) -> dict[str, Any]:
    floor = asdict(settings.floor)
    own = {name: getattr(settings, name) for name in ("pred_iou_thresh", "stability_score_thresh")} | {"min_area": 0}
    if unknown := sorted(given.keys() - own.keys()):
        raise AnnotatorError(f"No threshold is called {unknown[0]!r}; there are {', '.join(own)}.")
    for name, value in given.items():
        least = floor.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
            raise AnnotatorError(
                f"{name} is a number from {least:g} on, got {value!r}; to see more, propose again with lower settings."
            )
    return own | given


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
