"""A browser's worth of raw, asynchronous HTTP: a cookie jar, calls with nonces, retries as the page makes them."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 2.0  # between two tries; the page's are 0.4 and 8
PATIENCE_S = 45.0  # for one answer, as the page has it
GIVE_UP_S = 120.0  # a server that stays away so long is an error
BUSY = "busy"  # the kind of error that asks for another try


class CallFailed(Exception):
    """The server answered with something that is no answer, or with none at all for GIVE_UP_S."""


@dataclass(frozen=True)
class Reply:
    """An answer to a call. took_s: of the try that was answered, from sending to having read it all."""

    body: dict[str, Any]
    took_s: float
    tries: int

    @property
    def result(self) -> dict[str, Any]:
        """Raises CallFailed where the server refused."""
        if not self.body.get("ok"):
            raise CallFailed(f"refused: {self.body.get('error')}")
        return self.body["result"]


class Browser:
    """One person's. urls: the servers that it may ask, one after the other, as behind an address that is not sticky.

    drop: the share of answers that get lost on their way; such a call is made again, word by word.
    """

    def __init__(self, urls: Sequence[str], name: str, code: str, *, drop: float = 0.0, seed: int = 0) -> None:
        for url in urls:
            if urlsplit(url).hostname != "127.0.0.1":
                raise ValueError(f"only this machine is put under load, not {url}")
        self.name, self._code, self._urls, self._drop = name, code, list(urls), drop
        self._rng, self._asked = random.Random(seed), 0
        # Cookies of 127.0.0.1 are for all its ports, but the cookie's name has the port in it: a jar a server.
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        self._http = [
            httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, limits=limits, trust_env=False, verify=False)
            for url in self._urls
        ]
        self._component = 0
        self.dropped = self.lost = self.told_busy = 0  # answers thrown away, tries without one, refused as too many

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._http:
            await client.aclose()

    async def sign_in(self) -> None:
        """Raises CallFailed."""
        for client in self._http:
            await self._asked_for(client, "POST", "/login", data={"username": self.name, "password": self._code})
        config = (await self.get("/config")).json()
        self._component = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "annotator")

    async def get(self, path: str) -> httpx.Response:
        """Raises CallFailed where it is not 200."""
        return await self._asked_for(self._next(), "GET", path)

    async def upload(self, files: dict[str, bytes]) -> list[dict[str, str]]:
        """Returns what import_uploads takes."""
        sent = [("files", (name, data, "image/jpeg")) for name, data in files.items()]
        answer = await self._asked_for(self._http[0], "POST", "/gradio_api/upload", files=sent)
        return [{"path": path, "name": name} for path, name in zip(answer.json(), files, strict=True)]

    async def call(self, name: str, /, *, nonce: str, patient: bool = True, **args: Any) -> Reply:
        """A call of the page. It is made again where no answer came, and where the server has too much to do.

        patient False: one that is refused as too many is handed back. Raises CallFailed.
        """
        body = {
            "data": {"name": name, "args": args, "nonce": nonce},
            "fn_name": "call",
            "component_id": self._component,
            "session_hash": f"class-{self.name}",
        }
        began, wait_s, tries = time.monotonic(), FIRST_WAIT_S, 0
        while True:
            tries += 1
            sent = time.perf_counter()
            try:
                answer = await self._next().post("/gradio_api/component_server/", json=body)
            except httpx.TransportError as error:
                self.lost += 1
                if time.monotonic() - began > GIVE_UP_S:
                    raise CallFailed(f"no answer for {GIVE_UP_S:.0f} s: {error!r}") from error
            else:
                took_s = time.perf_counter() - sent
                if answer.status_code != 200:
                    raise CallFailed(f"{name}: status {answer.status_code}: {answer.text[:200]}")
                value = answer.json()
                is_busy = not value["ok"] and value["error"]["kind"] == BUSY
                self.told_busy += is_busy
                if is_busy and patient and time.monotonic() - began < GIVE_UP_S:
                    pass
                elif self._rng.random() < self._drop:
                    self.dropped += 1
                    continue  # the page notices at once, too: the connection broke
                else:
                    return Reply(value, took_s, tries)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _next(self) -> httpx.AsyncClient:
        self._asked += 1
        return self._http[self._asked % len(self._http)]

    async def _asked_for(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        began = time.monotonic()
        while True:
            try:
                answer = await client.request(method, path, **more)
            except httpx.TransportError as error:
                self.lost += 1
                if time.monotonic() - began > GIVE_UP_S:
                    raise CallFailed(f"no answer for {GIVE_UP_S:.0f} s: {error!r}") from error
                await asyncio.sleep(FIRST_WAIT_S)
                continue
            if answer.status_code != 200:
                raise CallFailed(f"{method} {path}: status {answer.status_code}: {answer.text[:200]}")
            return answer
