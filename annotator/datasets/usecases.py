"""Looking at a data set, and taking it in."""

import contextlib
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from annotator.datasets.matching import Matcher, short_names
from annotator.datasets.plan import Conflict, ImportPlan, PlannedCategory, counted
from annotator.datasets.report import DatasetReport
from annotator.datasets.spool import Spool
from annotator.datasets.stopping import Asked, Progress, asked, asking
from annotator.datasets.walk import Classes, Done, Missing, Walk
from annotator.errors import AnnotatorError, AwayError, Cancelled, ImageError, SettingsError
from annotator.importing import ImportReport, take_in
from annotator.pictures import PictureStore
from exporters.splits import SplitOptions
from importers.base import ImporterError, LabelledPicture, Reading, Remark, Tree, Unreadable
from importers.names import clean_name
from importers.pictures import PictureIndex, normal_path
from importers.registry import IMPORTERS
from importers.sources import SourceFile
from importers.tree import open_tree
from storage.records import ImageRecord, Split
from storage.repository import NewLabels, Repository

LABELER = "import"  # whose instances they are


class OnConflict(StrEnum):
    """What becomes of a picture that has other instances than those that come."""

    SKIP = "skip"  # it stays as it is
    ADD = "add"  # those that it has not are added
    REPLACE = "replace"  # its own are deleted


