"""One large file over HTTP: resumed where it stopped, retried, and each obstacle said in words."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from annotator.errors import Cancelled

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 where nobody knows)
IsCancelled = Callable[[], bool]

TRIES = 5  # in a row that brought nothing new
PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}


class TransferError(Exception):
    """The file did not come; the text is the reason, a clause without a full stop."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing  # may be over in a moment: worth another try


class Transfer:
    """Fetches `url` into the file `part`, going on after the bytes that `part` has already.

    size: bytes in all, None where unknown. timeout_s: how long the line may be silent. retry_wait_s: before the
    first try again, doubled for each further one.
    """

    def __init__(
        self,
        url: str,
        part: Path,
        *,
        size: int | None,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
        timeout_s: float = 30.0,
        retry_wait_s: float = 1.0,
    ) -> None:
        self._url, self._part, self._size = url, part, size
        self._etag_file = part.with_name(part.name + ".etag")
        self._progress, self._cancelled = progress or (lambda done, total: None), cancelled or (lambda: False)
        self._timeout_s, self._retry_wait_s = timeout_s, retry_wait_s

    def run(self) -> None:
        """Raises TransferError, Cancelled (both keep what has come), or the OSError of a file operation."""
        tries, most, answered = 0, self._have(), False
        with self._client() as client:
            while True:
                try:
                    self._attempt(client)
                    return
                except TransferError as error:
                    answered = answered or self._have() > most
                    unreached = isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
                    if not error.passing or (unreached and not answered):
                        raise  # without a network it is better to say so at once
                    tries = 0 if self._have() > most else tries + 1
                    if tries >= TRIES:
                        raise
                most = max(most, self._have())
                self._pause(self._retry_wait_s * 2**tries)

    def discard(self) -> None:
        """Forget what has come so far."""
        self._part.unlink(missing_ok=True)
        self._etag_file.unlink(missing_ok=True)

    def _client(self) -> httpx.Client:
        try:
            return httpx.Client(follow_redirects=True, timeout=self._timeout_s)
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # what HTTPS_PROXY and its kin can do
            raise TransferError(f"the proxy that this machine's settings name cannot be used ({error})") from error

    def _attempt(self, client: httpx.Client) -> None:
        have = self._have()
        if self._size is not None and have > self._size:
            self.discard()
            have = 0
        if have and have == self._size:
            return
        try:
            with client.stream("GET", self._url, headers=self._headers(have)) as response:
                start, total = self._read_head(response, have)
                done = self._receive(response, start, total)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TransferError(f"{httpx.URL(self._url).host} cannot be reached ({error})", passing=True) from error
        except httpx.TimeoutException as error:
            raise TransferError(f"nothing came for {self._timeout_s:g} seconds", passing=True) from error
        except (httpx.ProxyError, httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise TransferError(str(error).rstrip(".")) from error
        except httpx.RequestError as error:
            reason = f"the connection broke after {self._have():,} bytes ({error})"
            raise TransferError(reason, passing=True) from error
        if total is not None and done < total:
            raise TransferError(f"the connection ended after {done:,} of {total:,} bytes", passing=True)

    def _headers(self, have: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._etag_file.exists():  # the rest, or all of it where the file is another one by now
                headers["If-Range"] = self._etag_file.read_text("ascii")
        return headers

    def _read_head(self, response: httpx.Response, have: int) -> tuple[int, int | None]:
        """Where the answer's bytes begin, and the file's size as known by now. Raises for an answer of no use."""
        status = response.status_code
        if status == 416:  # the part does not fit the file on the server
            self.discard()
            raise TransferError("the server refused to go on with the part that is here", passing=True)
        if status not in (200, 206):
            reason = f"the server answered {status} {response.reason_phrase}".rstrip()
            raise TransferError(reason, passing=status in PASSING_STATUS)
        if response.headers.get("Content-Type", "").lower().startswith("text/html"):
            raise TransferError("a web page came in its place (from a proxy, or a page to log in?)")
        start, total = 0, self._size
        if status == 206:
            told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
            if told is None or int(told[1]) != have:
                self.discard()
                raise TransferError("the server answered with another part than was asked for", passing=bool(have))
            start, said = have, None if told[2] == "*" else int(told[2])
        else:
            length = response.headers.get("Content-Length", "")
            said = int(length) if length.isdecimal() else None
        if self._size is not None and said is not None and said != self._size:
            raise TransferError(f"the server's file has {said:,} bytes, and {self._size:,} are expected")
        return start, total if total is not None else said

    def _receive(self, response: httpx.Response, start: int, total: int | None) -> int:
        """Write the answer to the part from `start` on; returns how long the part is then."""
        if not start:
            self._etag_file.unlink(missing_ok=True)
            etag = response.headers.get("ETag", "")
            if etag.startswith('"') and etag.isascii():  # a weak one (W/) does not promise the same bytes
                self._etag_file.write_text(etag, "ascii")
        done = start
        self._progress(done, total or 0)
        with self._part.open("ab" if start else "wb") as file:
            for (
                chunk
            ) in response.iter_raw():  # as it comes: pieces of a set size would be held back, and lost on a break
                self._stop_if_cancelled()
                done += len(chunk)
                if total is not None and done > total:
                    raise TransferError(f"more came than the expected {total:,} bytes")
                file.write(chunk)
                self._progress(done, total or 0)
        return done

    def _have(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._stop_if_cancelled()
            time.sleep(min(left, 0.1))

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled("The download was stopped. What has come is kept, and the next one goes on from there.")
