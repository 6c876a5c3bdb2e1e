"""`launch.py import`: pictures from the disk into the workspace."""

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, workspace
from annotator.cli.terminal import clear_errors, progress, say


def import_command(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, folders or zips.")],
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Bring pictures into the workspace. What cannot be read is named; the rest comes in."""
    with clear_errors(), workspace(context, data, database) as opened, progress("importing") as show:
        report = opened.import_pictures(paths, show)
    for line in report.lines():
        say(line)
    if report.skipped and not report.imported and not report.duplicates:
        raise typer.Exit(1)
