"""`launch.py models`: what there is, and the download of a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from annotator.cli.options import Data, settings
from annotator.cli.terminal import clear_errors, progress, say, size
from annotator.config import Settings
from annotator.errors import SettingsError


def models_command(context: typer.Context, data: Data = None) -> None:
    """List the models: what is ready, what would be downloaded."""
    context.obj = replace(context.obj, data=data or context.obj.data)
    if context.invoked_subcommand is not None:
        return
    from annotator import segmenters
    from annotator.segmenters import checkpoints

    with clear_errors():
        folder = settings(context, data).folder("checkpoints")
        for info in segmenters.SEGMENTERS.values():
            ready = not info.download_bytes or checkpoints.find(info.name, folder) is not None
            state = "ready" if ready else f"python launch.py models download {info.name}  ({size(info.download_bytes)})"
            say(f"{info.name:8} {info.title:14} {state}")


def download_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="vit_b, vit_l or vit_h.")],
    data: Data = None,
) -> None:
    """Fetch a SAM checkpoint into the workspace; goes on where an earlier download stopped."""
    with clear_errors():
        path = _download(name, settings(context, data))
        say(f"{path} is ready: python launch.py --model {name}")


def _download(name: str, chosen: Settings) -> Path:
    from annotator.segmenters import checkpoints

    known = checkpoints.CHECKPOINTS
    if name not in known:
        raise SettingsError(f"There is no checkpoint for {name!r}; there are {', '.join(known)}.")
    folder = chosen.folder("checkpoints")
    with progress(f"downloading {known[name].file_name}", in_bytes=True) as show:
        return checkpoints.find(name, folder) or checkpoints.download(known[name], folder, progress=show)


def fetch_missing_checkpoint(chosen: Settings) -> None:
    """--model vit_b on a new machine: the terminal shows the download, then the page opens."""
    from annotator import segmenters

    info = segmenters.SEGMENTERS.get(chosen.model)
    if info is not None and info.download_bytes and chosen.checkpoint is None:
        _download(info.name, chosen)
