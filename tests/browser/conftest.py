"""A Chromium, a page that must stay free of errors, and a server of its own for each test module."""

import os
import re
from collections.abc import Generator, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from scripts.ensure_chromium import find_chromium, in_ci
from tests.serving import ROOT, RunningServer

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HERE = {"127.0.0.1", "localhost"}
PICTURES_OF_FAILURES = ROOT / "test-results"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium that starts. Without one the test is skipped, or fails in CI, where there has to be one."""
    path = find_chromium()
    if path is None:
        why = "no Chromium: run `make test`, which provides one, or name one with CHROMIUM=/path/to/chrome"
        if in_ci():
            pytest.fail(why)
        pytest.skip(why)
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless browser for all tests of a worker."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            headless=True,
            args=[*ARGUMENTS, *(["--no-sandbox"] if as_root else [])],  # Chromium's sandbox refuses to work for root
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """A server with an empty workspace, shared by the tests of one module: .url, .data, .restart(), .kill()."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    with RunningServer(folder / "workspace") as running:
        yield running


@pytest.fixture
def server_url(server: RunningServer) -> str:
    """Where that server answers."""
    return server.url


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser window as of someone who was never here; nothing it shows may come from another host."""
    context = browser.new_context(viewport=VIEWPORT, accept_downloads=True)
    context.route(is_elsewhere, lambda route: route.abort())
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page at 1440×900. An error on its console, or one that no script caught, fails the test in the end."""
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not is_elsewhere(message.location.get("url", "")):
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    page = context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(f"not caught: {error}"))
    yield page
    if request.node.stash.get(FAILED, False):
        name = re.sub(r"[^\w-]+", "-", request.node.nodeid)
        page.screenshot(path=PICTURES_OF_FAILURES / f"{name}.png")
    page.close()
    if not request.node.get_closest_marker("expect_console_errors"):
        assert not errors, "errors on the page:\n" + "\n".join(errors)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember a failure, for the picture of the page that `page` then takes."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def is_elsewhere(url: str) -> bool:
    """Whether a request would leave this machine."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in HERE
