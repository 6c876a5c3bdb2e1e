"""Zip archives from anywhere, entry by entry, within bounds that do not trust what the archive says of itself."""

import contextlib
import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from importers.base import ImporterError
from importers.names import clean_name, is_ignored, natural_key
from importers.workfiles import unfinished_path

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # with a first entry; without any
_CHUNK_BYTES = 2**16
_LEAST_TABLE_BYTES = 2**20  # that may be read at once, however few files are allowed
_HEADER_BYTES = 512  # in the table of contents, of one entry with a long name; most need a quarter
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # bzip2 and LZMA can unpack to gigabytes in one step
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8_NAME = 0x800
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    OverflowError,
)


@dataclass(frozen=True)
class SourceLimits:
    """Bounds of one import.

    max_files: in one folder with all its folders, and in one archive. For each archive, counted while it is unpacked:
    max_file_bytes of one entry; max_total_bytes of all, and max_ratio times the archive's own size beyond free_bytes.
    """

    max_files: int = 50_000
    max_file_bytes: int = 2**30
    max_total_bytes: int = 64 * 2**30
    max_ratio: int = 100
    free_bytes: int = 512 * 2**20


@dataclass(frozen=True)
class SourceFile:
    """One file to look into.

    name: to show and to keep. path: to be read before the next one is asked for; what was unpacked is gone by then.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Skipped:
    """A name that was left aside, and why."""

    name: str
    reason: str


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive by its first bytes, or means to be one by its name."""
    try:
        if not path.is_file():  # a pipe would keep its reader waiting
            return False
        if path.suffix.casefold() == ".zip":
            return True
        with path.open("rb") as file:
            return file.read(4) in _STARTS
    except OSError:
        return False


def archive_length(path: Path, limits: SourceLimits) -> int:
    """How many files an archive says it has; 1, its error, where it cannot be opened."""
    try:
        with _opened(path, limits) as archive:
            return len(_entries(archive))
    except (*_DAMAGE, _TooMuch):
        return 1


def archive_files(path: Path, *, name: str, work_dir: Path, limits: SourceLimits) -> Iterator[SourceFile | Skipped]:
    """The files in an archive in natural order, one at a time in a temporary file in work_dir, whole and checksummed.

    name: the archive's own, for what is skipped. No entry's name ever becomes a path. Entries whose names lead
    elsewhere, links, nested archives, encrypted, damaged and overlong ones are skipped by name; beyond the bounds of
    the whole the iteration ends with a word about it. Raises ImporterError where work_dir cannot be written to.
    """
    try:
        with _opened(path, limits) as archive:
            left = _budget(path, limits)
            for info in _entries(archive):
                shown = clean_name(_entry_name(info))
                with temporary_file(work_dir) as unpacked:
                    reason = _refusal(info) or _unpack(archive, info, unpacked, left, limits)
                    yield Skipped(f"{name}/{shown}", reason) if reason else SourceFile(shown, unpacked)
                if left.bytes <= 0:
                    yield Skipped(name, "It unpacks to far more than its size allows; the rest was left. Unzip it.")
                    return
    except _TooMuch as error:
        yield Skipped(name, str(error))
    except _DAMAGE as error:
        yield Skipped(name, f"The zip archive is damaged or cut off ({error}). Copy it again from where it came.")


class OpenArchive:
    """A zip archive that stays open, its entries read in any order, each as often as is wanted."""

    def __init__(self, path: Path, *, name: str, limits: SourceLimits) -> None:
        """name: the archive's own, for errors. Raises ImporterError for one that is damaged or has too many files."""
        self.names: dict[str, zipfile.ZipInfo] = {}  # cleaned -> entry
        self.refused: dict[str, str] = {}  # cleaned -> why
        self._limits, self._left = limits, _budget(path, limits)
        self._unpacked: dict[str, int] = {}  # an entry counts once towards the budget, however often it is read
        self._stack = contextlib.ExitStack()
        try:
            self._archive = self._stack.enter_context(_opened(path, limits))
            for info in _entries(self._archive):
                shown, reason = clean_name(_entry_name(info)), _refusal(info)
                if reason or shown in self.names:
                    self.refused[shown] = reason or "There are two files of this name in the archive."
                else:
                    self.names[shown] = info
        except _TooMuch as error:
            self._stack.close()
            raise ImporterError(f"{name}: {error}") from error
        except _DAMAGE as error:
            self._stack.close()
            text = f"{name}: The zip archive is damaged or cut off ({error}). Copy it again from where it came."
            raise ImporterError(text) from error

    def close(self) -> None:
        self._stack.close()

    def chunks(self, shown: str) -> Iterator[bytes]:
        """An entry's content, checked against the bounds and, at its end, its checksum. Raises ImporterError."""
        count = 0
        try:
            with self._archive.open(self.names[shown]) as packed:
                while chunk := packed.read(_CHUNK_BYTES):
                    count += len(chunk)
                    self._left.bytes -= max(0, count - self._unpacked.get(shown, 0))
                    self._unpacked[shown] = max(count, self._unpacked.get(shown, 0))
                    if count > self._limits.max_file_bytes or self._left.bytes <= 0:
                        raise ImporterError(
                            f"{shown}: It unpacks to more than {count // 2**20} MiB. Unzip the archive, look at what "
                            "it is, and import the folder."
                        )
                    yield chunk
        except _DAMAGE as error:
            self._left.bytes -= _CHUNK_BYTES
            text = f"{shown}: It is damaged inside the zip archive ({error}). Make the archive anew."
            raise ImporterError(text) from error


