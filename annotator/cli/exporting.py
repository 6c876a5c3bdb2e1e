"""`launch.py export`: the data set in a format that training libraries load."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from annotator.cli.options import Data, DatabaseUrl, workspace
from annotator.cli.terminal import clear_errors, progress, say
from annotator.errors import SettingsError
from exporters.base import ExportOptions, Pictures, SplitOptions


class ExportCommand(TyperCommand):
    """The command whose help ends with the formats, as the registry has them."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Behind the options: what FORMAT may be."""
        from exporters.registry import EXPORTERS  # the libraries behind the formats take their time: only for help

        with formatter.section("Formats"):
            formatter.write_dl([(name, f"{one.summary}.") for name, one in EXPORTERS.items()])


def export_command(
    context: typer.Context,
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="One of the formats below.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, or a name that ends in .zip.")],
    data: Data = None,
    database: DatabaseUrl = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="TRAIN,VAL,TEST",
            help="Shares, such as 0.8,0.1,0.1. A picture keeps its split in later exports.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the split. [default: 0]", show_default=False)] = None,
    stratify: Annotated[bool, typer.Option("--stratify", help="Keep the shares within each category too.")] = False,
    category: Annotated[
        list[str] | None,
        typer.Option("--category", metavar="NAME", help="Only instances of that category; may be said again."),
    ] = None,
    only_done: Annotated[bool, typer.Option("--only-done", help="Only pictures marked as done.")] = False,
    smallest_area: Annotated[int, typer.Option("--smallest-area", help="Pixels; smaller instances are left out.")] = 0,
    pictures: Annotated[
        Pictures,
        typer.Option("--pictures", help="Copied, hard links (to read, not to change), or left out."),
    ] = Pictures.COPY,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="The same as --pictures none.")] = False,
    polygons: Annotated[bool, typer.Option("--polygons", help="coco, labelme: polygons in place of masks.")] = False,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Pixels a polygon may stray from its mask.")] = 1.0,
) -> None:
    """Write the data set in a format that training libraries load. Ctrl+C leaves nothing half-written."""
    with clear_errors():
        options = ExportOptions(
            pictures=Pictures.NONE if no_pictures else pictures,
            polygons=polygons,
            polygon_tolerance=tolerance,
            only_done=only_done,
            categories=tuple(category or ()),
            split=_split(split, seed, stratify),
            smallest_area=smallest_area,
        )
        with workspace(context, data, database) as opened, progress("exporting") as show:
            report = opened.exports.write(format, out, options, show)
    for line in report.lines():
        say(line)
    if category:
        say("numbers: " + ", ".join(f"{number} {name}" for name, number in report.numbers.items()))
    say(f"written to {out}")


def _split(given: str | None, seed: int | None, stratify: bool) -> SplitOptions | None:
    if given is None:
        if seed is not None or stratify:
            raise SettingsError("--seed and --stratify need a --split, such as --split 0.8,0.1,0.1.")
        return None
    try:
        train, val, test = (float(share) for share in given.split(","))
    except ValueError as error:
        text = f"--split is three numbers with commas between them, such as 0.8,0.1,0.1, got {given!r}."
        raise SettingsError(text) from error
    return SplitOptions(train=train, val=val, test=test, seed=seed or 0, stratify=stratify)
