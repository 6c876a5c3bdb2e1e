"""Serving: the routes that send pictures and exports, and the launch, with the gate before everything."""

import os
import sys
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

from annotator.access.codes import AccessCodes, made_up_code
from annotator.access.entrance import Entrance
from annotator.access.ownership import Belongings, is_owned_by
from annotator.config import Settings
from annotator.errors import USER_ERRORS, AwayError, SettingsError
from annotator.heaps import limit_heaps
from annotator.ui.calls import Calls
from annotator.ui.dispatch import dispatch_routes
from annotator.ui.figure import PLOTLY_FILE
from annotator.ui.gate import Gate, House
from annotator.ui.identity import labeler_of, person_of
from annotator.ui.page import STATIC, build_page
from annotator.ui.passing import inside
from annotator.ui.render import shown_hw, version_of
from annotator.ui.sessions import CAPACITY, GradioSessions, quiet_analytics
from annotator.ui.signin import sign_in_routes
from annotator.ui.uploading import upload_routes
from annotator.workspace import Workspace
from storage.records import ImageRecord
from storage.repository import Repository

KEEP_FOR_A_YEAR = {"Cache-Control": "private, max-age=31536000, immutable"}  # the address names the content
ASK_AGAIN = {"Cache-Control": "no-cache"}
THREADS = 40
# A prediction is some hundred short steps of torch's, and after each it waits for the interpreter as long as another
# thread may keep it: with Python's 5 ms a click took ten times as long beside forty labelers as alone.
SWITCH_S = 0.0005


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
            version = request.query_params.get("v")
            try:
                with inside(workspace):
                    image = workspace.image(request.path_params["image_id"])
                    if version is not None and version != version_of(image):
                        return PlainTextResponse("This is another picture by now. Reload the page.", 404)
                    path = find(image)
            except AwayError as error:
                return PlainTextResponse(str(error), 503)
            except USER_ERRORS as error:
                return PlainTextResponse(str(error), 404)
            # Only an address that names the picture's version is of this picture for good.
            return FileResponse(path, headers=ASK_AGAIN if version is None else KEEP_FOR_A_YEAR)

        return send_image

    def send_crop(request: Request) -> Response:
        try:
            with inside(workspace):
                path = workspace.dataset.crop(request.path_params["instance_id"])
        except USER_ERRORS as error:
            return PlainTextResponse(str(error), 404)
        # Only an address that names the mask's version is of this mask for good.
        return FileResponse(path, headers=KEEP_FOR_A_YEAR if "v" in request.query_params else ASK_AGAIN)

    def send_export(request: Request) -> Response:
        token, filename = request.path_params["token"], request.path_params["filename"]
        path = workspace.exports.path(token, filename) if is_for(request, token) else None
        if path is None:
            return PlainTextResponse("There is no such export (any more). Export again.", 404)
        return FileResponse(path, filename=filename, headers=ASK_AGAIN)

    def send_cutout(request: Request) -> Response:
        token, filename = request.path_params["token"], request.path_params["filename"]
        path = workspace.cutouts.path(token, filename) if is_for(request, token) else None
        if path is None:
            return PlainTextResponse("There is no such cut-out (any more). Make it again.", 404)
        return FileResponse(path, filename=filename, headers=ASK_AGAIN)

    def send_backup(request: Request) -> Response:
        # All that was ever labelled: not even to be told of to a labeler.
        name = request.path_params["name"]
        path = workspace.backups.path(name) if person_of(request).is_instructor else None
        if path is None:
            return PlainTextResponse("There is no such backup (any more). Back up again.", 404)
        return FileResponse(path, filename=name, headers=ASK_AGAIN)

    def is_for(request: Request, token: str) -> bool:
        """A download is for who made it, and for the instructor."""
        person = person_of(request)
        return person.is_instructor or is_owned_by(token, person.name)

    def send_plotly(request: Request) -> Response:
        return FileResponse(PLOTLY_FILE, media_type="text/javascript", headers=KEEP_FOR_A_YEAR)

    return [
        Route("/annotator/plotly.js", send_plotly),
        Route("/annotator/pictures/{image_id:int}.jpg", image_route(picture)),
        Route("/annotator/thumbs/{image_id:int}.jpg", image_route(thumbnail)),
        Route("/annotator/crops/{instance_id:int}.jpg", send_crop),
        Route("/annotator/exports/{token}/{filename}", send_export),
        Route("/annotator/cutouts/{token}/{filename}", send_cutout),
        Route("/annotator/backups/{name}", send_backup),
        Mount("/annotator/static", _Modules(directory=STATIC)),
    ]


class _Modules(StaticFiles):
    """The page's modules; a browser asks each time whether they changed, so that an update is never half seen."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(ASK_AGAIN)
        return response


def serve(workspace: Workspace, *, say: Callable[[str], None]) -> None:
    """Serve until interrupted. say(line) tells the user the address, and the codes that were made up.

    Raises SettingsError when the port is taken.
    """
    settings = workspace.settings
    limit_heaps()  # before there are threads
    sys.setswitchinterval(SWITCH_S)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.folder("uploads"))
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # uvicorn would take a visitor's word for where they are: ui/origins.py
    if settings.sign_out_all:
        say(f"Signed out: {workspace.repository.end_all_sign_ins()}")
    entrance, lines = entrance_of(settings, workspace.repository)
    quiet_analytics()
    sessions = GradioSessions()
    house = House(
        entrance,
        cookie=settings.cookie,
        is_shared=settings.share,
        belongings=Belongings(forgotten=sessions.forget),
    )
    say(f"Loading the model {settings.model} ({workspace.engine.segmenter.device}) …")
    calls = Calls(workspace, entrance)
    page = build_page(workspace, calls)
    sessions.watch(page.blocks)
    own_routes = [
        *sign_in_routes(house),
        *dispatch_routes(calls, component_id=page.component_id, threads=THREADS),
        *upload_routes(workspace.intake),
        *routes(workspace),
    ]
    try:
        _, local_url, share_url = page.blocks.launch(
            server_name=settings.host,
            server_port=settings.port,
            share=settings.share,
            auth_dependency=labeler_of if entrance else None,
            app_kwargs={"routes": own_routes, "middleware": [Middleware(Gate, house=house)]},
            theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            max_threads=THREADS,
            state_session_capacity=CAPACITY,
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
    house.connections.watch(page.blocks.server)
    house.share_host = urlsplit(share_url).netloc if share_url else None
    workspace.proposing.resume()
    if settings.may_be_shared:
        workspace.take_over.start()
    say(f"Open {share_url or local_url}")
    for line in lines:
        say(line)
    page.blocks.block_thread()


def entrance_of(settings: Settings, repository: Repository) -> tuple[Entrance | None, list[str]]:
    """Who lets people in, None on loopback without a code; and what to tell of the codes that were made up.

    Where others can reach the server there is always one, whatever the settings leave out.
    """
    if not settings.asks_for_codes:
        return None, []
    labeler = settings.access_code or made_up_code()
    instructor = settings.instructor_code or made_up_code(groups=3)
    lines = []
    if settings.access_code is None:
        lines.append(f"Access code for labelers: {labeler}   (they sign in with it and their name)")
    if settings.instructor_code is None:
        lines.append(f"Instructor code: {instructor}   (yours: it also opens the view of the class)")
    return Entrance(AccessCodes.of(labeler=labeler, instructor=instructor), repository), lines
