"""`launch.py check`: what may be wrong with the data set, each finding a line."""

from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, workspace
from annotator.cli.terminal import clear_errors, progress, say, until_interrupt

if TYPE_CHECKING:
    from annotator.overview.checks import Finding


def check_command(
    context: typer.Context,
    data: Data = None,
    database: DatabaseUrl = None,
    tiny_area: Annotated[int, typer.Option("--tiny-area", help="Pixels; masks with fewer are told.")] = 64,
) -> None:
    """Look for masks and pictures that may be wrong. Findings are no failure: the exit status is 0."""
    with clear_errors(), workspace(context, data, database) as opened:
        with progress("looking at the masks") as show, until_interrupt() as stopped:
            opened.dataset.looking.run(show, stopped)
        checks = opened.dataset.checks(tiny_area=tiny_area)
        numbers = opened.dataset.numbers()
    for check in checks:
        if not check.total:
            continue
        say(f"{check.title} ({check.total:,}): {check.advice}")
        for finding in check.findings:
            say(f"  {_line(finding)}")
        if check.total > len(check.findings):
            say(f"  and {check.total - len(check.findings):,} more")
    found = sum(check.total for check in checks)
    said = f"{found:,} finding{'' if found == 1 else 's'}" if found else "nothing found"
    say(f"{said} in {_count(numbers.instances, 'instance')} on {_count(numbers.pictures, 'picture')}")


def _line(finding: "Finding") -> str:
    where = f"{finding.image_name}: " if finding.image_name else ""
    which = f" (instance {' and '.join(map(str, finding.instance_ids))})" if finding.instance_ids else ""
    return f"{where}{finding.text}{which}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
