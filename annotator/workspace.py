"""The use-cases of the tool, headless: the page, the API, the command line and the tests all drive this."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotator import samples
from annotator.access.person import Role
from annotator.afresh import Afresh
from annotator.arrivals import Arrivals
from annotator.backup import Backups, Restoring
from annotator.classroom import Classroom
from annotator.comparing import Comparing
from annotator.config import Settings
from annotator.cutouts import Cutouts
from annotator.datasets import Datasets
from annotator.engine import Engine
from annotator.errors import AwayError, Cancelled, CategoryInUseError, NotFoundError, SettingsError
from annotator.exporting import Exports
from annotator.history import History
from annotator.importing import ImportReport, import_pictures
from annotator.intake import Intake
from annotator.inuse import InUse
from annotator.jobboard import JobBoard
from annotator.jobs import Job, Jobs
from annotator.labelling import WAIT_FOR_ENCODING_S, Labelling, SessionView
from annotator.news import News
from annotator.objects import open_pictures, open_shelf
from annotator.overview.dataset import DataSet
from annotator.ownership import check_all_own
from annotator.pictures import PictureStore
from annotator.proposals import ProposalView
from annotator.proposing import Proposing
from annotator.review import Review
from annotator.takeover import TakeOver
from storage.database import Database
from storage.doorway import Doorway
from storage.records import CategoryRecord, ImageRecord, ImageStatus, InstanceRecord
from storage.repository import Repository

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


class Workspace:
    """One folder of pictures, labels and models. Safe to call from any thread.

    Errors: AnnotatorError, StorageError and ExportError carry a text for the user; anything else is a bug.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notices: list[str] = []  # what changed by itself, such as a move to the CPU; the page tells new ones
        self.doors = Doorway()  # what every call goes through, to be shut while a backup is put in place
        self._in_use = InUse.shared(settings.data)
        try:
            objects, shelf = open_pictures(settings), open_shelf(settings)
            self.database = Database.open(settings.url, backup_dir=settings.folder("backups"))
        except BaseException:
            self._in_use.close()
            raise
        self.repository = Repository(self.database, duplicate_iou=settings.duplicate_iou)
        self.pictures = PictureStore(settings.data, objects=objects)
        self.datasets = Datasets(self.repository, self.pictures, max_pixels=settings.max_pixels)
        self.engine = Engine(settings, self.pixels, self._notice, shelf)
        self.labelling = Labelling(self.repository, self.engine)
        self.history = History(self.repository)
        self.review = Review(self.repository)
        self.news = News(self.repository, self.labelling)
        self.jobs = Jobs(JobBoard(self.repository) if settings.may_be_shared else None)
        self.arrivals = Arrivals(
            settings.folder("arrivals"),
            datasets=self.datasets,
            jobs=self.jobs,
            start_pictures=lambda paths: self.start_import(paths, remove_afterwards=True),
            are_shared=settings.may_be_shared,
        )
        self.intake = Intake(settings.folder("uploads"), staged=settings.folder("arrivals"))
        self.comparing = Comparing(self.repository, self.engine)
        self.proposing = Proposing(self.repository, self.engine, self.pixels, self.jobs, self.pictures)
        self.take_over = TakeOver(self.proposing.resume)
        self.exports = Exports(
            settings.folder("exports"), repository=self.repository, pictures=self.pictures, jobs=self.jobs
        )
        self.cutouts = Cutouts(self.repository, self.pixels, self.jobs, settings.folder)
        self.dataset = DataSet(self.repository, self.labelling, self.pictures, self.jobs, settings.data)
        self.classroom = Classroom(self.repository, self.engine, self.jobs)
        self.news.add("class", self.classroom.news)
        self.backups = Backups(self.database, self.pictures.objects, settings.folder, self.jobs)
        self.restoring = Restoring(
            self.database,
            folder=settings.data,
            images=settings.data / "images",
            backups=self.backups,
            jobs=self.jobs,
            doors=self.doors,
            in_use=self._in_use,
            demand_disk=self.intake.demand_disk,
            household=Afresh(
                jobs=self.jobs,
                proposing=self.proposing,
                dataset=self.dataset,
                classroom=self.classroom,
                arrivals=self.arrivals,
            ),
        )

    def close(self) -> None:
        """Stop background work and let go of the database."""
        self.restoring.close()
        self.take_over.close()
        self.proposing.close()
        self.jobs.cancel_all()
        self.engine.close()
        self.database.close()
        self._in_use.close()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # pictures

    def images(self, *, status: ImageStatus | None = None) -> list[ImageRecord]:
        return self.repository.images(status=status)

    def image(self, image_id: int) -> ImageRecord:
        return self.repository.image(image_id)

    def image_ids_called(self, names: Sequence[str]) -> list[int]:
        """The pictures of these names, in the list's order. Raises NotFoundError for a name that none has."""
        images = self.images()
        if missing := sorted(set(names) - {image.original_name for image in images}):
            raise NotFoundError(f"No picture is called {missing[0]!r}; import it first, or see its name on the page.")
        return [image.id for image in images if image.original_name in names]

    def pixels(self, image: ImageRecord) -> np.ndarray:
        """H×W×3 uint8 RGB, upright."""
        return self.pictures.pixels(image.stored_name, original_name=image.original_name)

    def set_status(self, image_id: int, status: str, *, labeler: str = "", role: Role = Role.LABELER) -> ImageRecord:
        """See Review.set_status."""
        return self.review.set_status(image_id, status, labeler=labeler, role=role)

    def remove_image(self, image_id: int, *, labeler: str = "", role: Role = Role.LABELER) -> None:
        """Take a picture out of the workspace, with its instances. NotAllowedError where some are another's."""
        image = self.repository.image(image_id)
        owners = self.repository.labelers_on(image_id=image_id)
        check_all_own(owners, f"remove {image.original_name}", labeler=labeler, role=role)
        self.repository.remove_image(image_id, labeler=labeler)
        try:
            self.pictures.remove(image.stored_name)
        except AwayError as error:  # nothing leads to it any more
            self._notice(f"{image.original_name} is removed; its file, {image.stored_name}, was left behind. {error}")
        self.dataset.crops.remove(image_id)

    def import_pictures(
        self,
        paths: Sequence[Path],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> ImportReport:
        """Files, folders and zips; what cannot be read is named in the report, the rest comes in."""
        return import_pictures(
            paths,
            store=self.pictures,
            repository=self.repository,
            progress=progress,
            cancelled=cancelled,
            max_pixels=self.settings.max_pixels,
        )

    def start_import(self, paths: Sequence[Path], *, remove_afterwards: bool = False) -> Job:
        """The same in the background; remove_afterwards deletes the given files (uploads) at the end."""

        def work(job: Job) -> dict[str, Any]:
            def count(done: int, total: int) -> None:
                if remove_afterwards:  # from the page: nobody who labels fills the disk under the others
                    self.intake.demand_disk()
                job.count(done, total)

            try:
                report = self.import_pictures(paths, count, job.cancelled)
            finally:
                if remove_afterwards:
                    for path in paths:
                        path.unlink(missing_ok=True)
            job.message, *job.lines = report.lines()
            job.result = {
                "image_ids": list(report.image_ids),
                "imported": report.imported,
                "duplicates": len(report.duplicates),
                "skipped": len(report.skipped),
            }
            if report.cancelled:
                raise Cancelled(job.message)
            return job.result

        return self.jobs.start("import", work)

    def start_import_of_samples(self) -> Job:
        return self.start_import(samples.sample_paths())

    # one picture

    def open_image(self, image_id: int, *, labeler: str) -> SessionView:
        """The picture as the labeler left it; it and the next one in the list are encoded in the background."""
        image = self.repository.image(image_id)
        self.classroom.presence.see(labeler, image_id=image.id)
        view = self.labelling.view(image, labeler=labeler)
        following = self.repository.image_after(image)
        if following is not None:
            self.engine.encode(following, urgent=False)
        return view

    def look(self, image_id: int, *, labeler: str, wait_s: float = WAIT_FOR_ENCODING_S) -> SessionView:
        """The picture as it stands; waits up to wait_s for its encoding where a prompt is open."""
        return self.labelling.view(self.repository.image(image_id), labeler=labeler, wait_s=wait_s)

    def act(
        self,
        image_id: int,
        actions: Sequence[dict[str, Any]],
        *,
        labeler: str,
        revision: int | None = None,
        wait_s: float = WAIT_FOR_ENCODING_S,
        role: Role = Role.LABELER,
    ) -> SessionView:
        """Record actions in order, each in the database before the next, and answer the prompt they lead to.

        actions: {"kind", "op_id"?, ...} as in annotator/session.py, and "undo" and "redo", which may name with "of" the
        op_id of the one step that is meant: ConflictError when it is another's turn. revision: the one the caller
        has seen; ConflictError, with nothing written, when it is not the newest. role: a labeler changes and deletes
        their own instances alone, else NotAllowedError.
        """
        image = self.repository.image(image_id)
        return self.labelling.act(image, actions, labeler=labeler, revision=revision, wait_s=wait_s, role=role)

    def last_image_id(self, labeler: str) -> int | None:
        """The picture that the labeler last worked on, None at the beginning."""
        return self.repository.last_image_id(labeler)

    def instances(self, image_id: int) -> list[InstanceRecord]:
        self.repository.image(image_id)
        return self.repository.instances(image_id)

    # proposals

    def proposals(self, image_id: int) -> ProposalView:
        """The picture's proposals and runs, each proposal with the instance that it overlaps most."""
        return self.proposing.view(image_id)

    def start_propose(
        self, image_ids: Sequence[int] | None = None, settings: dict[str, Any] | None = None, *, again: bool = False
    ) -> Job:
        """Propose masks on these pictures, None: on all, in the background.

        settings: what differs from the defaults of the segmenter at work. Pictures where the same was done before are
        left out, unless again. Raises SettingsError, RecordNotFound.
        """
        return self.proposing.start(image_ids, self.proposing.settings(settings), again=again)

    def accept_shown(self, image_id: int, category_id: int, *, labeler: str) -> int:
        """Make instances of all open proposals that the run's settings show; returns how many."""
        ids = [offer.proposal.id for offer in self.proposing.shown(image_id)]
        if ids:
            action = {"kind": "accept_proposals", "proposal_ids": ids, "category_id": category_id}
            self.labelling.record(self.repository.image(image_id), [action], labeler=labeler)
        return len(ids)

    # categories

    def categories(self) -> list[CategoryRecord]:
        return self.repository.categories()

    def category_called(self, name: str) -> CategoryRecord:
        """The category of that name, made where there is none. Raises StorageError for a name that cannot be."""
        return self.repository.find_category(name) or self.repository.add_category(name)

    def add_category(
        self, name: str, *, color: str | None = None, labeler: str = "", role: Role = Role.LABELER
    ) -> CategoryRecord:
        """A new one at the end. Raises NotAllowedError for a labeler while they are locked, StorageError."""
        self.classroom.locks.check_categories(role)
        return self.repository.add_category(name, color=color, labeler=labeler)

    def delete_category(
        self, category_id: int, *, merge_into: int | None = None, labeler: str = "", role: Role = Role.LABELER
    ) -> int:
        """Returns the number of instances moved. Raises CategoryInUseError when some would be left without one,
        NotAllowedError for a labeler where some are another's."""
        used = self.repository.category_use(category_id)
        if used and merge_into is None:
            name = self.repository.category(category_id).name
            raise CategoryInUseError(
                f"{used} instance{'s have' if used > 1 else ' has'} the category {name!r}. Choose another for them.",
                instances=used,
            )
        self.classroom.locks.check_categories(role)
        owners = self.repository.labelers_on(category_id=category_id)
        name = self.repository.category(category_id).name
        check_all_own(owners, f"merge the category {name!r}", labeler=labeler, role=role)
        return self.repository.delete_category(category_id, merge_into=merge_into, labeler=labeler)

    # models

    def start_switch(self, name: str) -> Job:
        """Put another segmenter to work, its checkpoint downloaded first where it is missing.

        Raises SettingsError where other processes may serve the same: they would go on with the old one.
        """
        if self.settings.may_be_shared:
            raise SettingsError("Several processes may serve this workspace: start each with the same --model instead.")

        def work(job: Job) -> dict[str, Any]:
            segmenter = self.engine.switch(name, job.progress, job.cancelled)
            self.proposing.resume()  # what waited for this one
            return {"name": segmenter.name}

        return self.jobs.start("model", work)

    def _notice(self, line: str) -> None:
        log.warning(line)
        self.notices.append(line)
