"""The page's calls for data sets in and out: what an export would give, the export itself, and uploads."""

from typing import Any

from annotator.access.person import Person
from annotator.ui import render
from annotator.ui.exportform import OptionError, export_options
from annotator.ui.jobview import begun_job
from annotator.ui.uploads import given_files, uploaded_paths
from annotator.workspace import Workspace
from exporters.base import ExportOptions

JSON = dict[str, Any]


class ExchangeCalls:
    """A part of Calls."""

    _workspace: Workspace

    # out

    def export_preview(self, *, labeler: str, options: JSON | None = None) -> JSON:
        chosen = self._export_options(options)
        saved = self._workspace.exports.found(chosen)
        if chosen.only_done and not saved.images:
            raise OptionError(
                "No picture is marked done or accepted. Mark or accept one, or export all pictures.", field="only_done"
            )
        wanted = {name.casefold() for name in chosen.categories}
        categories = self._workspace.categories()
        return render.outlook_json(saved, [one.id for one in categories if not wanted or one.name.casefold() in wanted])

    def export(self, *, labeler: str, format: str, options: JSON | None = None) -> JSON:
        return render.job_json(self._workspace.exports.start(format, self._export_options(options), owner=labeler))

    # in

    def import_uploads(self, *, person: Person, paths: list[Any]) -> JSON:
        given = uploaded_paths(paths, person.key)
        return begun_job(self._workspace.start_import(given, remove_afterwards=True), person.name)

    def import_samples(self, *, labeler: str) -> JSON:
        return begun_job(self._workspace.start_import_of_samples(), labeler)

    def inspect_uploads(self, *, person: Person, paths: list[Any]) -> JSON:
        job = self._workspace.arrivals.start_inspect(given_files(paths, person.key), owner=person.key)
        return begun_job(job, person.name)

    def import_dataset(self, *, person: Person, token: str, on_conflict: str = "skip") -> JSON:
        job = self._workspace.arrivals.start_import(
            token, on_conflict=on_conflict, labeler=person.name, role=person.role, owner=person.key
        )
        return begun_job(job, person.name)

    def import_arrived_pictures(self, *, person: Person, token: str) -> JSON:
        return begun_job(self._workspace.arrivals.start_pictures(token, owner=person.key), person.name)

    def drop_uploads(self, *, person: Person, token: str) -> None:
        self._workspace.arrivals.drop(token, owner=person.key)

    def _export_options(self, options: JSON | None) -> ExportOptions:
        names = [category.name for category in self._workspace.categories()]
        return export_options(options, categories=names)
