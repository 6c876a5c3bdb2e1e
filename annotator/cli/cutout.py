"""`launch.py cutout`: saved instances cut out of their pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, workspace
from annotator.cli.terminal import clear_errors, progress, say
from annotator.errors import CutoutError

if TYPE_CHECKING:
    from annotator.cutouts.targets import Selection
    from annotator.workspace import Workspace

_PICTURES = (".png", ".jpg", ".jpeg")


def cutout_command(
    context: typer.Context,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A .png or .jpg: all in one; a .zip or a folder: one file each."),
    ],
    data: Data = None,
    database: DatabaseUrl = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", help="Only the picture of that name; may be said again.")
    ] = None,
    instance: Annotated[
        list[int] | None, typer.Option("--instance", help="Only the instance of that id; may be said again.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="Only instances of that category.")] = None,
    background: Annotated[
        str,
        typer.Option(
            "--background",
            help="transparent, #rrggbb, white, blue, grey, blur, or a picture's path.",
            metavar="WHAT",
        ),
    ] = "transparent",
    blur: Annotated[
        float, typer.Option("--blur", help="How much blur: thousandths of the picture's longer side, 1 to 100.")
    ] = 15.0,
    soft_edge: Annotated[float, typer.Option("--soft-edge", metavar="PX", help="Width of the fading edge.")] = 3.0,
    crop: Annotated[bool, typer.Option("--crop/--full", help="Cropped, or as large as the picture.")] = True,
    margin: Annotated[int, typer.Option("--margin", metavar="PX", help="Pixels left free around it when cropped.")] = 0,
    size: Annotated[
        str | None, typer.Option("--size", help="35x45mm or 2x2in: a photo for identity papers, at 300 dpi.")
    ] = None,
    zoom: Annotated[float, typer.Option("--zoom", help="With --size: above 1 brings the head nearer.")] = 1.0,
    shift: Annotated[
        tuple[float, float], typer.Option("--shift", help="With --size: parts of the photo to the right and down.")
    ] = (0.0, 0.0),
    as_zip: Annotated[bool, typer.Option("--zip", help="A zip, also where OUT does not end in .zip.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")] = False,
) -> None:
    """Cut saved instances out of their pictures: with transparency, or before another background."""
    from annotator.cutouts import Background, CutoutOptions

    with clear_errors():
        options = CutoutOptions(
            background=Background.parse(background, blur=blur),
            soft_edge=soft_edge,
            crop=crop,
            margin=margin,
            size=size,
            zoom=zoom,
            shift_x=shift[0],
            shift_y=shift[1],
        )
        if as_zip and out.suffix.lower() != ".zip":
            out = out.with_name(f"{out.name}.zip")
        if not overwrite and (out.is_file() or (out.is_dir() and any(out.iterdir()))):
            raise CutoutError(f"{out} is there already. Choose another name, or say --overwrite.")
        with workspace(context, data, database) as opened, progress("cutting out") as show:
            chosen = _selection(opened, image, instance, category)
            if out.suffix.lower() in _PICTURES:
                report = opened.cutouts.save(*opened.cutouts.single(chosen), options, out)
            else:
                report = opened.cutouts.save_many(chosen, options, out, show)
    for line in report.lines():
        say(line)
    say(f"written to {out}")


def _selection(
    opened: "Workspace", images: list[str] | None, instances: list[int] | None, category: str | None
) -> "Selection":
    """Raises NotFoundError, RecordNotFound or CutoutError for a name or an id that there is none of."""
    from annotator.cutouts.targets import Selection

    found = None if category is None else opened.repository.find_category(category)
    if category is not None and found is None:
        known = ", ".join(one.name for one in opened.categories()) or "none yet"
        raise CutoutError(f"There is no category {category!r}. There are: {known}.")
    for instance_id in instances or ():
        opened.repository.instance(instance_id)
    return Selection(
        image_ids=tuple(opened.image_ids_called(images)) if images else None,
        instance_ids=tuple(instances) if instances else None,
        category_id=None if found is None else found.id,
    )