class Datasets:
    """Data sets into a workspace. Safe to call from any thread."""

    def __init__(self, repository: Repository, store: PictureStore, *, max_pixels: int) -> None:
        self._repository, self._store, self._max_pixels = repository, store, max_pixels

    def inspect(
        self,
        paths: Sequence[Path],
        *,
        format: str | None = None,
        progress: Progress | None = None,
        cancelled: Asked | None = None,
    ) -> ImportPlan | None:
        """What would come in, with nothing changed; None where no data set is recognised.

        format: a key of IMPORTERS, None for the first that recognises it. Raises ImporterError for a data set that is
        damaged whole, Cancelled, SettingsError for a format that there is not.
        """
        if format is not None and format not in IMPORTERS:
            raise SettingsError(f"There is no format {format!r} to import. Choose one of: {', '.join(IMPORTERS)}.")
        with contextlib.ExitStack() as stack:
            try:
                tree = stack.enter_context(open_tree(paths, work_dir=self._store.work_folder))
            except ImporterError:
                if format is not None:
                    raise
                return None  # as plain pictures, it will be named with the reason, and the rest comes in
            names = [format] if format is not None else _recognised(tree)
            if not names:
                return None
            reading = IMPORTERS[names[0]].read(tree)
            plan = ImportPlan(
                paths=tuple(paths),
                format=names[0],
                title=IMPORTERS[names[0]].title,
                entry=reading.entry,
                unreadable=list(tree.left_out),
                others=tuple(IMPORTERS[name].title for name in names[1:]),
            )
            spool = stack.enter_context(self._spool())
            self._look_at(tree, reading, plan, spool, asking(progress, cancelled))
            return plan

    def apply(
        self,
        plan: ImportPlan,
        *,
        on_conflict: str = OnConflict.SKIP,
        progress: Progress | None = None,
        cancelled: Asked | None = None,
        by: str | None = None,
    ) -> DatasetReport:
        """Take in what was planned: new pictures one by one, then all labels at once, or none.

        What changed in between is looked at anew; a picture on which someone works meanwhile is left as it is. Raises
        Cancelled, ImporterError, SettingsError, StorageError: no label was written then, and pictures that came in
        stay. by: who does it, for the history.
        """
        if on_conflict not in list(OnConflict):
            choices = ", ".join(OnConflict)
            raise SettingsError(f"Where a picture has other instances, choose one of {choices}; got {on_conflict!r}.")
        report, taken = DatasetReport(title=plan.title), ImportReport()
        ask = asking(progress, cancelled)
        try:
            with open_tree(plan.paths, work_dir=self._store.work_folder) as tree, self._spool() as spool:
                reading = IMPORTERS[plan.format].read(tree)
                report.unreadable += tree.left_out
                classes = self._take_pictures(tree, reading, report, taken, spool, ask)
                self._write(classes, spool, report, OnConflict(on_conflict), ask, by)
        except Cancelled as stop:
            raise Cancelled(f"Stopped: no label was imported.{_stay(taken)}") from stop
        except (ImporterError, AwayError) as error:
            raise type(error)(f"{error} No label was imported.{_stay(taken)}") from error
        return report

    def take_back(self, at: str | None = None, *, by: str = LABELER) -> list[str]:
        """Undo an import of labels, None: the last one; what is said of it. The steps of labelers do not know imports.

        at: a report's. Its instances go, unless someone edited them since, and what it replaced is back; pictures and
        categories stay. Raises AnnotatorError where there is none, SettingsError for a moment that is none.
        """
        try:
            moment = self._repository.last_labels_added() if at is None else datetime.fromisoformat(at)
        except ValueError as error:
            raise SettingsError(f"An import is known by its moment, as its report says it; got {at!r}.") from error
        if moment is None:
            raise AnnotatorError("There is no import to take back: no instance here came from a data set.")
        back = self._repository.take_back_labels(moment, by=by)
        lines = [f"{counted(back.removed, 'instance')} of the import of {moment:%Y-%m-%d %H:%M} UTC removed"]
        if back.restored:
            lines.append(f"{counted(back.restored, 'instance')} that it had replaced restored")
        if back.kept:
            lines.append(f"{counted(back.kept, 'instance')} of it edited since, and kept")
        return lines

    def _look_at(self, tree: Tree, reading: Reading, plan: ImportPlan, spool: Spool, ask: Progress) -> None:
        classes = self._classes(reading)
        for item in asked(self._walk(tree, reading, classes, spool, None), reading.total, ask):
            if isinstance(item, Done):
                if not item.is_again:
                    plan.found += 1
                    plan.new += item.is_new
                    plan.matched += not item.is_new
                plan.boxes += item.boxes
            elif isinstance(item, Missing):
                plan.found += 1
                plan.missing.append(item.name)
            elif isinstance(item, Unreadable):
                plan.unreadable.append(item)
            else:
                plan.remarks.append(item)
        plan.categories = [
            PlannedCategory(name=one.name, color=one.color, is_new=category_id is None)
            for one, category_id in zip(classes.all, classes.ids, strict=True)
        ]
        for settled in spool:
            plan.instances += len(settled.coming)
            plan.there_already += len(settled.coming) - settled.unknown
            for one in settled.coming:
                plan.categories[one.instance.category].instances += 1
            if settled.is_conflict and settled.image_id is not None:
                plan.conflicts.append(
                    Conflict(settled.picture, settled.image_id, here=len(settled.seen), coming=settled.unknown)
                )

    def _take_pictures(
        self, tree: Tree, reading: Reading, report: DatasetReport, taken: ImportReport, spool: Spool, ask: Progress
    ) -> Classes:
        """New pictures into the workspace, and what comes to each picture into the spool."""
        names = short_names(PictureIndex(tree).names)

        def take(picture: LabelledPicture, file: Path) -> ImageRecord:
            name = names.get(picture.path or "") or posixpath.basename(normal_path(picture.file_name))
            source = SourceFile(clean_name(name), file)
            image = take_in(source, taken, self._store, self._repository, self._max_pixels)
            if image is None:
                raise ImageError(taken.skipped[-1][1])
            return image

        classes = self._classes(reading)
        for item in asked(self._walk(tree, reading, classes, spool, take), reading.total, ask):
            if isinstance(item, Done):
                report.matched += not (item.is_new or item.is_again)
                report.boxes += item.boxes
                if item.split is not None and item.settled.image_id is not None:
                    report.splits[item.settled.image_id] = item.split
            elif isinstance(item, Missing):
                report.missing.append(item.name)
            elif isinstance(item, Unreadable):
                report.unreadable.append(item)
            else:
                report.remarks.append(item)
        report.imported = taken.imported
        report.remarks += [Remark(*note.split(": ", 1)) for note in taken.notes]
        return classes

    def _write(
        self,
        classes: Classes,
        spool: Spool,
        report: DatasetReport,
        on_conflict: OnConflict,
        ask: Progress,
        by: str | None,
    ) -> None:
        """All labels in one change of the database; no category where no picture was found."""
        if not spool:
            return
        labels = _labels(spool, report, on_conflict, ask)
        added = self._repository.add_labels(classes.all, labels, labeler=LABELER, by=by)
        report.added, report.replaced, report.new_categories = added.instances, added.replaced, added.categories
        if len(set(report.splits.values())) > 1:  # one alone says no more than the folder's name
            self._keep_splits(report.splits)
        if added.instances:
            report.at = added.at.isoformat()
        changed = set(added.changed_meanwhile)
        for settled in spool:
            if settled.image_id is not None:
                report.image_ids.append(settled.image_id)
            if settled.image_id in changed:
                reason = "Someone worked on it during the import, and it was left as it is. Import the data set again."
                report.unreadable.append(Unreadable(settled.picture, reason))

    def _keep_splits(self, splits: Mapping[int, str]) -> None:
        """Exports that split as usual keep apart what the data set kept apart; a split given out before stays."""
        for options in (SplitOptions(), SplitOptions(stratify=True)):
            self._repository.assign_splits(
                options.scheme, splits, lambda known: {one: known.get(one, Split(splits[one])) for one in splits}
            )

    def _classes(self, reading: Reading) -> Classes:
        return Classes(reading.categories, self._repository.categories())

    def _walk(
        self,
        tree: Tree,
        reading: Reading,
        classes: Classes,
        spool: Spool,
        take: Callable[[LabelledPicture, Path], ImageRecord] | None,
    ) -> Walk:
        return Walk(
            repository=self._repository,
            matcher=Matcher(self._repository.images(), self._store),
            tree=tree,
            reading=reading,
            classes=classes,
            spool=spool,
            work_dir=self._store.work_folder,
            max_pixels=self._max_pixels,
            take=take,
        )

    def _spool(self) -> contextlib.closing[Spool]:
        return contextlib.closing(Spool(self._store.work_folder))


