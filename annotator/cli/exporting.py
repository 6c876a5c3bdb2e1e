"""`launch.py export`: the data set in a format that training libraries load."""

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, workspace
from annotator.cli.terminal import clear_errors, progress, say


def export_command(
    context: typer.Context,
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="coco, yolo-segment or yolo-detect.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, or a name that ends in .zip.")],
    data: Data = None,
    database: DatabaseUrl = None,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Put the pictures in.")] = True,
    polygons: Annotated[bool, typer.Option("--polygons", help="COCO: polygons in place of RLE.")] = False,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Pixels a polygon may stray from its mask.")] = 1.0,
    only_done: Annotated[bool, typer.Option("--only-done", help="Only pictures marked as done.")] = False,
) -> None:
    """Write the data set in a format that training libraries load."""
    from exporters.base import ExportOptions, Pictures

    with clear_errors(), workspace(context, data, database) as opened, progress("exporting") as show:
        options = ExportOptions(
            pictures=Pictures.COPY if pictures else Pictures.NONE,
            polygons=polygons,
            polygon_tolerance=tolerance,
            only_done=only_done,
        )
        report = opened.export(format, out, options, show)
    for line in report.lines():
        say(line)
    say(f"written to {out}")
