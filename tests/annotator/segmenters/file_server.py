"""A web server of one file, on a real socket, that can be made to behave as badly as the internet does."""

import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ETAG = '"one"'


class FileServer(ThreadingHTTPServer):
    """Serves `content` under every path, honouring Range and If-Range.

    script: a manner for each of the first requests; later ones are answered honestly. requests: the headers of each.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.etag = ETAG
        self.script: list[Manner] = []
        self.requests: list[dict[str, str]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files/"

    def __enter__(self) -> "FileServer":
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is a part of these tests; anything else shows in what the client says."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def log_message(self, *_: object) -> None:
        """Not on the tests' output."""

    def do_GET(self) -> None:
        self.server.requests.append(dict(self.headers))
        manner = self.server.script.pop(0) if self.server.script else honest
        manner(self)

    def head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def start(self) -> bytes:
        """The head of an honest answer; returns the bytes to send."""
        content, asked = self.server.content, self.headers.get("Range", "")
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        first = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and same else 0
        if first >= len(content):
            self.head(416, 0, Content_Range=f"bytes */{len(content)}")
            return b""
        extra = {"ETag": self.server.etag} if self.server.etag else {}
        if first:
            extra["Content_Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self.head(206 if first else 200, len(content) - first, **extra)
        return content[first:]


Manner = Callable[[Handler], None]


def honest(handler: Handler) -> None:
    handler.wfile.write(handler.start())


def drop_after(count: int, *, reset: bool = False) -> Manner:
    """Send count bytes of the rest and hang up; reset: with a TCP reset, as a cut line does."""

    def manner(handler: Handler) -> None:
        handler.wfile.write(handler.start()[:count])
        handler.wfile.flush()
        if reset:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            handler.connection.shutdown(socket.SHUT_WR)
        handler.close_connection = True

    return manner


def stall_after(count: int) -> Manner:
    def manner(handler: Handler) -> None:
        handler.wfile.write(handler.start()[:count])
        handler.wfile.flush()
        handler.server.closing.wait(30)
        handler.close_connection = True

    return manner


def silent(handler: Handler) -> None:
    handler.server.closing.wait(30)
    handler.close_connection = True


def corrupt(handler: Handler) -> None:
    body = bytearray(handler.start())
    body[len(body) // 2] ^= 1
    handler.wfile.write(body)


def ignore_range(handler: Handler) -> None:
    del handler.headers["Range"]
    honest(handler)


def answer(status: int, body: bytes = b"", **headers: str) -> Manner:
    def manner(handler: Handler) -> None:
        handler.head(status, len(body), **headers)
        handler.wfile.write(body)

    return manner


def other_range(handler: Handler) -> None:
    """A 206 for other bytes than were asked for."""
    content = handler.server.content
    body = content[1:]
    handler.head(206, len(body), Content_Range=f"bytes 1-{len(content) - 1}/{len(content)}")
    handler.wfile.write(body)


def shorter_file(handler: Handler) -> None:
    body = handler.server.content[:-100]
    handler.head(200, len(body))
    handler.wfile.write(body)


def without_length(count: int | None = None, more: bytes = b"") -> Manner:
    """HTTP/1.0 style: no Content-Length, the body ends where the connection does."""

    def manner(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(handler.server.content[:count] + more)
        handler.close_connection = True

    return manner
