"""What the page and the API say about a cut-out, as the options that the use-cases take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from annotator.cutouts import Background, BackgroundKind, CutoutOptions
from annotator.cutouts.targets import Selection
from annotator.errors import CutoutError
from annotator.ui.uploads import uploaded_paths

PICTURE = "picture"


class _Form(BaseModel):
    """Every field may be left out. background: transparent, white, blue, grey, #rrggbb, blur or picture, which is
    then picture_id, of one in the workspace, or upload, the path that uploading it answered."""

    model_config = ConfigDict(extra="forbid", strict=False)

    background: str = "transparent"
    blur: float = 15.0
    picture_id: int | None = None
    upload: str | None = None
    soft_edge: float = CutoutOptions.soft_edge
    clean_edge: bool = True
    crop: bool = True
    margin: int = 0
    size: str | None = None
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0


def cutout_options(values: Mapping[str, Any] | None, *, owner: str) -> CutoutOptions:
    """owner: the key of who calls. Raises CutoutError for a value that cannot be or a name that is none, ImageError for
    a file that they never uploaded."""
    form = _form(values)
    rest = form.model_dump(exclude={"background", "blur", "picture_id", "upload"})
    return CutoutOptions(background=_background(form, owner), **rest)


def selection(values: Mapping[str, Any] | None) -> Selection:
    """{"image_ids", "instance_ids", "category_id"}, each of them left out or null for all. Raises CutoutError."""
    given = dict(values or {})
    unknown = set(given) - {"image_ids", "instance_ids", "category_id"}
    try:
        ids = {
            name: None if given.get(name) is None else tuple(map(int, given[name]))
            for name in ("image_ids", "instance_ids")
        }
        category = None if given.get("category_id") is None else int(given["category_id"])
    except (TypeError, ValueError) as error:
        raise CutoutError("A selection is image_ids, instance_ids (lists of numbers) and category_id.") from error
    if unknown:
        raise CutoutError(f"A selection is image_ids, instance_ids and category_id; got {', '.join(sorted(unknown))}.")
    return Selection(category_id=category, **ids)


def _form(values: Mapping[str, Any] | None) -> _Form:
    try:
        return _Form.model_validate(dict(values or {}))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CutoutError(f"A cut-out cannot be made like this: {wrong}.") from error


def _background(form: _Form, owner: str) -> Background:
    if form.background != PICTURE:
        return Background.named(form.background, blur=form.blur)
    picture: Path | int | None = form.picture_id
    if form.upload is not None:
        (picture,) = uploaded_paths([form.upload], owner)  # under the name it has: it is asked for again and again
    return Background(kind=BackgroundKind.PICTURE, picture=picture, blur=form.blur)
