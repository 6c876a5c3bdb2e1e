"""GET and POST /login, POST /logout. gradio_client signs in by the same POST: fields username and password."""

import math
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from annotator.access.entrance import FORGET_AFTER, Entrance, Visitor
from annotator.access.person import LONGEST_NAME
from annotator.errors import SignInError
from annotator.ui.doors import SIGN_IN, SIGN_OUT
from annotator.ui.gate import NO_STORE, House
from annotator.ui.identity import signed_in
from annotator.ui.origins import is_secure
from storage.errors import StorageError

HERE = Path(__file__).parent
PAGE = Template((HERE / "page.html").read_text(encoding="utf-8"))
AT_ONCE = 4  # tries that are looked at; more of them wait, and nobody who is signed in waits for them
# No script at all, nothing from elsewhere, and the form goes nowhere but here.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {**NO_STORE, "Content-Security-Policy": POLICY}


def sign_in_routes(house: House) -> list[Route]:
    """What a stranger may reach, and the way out."""
    looking = anyio.Semaphore(AT_ONCE)

    async def show(request: Request) -> Response:
        if house.entrance is None or signed_in(request):
            return RedirectResponse("/", 303, NO_STORE)
        return _page()

    async def come_in(request: Request) -> Response:
        if house.entrance is None:
            return _welcome(request)
        given = _form(await request.body())
        name, code = given.get("username", ""), given.get("password", "")
        try:
            async with looking:
                token = await run_sync(_sign_in, house.entrance, house.visitor(request), name, code)
        except SignInError as error:
            return _refusal(request, error, name)
        except StorageError as error:
            return _refusal(request, SignInError(str(error), field="code"), name, status=503)
        answer = _welcome(request)
        answer.set_cookie(
            house.cookie,
            token,
            max_age=int(FORGET_AFTER.total_seconds()),  # it opens nothing for so long; then it marks a known browser
            httponly=True,
            samesite="lax",  # with "strict", who follows the class's link from a mail would have to sign in again
            secure=is_secure(request.scope, request.headers),
        )
        return answer

    async def leave(request: Request) -> Response:
        token = request.cookies.get(house.cookie)
        if house.entrance is not None and token:
            await run_sync(house.entrance.sign_out, token)
        gone = {**NO_STORE, "Clear-Site-Data": '"cache"'}  # pictures are kept for a year otherwise
        if _wants_page(request):
            return RedirectResponse(SIGN_IN, 303, gone)
        return JSONResponse({"success": True}, headers=gone)

    async def to_the_page(request: Request) -> Response:
        return RedirectResponse("/", 303, NO_STORE)

    return [
        Route(SIGN_IN, show, methods=["GET"]),
        Route(SIGN_IN, come_in, methods=["POST"]),
        Route(f"{SIGN_IN}/", come_in, methods=["POST"]),
        Route(f"{SIGN_IN}/", to_the_page, methods=["GET"]),
        Route(SIGN_OUT, leave, methods=["POST"]),
        Route(SIGN_OUT, to_the_page, methods=["GET"]),  # and signs nobody out: a link from elsewhere could be it
        Route("/annotator/sign-in/page.css", _file("page.css", "text/css")),
        Route("/annotator/sign-in/mark.svg", _file("mark.svg", "image/svg+xml")),
    ]


def _sign_in(entrance: Entrance, visitor: Visitor, name: str, code: str) -> str:
    """The new token; the sign-in that the browser had before is over. Raises SignInError, StorageError."""
    token, _ = entrance.sign_in(name, code, visitor)
    if visitor.token:
        entrance.sign_out(visitor.token)
    return token


def _page(*, error: SignInError | None = None, name: str = "", status: int = 200) -> Response:
    wrong = 'aria-invalid="true" aria-describedby="problem" autofocus'
    is_code = error is not None and error.field == "code"
    is_name = error is not None and not is_code
    text = PAGE.substitute(
        problem=f'<p class="problem" id="problem" role="alert">{escape(str(error))}</p>' if error else "",
        name=escape(name[:LONGEST_NAME], quote=True),
        longest_name=LONGEST_NAME,
        name_state=wrong if is_name else "" if is_code else "autofocus",
        code_state=wrong if is_code else "",
    )
    return HTMLResponse(text, status, _HEADERS)


def _refusal(request: Request, error: SignInError, name: str, *, status: int = 401) -> Response:
    status = 429 if error.wait_s > 0 else status
    if _wants_page(request):
        answer = _page(error=error, name=name, status=status)
    else:
        answer = JSONResponse({"detail": str(error)}, status, NO_STORE)
    if error.wait_s > 0:
        answer.headers["Retry-After"] = str(math.ceil(error.wait_s))
    return answer


def _welcome(request: Request) -> Response:
    return RedirectResponse("/", 303, NO_STORE) if _wants_page(request) else JSONResponse({"success": True})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _form(body: bytes) -> dict[str, str]:
    """The fields of an urlencoded form, the last of each name; nothing of what is none."""
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    data = (HERE / name).read_bytes()

    async def send(request: Request) -> Response:
        return Response(data, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return send
