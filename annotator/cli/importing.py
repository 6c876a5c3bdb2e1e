"""`launch.py import`: pictures, and data sets that others have made, from the disk into the workspace."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, settings
from annotator.cli.terminal import clear_errors, progress, say, until_interrupt
from annotator.errors import SettingsError

if TYPE_CHECKING:
    from annotator.datasets import ImportPlan
    from annotator.workspace import Workspace


def import_command(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Pictures, folders, zips, or a data set.")
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come in; change nothing.")] = False,
    pictures_only: Annotated[
        bool, typer.Option("--pictures-only", help="Take in pictures alone, whatever labels lie beside them.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Read it as that format. [default: what it is recognised as]"),
    ] = None,
    on_conflict: Annotated[
        str,
        typer.Option("--on-conflict", help="For pictures that have other instances: skip, add or replace them."),
    ] = "skip",
    skip_unreadable: Annotated[
        bool,
        typer.Option("--skip-unreadable", help="Import the rest of a data set of which something cannot be read."),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the labels of the last import back. Pictures and categories stay.")
    ] = False,
) -> None:
    """Bring pictures into the workspace, and a data set's labels with them: COCO, YOLO, labelme, VOC, label maps.

    What cannot be read is named. Of plain pictures the rest comes in; of a data set nothing does, unless you say
    --skip-unreadable. Labels come in all at once, or none.
    """
    from annotator.workspace import Workspace

    with clear_errors(), Workspace(settings(context, data, database)) as opened:
        if undo:
            for line in opened.datasets.take_back():
                say(line)
            return
        if not paths:
            raise SettingsError("Name what to import: pictures, a folder, a zip archive, or a data set's file.")
        plan = None if pictures_only else _plan(opened, paths, format)
        if plan is None:
            is_good = _import_pictures(opened, paths, dry_run=dry_run)
        elif dry_run:
            for line in plan.lines():
                say(line)
            is_good = plan.finds_something
        else:
            is_good = _import_dataset(opened, plan, on_conflict, skip_unreadable=skip_unreadable)
        if not is_good:
            raise typer.Exit(1)


def _plan(opened: "Workspace", paths: Sequence[Path], format: str | None) -> "ImportPlan | None":
    with progress("looking at it") as show, until_interrupt() as stopped:
        return opened.datasets.inspect(paths, format=format, progress=show, cancelled=stopped)


def _import_pictures(opened: "Workspace", paths: Sequence[Path], *, dry_run: bool) -> bool:
    """Whether anything could be read."""
    if dry_run:
        say("No data set is recognised here. Without --dry-run, what is a picture among the files is imported.")
        return True
    with progress("importing") as show:
        report = opened.import_pictures(paths, show)
    for line in report.lines():
        say(line)
    return bool(report.imported or report.duplicates or not report.skipped)


def _import_dataset(opened: "Workspace", plan: "ImportPlan", on_conflict: str, *, skip_unreadable: bool) -> bool:
    """The same for a data set. Raises SettingsError where a part of it cannot be read and is not to be skipped."""
    for line in plan.summary():
        say(line)
    if plan.unreadable and not skip_unreadable:
        for line in plan.unreadable_lines():
            say(line)
        raise SettingsError(
            "Nothing was imported, because a part of the data set cannot be read: see above. Mend it, or import the "
            "rest with --skip-unreadable."
        )
    with progress("importing") as show, until_interrupt() as stopped:
        report = opened.datasets.apply(plan, on_conflict=on_conflict, progress=show, cancelled=stopped)
    for line in report.lines():
        say(line)
    return not report.read_nothing
