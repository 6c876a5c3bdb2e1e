"""Options that several commands share, and what they and the ones before a command come to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.config import DEFAULT_DATA, Settings
from annotator.errors import SettingsError

if TYPE_CHECKING:
    from annotator.workspace import Workspace

Data = Annotated[
    Path | None, typer.Option("--data", help="Workspace folder: database, pictures, models. [default: ./workspace]")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="ANNOTATOR_DATABASE",
        help="postgresql://user:password@host/name, or sqlite:////folder/file.db; its password is better kept in the "
        "variable than on the command line. [default: annotator.db in the workspace folder]",
    ),
]
PicturesUrl = Annotated[
    str | None,
    typer.Option(
        "--pictures",
        envvar="ANNOTATOR_PICTURES",
        help="Where the pictures are kept: another folder, s3://bucket/folder (needs the package s3fs; credentials in "
        "AWS_ variables or a profile), or another URL of fsspec. Before a command. [default: images/ in the workspace]",
    ),
]
EmbeddingsUrl = Annotated[
    str | None,
    typer.Option(
        "--embeddings",
        envvar="ANNOTATOR_EMBEDDINGS",
        help="Where machines share the encoded pictures, such as s3://bucket/embeddings: pays with slow models. Before "
        "a command. [default: each keeps its own]",
    ),
]
Model = Annotated[str, typer.Option("--model", help="builtin, vit_b, vit_l or vit_h.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
# The same behind a command, where nothing said means what was said before it.
OtherModel = Annotated[str | None, typer.Option("--model", help="builtin, vit_b, vit_l or vit_h.")]
OtherDevice = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="A weights file for the --model, in place of its own.")
]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What stood before a command."""

    data: Path | None
    database: str | None
    pictures: str | None
    embeddings: str | None
    model: str
    device: str
    checkpoint: Path | None


def settings(
    context: typer.Context,
    data: Path | None,
    database: str | None = None,
    model: str | None = None,
    device: str | None = None,
    checkpoint: Path | None = None,
) -> Settings:
    """What stands behind the command, else what stands before it, else the defaults."""
    before: Given = context.obj
    return Settings(
        data=data or before.data or DEFAULT_DATA,
        database_url=database or before.database,
        pictures_url=before.pictures,
        embeddings_url=before.embeddings,
        model=model or before.model,
        device=device or before.device,
        checkpoint=checkpoint or before.checkpoint,
    )


def workspace(context: typer.Context, data: Path | None, database: str | None) -> "Workspace":
    """The workspace that a command works on; the caller closes it. Raises SettingsError where there is none yet."""
    return existing_workspace(settings(context, data, database))


def existing_workspace(chosen: Settings) -> "Workspace":
    """The same of settings that are made already. A mistyped folder must not become an empty workspace."""
    from annotator.workspace import Workspace

    if not chosen.exists:
        raise SettingsError(f"There is no workspace in {chosen.data}. Name it with --data, or begin one with import.")
    return Workspace(chosen)
