"""A real server in a process of its own, for tests and benchmarks: launch.py as a user would start it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120  # torch and gradio are read from disk for the first time on a slow machine
STOP_SECONDS = 15


class ServerError(Exception):
    """The server did not start or stop; the text ends with what it said last."""


class RunningServer:
    """`launch.py --data DIR --port N` as a subprocess; use as a context manager, or start() and stop().

    data: its workspace folder. port: a free one where not given; a restart keeps it. options: further words of the
    command line. Output goes to `log`, beside the workspace, over restarts. program: another script than launch.py that
    takes the same words, relative to the project's folder.
    """

    def __init__(
        self, data: Path, *, port: int | None = None, options: Sequence[str] = (), program: str = "launch.py"
    ) -> None:
        self.data = data
        self.program = program
        self.port = port or free_port()
        self.options = tuple(options)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that serves now, or did until it ended."""
        if self._process is None:
            raise ServerError("The server was not started yet.")
        return self._process

    def start(self) -> Self:
        """Start and wait until it answers. Raises ServerError where it ends or stays silent."""
        command = [sys.executable, self.program, "--data", str(self.data), "--host", "127.0.0.1"]
        command += ["--port", str(self.port), *self.options]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.url):
            if self._process.poll() is not None:
                raise ServerError(f"{self.program} ended with status {self._process.returncode}:\n{self.last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.program} did not answer within {START_SECONDS} s:\n{self.last_words()}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """Ask it to end (SIGTERM); kill it where it does not. Nothing happens where it ended already.

        Not SIGINT: a test run in the background of a shell ignores that one, and so do the processes it starts.
        """
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), with no chance to write anything."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def restart(self) -> Self:
        """Stop it where it runs, and start it on the same workspace and port."""
        self.stop()
        return self.start()

    def last_words(self, lines: int = 40) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """The caller's environment, with everything that would call out switched off."""
    return {
        **os.environ,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }


def answers(url: str) -> bool:
    """Whether something speaks HTTP there; a page that asks for a login counts."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
