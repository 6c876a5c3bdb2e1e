"""Files behind fsspec: an S3 bucket, or whatever else has a URL there."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote

from annotator.errors import AwayError, SettingsError

log = logging.getLogger(__name__)

MARK = "annotator.txt"  # what tells a place that lost a file from one that is gone
MARK_SAYS = b"Files of an annotator workspace. One workspace alone may use this place.\n"
# Of S3, seconds and tries: enough for a server that says "slow down", and few, for somebody waits in front of a page.
# The libraries' own make them wait for many minutes.
CONNECT_S, READ_S, TRIES = 5, 10, 3
TRIES_IN_THE_MIDDLE = 2  # of all that, where an answer breaks off
S3 = ("s3", "s3a")


class Remote:
    """Files by name at a URL, without copies here. Errors as Objects has them; any thread may call."""

    def __init__(self, url: str, *, wait_s: float = READ_S, tries: int = TRIES) -> None:
        """Opens no connection yet. wait_s: for an S3 server's answer, each of the tries.

        Raises SettingsError for a URL that cannot be used.
        """
        self.place, self._secrets, names_user = _taken_apart(url)
        protocol, _, rest = url.partition("://")
        if "::" in url or not rest.strip("/"):
            raise SettingsError(f"{self.place!r} is no place for files. Name one such as s3://bucket/folder.")
        if protocol in S3 and names_user:
            raise SettingsError(
                f"Credentials do not belong into the URL of {self.place}, where others can read them. Put them into "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into a profile of ~/.aws."
            )
        self._fs, root = self._file_system(protocol, url, wait_s, tries)
        self._root = root.rstrip("/")
        self._is_checked = False

    def check(self) -> None:
        """Raises AwayError where nothing can be read there, or, the first time, written; with what exactly was said."""
        try:
            if not self._marked():
                self.put(MARK, MARK_SAYS)
        except AwayError as error:
            said = self._said(error.__cause__ or error)
            raise AwayError(str(error) if said in str(error) else f"{error} ({said})") from error
        self._is_checked = True

    def put(self, name: str, data: bytes) -> None:
        with self._worded("write"):
            self._fs.pipe_file(self._path(name), data)

    def get(self, name: str) -> bytes | None:
        """The content, None where it is gone."""
        with self._worded("read"):
            try:
                return self._fs.cat_file(self._path(name))
            except FileNotFoundError as error:
                self._demand_mark(error)
                return None

    def size(self, name: str) -> int | None:
        """In bytes; None where it is gone."""
        with self._worded("read"):
            try:
                return int(self._fs.info(self._path(name))["size"])
            except FileNotFoundError as error:
                self._demand_mark(error)
                return None

    def sizes(self) -> Mapping[str, int]:
        """Of all that is there, in bytes."""
        with self._worded("list"):
            found = self._fs.ls(self._root, detail=True)  # `find` takes what it may not list for empty
            sizes = {one["name"].rpartition("/")[2]: int(one["size"]) for one in found if one["type"] == "file"}
            if not sizes.pop(MARK, 0):  # some say so of a bucket that is gone, others call it empty
                raise FileNotFoundError(MARK)
        return sizes

    def remove(self, name: str) -> None:
        with self._worded("delete"):
            try:
                self._fs.rm_file(self._path(name))
            except FileNotFoundError as error:
                self._demand_mark(error)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _marked(self) -> bool:
        with self._worded("read"):
            try:
                return bool(self._fs.cat_file(self._path(MARK)))
            except FileNotFoundError:
                return False

    def _demand_mark(self, error: FileNotFoundError) -> None:
        """Where all is gone, no single file is said to be missing: each would be left out of an export."""
        if not self._marked():
            raise error

    def _file_system(self, protocol: str, url: str, wait_s: float, tries: int) -> tuple[Any, str]:
        import fsspec.core

        # What other processes write has to be seen: nothing is remembered of what lies there.
        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
        if protocol in S3:
            retries = {"max_attempts": tries, "mode": "standard"}
            options["config_kwargs"] = {"connect_timeout": CONNECT_S, "read_timeout": wait_s, "retries": retries}
        try:
            file_system, root = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            said = "python -m pip install s3fs" if protocol in S3 else self._said(error)
            raise SettingsError(f"{self.place} needs a package that is not installed. Install it: {said}") from error
        except Exception as error:  # each file system has errors of its own
            raise SettingsError(f"{self.place} cannot be used: {self._said(error)}.") from error
        if protocol in S3:
            file_system.retries = min(tries, TRIES_IN_THE_MIDDLE)
        return file_system, root

    @contextmanager
    def _worded(self, what: str) -> Iterator[None]:
        """Whatever a file system raises (botocore's errors are not even OSErrors), in words. what: of a right."""
        try:
            yield
        except AwayError:
            raise
        except Exception as error:
            if self._is_checked:  # from now on whoever reads the message is not who looks after the server
                log.warning("%s: %s", self.place, self._said(error))
            raise AwayError(f"{self.place} {self._why(what, error)}") from error

    def _why(self, what: str, error: Exception) -> str:
        kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
        if isinstance(error, FileNotFoundError):
            return "is not there, or not any more. Make the bucket or folder, or name another place."
        if isinstance(error, PermissionError) or "Credential" in kinds or "TokenError" in kinds:
            return (
                f"refuses: no right to {what} there. Check the credentials (of S3: AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE) and what they allow."
            )
        if "Timeout" in kinds or "Connection" in kinds:
            return "does not answer. Try again later; if it stays away, check the network and the server's address."
        return f"does not work: {self._said(error)}. Try again later."

    def _said(self, error: BaseException) -> str:
        """Its first line, without what opens the place."""
        line = next(iter(str(error).splitlines()), "").strip().rstrip(".")
        for secret in self._secrets:
            line = line.replace(secret, "…")
        return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _taken_apart(url: str) -> tuple[str, list[str], bool]:
    """(how people may see it, what is in it that they may not, whether a user is named).

    A password may have been written with a slash in it; what cannot be told from one is not shown either.
    """
    protocol, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    user = re.match(r"[^/]*:.*@|[^/]*@", rest)
    place = f"{protocol}://{rest[user.end() :] if user else rest}".rstrip("/")
    password = user[0].removesuffix("@").partition(":")[2] if user else ""
    found = [query, password, *(value for _, value in parse_qsl(query))]
    secrets = {one for secret in found for one in (secret, unquote(secret)) if one}
    return place, sorted(secrets, key=len, reverse=True), user is not None
