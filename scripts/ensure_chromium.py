"""Provide a Chromium for the browser tests, and print its path: python scripts/ensure_chromium.py

Looks for one that is here ($CHROMIUM, on PATH, in the usual places, Playwright's own); else asks the system's package
manager where it may (as root, or with a sudo that asks no password); else has Playwright download its own. Where none
can be had, the browser tests are skipped, and with CI=true the exit status is 1.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
)
# Fonts are only recommended by the packages, and a page without any has no text to test.
# Homebrew is not here: it has no Chromium that Apple's Gatekeeper starts, and Playwright's runs on every Mac.
MANAGERS: dict[str, list[list[str]]] = {
    "apt-get": [["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-liberation"]],
    "dnf": [["install", "-q", "-y", "chromium", "liberation-fonts"]],
    "zypper": [["--non-interactive", "install", "chromium", "liberation-fonts"]],
    "pacman": [["-S", "--noconfirm", "--needed", "chromium", "ttf-liberation"]],
}
INSTALL_SECONDS = 1200


def find_chromium() -> str | None:
    """Path of a Chromium that starts, or None. $CHROMIUM, where it is set, is the only one tried."""
    return next((path for path in candidates() if path and starts(path)), None)


def candidates() -> Iterator[str | None]:
    """Where one may be; a generator, as asking Playwright takes most of a second."""
    if named := os.environ.get("CHROMIUM"):
        yield named
        return
    yield from map(shutil.which, NAMES)
    yield from PLACES
    yield playwright_chromium()


def starts(path: str) -> bool:
    """Whether it is there and runs; Ubuntu's chromium-browser may be a note that a snap is to be installed."""
    if not os.access(path, os.X_OK):
        return False
    if os.name == "nt":
        return True  # chrome.exe --version opens a window there
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwright_chromium() -> str | None:
    """Where Playwright keeps, or would keep, its own; None where Playwright is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def install_from_system() -> bool:
    """Ask the system's package manager; False where there is none, it may not, or it fails."""
    manager = next((name for name in MANAGERS if shutil.which(name)), None)
    if manager is None or (prefix := become_root()) is None:
        return False
    say(f"No Chromium here; asking {manager} for one ...")
    return all(succeeds([*prefix, manager, *arguments]) for arguments in MANAGERS[manager])


def become_root() -> list[str] | None:
    """What to put before a command that needs root: nothing, or a sudo that asks nothing; None where neither goes."""
    if not hasattr(os, "geteuid"):
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive"]
    return None


def install_from_playwright() -> bool:
    """Playwright's own build, into its cache folder."""
    say("Fetching Playwright's own Chromium ...")
    return succeeds([sys.executable, "-m", "playwright", "install", "chromium"])


def succeeds(command: list[str]) -> bool:
    """Run without a keyboard, its output on stderr: stdout is for the path alone."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"{command[0]}: {error}")
        return False
    return done.returncode == 0


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def in_ci() -> bool:
    """Whether this run is one of continuous integration's."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def main() -> int:
    """Exit status: 1 where none is to be had and that is a failure."""
    path = find_chromium()
    for install in (install_from_system, install_from_playwright):
        if path is None and install():
            path = find_chromium()
    if path:
        print(path)
        return 0
    say("No Chromium could be found or installed; name one with CHROMIUM=/path/to/chrome.")
    say("This is CI, where that is a failure." if in_ci() else "The browser tests will be skipped.")
    return 1 if in_ci() else 0


if __name__ == "__main__":
    sys.exit(main())
