"""The page's calls for the data set as a whole: figures, gallery, checks."""

from typing import Any

from annotator.access.person import Role
from annotator.overview.checks import TINY_AREA
from annotator.overview.gallery import GalleryOrder
from annotator.ui import render, render_overview
from annotator.workspace import Workspace
from storage.records import Origin
from storage.repository.overview import InstanceFilter

JSON = dict[str, Any]


class OverviewCalls:
    """A part of Calls."""

    _workspace: Workspace

    def overview_figures(self, *, labeler: str) -> JSON:
        return render_overview.figures_json(self._workspace.dataset.numbers())

    def overview_look(self, *, labeler: str) -> JSON:
        job = self._workspace.dataset.looking.start()
        return {"job": None if job is None else render.job_json(job)}

    def overview_checks(self, *, labeler: str, tiny_area: int = TINY_AREA) -> JSON:
        found = self._workspace.dataset.checks(tiny_area=tiny_area)
        return {"tiny_area": tiny_area, "checks": [render_overview.check_json(check) for check in found]}

    # gallery

    def gallery(
        self,
        *,
        labeler: str,
        order: GalleryOrder = GalleryOrder.PICTURE,
        category_id: int | None = None,
        of_labeler: str | None = None,
        origin: Origin | None = None,
    ) -> JSON:
        chosen = InstanceFilter(category_id=category_id, labeler=of_labeler, origin=origin)
        labelers = self._workspace.repository.labeler_counts()
        return {"ids": self._workspace.dataset.ids(order, chosen), "labelers": list(labelers)}

    def gallery_tiles(self, *, labeler: str, ids: list[int]) -> JSON:
        tiles = self._workspace.dataset.gallery.tiles(ids)
        return {"tiles": [render_overview.tile_json(tile, self._workspace) for tile in tiles]}

    def gallery_set_category(self, *, labeler: str, role: Role, ids: list[int], category_id: int, op_id: str) -> JSON:
        change = self._workspace.dataset.gallery.set_category(ids, category_id, labeler=labeler, role=role, op_id=op_id)
        return render_overview.change_json(change, self._workspace)

    def gallery_delete(self, *, labeler: str, role: Role, ids: list[int], op_id: str) -> JSON:
        change = self._workspace.dataset.gallery.delete(ids, labeler=labeler, role=role, op_id=op_id)
        return render_overview.change_json(change, self._workspace)

    def gallery_undo(self, *, labeler: str, role: Role, of: str, image_ids: list[int], op_id: str) -> JSON:
        change = self._workspace.dataset.gallery.undo(of, image_ids, labeler=labeler, role=role, op_id=op_id)
        return render_overview.change_json(change, self._workspace)

    def gallery_redo(self, *, labeler: str, role: Role, of: str, image_ids: list[int], op_id: str) -> JSON:
        change = self._workspace.dataset.gallery.redo(of, image_ids, labeler=labeler, role=role, op_id=op_id)
        return render_overview.change_json(change, self._workspace)
