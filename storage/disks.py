"""What a disk says, put into words: for whoever writes something large on it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def worded(what: str, path: Path, raises: type[Exception], *, nothing_left: str = "") -> Iterator[None]:
    """An OSError of the block becomes `raises`, with what to do.

    what: is written or read: "backup". path: where. nothing_left: a sentence on what became of it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = f"The disk is full: there is no room for the {what} in {path}. Free some, or name another place."
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            text = f"No permission to write {error.filename or path}. Name another place, or allow writing there."
        else:
            text = f"The {what} in {path} did not work: {error.strerror or error}. Name another place, or try again."
        raise raises(f"{text} {nothing_left}".rstrip()) from error
