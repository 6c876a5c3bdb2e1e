"""A real S3 server for tests: moto's, in a process of its own on loopback, gone when it stops."""

import os
import subprocess
import sys
import time
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.serving import free_port

START_SECONDS = 60


class S3Server:
    """Takes any credentials. A context manager; environment is what a client has to be told."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._buckets = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """With nothing in it."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(
            command,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                urlopen(f"{self.address}/moto-api/", timeout=5).close()
                return
            except (URLError, OSError):
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        self.stop()
        raise RuntimeError("moto's server did not start: is moto[server] installed?")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def new_bucket(self) -> str:
        """The URL of an empty one."""
        self._buckets += 1
        name = f"bucket-{self._buckets}"
        self._ask("PUT", name)
        return f"s3://{name}"

    def delete_all(self) -> None:
        """Buckets and all."""
        self._ask("POST", "moto-api/reset")

    def ask_for_credentials(self, asks: bool) -> None:
        """Whether those who have none that it knows (and it knows none) are refused from now on."""
        self._ask("POST", "moto-api/reset-auth", b"0" if asks else b"inf")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> None:
        # moto tells the service by the credential's scope, as clients send it.
        scope = "AWS4-HMAC-SHA256 Credential=an-id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
        headers = {"Authorization": scope, "Content-Type": "text/plain"}  # a form would be taken apart
        request = Request(f"{self.address}/{path}", body, method=method, headers=headers)
        urlopen(request, timeout=10).close()