class _TooMuch(Exception):
    """More than the limits allow; the text says of what."""


@dataclass
class _Budget:
    """How many bytes an archive may still unpack to."""

    bytes: int


def _budget(path: Path, limits: SourceLimits) -> _Budget:
    return _Budget(min(limits.max_total_bytes, limits.free_bytes + limits.max_ratio * path.stat().st_size))


class _BoundedReader(io.BufferedReader):
    """A file that is not read in pieces beyond a size: zipfile takes in the whole table of contents at once."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(io.FileIO(path))
        self._most = most
        self._length = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._length - self.tell()
        if (left if size is None or size < 0 else size) > self._most:
            raise _TooMuch("It has too many files. Divide it into smaller archives.")
        return super().read(size)


@contextlib.contextmanager
def _opened(path: Path, limits: SourceLimits) -> Iterator[zipfile.ZipFile]:
    most = max(_LEAST_TABLE_BYTES, _HEADER_BYTES * limits.max_files)
    with _BoundedReader(path, most) as file, zipfile.ZipFile(file) as archive:
        if len(archive.infolist()) > limits.max_files:
            raise _TooMuch(f"It has more than {limits.max_files} files. Divide it into smaller archives.")
        yield archive


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    files = [info for info in archive.infolist() if not _is_folder(info) and not _is_ignored(info)]
    return sorted(files, key=lambda info: natural_key(_entry_name(info)))


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    return is_ignored(_entry_name(info).replace("\\", "/"))  # so that "..\\x" is refused by name, not passed over


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return _entry_name(info).endswith("/") or stat.S_ISDIR(info.external_attr >> 16)


def _entry_name(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it: many write UTF-8 without saying so, which zipfile takes for code page 437."""
    name = info.orig_filename
    if not info.flag_bits & _UTF8_NAME:
        with contextlib.suppress(UnicodeError):
            return name.encode("cp437").decode("utf-8")
    return name


def _refusal(info: zipfile.ZipInfo) -> str:
    """Why an entry is not unpacked; "" where nothing speaks against it."""
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    if "\\" in name or "\0" in name:
        return "Its name has a backslash or a null in it. Make the archive anew with another program."
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        return "Its name leads out of the archive, and it was not unpacked. Make the archive anew."
    if kind not in (0, stat.S_IFREG):
        return "It is a link or device, not a file. Put the file itself into the archive."
    if info.flag_bits & _ENCRYPTED:
        return "It is encrypted. Unzip it with its password, then import the folder."
    if info.compress_type not in _METHODS:
        return "It is packed in a rare way. Make the archive anew with ordinary compression."
    return ""


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: _Budget, limits: SourceLimits) -> str:
    """Write one entry to target, counting; "" when it is whole and its checksum right, else why it is not taken."""
    count = 0
    try:
        with archive.open(info) as packed, target.open("wb") as out:
            while chunk := packed.read(_CHUNK_BYTES):
                if not count and chunk.startswith(_STARTS):
                    return "It is a zip archive inside a zip archive. Unzip the outer one, then import the inner one."
                count += len(chunk)
                left.bytes -= len(chunk)
                if count > limits.max_file_bytes or left.bytes <= 0:
                    return f"It unpacks to more than {count // 2**20} MiB. Unzip it first and look at what it is."
                write_chunk(out, chunk, target)
    except _DAMAGE as error:
        left.bytes -= _CHUNK_BYTES  # what the step that failed may have unpacked
        return f"It is damaged inside the zip archive ({error}). Make the archive anew."
    return ""


def write_chunk(out: io.BufferedWriter, chunk: bytes, target: Path) -> None:
    """Raises ImporterError where the disk is full."""
    try:
        out.write(chunk)
        out.flush()
    except OSError as error:
        raise ImporterError(f"Cannot unpack into {target.parent}: {error.strerror}. Free some space.") from error


@contextlib.contextmanager
def temporary_file(work_dir: Path) -> Iterator[Path]:
    """An empty file of a new name in work_dir, gone at the end. Raises ImporterError where none can be made."""
    path = unfinished_path(work_dir)
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError as error:
        raise ImporterError(f"Cannot unpack into {work_dir}: {error.strerror}. Choose another with --data.") from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
