"""The page's calls over HTTP, at the address where Gradio's page sends them, in place of Gradio's own dispatch.

Gradio's looks any attribute of any component up by the name that comes in, takes for JSON what Python's reader does,
and an exception ends the connection. Here there is one component with one function.
"""

from typing import Any

import anyio
import orjson
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from annotator.ui.calls import Calls
from annotator.ui.doors import SERVER_CALL
from annotator.ui.identity import person_of
from annotator.ui.problems import problem_json
from annotator.ui.waitingroom import BusyError, WaitingRoom

FUNCTION = "call"


def dispatch_routes(calls: Calls, *, component_id: int, threads: int) -> list[Route]:
    """threads: calls at work at once; more of them wait, see ui/waitingroom.py."""
    limiter: anyio.CapacityLimiter | None = None
    room = WaitingRoom(seats=threads)

    async def dispatch(request: Request) -> Response:
        nonlocal limiter
        limiter = limiter or anyio.CapacityLimiter(threads)  # within the event loop
        person = person_of(request)
        body = orjson.loads(await request.body())  # the gate has seen that it is JSON
        if not isinstance(body, dict) or not {"data", "fn_name", "component_id", "session_hash"} <= body.keys():
            return JSONResponse({"detail": "A call has data, fn_name, component_id and session_hash."}, 400)
        if body["fn_name"] != FUNCTION or body["component_id"] != component_id:
            return JSONResponse({"detail": "There is no such function. Reload the page."}, 404)

        def work() -> bytes:
            with room.allowances.at_work(person.key):
                return _json(calls.handle(body["data"], person=person))

        try:
            async with room.seat(person.key):
                answer = await run_sync(work, limiter=limiter)
        except BusyError as error:
            answer = _json({"ok": False, "error": problem_json(error)})
        return Response(answer, media_type="application/json")

    return [Route(path, dispatch, methods=["POST"]) for path in (SERVER_CALL, f"{SERVER_CALL}/")]


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a call answered with {type(value).__name__}, which is no JSON")
