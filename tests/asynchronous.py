"""Coroutines in tests."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio

T = TypeVar("T")


def run(function: Callable[..., Awaitable[T]], *args: object) -> T:
    """What the coroutine gives. In a thread of its own: where a browser is open, the main thread has a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, function, *args).result()
