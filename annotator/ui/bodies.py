"""What comes in: how much of it, and as JSON that means the same to everyone who reads it."""

import re
import time
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
import orjson
from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Message, Receive

from importers.names import clean_name

ANONYMOUS_BYTES = 16 * 2**10  # a name and a code
JSON_BYTES = 16 * 2**20
UPLOAD_BYTES = 2 * 2**30 + 2**20  # one file as large as Gradio takes it, and what stands around it
TEXT_PART_BYTES = 2**20  # of an upload, in all its parts that are no files
CALL_BYTES = 2**20  # to an endpoint: Gradio keeps it until its answer is read
MOST_FILES = 1000  # in one upload
FILE_FIELD = b"files"
_LONGEST_PLAIN = 200  # bytes
_ODD_IN_NAMES = re.compile(r"[^\w .,()\[\]-]")
_PART_HEADER_BYTES = 8 * 2**10
_NUL = rb"\u0000"  # valid in JSON, but in no name, and not every database stores it


class BodyError(Exception):
    """A body that is not read any further; status and text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Patience:
    """How slowly a body may come. idle_s: between two pieces of it; after grace_s it has to come at bytes_per_s."""

    idle_s: float = 10.0
    grace_s: float = 20.0
    bytes_per_s: float = 4096.0


JSON_PATIENCE = Patience()
UPLOAD_PATIENCE = Patience(idle_s=30.0, grace_s=60.0)


def patient(receive: Receive, patience: Patience) -> Receive:
    """The same, raising BodyError where the body comes too slowly: nobody holds a place for ever."""
    began, came, is_whole = time.monotonic(), 0, False

    async def next_piece() -> Message:
        nonlocal came, is_whole
        if is_whole:  # what comes now is the visitor's leaving, for which there is no hurry
            return await receive()
        left = began + patience.grace_s + came / patience.bytes_per_s - time.monotonic()
        with anyio.move_on_after(max(0.0, min(patience.idle_s, left))):
            message = await receive()
            came += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            return message
        raise BodyError(408, "The request came too slowly. Try again on a better connection.")

    return next_piece


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


class Files(Protocol):
    """Takes the files of an upload, one after another; annotator/intake.py's Upload."""

    def begin_file(self, name: str) -> None: ...

    def write(self, data: bytes) -> None: ...

    def end_file(self) -> None: ...


class UploadReader:
    """Takes an upload apart as it streams by, and limits all of it that is no file."""

    def __init__(self, content_type: str, files: Files) -> None:
        """Raises BodyError for what is no multipart form."""
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise BodyError(415, "An upload is a multipart form.")
        self._files = files
        self._total, self._count, self._text, self._headers = 0, 0, 0, 0
        self._name, self._value, self._disposition = b"", b"", b""
        self._is_file, self._is_whole = False, False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Raises BodyError, and what the files raise."""
        self._total += len(chunk)
        if self._total > UPLOAD_BYTES:
            raise too_large(UPLOAD_BYTES)
        try:
            self._parser.write(chunk)
        except ParseError as error:
            raise BodyError(400, "The upload is no valid multipart form.") from error

    def finish(self) -> None:
        """Raises BodyError where the end is missing."""
        if not self._is_whole:
            raise BodyError(400, "The upload ended too early.")

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
        options = parse_options_header(self._disposition)[1]
        self._is_file = b"filename" in options
        if self._is_file:
            self._count += 1
            if self._count > MOST_FILES:
                raise BodyError(413, f"At most {MOST_FILES} files come in one upload. Send the rest in another.")
            if options.get(b"name") != FILE_FIELD:
                raise BodyError(400, f"The files of an upload are called {FILE_FIELD.decode()!r}.")
            self._files.begin_file(plain_name(options[b"filename"].decode("utf-8", "replace")))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._files.write(data[start:end])
            return
        self._count_text(end - start)

    def _end(self) -> None:
        if self._is_file:
            self._files.end_file()

    def _all(self) -> None:
        self._is_whole = True

    def _count_header(self, length: int) -> None:
        self._headers += length
        if self._headers > _PART_HEADER_BYTES:
            raise BodyError(400, "A header within the upload is too long.")
        self._count_text(length)  # a million empty parts are as bad as a large one

    def _count_text(self, length: int) -> None:
        self._text += length
        if self._text > TEXT_PART_BYTES:
            raise too_large(TEXT_PART_BYTES)


def plain_name(given: str) -> str:
    """A file name from outside as one that every system, address and header takes; the page sends the real one too."""
    last = clean_name(given.replace("\\", "/").rpartition("/")[2])
    kept = _ODD_IN_NAMES.sub("_", last).strip(". ")
    if len(kept.encode()) <= _LONGEST_PLAIN:
        return kept or "upload"
    stem, dot, suffix = kept.rpartition(".")
    short = (stem or suffix).encode()[: _LONGEST_PLAIN // 2].decode("utf-8", "ignore")
    return short + (dot + suffix[:20] if stem else "")
