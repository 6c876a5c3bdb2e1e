"""The engines there are. A new one is a file in this room and a line in ENGINES.

Nothing here imports an engine's library: it is loaded when a cluster is opened, and only then needed.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from annotator.clusters.base import Cluster
from annotator.clusters.source import Source
from annotator.errors import SettingsError

LOCAL = "local"  # no cluster: one picture after another in this process

Open = Callable[[Source, str | None, int], AbstractContextManager[Cluster]]


def _dask(source: Source, address: str | None, workers: int) -> AbstractContextManager[Cluster]:
    from annotator.clusters.daskcluster import dask_cluster

    return dask_cluster(source, address, workers)


ENGINES: dict[str, Open] = {"dask": _dask}


def open_cluster(
    engine: str, source: Source, *, address: str | None = None, workers: int = 1
) -> AbstractContextManager[Cluster]:
    """A cluster that is there already, at its scheduler's address, or one of so many worker processes on this machine.

    Raises SettingsError for an engine that is none, ClusterError where the cluster cannot be had; `with` closes it.
    """
    if engine not in ENGINES:
        raise SettingsError(f"No engine is called {engine!r}. Choose one of: {', '.join((LOCAL, *ENGINES))}.")
    return ENGINES[engine](source, address, workers)
