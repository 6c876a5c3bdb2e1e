"""Preloaded by the workers of a cluster of our own: Ctrl+C is for the process that gave them work, and it ends them."""

import signal


def dask_setup(worker: object) -> None:
    """Called by a worker that starts, in its main thread. A terminal sends Ctrl+C to all processes that it runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
