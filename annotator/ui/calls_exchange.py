"""The page's calls for data sets in and out: what an export would give, the export itself, and uploads."""

from typing import Any

from annotator.access.person import Role
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
        saved = self._workspace.saved_for(chosen)
        if chosen.only_done and not saved.images:
            raise OptionError(
                "No picture is marked done or accepted. Mark or accept one, or export all pictures.", field="only_done"
            )
        wanted = {name.casefold() for name in chosen.categories}
        categories = self._workspace.categories()
        return render.outlook_json(saved, [one.id for one in categories if not wanted or one.name.casefold() in wanted])

    def export(self, *, labeler: str, format: str, options: JSON | None = None) -> JSON:
        return render.job_json(self._workspace.start_export(format, self._export_options(options), owner=labeler))

    # in

    def import_uploads(self, *, labeler: str, paths: list[Any]) -> JSON:
        return begun_job(self._workspace.start_import(uploaded_paths(paths), remove_afterwards=True), labeler)

    def import_samples(self, *, labeler: str) -> JSON:
        return begun_job(self._workspace.start_import_of_samples(), labeler)

    def inspect_uploads(self, *, labeler: str, paths: list[Any]) -> JSON:
        return begun_job(self._workspace.arrivals.start_inspect(given_files(paths)), labeler)

    def import_dataset(self, *, labeler: str, role: Role, token: str, on_conflict: str = "skip") -> JSON:
        job = self._workspace.arrivals.start_import(token, on_conflict=on_conflict, labeler=labeler, role=role)
        return begun_job(job, labeler)

    def import_arrived_pictures(self, *, labeler: str, token: str) -> JSON:
        return begun_job(self._workspace.arrivals.start_pictures(token), labeler)

    def drop_uploads(self, *, labeler: str, token: str) -> None:
        self._workspace.arrivals.drop(token)

    def _export_options(self, options: JSON | None) -> ExportOptions:
        names = [category.name for category in self._workspace.categories()]
        return export_options(options, categories=names)
