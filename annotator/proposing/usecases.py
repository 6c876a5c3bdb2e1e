"""Proposing as the page and the command line ask for it: jobs in the background, and one run to its end."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from annotator.automask import AutomaskSettings
from annotator.automask.sifting import Candidates, visible
from annotator.clusters.base import Cluster
from annotator.engine import Engine
from annotator.errors import AnnotatorError, Cancelled
from annotator.jobs import Job, Jobs, JobState
from annotator.proposals import Offer, ProposalView, offers
from annotator.proposing.inprocess import InProcess
from annotator.proposing.keeping import Keeping
from annotator.proposing.listing import pictures_to_do
from annotator.proposing.oncluster import OnCluster, PictureFiles
from annotator.proposing.plan import Plan
from annotator.proposing.report import Report
from annotator.proposing.watcher import Watcher
from annotator.turns import Turns
from storage.records import ImageRecord, RunState
from storage.repository import Repository

JOB_KIND = "propose"
WAIT_TO_CLOSE_S = 10.0
SAID_EACH = 1000  # pictures passed over
NO_PICTURE = "There is no picture to propose masks on: import some first."


class Proposing:
    """Runs the grid over pictures. Jobs take turns, a picture each, so that a short one never waits for a long one."""

    def __init__(
        self,
        repository: Repository,
        engine: Engine,
        load_pixels: Callable[[ImageRecord], np.ndarray],
        jobs: Jobs,
        files: PictureFiles,
    ) -> None:
        """files: where the pictures lie, for workers elsewhere."""
        self._repository, self._engine, self._jobs, self._files = repository, engine, jobs, files
        self._turns = Turns()
        self._in_process = InProcess(repository, engine, load_pixels, self._turns)
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
        cluster: Cluster | None = None,
        progress: Callable[[int, int], None],
        cancelled: Callable[[], bool],
        say: Callable[[str], None],
        finish: Callable[[int], None] = lambda image_id: None,
    ) -> Report:
        """Propose masks on these pictures (None: on all), but for those where the same run is done, unless again.

        cluster: whose workers do it, for as many pictures as there are: none but those that are out with workers are
        held here; without, it is done in this process. progress(done, total) counts grid points. say: told a line when
        a picture is done. finish: called with each picture that is done, now or before. A picture that fails is a line
        of the report, the rest goes on. Nothing is noted as waiting: the same command goes on where this one stopped,
        and a server that starts meanwhile does not do the same work. Raises Cancelled, whose text says how far it came,
        and ClusterError where the cluster is of no use.
        """
        report = Report(total=0)
        once = cluster is not None and not again  # others may be at the same list; here, turns are taken
        keeping = Keeping(self._repository, self._plan(settings), report, finish=finish, once=once)
        watcher = Watcher(progress, cancelled, say)
        try:
            if cluster is None:
                self._propose_here(image_ids, keeping, watcher, again=again)
            else:
                self._propose_on(cluster, image_ids, keeping, watcher, again=again)
        except Cancelled as stop:
            raise Cancelled(f"Stopped: {report.line()}. The same command goes on from here.") from stop
        return report

    def _propose_here(
        self, image_ids: Sequence[int] | None, keeping: Keeping, watcher: Watcher, *, again: bool
    ) -> None:
        ids, done_before = self._to_do(image_ids, keeping.plan, again=again)
        keeping.report.total, keeping.report.done_before = len(ids), len(done_before)
        for image_id in done_before:
            keeping.finish(image_id)
        self._in_process.work(ids, keeping, watcher)

    def _propose_on(
        self, cluster: Cluster, image_ids: Sequence[int] | None, keeping: Keeping, watcher: Watcher, *, again: bool
    ) -> None:
        report = keeping.report
        report.total = self._repository.image_count() if image_ids is None else len(set(image_ids))
        if not report.total:
            raise AnnotatorError(NO_PICTURE)

        def done_before(image_id: int) -> None:
            report.needs_none()
            if report.done_before % SAID_EACH == 0:
                watcher.say(f"{report.done_before} done before")
            keeping.finish(image_id)
            if watcher.cancelled():
                raise Cancelled("Stopped.")

        to_do = pictures_to_do(self._repository, image_ids, keeping.plan, again=again, done_before=done_before)
        OnCluster(cluster, self._files, keeping, watcher).work(to_do)

    def close(self) -> None:
        """Stop, at most WAIT_TO_CLOSE_S from now; what waits goes on at the next start."""
        self._closing.set()
        for job in self.running():
            job.cancel()
        for job in self.running():
            job.wait(WAIT_TO_CLOSE_S)

    def go_on(self) -> list[Job]:
        """After close: take up again what waits."""
        self._closing.clear()
        return self.resume()

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
            raise AnnotatorError(NO_PICTURE)
        if again:
            return ids, []
        done = {run.image_id for run in self._repository.all_proposal_runs(RunState.DONE) if plan.asked_by(run)}
        return [one for one in ids if one not in done], [one for one in ids if one in done]

    def _start(self, ids: Sequence[int], plan: Plan, report: Report) -> Job:
        def work(job: Job) -> dict[str, Any]:
            def say(line: str) -> None:
                job.message, job.lines = line, list(report.failed)

            try:
                self._in_process.work(
                    ids,
                    Keeping(self._repository, plan, report),
                    Watcher(job.progress, job.cancelled, say),
                    still_waits=still_waits,
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
