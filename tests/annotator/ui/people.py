"""People at a running server: how they sign in, and what their page and their programs send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.serving import RunningServer

CODE, INSTRUCTOR_CODE = "sesame-123", "boss-45678"
OPTIONS = ["--access-code", CODE, "--instructor-code", INSTRUCTOR_CODE]


class Visitor(httpx.Client):
    """A browser's worth of HTTP. address: the one of this machine to come from."""

    def __init__(self, server: RunningServer, *, address: str | None = None, **more: Any) -> None:
        transport = httpx.HTTPTransport(local_address=address) if address else None
        super().__init__(base_url=server.url, timeout=60, transport=transport, **more)
        self._component: int | None = None

    def sign_in(self, name: str, code: str = CODE, **more: Any) -> httpx.Response:
        return self.post("/login", data={"username": name, "password": code}, **more)

    def component(self) -> int:
        """The number of the page's component."""
        if self._component is None:
            there = self.get("/config").json()["components"]
            self._component = next(one["id"] for one in there if one["props"].get("elem_id") == "annotator")
        return self._component

    def call_with(self, message: Any, **other: Any) -> httpx.Response:
        """The page's server function, with whatever message."""
        body = {"data": message, "fn_name": "call", "component_id": self.component(), "session_hash": f"s{id(self)}"}
        return self.post("/gradio_api/component_server/", json=body | other)

    def ask(self, name: str, /, **args: Any) -> dict[str, Any]:
        answer = self.call_with({"name": name, "args": args})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def event(self, body: dict[str, Any]) -> tuple[int, str]:
        """Join the queue with an event and read its stream to the end: status, and what came."""
        session = body.setdefault("session_hash", f"e{id(self)}")
        joined = self.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.status_code, joined.text
        with self.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            return 200, "\n".join(stream.iter_lines())

    def result(self, api_name: str, *data: Any) -> Any:
        """Call a named endpoint the way a plain HTTP client does."""
        begun = self.post(f"/gradio_api/call/{api_name}", json={"data": list(data)}).json()
        with self.stream("GET", f"/gradio_api/call/{api_name}/{begun['event_id']}") as stream:
            lines = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
        return json.loads(lines[-1])


@contextmanager
def signed_in(server: RunningServer, name: str, code: str = CODE, **more: Any) -> Iterator[Visitor]:
    with Visitor(server, **more) as visitor:
        assert visitor.sign_in(name, code).status_code == 200
        yield visitor
