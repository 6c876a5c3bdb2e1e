"""The gate: every request passes it first, and most that strangers send end here."""

import logging
from dataclasses import dataclass, field

import anyio
from anyio.to_thread import run_sync
from gradio.route_utils import FnIndexInferError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotator.access.entrance import Entrance, Visitor
from annotator.access.ownership import Belongings
from annotator.access.person import LOCAL, Person
from annotator.ui import bodies, origins
from annotator.ui.bodies import BodyError
from annotator.ui.connections import Connections
from annotator.ui.crowd import Crowd
from annotator.ui.doors import SIGN_IN, SIGN_OUT, UPLOAD, Door, door_of
from annotator.ui.identity import PERSON
from annotator.ui.theirs import CALL, JOIN, LONGEST_ID, check_body, learner, not_theirs, overheard
from storage.errors import StorageError

log = logging.getLogger(__name__)

NO_STORE = {"Cache-Control": "no-store"}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class House:
    """What the gate knows. entrance: None where no codes are asked for; share_host: once the link is there."""

    entrance: Entrance | None
    cookie: str
    is_shared: bool = False
    share_host: str | None = None
    belongings: Belongings = field(default_factory=Belongings)
    connections: Connections = field(default_factory=Connections)
    crowd: Crowd = field(default_factory=Crowd)

    def visitor(self, request: Request) -> Visitor:
        """Where a try to sign in comes from."""
        address, relayed = origins.address_of(request.scope, request.headers, is_shared=self.is_shared)
        return Visitor(address=address, through_relay=relayed, token=request.cookies.get(self.cookie))


class Gate:
    """Pure ASGI. Refuses other sites' pages, shut paths, bodies that are too large or no clean JSON, and strangers;
    the rest goes on with its person in scope["state"]."""

    def __init__(self, app: ASGIApp, *, house: House) -> None:
        self._app, self._house = app, house
        self._lookups: anyio.CapacityLimiter | None = None  # made in the event loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_safe_headers(send))
        else:  # for as long as the server runs
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._house.connections.look_for_ever)
                await self._app(scope, receive, send)
                beside.cancel_scope.cancel()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            answer = self._foreign(request)
            person = None if answer else await self._person(request)
            answer = answer or self._stopped(request, person)
        except BodyError as error:
            answer = PlainTextResponse(error.text, error.status)
        except StorageError as error:
            log.error("could not look a sign-in up: %s", error)
            answer = PlainTextResponse("Who you are cannot be looked up now. Try again in a moment.", 503)
        if answer is not None:
            await answer(scope, receive, send)
            return
        state = {**scope.get("state", {})}
        if person is not None:
            state[PERSON] = person
        try:
            with self._house.crowd.one_more(person):
                await self._pass({**scope, "state": state}, request, person, receive, send)
        except BodyError as error:
            await PlainTextResponse(error.text, error.status, {"Retry-After": "1"})(scope, receive, send)

    # who may pass

    def _foreign(self, request: Request) -> Response | None:
        house = self._house
        if origins.refused_origin(request.scope, request.headers, share_host=house.share_host):
            return PlainTextResponse("This request comes from another site.", 403)
        if house.entrance is None and not origins.is_loopback_name(request.headers.get("host")):
            return PlainTextResponse(
                "Without codes this server answers on this machine alone. Start it with --access-code.", 403
            )
        return None

    async def _person(self, request: Request) -> Person | None:
        """Raises StorageError."""
        if self._house.entrance is None:
            return LOCAL
        token = request.cookies.get(self._house.cookie)
        if not token or len(token) > LONGEST_ID:
            return None
        if self._lookups is None:
            self._lookups = anyio.CapacityLimiter(8)  # its own threads: a stranger's request never waits for a mask
        return await run_sync(self._house.entrance.person, token, limiter=self._lookups)

    def _stopped(self, request: Request, person: Person | None) -> Response | None:
        """The answer to what does not come further, None for the rest. Raises BodyError."""
        path = request.scope["path"]
        door = door_of(path)
        most = _most_bytes(path, person)
        if bodies.announced_bytes(request.headers.get("content-length")) > most:
            raise bodies.too_large(most)
        if door is Door.ANYONE:
            return None
        if person is None:
            return _sign_in_first(request)
        if door is Door.NOBODY:
            return PlainTextResponse("There is nothing here.", 404, NO_STORE)
        return not_theirs(request, person, self._house.belongings)

    # what goes on

    async def _pass(self, scope: Scope, request: Request, person: Person | None, receive: Receive, send: Send) -> None:
        answering = _Answering(send)
        try:
            if request.method in ("POST", "PUT", "PATCH", "DELETE"):
                receive = await self._checked(scope["path"], request, person, receive)
            learn = learner(request, person, self._house.belongings) if person else None
            await self._app(scope, receive, overheard(answering.send, learn) if learn else answering.send)
        except BodyError as error:
            await answering.refuse(error)
        except Exception as error:
            if not (scope["path"].startswith((JOIN, CALL)) and isinstance(error, LookupError | FnIndexInferError)):
                raise
            # Gradio looks a function up by what came in, and stumbles where there is none.
            log.warning("there is nothing to answer %s with", scope["path"], exc_info=error)
            await answering.refuse(BodyError(404, "There is no such endpoint."))

    async def _checked(self, path: str, request: Request, person: Person | None, receive: Receive) -> Receive:
        """The body, looked at. Raises BodyError."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if path == UPLOAD:  # ui/uploading.py reads it
            return bodies.patient(receive, bodies.UPLOAD_PATIENCE)
        receive = bodies.patient(receive, bodies.JSON_PATIENCE)
        if path.rstrip("/") in (SIGN_IN, SIGN_OUT):
            return bodies.replayed(await bodies.read_body(receive, most=bodies.ANONYMOUS_BYTES), receive)
        body = await bodies.read_body(receive, most=_most_bytes(path, person))
        if kind != "application/json":
            raise BodyError(415, "The body has to be JSON, and to say so.")
        value = bodies.strict_json(body)
        if person is not None:
            check_body(value, person, self._house.belongings)
        return bodies.replayed(body, receive)


class _Answering:
    """A send that knows whether the app has begun to answer: until then it can be said that the request is refused."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def send(self, message: Message) -> None:
        self._started = self._started or message["type"] == "http.response.start"
        await self._send(message)

    async def refuse(self, error: BodyError) -> None:
        if not self._started:
            self._started = True
            body = error.text.encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
            headers.append((b"connection", b"close"))  # what is still on its way is not waited for
            await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})


def _most_bytes(path: str, person: Person | None) -> int:
    """How large a body may be."""
    if person is None:
        return bodies.ANONYMOUS_BYTES
    if path == UPLOAD:
        return bodies.UPLOAD_BYTES
    return bodies.CALL_BYTES if path.startswith((JOIN, CALL)) else bodies.JSON_BYTES


def _sign_in_first(request: Request) -> Response:
    """To a browser that opens the page: where one signs in. To all else: 401, and no word of what there is."""
    headers = request.headers
    opens_page = (
        request.method == "GET"
        and "text/html" in headers.get("accept", "")
        and headers.get("sec-fetch-mode", "navigate") == "navigate"
    )
    if opens_page:
        return RedirectResponse(SIGN_IN, 303, NO_STORE)
    return JSONResponse({"detail": "Sign in first."}, 401, NO_STORE)


def _with_safe_headers(send: Send) -> Send:
    async def safe(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SAFE.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        await send(message)

    return safe
