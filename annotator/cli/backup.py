"""`launch.py backup` and `launch.py restore`: the whole workspace in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli.options import Data, DatabaseUrl, settings, workspace
from annotator.cli.terminal import clear_errors, progress, say
from annotator.errors import SettingsError


def backup_command(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A name that ends in .zip, or a folder to be made.")],
    data: Data = None,
    database: DatabaseUrl = None,
) -> None:
    """Back the workspace up: database and pictures, also while it is being served. Ctrl+C leaves nothing behind."""
    with clear_errors():
        with workspace(context, data, database) as opened, progress("backing up", in_bytes=True) as show:
            report = opened.backups.make(out, show)
        for line in report.lines():
            say(line)
        say(f"written to {out}")


def restore_command(
    context: typer.Context,
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `backup` has written, or the page.")],
    data: Data = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also over a workspace, which is moved aside within its folder.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only check that the backup is whole; change nothing.")
    ] = False,
) -> None:
    """Put a backup back into a workspace folder that is not in use. It is checked whole before anything is changed."""
    from annotator.backup import check_backup, restore

    with clear_errors():
        chosen = settings(context, data)
        if chosen.database_url is not None:
            raise SettingsError(
                "A backup is restored into the workspace folder's own database. Leave --database (and "
                "ANNOTATOR_DATABASE) out; another database has tools of its own."
            )
        if chosen.pictures_url and not check:
            raise SettingsError(
                "A backup is restored into the workspace folder, pictures and all. Leave --pictures (and "
                "ANNOTATOR_PICTURES) out; copy images/ to where they are to be afterwards."
            )
        if check:
            with progress("checking", in_bytes=True) as show:
                contents = check_backup(backup, show)
            say(f"{backup} is whole: {contents.pictures:,} pictures and {contents.instances:,} instances")
            return
        with progress("restoring", in_bytes=True) as show:
            report = restore(backup, chosen.data, force=force, progress=show)
        for line in report.lines():
            say(line)
        say(f"restored into {chosen.data}")