def _recognised(tree: Tree) -> list[str]:
    """The formats that know these files, the one to be used first."""
    names = []
    for name, importer in IMPORTERS.items():
        # A file that cannot be read makes no data set; as a picture it will be refused by name.
        with contextlib.suppress(ImporterError):
            if importer.recognises(tree) is not None:
                names.append(name)
    return names


def _labels(spool: Spool, report: DatasetReport, on_conflict: OnConflict, ask: Progress) -> Iterator[NewLabels]:
    """What is to be written, and into the report what is not."""
    for settled in spool:
        ask(0, 0)
        if settled.image_id is None:
            continue
        known = len(settled.coming) - settled.unknown
        if settled.is_conflict and on_conflict is OnConflict.SKIP:
            report.skipped.append(
                Conflict(settled.picture, settled.image_id, here=len(settled.seen), coming=settled.unknown)
            )
        replace = settled.is_conflict and on_conflict is OnConflict.REPLACE
        report.there_already += 0 if replace else known
        if settled.is_conflict and on_conflict is OnConflict.SKIP:
            continue
        chosen = [one.instance for one in settled.coming if replace or not one.is_known]
        if chosen:
            yield NewLabels(image_id=settled.image_id, seen=settled.seen, instances=chosen, replace=replace)


def _stay(taken: ImportReport) -> str:
    """What to say of pictures that came in before it went wrong."""
    return f" The pictures that came in before ({taken.imported}) stay." if taken.imported else ""
