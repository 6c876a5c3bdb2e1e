"""Who is calling. The gate has decided it; here it is read, in the one place that may."""

from typing import Any

from starlette.requests import Request

from annotator.access.person import Person
from annotator.errors import NotAllowedError

PERSON = "person"  # in scope["state"], which nothing that a request carries can reach


def signed_in(request: Request) -> Person | None:
    """The person of a route's request; None on the few paths that are open to anyone."""
    person = request.scope.get("state", {}).get(PERSON)
    return person if isinstance(person, Person) else None


def person_of(request: Any) -> Person:
    """The person of a route's, a server function's or an event's request (Gradio wraps the first of them).

    Raises NotAllowedError where the gate did not see the request: nobody is let in by mistake.
    """
    inner = request if isinstance(request, Request) else getattr(request, "request", None)
    person = signed_in(inner) if isinstance(inner, Request) else None
    if person is None:
        raise NotAllowedError("Nobody is signed in. Reload the page, then sign in.")
    return person


def labeler_of(request: Any) -> str:
    """The name that the caller's work is kept under. Raises NotAllowedError."""
    return person_of(request).name
