"""What a command says: lines, a progress bar, and a mistake in one line of its own."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from annotator.errors import USER_ERRORS, Cancelled

console, errors = Console(), Console(stderr=True)


def say(line: str) -> None:
    """A line as it is: names and paths are nobody's markup, and a terminal's width cuts none of them."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def size(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


class Bar:
    """A progress bar's two ends: call it with (done, total), or have it say a line."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._task = bar, bar.add_task(what, total=None)

    def __call__(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total or None)

    def say(self, line: str) -> None:
        self._bar.update(self._task, description=line)


@contextmanager
def progress(what: str, *, in_bytes: bool = False) -> Iterator[Bar]:
    """A progress bar for the length of the block."""
    counter = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), counter, TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        yield Bar(bar, what)


@contextmanager
def until_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed: work comes to a good end first. A second one stops at once."""
    pressed = threading.Event()

    def note(*_: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def clear_errors() -> Iterator[None]:
    """A user's mistake is one line and exit status 1; Ctrl+C is a stop, not an error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        yield
    except Cancelled as stop:
        errors.print(str(stop), highlight=False, markup=False)
        raise typer.Exit(1) from stop
    except USER_ERRORS as error:
        errors.print(f"Error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as stop:
        errors.print("Stopped.")
        raise typer.Exit(1) from stop
