"""The command line: serve, import, export, auto, check, cutout, backup, restore, models.

A command is a file beside this and a line here.
"""

import typer

from annotator.cli.auto import auto_command
from annotator.cli.backup import backup_command, restore_command
from annotator.cli.check import check_command
from annotator.cli.cutout import cutout_command
from annotator.cli.exporting import ExportCommand, export_command
from annotator.cli.importing import import_command
from annotator.cli.models import download_command, models_command
from annotator.cli.serve import serve

app = typer.Typer(
    help="Turn pictures into segmentation training data. Without a command: serve the page.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.callback(invoke_without_command=True)(serve)
app.command("import")(import_command)
app.command("export", cls=ExportCommand)(export_command)
app.command("auto")(auto_command)
app.command("check")(check_command)
app.command("cutout")(cutout_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)

models_app = typer.Typer(help="List the models, or download one's checkpoint.", rich_markup_mode=None)
models_app.callback(invoke_without_command=True)(models_command)
models_app.command("download")(download_command)
app.add_typer(models_app, name="models")
