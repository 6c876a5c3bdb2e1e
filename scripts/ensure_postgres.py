"""Provide a PostgreSQL for the tests, and print the folder of its programs: python scripts/ensure_postgres.py

Looks for one that is here ($POSTGRES_BIN, where Debian, Red Hat and Homebrew put it, on PATH); else asks the system's
package manager where it may. The tests start a server of their own in a temporary folder; one that Debian's package
starts is not used. Where none can be had, the tests that need it are skipped, and with CI=true the exit status is 1.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.ensure_chromium import become_root, in_ci, say, succeeds

FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
MANAGERS: dict[str, list[list[str]]] = {
    "apt-get": [["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "postgresql"]],
    "dnf": [["install", "-q", "-y", "postgresql-server"]],
    "zypper": [["--non-interactive", "install", "postgresql-server"]],
    "pacman": [["-S", "--noconfirm", "--needed", "postgresql"]],
}


def find_postgres() -> Path | None:
    """The folder with initdb and postgres, of the newest version; $POSTGRES_BIN, where it is set, is the only one."""
    return next((folder for folder in candidates() if has_server(folder)), None)


def candidates() -> Iterator[Path]:
    """Where they may be."""
    if named := os.environ.get("POSTGRES_BIN"):
        yield Path(named)
        return
    for pattern in FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=version, reverse=True)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def version(folder: Path) -> int:
    """Of /usr/lib/postgresql/15/bin: 15."""
    return max(map(int, re.findall(r"\d+", str(folder))), default=0)


def has_server(folder: Path) -> bool:
    """Whether both programs are there; the client's packages have neither."""
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))


def install_from_system() -> bool:
    """Ask the system's package manager; False where there is none, it may not, or it fails."""
    manager = next((name for name in MANAGERS if shutil.which(name)), None)
    if manager is None or (prefix := become_root()) is None:
        return False
    say(f"No PostgreSQL here; asking {manager} for one ...")
    return all(succeeds([*prefix, manager, *arguments]) for arguments in MANAGERS[manager])


def main() -> int:
    """Exit status: 1 where none is to be had and that is a failure."""
    folder = find_postgres()
    if folder is None and "POSTGRES_BIN" not in os.environ and install_from_system():
        folder = find_postgres()
    if folder:
        print(folder)
        return 0
    say("No PostgreSQL could be found or installed; name the folder of initdb with POSTGRES_BIN=/folder.")
    say("This is CI, where that is a failure." if in_ci() else "The tests on PostgreSQL will be skipped.")
    return 1 if in_ci() else 0


if __name__ == "__main__":
    sys.exit(main())
