"""Files come in: in place of Gradio's own route, which keeps what a visitor who left had sent, for ever.

It answers as Gradio's does, a list of paths, so that the page's and gradio_client's uploads find what they expect.
"""

import logging

import anyio
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from annotator.errors import RoomError
from annotator.intake import Intake
from annotator.ui.bodies import BodyError, UploadReader, announced_bytes
from annotator.ui.doors import UPLOAD
from annotator.ui.identity import person_of

log = logging.getLogger(__name__)

TOO_MANY, NO_ROOM = 429, 507
_WRITERS = 4  # threads: one is taken for a piece of a file, never for a whole upload, so a slow visitor holds none
_CLOSE = {"Connection": "close"}  # what is still on its way is not waited for


def upload_routes(intake: Intake) -> list[Route]:
    """The route; what comes in too slowly ends as a BodyError of the gate's receive."""
    writers: anyio.CapacityLimiter | None = None

    async def take(request: Request) -> Response:
        nonlocal writers
        writers = writers or anyio.CapacityLimiter(_WRITERS)  # within the event loop
        person = person_of(request)
        announced = announced_bytes(request.headers.get("content-length"))
        try:
            upload = await run_sync(
                lambda: intake.begin(person.key, announced=announced, is_limited=not person.is_instructor)
            )
            with upload:
                reader = UploadReader(request.headers.get("content-type", ""), upload)
                async for chunk in request.stream():
                    await run_sync(reader.feed, chunk, limiter=writers)
                reader.finish()
                return JSONResponse([str(path) for path in upload.keep()])
        except BodyError as error:
            return PlainTextResponse(error.text, error.status, _CLOSE)
        except RoomError as error:
            log.warning("an upload of %s was refused: %s", person.name, error)
            return PlainTextResponse(str(error), NO_ROOM if error.is_full else TOO_MANY, _CLOSE)
        except ClientDisconnect:
            log.info("%s left in the middle of an upload", person.name)
            return PlainTextResponse("The upload ended too early.", 400, _CLOSE)

    return [Route(UPLOAD, take, methods=["POST"])]
