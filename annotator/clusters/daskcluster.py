"""The engine called dask: batches are Dask futures, of which the scheduler knows no more than are under way.

Needs the packages of requirements-cluster.txt.
"""

import logging
import queue
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from annotator.clusters.base import Batch, Cluster, Done, Lost
from annotator.clusters.source import Source
from annotator.clusters.worker import work_on
from annotator.errors import USER_ERRORS, ClusterError

if TYPE_CHECKING:
    from distributed import Client, Future

SIZE_FOR_S = 2.0  # how long a count of the workers is believed
GATHER_S = 5.0  # how long a result is waited for at once; it is made anew where its worker died with it
CONNECT_S = 15.0
START_S = 120.0  # for the worker processes of this machine
CLOSE_S = 10.0

# Of a cluster of our own. A batch is told as lost with its first worker, so that it is we who say what comes next.
OWN = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.admin.system-monitor.gil.enabled": False,
    # Dask has each free() give memory back to the system, which all but doubles the time that a picture takes.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


class DaskCluster:
    """A Cluster on a Dask client."""

    def __init__(self, client: "Client", source: Source, *, name: str) -> None:
        self._client, self._source, self._name = client, source, name
        self._run = uuid.uuid4().hex[:12]  # keys are the scheduler's, which others may use at the same time
        self._numbers: dict[Future, int] = {}
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._counted_at, self._counted = -SIZE_FOR_S, 0

    def size(self) -> int:
        if time.monotonic() - self._counted_at > SIZE_FOR_S:
            with self._reached():
                self._counted = sum(self._client.nthreads().values())
            self._counted_at = time.monotonic()
        return self._counted

    def submit(self, batch: Batch) -> None:
        with self._reached():
            future = self._client.submit(
                work_on, self._source, batch, key=f"propose-{self._run}-{batch.number}", pure=False
            )
            self._numbers[future] = batch.number
            future.add_done_callback(self._ended.put)

    def next(self, timeout_s: float) -> Done | Lost | None:
        try:
            future = self._ended.get(timeout=timeout_s)
        except queue.Empty:
            if self._client.status in ("closed", "closing"):
                raise self._gone() from None
            return None
        if future.status == "finished":
            try:
                return self._taken(future, future.result(timeout=GATHER_S))
            except TimeoutError:
                self._ended.put(future)
                return None
            except USER_ERRORS:
                raise
            except Exception as error:  # made anew after its worker died, and failed then
                return self._failed(future, error)
        if future.status == "error":
            return self._failed(future, future.exception(timeout=GATHER_S))
        raise self._gone()

    def close(self) -> None:
        """Take back what is out; a batch that a worker is at goes on to its end, and nobody hears of it."""
        self._client.cancel(list(self._numbers), force=True)
        self._numbers.clear()

    def _failed(self, future: "Future", error: BaseException) -> Lost:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return self._taken(future, Lost(self._numbers[future]))
        if isinstance(error, USER_ERRORS):
            raise error
        raise ClusterError(
            f"The workers of {self._name} cannot do the work ({type(error).__name__}: {error}). Start them in the "
            "tool's own folder, with the same version of it and of its packages: python -m dask worker ADDRESS"
        ) from error

    def _taken(self, future: "Future", outcome: Any) -> Any:
        """The future is let go of, which has the scheduler and the worker forget it."""
        del self._numbers[future]
        future.release()
        return outcome

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError, RuntimeError) as error:
            raise self._gone() from error

    def _gone(self) -> ClusterError:
        return ClusterError(f"The scheduler of {self._name} is gone. What is done stays; the same command goes on.")


@contextmanager
def dask_cluster(source: Source, address: str | None, workers: int) -> Iterator[Cluster]:
    """A cluster at its scheduler's address, or workers on this machine, a process each. Raises ClusterError."""
    distributed = _library()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of workers and schedulers lost we tell ourselves
    # A batch that carries its pictures' bytes is large on purpose.
    warnings.filterwarnings("ignore", message="Sending large graph")
    with ExitStack() as stack:
        try:
            if address is None:
                client = _own(distributed, workers, stack)
            else:
                client = stack.enter_context(distributed.Client(address, timeout=CONNECT_S))
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            what = "No cluster could be started here" if address is None else f"No cluster answers at {address}"
            raise ClusterError(f"{what} ({type(error).__name__}: {error}). See README.md, `auto`.") from error
        cluster = DaskCluster(client, source, name=address or "this machine's own cluster")
        stack.callback(cluster.close)
        yield cluster


def _library() -> Any:
    """Dask's package, loaded only where it is used. Raises ClusterError that names what is missing."""
    try:
        import cryptography  # noqa: F401  # Dask makes the keys of a cluster of our own with it
        import distributed
    except ImportError as error:
        raise ClusterError(
            f"--engine dask needs the package {error.name}, which is not installed: "
            "python -m pip install -r requirements-cluster.txt"
        ) from error
    return distributed


def _own(distributed: Any, workers: int, stack: ExitStack) -> "Client":
    """Workers on this machine. Encrypted, with keys made for the occasion: whoever reaches a scheduler runs code."""
    import dask

    stack.enter_context(dask.config.set(OWN))
    own = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=0,  # results are small; a worker that takes all memory is ended by the system, and named by us
        security=True,
        silence_logs=logging.CRITICAL,
        preload=["annotator.clusters.interrupts"],
    )
    stack.callback(own.close, timeout=CLOSE_S)
    client: Client = stack.enter_context(distributed.Client(own, timeout=CONNECT_S))
    client.wait_for_workers(workers, timeout=START_S)
    return client
