"""Which paths there are: open to anyone, open to who is signed in, and shut. What is not named here is shut.

Gradio serves more than the page and its clients use (deep links, streams, proxies, monitoring, editing by prompt): each
such route would be a promise to keep.
"""

import re
from enum import Enum, auto

SIGN_IN = "/login"
SIGN_OUT = "/logout"
UPLOAD = "/gradio_api/upload"
SERVER_CALL = "/gradio_api/component_server"


class Door(Enum):
    """Who may pass."""

    ANYONE = auto()
    SIGNED_IN = auto()
    NOBODY = auto()


_ANYONE = re.compile(
    rf"""{SIGN_IN}/? | /annotator/sign-in/[\w.-]+
       | /gradio_api/startup-events  # Gradio asks for it itself, to see that the server has started
    """,
    re.VERBOSE,
)
_SIGNED_IN = re.compile(
    rf"""/ | {SIGN_OUT}/? | /annotator/.+
       | /config/? | /theme\.css | /manifest\.json | /favicon\.ico | /robots\.txt | /pwa_icon(/\d+)?
       | /(assets|static|svelte)/.+
       | /gradio_api/(
             info/? | app_id/? | login_check/? | user/? | theme\.css
           | upload | file=.+
           | queue/(join|data|status) | call/(v2/)?[\w-]+/?(/[\w-]+)?
           | cancel | reset/? | heartbeat/[^/]+
           | component_server/?
         )
    """,
    re.VERBOSE | re.DOTALL,
)


def door_of(path: str) -> Door:
    """path: decoded, as the routes see it."""
    if _ANYONE.fullmatch(path):
        return Door.ANYONE
    return Door.SIGNED_IN if _SIGNED_IN.fullmatch(path) else Door.NOBODY
