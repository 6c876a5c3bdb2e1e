"""What proposing masks on millions of pictures takes: rates measured here, multiplied on paper.

    python benchmarks/ten_million.py [--pictures FOLDER] [--total 10000000] [--workers 1000] [--core-hour 0.04] [--json]

Measured, in seconds of one core (so that what else the machine does falls out as far as it can): a picture at a worker,
with the built-in model and its own settings; a picture saved by the coordinator, in SQLite; a batch through Dask's
scheduler. Also the bytes of a picture, of its answer on the way, of its rows in the database, of its embedding; and
what a Dask scheduler holds for each future, which is why no more are given to it than are under way.
The machine's price and the number of workers are assumptions, said on the command line.
"""

import argparse
import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as Dask gives its workers

from annotator.automask import AutomaskSettings
from annotator.clusters import Batch, Done, Failed, PictureFile, SegmenterSource, open_cluster
from annotator.clusters.base import OutOfReach
from annotator.clusters.worker import work_on
from annotator.config import Settings
from annotator.images import read_image
from annotator.proposing import Plan, Report
from annotator.proposing.keeping import Keeping
from annotator.proposing.window import BATCH_S, MOST_IN_BATCH
from annotator.workspace import Workspace

FUTURES = 5000  # given to a scheduler at once, to see what each takes there


@dataclass(frozen=True)
class Rates:
    """Per picture, where nothing else is said. Seconds are of one core; save_wall_s is by the clock."""

    pictures: int
    worker_s: float
    proposals: float  # kept, those below the thresholds too
    picture_bytes: float
    answer_bytes: float
    save_s: float
    save_wall_s: float
    database_bytes: float
    embedding_bytes: float
    list_s: float  # to find that it is done already
    batch_s: float  # a batch through the scheduler, without its pictures
    future_bytes: float  # what the scheduler and the client hold for one


def on_paper(rates: Rates, *, total: int, workers: int, core_hour: float) -> dict[str, float]:
    """What `total` pictures take. Times in hours, bytes in GB; core_hour: what a core costs for an hour."""
    work_h = total * rates.worker_s / 3600
    save_h = total * rates.save_wall_s / 3600
    batches = total / max(1, min(MOST_IN_BATCH, int(BATCH_S / rates.worker_s)))
    return {
        "core_hours": work_h,
        "workers_h": work_h / workers,
        "cost": work_h * core_hour,
        "coordinator_h": save_h,
        "hours": max(work_h / workers, save_h),
        "workers_worth_having": rates.worker_s / rates.save_wall_s,
        "batches": batches,
        "scheduler_h": batches * rates.batch_s / 3600,
        "resume_h": total * rates.list_s / 3600,
        "read_gb": total * rates.picture_bytes / 1e9,
        "answers_gb": total * rates.answer_bytes / 1e9,
        "database_gb": total * rates.database_bytes / 1e9,
        "embeddings_gb": total * rates.embedding_bytes / 1e9,
        "all_futures_gb": total * rates.future_bytes / 1e9,
    }


class Nothing:
    """A segmenter that is asked nothing."""

    fingerprint = "nothing"


@dataclass(frozen=True)
class NothingSource:
    """Loads it."""

    def load(self) -> Any:
        return Nothing()


def at_a_worker(paths: Sequence[Path], settings: AutomaskSettings, fingerprint: str) -> tuple[list[Done], list[float]]:
    """Every picture as a batch of its own -> what came back, and CPU seconds."""
    source = SegmenterSource("builtin", "cpu")
    work_on(source, Batch(0, fingerprint, settings, ()))  # loads it
    back, seconds = [], []
    for number, path in enumerate(paths):
        start = time.process_time()
        back.append(work_on(source, Batch(number, fingerprint, settings, (PictureFile(number, path.name, str(path)),))))
        seconds.append(time.process_time() - start)
    return back, seconds


def saved(workspace: Workspace, plan: Plan, back: Sequence[Done], repeats: int) -> tuple[float, float, float]:
    """Save the answers `repeats` times over -> CPU seconds, seconds and bytes of the database, each of one picture."""
    images = workspace.images()
    keeping = Keeping(workspace.repository, plan, Report(total=len(images)))
    before = database_bytes(workspace.settings.data)
    cpu, clock = time.process_time(), time.perf_counter()
    for number in range(repeats):
        for image, done in zip(images, back, strict=True):
            (answer,) = done.answers
            assert not isinstance(answer, Failed | OutOfReach), answer
            keeping.keep(image, answer.proposals)
        if not number:
            grown = database_bytes(workspace.settings.data) - before
    count = repeats * len(images)
    return (time.process_time() - cpu) / count, (time.perf_counter() - clock) / count, grown / len(images)


