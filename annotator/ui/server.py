"""Serving: the routes that send pictures and exports, the gate before everything, and the launch."""

import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from annotator.config import Settings
from annotator.errors import USER_ERRORS, SettingsError
from annotator.ui.figure import PLOTLY_FILE
from annotator.ui.identity import access_check, may_read
from annotator.ui.page import STATIC, build_page
from annotator.ui.render import shown_hw
from annotator.workspace import Workspace
from storage.records import ImageRecord

log = logging.getLogger(__name__)

KEEP_FOR_A_YEAR = {"Cache-Control": "private, max-age=31536000, immutable"}  # the address names the content
ASK_AGAIN = {"Cache-Control": "no-cache"}
MAX_UPLOAD = "2gb"  # of one file: a zip of a folder of pictures
THREADS = 40


class SameOrigin:
    """Refuses requests that another site's page makes: a foreign or null Origin may not even read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            origin = request.headers.get("origin")
            hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")} - {None}
            if origin is not None and urlsplit(origin).netloc not in hosts:
                await PlainTextResponse("This request comes from another site.", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def routes(workspace: Workspace) -> list[Route | Mount]:
    """What Gradio does not serve: the page's modules, pictures, thumbnails, finished exports."""

    def picture(image: ImageRecord) -> Path:
        return workspace.pictures.display(
            image.stored_name, shown_hw(image, workspace), original_name=image.original_name
        )

    def thumbnail(image: ImageRecord) -> Path:
        return workspace.pictures.thumbnail(image.stored_name, original_name=image.original_name)

    def image_route(find: Callable[[ImageRecord], Path]) -> Callable[[Request], Response]:
        def send_image(request: Request) -> Response:
            if not may_read(request):
                return PlainTextResponse("Sign in first.", 401)
            try:
                path = find(workspace.image(request.path_params["image_id"]))
            except USER_ERRORS as error:
                return PlainTextResponse(str(error), 404)
            return FileResponse(path, headers=KEEP_FOR_A_YEAR)

        return send_image

    def send_crop(request: Request) -> Response:
        if not may_read(request):
            return PlainTextResponse("Sign in first.", 401)
        try:
            path = workspace.dataset.crop(request.path_params["instance_id"])
        except USER_ERRORS as error:
            return PlainTextResponse(str(error), 404)
        # Only an address that names the mask's version is of this mask for good.
        return FileResponse(path, headers=KEEP_FOR_A_YEAR if "v" in request.query_params else ASK_AGAIN)

    def send_export(request: Request) -> Response:
        if not may_read(request):
            return PlainTextResponse("Sign in first.", 401)
        filename = request.path_params["filename"]
        path = workspace.export_path(request.path_params["token"], filename)
        if path is None:
            return PlainTextResponse("There is no such export (any more). Export again.", 404)
        return FileResponse(path, filename=filename, headers=ASK_AGAIN)

    def send_cutout(request: Request) -> Response:
        if not may_read(request):
            return PlainTextResponse("Sign in first.", 401)
        filename = request.path_params["filename"]
        path = workspace.cutouts.path(request.path_params["token"], filename)
        if path is None:
            return PlainTextResponse("There is no such cut-out (any more). Make it again.", 404)
        return FileResponse(path, filename=filename, headers=ASK_AGAIN)

    def send_plotly(request: Request) -> Response:
        return FileResponse(PLOTLY_FILE, media_type="text/javascript", headers=KEEP_FOR_A_YEAR)

    return [
        Route("/annotator/plotly.js", send_plotly),
        Route("/annotator/pictures/{image_id:int}.jpg", image_route(picture)),
        Route("/annotator/thumbs/{image_id:int}.jpg", image_route(thumbnail)),
        Route("/annotator/crops/{instance_id:int}.jpg", send_crop),
        Route("/annotator/exports/{token}/{filename}", send_export),
        Route("/annotator/cutouts/{token}/{filename}", send_cutout),
        Mount("/annotator/static", _Modules(directory=STATIC)),
    ]


class _Modules(StaticFiles):
    """The page's modules; a browser asks each time whether they changed, so that an update is never half seen."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(ASK_AGAIN)
        return response


def serve(workspace: Workspace, *, say: Callable[[str], None]) -> None:
    """Serve until interrupted. say(line) tells the user the address. Raises SettingsError when the port is taken."""
    settings = workspace.settings
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.folder("uploads"))
    code = _access_code(settings)
    say(f"Loading the model {settings.model} ({workspace.engine.segmenter.device}) …")
    blocks = build_page(workspace)
    try:
        _, local_url, share_url = blocks.launch(
            server_name=settings.host,
            server_port=settings.port,
            share=settings.share,
            auth=access_check(code) if code else None,
            app_kwargs={"routes": routes(workspace), "middleware": [Middleware(SameOrigin)]},
            theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            max_threads=THREADS,
            max_file_size=MAX_UPLOAD,
            show_error=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=[],
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise SettingsError(f"Cannot serve on port {settings.port}: {error}. Choose another with --port.") from error
    workspace.proposing.resume()
    say(f"Open {share_url or local_url}")
    if code and not settings.access_code:
        say(f"Access code: {code}")
    blocks.block_thread()


def _access_code(settings: Settings) -> str | None:
    """The code to ask for: the given one; a fresh one where others can reach the server; none on loopback."""
    return settings.access_code or (secrets.token_urlsafe(9) if settings.open_to_others else None)
