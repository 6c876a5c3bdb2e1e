"""Whose page a request comes from, which address it comes from, and whether it came over https.

What a proxy says in X-Forwarded-… headers, anyone can say. The only proxy that is known is Gradio's share relay: its
tunnel ends in a process on this machine, so of a connection from loopback, and of none else, while the server is
shared, the last entry of X-Forwarded-For is the visitor's address; the relay has added that one itself. The entries
before it are the visitor's own words. X-Forwarded-Host is never believed: the relay's host is known from the launch.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


def refused_origin(scope: Scope, headers: Headers, *, share_host: str | None) -> bool:
    """Whether another site's page makes the request. Following a link to here is no such thing.

    A browser names the origin of what changes something (null where it hides it), and in Sec-Fetch-Site how far from
    here any request comes; neither can be set by a page's script.
    """
    origin = headers.get("origin")
    hosts = {headers.get("host"), share_host} - {None, ""}
    if origin is not None and urlsplit(origin).netloc not in hosts:
        return True
    is_link = scope["method"] in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate"
    return headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") and not is_link


def is_loopback_name(host: str | None) -> bool:
    """Whether a Host header names this machine itself. Another site's name can be made to lead here."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False


def address_of(scope: Scope, headers: Headers, *, is_shared: bool) -> tuple[str, bool]:
    """The visitor's address, and whether the share relay vouches for it; the rule stands at the top."""
    peer = (scope.get("client") or ("unknown", 0))[0]
    forwarded = headers.getlist("x-forwarded-for")
    if is_shared and forwarded and _is_loopback(peer):
        return forwarded[-1].rpartition(",")[2].strip() or peer, True
    return peer, False


def is_secure(scope: Scope, headers: Headers) -> bool:
    """Whether the browser speaks https. A visitor who lies about it only makes a cookie that they do not get back."""
    peer = (scope.get("client") or ("", 0))[0]
    relayed = headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https"
    return scope["scheme"] == "https" or (relayed and _is_loopback(peer))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
