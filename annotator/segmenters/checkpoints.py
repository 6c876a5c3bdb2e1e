"""The official weights of SAM: which files there are, where one lies, and how it gets there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from annotator.errors import Cancelled, CheckpointError
from annotator.segmenters.file_hash import file_md5
from annotator.segmenters.transfer import IsCancelled, Progress, Transfer, TransferError

OFFICIAL_URL = "https://dl.fbaipublicfiles.com/segment_anything/"
DEFAULT_DIR = Path("workspace") / "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """A weights file as its publisher describes it.

    name: of the segmenter it is for. size: in bytes, None where unknown. md5: its hex digits, or the first of them.
    """

    name: str
    file_name: str
    size: int | None
    md5: str

    def url(self, base_url: str = OFFICIAL_URL) -> str:
        """Where the file is fetched from; base_url names a mirror's folder."""
        return f"{base_url.rstrip('/')}/{self.file_name}"


CHECKPOINTS: dict[str, Checkpoint] = {
    checkpoint.name: checkpoint
    for checkpoint in (
        Checkpoint("vit_b", "sam_vit_b_01ec64.pth", 375_042_383, "01ec64d29a2fca3f0661936605ae66f8"),
        Checkpoint("vit_l", "sam_vit_l_0b3195.pth", 1_249_524_607, "0b3195507c641ddb6910d2bb5adee89c"),
        Checkpoint("vit_h", "sam_vit_h_4b8939.pth", 2_564_550_879, "4b8939a88964f0f4ff5f5b2642c598a6"),
    )
}


def find(name: str, checkpoint_dir: Path | None = None) -> Path | None:
    """The segmenter's official file in checkpoint_dir, where it lies there in full length; else None."""
    checkpoint = CHECKPOINTS[name]
    path = (checkpoint_dir or DEFAULT_DIR) / checkpoint.file_name
    return path if path.is_file() and checkpoint.size in (None, path.stat().st_size) else None


def require(name: str, checkpoint_dir: Path | None = None) -> Path:
    """The segmenter's official file in checkpoint_dir, whole and undamaged.

    Raises CheckpointError with what to do where it is missing, incomplete or another file.
    """
    checkpoint = CHECKPOINTS[name]
    path = (checkpoint_dir or DEFAULT_DIR) / checkpoint.file_name
    if not path.is_file():
        size = f" ({checkpoint.size / 1e6:,.0f} MB)" if checkpoint.size else ""
        raise CheckpointError(
            f"The weights of {name}, {path.name}{size}, are not in {path.parent.resolve()}. "
            f"Run `python launch.py models download {name}`, or {_by_hand(checkpoint.url(), path)}"
        )
    _check_size(checkpoint, path)
    _check_md5(checkpoint, path)
    return path


def download(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    base_url: str = OFFICIAL_URL,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    timeout_s: float = 30.0,
    retry_wait_s: float = 1.0,
) -> Path:
    """Fetch a checkpoint into folder, verify its size and MD5, and return its path; a file already there is used.

    It grows as `<name>.part`, which a later download goes on with. progress(done_bytes, total_bytes) is called often.
    cancelled() is asked for every piece that arrives, so a silent line is noticed after timeout_s at the latest.
    A second download of the same file, in this process or another, waits for the first and uses what it fetched.

    Raises CheckpointError, one line with the reason, the address and where to put the file; Cancelled.
    """
    target = folder / checkpoint.file_name
    part = folder / (checkpoint.file_name + ".part")
    url = checkpoint.url(base_url)
    transfer = Transfer(
        url,
        part,
        size=checkpoint.size,
        progress=progress,
        cancelled=cancelled,
        timeout_s=timeout_s,
        retry_wait_s=retry_wait_s,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / (checkpoint.file_name + ".lock"), cancelled):
            if target.exists():
                _check_size(checkpoint, target)
                return target
            _check_space(checkpoint, part)
            transfer.run()
            _finish(checkpoint, transfer, part, target)
    except (TransferError, OSError) as error:
        reason = error if isinstance(error, TransferError) else _file_trouble(error, folder)
        raise CheckpointError(
            f"{checkpoint.file_name} could not be fetched: {reason}. Try again, or {_by_hand(url, target)}"
        ) from error
    return target


@contextmanager
def _alone(lock_file: Path, cancelled: IsCancelled | None) -> Iterator[None]:
    """Only one download of a file at a time; the operating system frees the lock of a process that died."""
    lock = FileLock(lock_file)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            if cancelled is not None and cancelled():
                raise Cancelled("The download was stopped while another one of the same file was going on.") from None
    try:
        yield
    finally:
        lock.release()


def _finish(checkpoint: Checkpoint, transfer: Transfer, part: Path, target: Path) -> None:
    """Verify what came and give it its name; what is wrong is deleted, so that the next try starts afresh."""
    size = part.stat().st_size
    if checkpoint.size is not None and size != checkpoint.size:
        transfer.discard()
        raise TransferError(f"{size:,} bytes came, and {checkpoint.size:,} are expected; they were deleted")
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    digest = file_md5(part)
    note = part.with_name(part.name + ".md5.json")
    if not digest.startswith(checkpoint.md5):
        note.unlink(missing_ok=True)
        transfer.discard()
        raise TransferError(f"what came is damaged (MD5 {digest}, expected {checkpoint.md5}) and was deleted")
    os.replace(part, target)
    if note.exists():  # a move changes neither size nor time: the file need not be read again to be loaded
        os.replace(note, target.with_name(target.name + ".md5.json"))
    transfer.discard()


def _check_size(checkpoint: Checkpoint, path: Path) -> None:
    size = path.stat().st_size
    if checkpoint.size not in (None, size):
        raise CheckpointError(
            f"{path.resolve()} has {size:,} bytes, and {checkpoint.size:,} are expected: it is incomplete or another "
            f"file. Delete it, then run `python launch.py models download {checkpoint.name}`."
        )


def _check_md5(checkpoint: Checkpoint, path: Path) -> None:
    digest = file_md5(path)
    if not digest.startswith(checkpoint.md5):
        raise CheckpointError(
            f"{path.resolve()} is damaged or another file (MD5 {digest}, expected {checkpoint.md5}). "
            f"Delete it, then run `python launch.py models download {checkpoint.name}`; "
            "weights of your own are named with --checkpoint."
        )


def _check_space(checkpoint: Checkpoint, part: Path) -> None:
    if checkpoint.size is None:
        return
    missing = checkpoint.size - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise TransferError(
            f"{missing / 1e6:,.0f} MB are still to come, and the disk of {part.parent.resolve()} "
            f"has {free / 1e6:,.0f} MB left"
        )


def _file_trouble(error: OSError, folder: Path) -> str:
    return f"{(error.strerror or str(error)).lower()} ({error.filename or folder.resolve()})"


def _by_hand(url: str, target: Path) -> str:
    return f"fetch {url} by hand and put it at {target.resolve()}"
