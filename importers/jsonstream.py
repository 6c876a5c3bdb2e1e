"""A large JSON object read member by member: memory holds one element of a list at a time, not the file."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from importers.base import ImporterError

_CHUNK_CHARACTERS = 2**18
_MOST_CHARACTERS = 2**28  # of one element
_CUT = 16  # characters before the end of what was read within which a fault may be that there is more to read
_LONGEST_WORD = 5
_SPACE = re.compile(r"[ \t\n\r]*")
_UTF8_BOM = "\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Element:
    """A member of the object, or one element of a member that is a list.

    value: its strings are bytes read as Latin-1; `parse_slice` gives them as they are meant. start, end: its bytes in
    the file. is_list: this only says that the member is a list; its elements follow.
    """

    key: str
    value: Any
    start: int
    end: int
    is_list: bool = False


def elements(path: Path, name: str) -> Iterator[Element]:
    """The members of the JSON object in a file, in its order. Raises ImporterError, naming line and column.

    The structure of JSON is ASCII: read as Latin-1, one character is one byte, and places in the text are places in the
    file. name: what to call the file.
    """
    with opened(path, name) as file:
        yield from _Scanner(file, name).members()


@contextlib.contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """A file to read elements from. Raises ImporterError where it cannot be read (any more)."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        text = f"{name}: It cannot be read ({error.strerror}). Check the disk and its permissions."
        raise ImporterError(text) from error


def parse_slice(data: bytes, name: str) -> Any:
    """The bytes of one element as Python values. Raises ImporterError for text that is not UTF-8."""
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ImporterError(f"{name}: It has text that is not UTF-8. Save it as UTF-8, then import it.") from error


class _Scanner:
    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._text, self._at, self._at_end = "", 0, False
        self._before = 0  # bytes of the file before the text
        self._lines, self._line_start = 1, 0  # lines begun before the text, and where the last of them begins
        self._decode = json.JSONDecoder().raw_decode

    def members(self) -> Iterator[Element]:
        self._begin()
        if self._next() == "}":
            self._at += 1
        else:
            while True:
                yield from self._member()
                if self._separator("}"):
                    break
        if self._next():
            raise self._error("There is more after its end", self._at)

    def _begin(self) -> None:
        self._refill()
        if self._text.startswith(_UTF8_BOM):
            self._at = len(_UTF8_BOM)
        elif "\0" in self._text[:4]:
            raise ImporterError(f"{self._name}: It is UTF-16 or no text at all. Save it as UTF-8, then import it.")
        first = self._next()
        if not first:
            raise ImporterError(f"{self._name}: The file is empty. Copy it again from where it came.")
        if first != "{":
            raise self._error("Expected an object, { … }", self._at)
        self._at += 1

    def _member(self) -> Iterator[Element]:
        if self._next() != '"':
            raise self._error("Expected a name in double quotes", self._at)
        key, _, _ = self._value()
        if self._next() != ":":
            raise self._error("Expected a colon", self._at)
        self._at += 1
        if self._next() != "[":
            yield Element(key, *self._value())
            return
        yield Element(key, None, self._before + self._at, self._before + self._at, is_list=True)
        self._at += 1
        if self._next() == "]":
            self._at += 1
            return
        while True:
            self._next()
            yield Element(key, *self._value())
            if self._separator("]"):
                return

    def _separator(self, closing: str) -> bool:
        """Pass a comma, or the closing bracket: True then."""
        found = self._next()
        if found not in (",", closing) or not found:
            raise self._error(f"Expected a comma or {closing}", self._at)
        self._at += 1
        return found == closing

    def _next(self) -> str:
        """The next character that is no space; "" at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or self._at_end:
                return self._text[self._at : self._at + 1]
            self._refill()

    def _value(self) -> tuple[Any, int, int]:
        """(value, start, end) of what begins here."""
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _CUT
                if self._at_end or not is_cut:
                    raise self._error(error.msg, error.pos) from error
            except RecursionError as error:
                raise self._error("Its lists lie too deep in each other", self._at) from error
            except ValueError as error:  # a whole number of thousands of digits
                raise self._error("It has a number too long to read", self._at) from error
            else:
                is_closed = self._text[self._at] in '{["'  # of a number there may be more to read
                if is_closed or self._at_end or end < len(self._text) - _CUT:
                    start, self._at = self._at, end
                    return value, self._before + start, self._before + end
            if len(self._text) - self._at > _MOST_CHARACTERS:
                raise self._error(f"An element is larger than {_MOST_CHARACTERS // 2**20} MiB", self._at)
            self._refill()

    def _refill(self) -> None:
        """Drop what is behind, and read as much as is still there, at least a chunk: an element is read anew then."""
        newlines = self._text.count("\n", 0, self._at)
        if newlines:
            self._lines += newlines
            self._line_start = self._before + self._text.rindex("\n", 0, self._at) + 1
        self._before += self._at
        rest = self._text[self._at :]
        more = self._file.read(max(_CHUNK_CHARACTERS, len(rest)))
        self._at_end = not more
        self._text, self._at = rest + more.decode("latin-1"), 0

    def _error(self, what: str, at: int) -> ImporterError:
        line = self._lines + self._text.count("\n", 0, at)
        newline = self._text.rfind("\n", 0, at)
        start = self._line_start if newline < 0 else self._before + newline + 1
        place = f"line {line}, column {self._before + at - start + 1}"
        rest = self._text[at:].rstrip()
        is_cut = len(rest) <= _LONGEST_WORD and not any(mark in rest for mark in "]}")  # in a number, in "true"
        if self._at_end and (is_cut or what.startswith("Unterminated")):
            return ImporterError(f"{self._name}: It ends too early, at {place}: was it cut off? Copy it again.")
        return ImporterError(f"{self._name}: It is no sound JSON at {place}: {what}. Mend it, or export it again.")
