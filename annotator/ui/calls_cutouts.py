"""The page's calls for cut-outs: what can be chosen, a preview, one file, and many in a zip."""

import base64
from typing import Any

from annotator.access.person import Person
from annotator.cutouts import PHOTO_SIZES, PRESETS
from annotator.ui import render
from annotator.ui.cutoutform import cutout_options, selection
from annotator.workspace import Workspace

JSON = dict[str, Any]


class CutoutCalls:
    """A part of Calls."""

    _workspace: Workspace

    def cutout_choices(self, *, labeler: str, image_id: int | None = None, category_id: int | None = None) -> JSON:
        """What the dialog opens with. category_id: where the picture has none of it, the first picture that has."""
        image_id, instances = self._workspace.cutouts.offered(image_id, category_id)
        return {
            "image": render.counted_image_json(self._workspace.image(image_id), self._workspace),
            "instances": [
                {"id": one.id, "category_id": one.category_id, "number": number}
                for number, one in enumerate(instances, start=1)
            ],
            "sizes": [
                {"name": name, "title": size.title, "rule": size.rule, "size_hw": size.size_hw}
                for name, size in PHOTO_SIZES.items()
            ],
            "presets": {name: "#{:02x}{:02x}{:02x}".format(*colour) for name, colour in PRESETS.items()},
        }

    def cutout_preview(
        self, *, person: Person, image_id: int, instance_ids: list[int], options: JSON | None = None
    ) -> JSON:
        found = self._workspace.cutouts.preview(image_id, instance_ids, cutout_options(options, owner=person.key))
        height, width = found.size_hw
        return {
            "before": _data_url(*found.before),
            "after": _data_url(*found.after),
            "width": width,
            "height": height,
            "notes": list(found.notes),
        }

    def cutout_file(
        self, *, person: Person, image_id: int, instance_ids: list[int], options: JSON | None = None
    ) -> JSON:
        chosen = cutout_options(options, owner=person.key)
        return render.job_json(self._workspace.cutouts.start_file(image_id, instance_ids, chosen, owner=person.name))

    def cutout_zip(self, *, person: Person, chosen: JSON | None = None, options: JSON | None = None) -> JSON:
        how = cutout_options(options, owner=person.key)
        job = self._workspace.cutouts.start_zip(selection(chosen), how, owner=person.name)
        return render.job_json(job)


def _data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
