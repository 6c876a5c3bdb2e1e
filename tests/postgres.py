"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, gone when it stops."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from storage.database import Database

START_SECONDS = 60
# Quick instead of safe: nothing here outlives the tests.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "listen_addresses": "",
}
EMPTY = """
    SELECT string_agg('DELETE FROM ' || quote_ident(tablename), '; ') FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
BEGIN_IDS_ANEW = "SELECT setval(quote_ident(sequencename), 1, false) FROM pg_sequences WHERE schemaname = 'public'"


class PostgresServer:
    """Reached through a socket in its folder, by the superuser `postgres`, without a password. A context manager."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not pytest's folder: that is closed to other users, and a socket's path has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="annotator-pg-"))
        self._databases = 0
        self._shared: Database | None = None
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if _exists("postgres") else "nobody"

    def __enter__(self) -> Self:
        as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._user)
            as_user = {"user": self._user, "extra_groups": []}
        data = self.folder / "data"
        make: list[Any] = [
            "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        # Where this process is killed, its server is to end too.
        leash = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        serve: list[Any] = [*leash, self._programs / "postgres", "-D", data, "-k", self.folder, *settings]
        with (self.folder / "log").open("wb") as log:
            spoken = {"cwd": self.folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **as_user}
            subprocess.run([self._programs / make[0], *make[1:]], check=True, **spoken)
            hba = data / "pg_hba.conf"  # the first line that fits counts
            hba.write_text(f"local all +guarded scram-sha-256\n{hba.read_text()}")
            self._process = subprocess.Popen(serve, **spoken)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shared is not None:
            self._keeper.close()
            self._shared.close()
        self._process.send_signal(signal.SIGQUIT)  # at once
        self._process.wait(START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, *, user: str = "postgres", password: str = "") -> str:
        secret = f":{password}" if password else ""
        return f"postgresql+psycopg://{user}{secret}@/{database}?host={self.folder}"

    def execute(self, statement: str, *, database: str = "postgres") -> list[tuple]:
        """One statement as the superuser, outside of any transaction."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname={database}", autocommit=True) as connection:
            return _asked(connection, statement)

    def new_database(self, *, template: str = "template1") -> str:
        """The URL of one more, a copy of that one."""
        self._databases += 1
        name = f"made_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def database_with_tables(self) -> Database:
        """The one that most tests share, one after another: its tables are emptied, and ids begin at 1.

        That takes two milliseconds; to make a database takes sixty, to connect anew sixteen.
        """
        if self._shared is None:
            self.execute("CREATE DATABASE shared")
            self._shared = Database.open(self.url("shared"))
            self._keeper = psycopg.connect(f"host={self.folder} user=postgres dbname=shared", autocommit=True)
            self._keeper.execute("SET session_replication_role = replica")  # no foreign key is looked at
        [(statements,)] = _asked(self._keeper, EMPTY)
        _asked(self._keeper, f"{statements}; {BEGIN_IDS_ANEW}")
        return self._shared

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(psycopg.OperationalError):
                self.execute("SELECT 1")
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text(errors='replace')}")


def _asked(connection: psycopg.Connection, statement: str) -> list[tuple]:
    cursor = connection.execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


def _exists(user: str) -> bool:
    import pwd  # not on Windows

    with suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False
