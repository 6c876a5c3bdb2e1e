"""What comes in: how much of it, and as JSON that means the same to everyone who reads it."""

from typing import Any

import orjson
from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Message, Receive

ANONYMOUS_BYTES = 16 * 2**10  # a name and a code
JSON_BYTES = 16 * 2**20
UPLOAD_BYTES = 2 * 2**30 + 2**20  # one file as large as Gradio takes it, and what stands around it
TEXT_PART_BYTES = 2**20  # of an upload, in all its parts that are no files
_PART_HEADER_BYTES = 8 * 2**10
_NUL = rb"\u0000"  # valid in JSON, but in no name, and not every database stores it


class BodyError(Exception):
    """A body that is not read any further; status and text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def too_large(most: int) -> BodyError:
    return BodyError(413, f"That is too large: at most {most} bytes are taken here.")


def announced_bytes(content_length: str | None) -> int:
    """What Content-Length says, 0 where nothing. Raises BodyError where it says no number."""
    if content_length is None:
        return 0
    if not (content_length.isascii() and content_length.isdigit()) or len(content_length) > 18:
        raise BodyError(400, "The Content-Length is no number.")
    return int(content_length)


async def read_body(receive: Receive, *, most: int) -> bytes:
    """All of the body. Raises BodyError as soon as it is more, whatever was announced, and where the sender left."""
    chunks, total = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyError(400, "The request ended too early.")
        chunk = message.get("body", b"")
        total += len(chunk)
        if total > most:
            raise too_large(most)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once more, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def strict_json(body: bytes) -> Any:
    """JSON without NaN, infinities, lone surrogates, NUL and bottomless nesting. Raises BodyError."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyError(400, "The body is no valid JSON.") from error
    if _NUL in body:
        raise BodyError(400, "The body has a NUL character in it.")
    return value


class UploadCheck:
    """Looks at an upload as it streams by: its size, and the size of the parts in it that are no files."""

    def __init__(self, content_type: str) -> None:
        """Raises BodyError for what is no multipart form."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise BodyError(415, "An upload is a multipart form.")
        self._total, self._text, self._headers = 0, 0, 0
        self._name, self._value, self._disposition = b"", b"", b""
        self._is_file = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Raises BodyError."""
        self._total += len(chunk)
        if self._total > UPLOAD_BYTES:
            raise too_large(UPLOAD_BYTES)
        try:
            self._parser.write(chunk)
        except ParseError as error:
            raise BodyError(400, "The upload is no valid multipart form.") from error

    def _begin(self) -> None:
        self._name, self._value, self._disposition, self._headers, self._is_file = b"", b"", b"", 0, False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def _headers_finished(self) -> None:
        self._is_file = b"filename" in parse_options_header(self._disposition)[1]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._text += end - start
            if self._text > TEXT_PART_BYTES:
                raise too_large(TEXT_PART_BYTES)

    def _count_header(self, length: int) -> None:
        self._headers += length
        if self._headers > _PART_HEADER_BYTES:
            raise BodyError(400, "A header within the upload is too long.")