def database_bytes(folder: Path) -> int:
    """Of the database and what SQLite keeps beside it."""
    return sum(path.stat().st_size for path in folder.glob("annotator.db*"))


def listed(workspace: Workspace, repeats: int) -> float:
    """CPU seconds to read a picture with its run, in pages as long as the workspace."""
    start, count = time.process_time(), 0
    for _ in range(repeats):
        count += len(workspace.repository.pictures_with_runs(after=None, limit=500))
    return (time.process_time() - start) / count


def through_the_scheduler(batches: int) -> tuple[float, float]:
    """CPU seconds that a batch costs scheduler and client, and bytes that they hold for a future that waits."""
    from distributed import Client, LocalCluster

    empty = [Batch(number, "nothing", AutomaskSettings(), ()) for number in range(batches)]
    with open_cluster("dask", NothingSource(), workers=1) as cluster:
        cluster.submit(Batch(batches, "nothing", AutomaskSettings(), ()))
        while cluster.next(1.0) is None:
            continue
        start, back, out = time.process_time(), 0, 0
        while back < batches:
            while empty and out < 2:
                cluster.submit(empty.pop())
                out += 1
            if cluster.next(1.0) is not None:
                back, out = back + 1, out - 1
        batch_s = (time.process_time() - start) / batches
    with (
        LocalCluster(n_workers=0, processes=True, host="127.0.0.1", dashboard_address=None) as own,
        Client(own) as client,
    ):
        before = resident_bytes()
        futures = client.map(abs, range(FUTURES), pure=False)
        while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) < FUTURES:
            time.sleep(0.05)
        future_bytes = (resident_bytes() - before) / FUTURES
        client.cancel(futures)
    return batch_s, future_bytes


def resident_bytes() -> int:
    """Of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure(folder: Path, most: int, batches: int, given: dict[str, Any]) -> Rates:
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".jpg", ".jpeg", ".png")][:most]
    with tempfile.TemporaryDirectory() as data, Workspace(Settings(data=Path(data), device="cpu")) as workspace:
        workspace.import_pictures(paths)
        stored = [workspace.pictures.path(image.stored_name) for image in workspace.images()]
        segmenter, settings = workspace.engine.segmenter, workspace.proposing.settings(given)
        back, seconds = at_a_worker(stored, settings, segmenter.fingerprint)
        for path, took in zip(paths, seconds, strict=True):
            print(f"{path.name}: {took:.1f} s", file=sys.stderr, flush=True)
        plan = Plan(segmenter.fingerprint, segmenter.name, settings)
        save_s, save_wall_s, grown = saved(workspace, plan, back, repeats=5)
        embedding = segmenter.embed(read_image(stored[0]).pixels)
        list_s = listed(workspace, repeats=200)
        batch_s, future_bytes = through_the_scheduler(batches)
        return Rates(
            pictures=len(stored),
            worker_s=sum(seconds) / len(stored),
            proposals=sum(len(getattr(done.answers[0], "proposals", ())) for done in back) / len(stored),
            picture_bytes=sum(path.stat().st_size for path in stored) / len(stored),
            answer_bytes=sum(len(pickle.dumps(done)) for done in back) / len(stored),
            save_s=save_s,
            save_wall_s=save_wall_s,
            database_bytes=grown,
            embedding_bytes=embedding.nbytes,
            list_s=list_s,
            batch_s=batch_s,
            future_bytes=future_bytes,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, default=ROOT / "samples", help="a folder of them")
    parser.add_argument("--most", type=int, default=12, help="pictures taken of it")
    parser.add_argument("--batches", type=int, default=200, help="through the scheduler")
    parser.add_argument("--lean", action="store_true", help="with --min-mask-region-area 1: only what is shown is kept")
    parser.add_argument("--total", type=int, default=10_000_000, help="pictures on paper")
    parser.add_argument("--workers", type=int, default=1000, help="an assumption: cores that work at once")
    parser.add_argument("--core-hour", type=float, default=0.04, help="an assumption: the price of a core for an hour")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    args = parser.parse_args()
    rates = measure(args.pictures, args.most, args.batches, {"min_mask_region_area": 1} if args.lean else {})
    paper = on_paper(rates, total=args.total, workers=args.workers, core_hour=args.core_hour)
    for name, value in asdict(rates).items():
        print(f"{name:24} {value:14.4g}")
    print(f"\n{args.total} pictures, {args.workers} workers, a core-hour at {args.core_hour}:")
    for name, value in paper.items():
        print(f"{name:24} {value:14,.1f}")
    if args.json:
        print(json.dumps({"rates": asdict(rates), "on_paper": paper}))


if __name__ == "__main__":
    main()
