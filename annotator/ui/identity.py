"""Who is calling. The one place that decides it."""

import hmac
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

LOCAL_LABELER = "local"  # where no access code is asked for, there is one labeler: this machine's user


def labeler_of(request: Any) -> str:
    """The labeler of a server function's or an event's request.

    Gradio's event requests carry a username; a server function gets Starlette's request, which does not.
    """
    username = getattr(request, "username", None)
    if username:
        return str(username)
    inner = getattr(request, "request", request)
    return str(_signed_in_name(inner) or LOCAL_LABELER) if isinstance(inner, Request) else LOCAL_LABELER


def may_read(request: Request) -> bool:
    """Whether a picture or an export may be sent in answer to this request."""
    app = request.app
    return getattr(app, "auth", None) is None or _signed_in_name(request) is not None


def access_check(access_code: str) -> Callable[[str, str], bool]:
    """Gradio's `auth`: any name, and the code, compared in constant time."""

    def check(name: str, code: str) -> bool:
        return bool(name.strip()) and hmac.compare_digest(code.encode(), access_code.encode())

    return check


def _signed_in_name(request: Request) -> str | None:
    app = request.app
    tokens, cookie_id = getattr(app, "tokens", {}), getattr(app, "cookie_id", "")
    for name in (f"access-token-{cookie_id}", f"access-token-unsecure-{cookie_id}"):
        if request.cookies.get(name) in tokens:
            return str(tokens[request.cookies[name]])
    return None
