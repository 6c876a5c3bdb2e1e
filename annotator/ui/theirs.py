"""What a request names by an id that someone was given: Gradio's sessions and events, and files.

Gradio answers to whoever knows such an id. Here an id belongs to who was given it, or where the browser makes it up, to
who used it first; a file to whom its folder belongs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Send

from annotator.access.ownership import Belongings
from annotator.access.person import Person
from annotator.ui.bodies import BodyError
from annotator.ui.uploads import upload_folder

FILE = "/gradio_api/file="
CALL = "/gradio_api/call/"
JOIN = "/gradio_api/queue/join"
HEARTBEAT = "/gradio_api/heartbeat/"
LONGEST_ID = 200
_ANSWERED_BYTES = 2**20  # of an answer that ids are read from

Learn = Callable[[Any], None]


def not_theirs(request: Request, person: Person, own: Belongings) -> Response | None:
    """The answer to an address that names what someone else was given, None where it names nothing such."""
    path = request.scope["path"]
    if path.startswith(FILE):
        asked_for = Path(path.removeprefix(FILE))
        is_own = ".." not in asked_for.parts and asked_for.is_relative_to(upload_folder(person.key))
        return None if is_own else JSONResponse({"detail": "There is no such file for you."}, 403)
    asked = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    named = [("session_hash", one) for one in asked.get("session_hash", [])]
    if path.startswith(HEARTBEAT):
        named.append(("session_hash", path.removeprefix(HEARTBEAT)))
    is_own = all(len(one) <= LONGEST_ID and own.claim(kind, one, person.key) for kind, one in named)
    if is_own and path.startswith(CALL) and request.method == "GET":
        is_own = own.is_owned_by("event_id", path.rstrip("/").rpartition("/")[2], person.key)
    return None if is_own else JSONResponse({"detail": "There is no such session or event."}, 404)


def check_body(value: Any, person: Person, own: Belongings) -> None:
    """The same for what a body names. Raises BodyError."""
    if not isinstance(value, dict):
        return
    for kind, is_allowed in (("session_hash", own.claim), ("event_id", own.is_owned_by)):
        given = value.get(kind)
        if given is None:
            continue
        if not isinstance(given, str) or len(given) > LONGEST_ID:
            raise BodyError(400, f"The {kind} is a short text.")
        if not is_allowed(kind, given, person.key):
            raise BodyError(404, "There is no such session or event.")


def learner(request: Request, person: Person, own: Belongings) -> Learn | None:
    """What to do with the answer's JSON, None where it gives no ids out."""
    path = request.scope["path"]
    if request.method != "POST" or not (path == JOIN or path.startswith(CALL)):
        return None

    def learn(value: Any) -> None:
        if isinstance(value, dict) and "event_id" in value:
            own.claim("event_id", str(value["event_id"]), person.key)

    return learn


def overheard(send: Send, learn: Learn) -> Send:
    """The same answer; its JSON is read before its end is sent, so that who gets an id can use it."""
    chunks, is_good = list[bytes](), False

    async def overhear(message: Message) -> None:
        nonlocal is_good
        if message["type"] == "http.response.start":
            is_good = message["status"] == 200 and "json" in Headers(raw=message["headers"]).get("content-type", "")
        elif is_good and sum(map(len, chunks)) < _ANSWERED_BYTES:
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                learn(orjson.loads(b"".join(chunks)))
        await send(message)

    return overhear
