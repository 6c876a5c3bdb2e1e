"""`launch.py` alone: serve the page. The options here also stand before every command."""

from typing import Annotated

import typer

from annotator.cli.models import fetch_missing_checkpoint
from annotator.cli.options import Checkpoint, Data, DatabaseUrl, Device, EmbeddingsUrl, Given, Model, PicturesUrl
from annotator.cli.terminal import clear_errors, say
from annotator.config import DEFAULT_DATA, DEFAULT_PORT, Settings


def serve(
    context: typer.Context,
    data: Data = None,
    database: DatabaseUrl = None,
    pictures: PicturesUrl = None,
    embeddings: EmbeddingsUrl = None,
    model: Model = "builtin",
    device: Device = "auto",
    checkpoint: Checkpoint = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = DEFAULT_PORT,
    share: Annotated[bool, typer.Option("--share", help="Make a public link, with codes to sign in.")] = False,
    access_code: Annotated[
        str | None,
        typer.Option(
            "--access-code",
            envvar="ANNOTATOR_ACCESS_CODE",
            help="Code that labelers sign in with; made up where others can reach the server.",
        ),
    ] = None,
    instructor_code: Annotated[
        str | None,
        typer.Option(
            "--instructor-code",
            envvar="ANNOTATOR_INSTRUCTOR_CODE",
            help="Code that the instructor signs in with; made up where others can reach the server.",
        ),
    ] = None,
    sign_out_all: Annotated[
        bool, typer.Option("--sign-out-all", help="End all sign-ins of before, so that everybody needs a code again.")
    ] = False,
) -> None:
    """Turn pictures into segmentation training data. Without a command: serve the page."""
    context.obj = Given(
        data=data,
        database=database,
        pictures=pictures,
        embeddings=embeddings,
        model=model,
        device=device,
        checkpoint=checkpoint,
    )
    if context.invoked_subcommand is not None:
        return
    with clear_errors():
        settings = Settings(
            data=data or DEFAULT_DATA,
            database_url=database,
            pictures_url=pictures,
            embeddings_url=embeddings,
            model=model,
            device=device,
            checkpoint=checkpoint,
            host=host,
            port=port,
            share=share,
            access_code=access_code,
            instructor_code=instructor_code,
            sign_out_all=sign_out_all,
        )
        fetch_missing_checkpoint(settings)
        from annotator.soleserver import sole_server
        from annotator.ui.server import serve as serve_page  # gradio takes seconds to import: only to serve
        from annotator.workspace import Workspace

        with Workspace(settings) as workspace, sole_server(workspace.database.path):
            serve_page(workspace, say=say)
