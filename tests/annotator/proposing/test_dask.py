"""Proposing on a real Dask cluster: a scheduler and two worker processes on this machine."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.clusters import open_cluster
from annotator.clusters.base import Batch, Cluster
from annotator.config import Settings
from annotator.errors import ClusterError
from annotator.prediction import Embedding
from annotator.workspace import Workspace
from tests.annotator.proposing.fakecluster import FakeSource
from tests.fakes import FakeSegmenter

COARSE = {"points_per_side": 1, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.5}
PICTURES = 12


class Noting(FakeSegmenter):
    """Notes in a file, a line each, which process encodes a picture."""

    def __init__(self, begun: Path) -> None:
        super().__init__(embed_delay_s=0.25)  # long enough to be killed in
        self._begun = begun

    def embed(self, image: np.ndarray) -> Embedding:
        with self._begun.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return super().embed(image)


@dataclass(frozen=True)
class NotingSource:
    """Notes which process loads a segmenter, too."""

    folder: Path

    def load(self) -> FakeSegmenter:
        with (self.folder / "loaded").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return Noting(self.folder / "begun")

    def processes(self, what: str) -> list[int]:
        path = self.folder / what
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> NotingSource:
    return NotingSource(tmp_path_factory.mktemp("dask"))


@pytest.fixture(scope="module")
def cluster(source: NotingSource) -> Iterator[Cluster]:
    with open_cluster("dask", source, workers=2) as cluster:
        yield cluster


@pytest.fixture
def image_ids(workspace: Workspace, tmp_path: Path) -> list[int]:
    for number in range(PICTURES):
        Image.fromarray(np.full((20, 30, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    return list(workspace.import_pictures([tmp_path / f"{number}.png" for number in range(PICTURES)]).image_ids)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_every_picture_is_done_once_though_a_worker_is_killed_in_the_middle(
    workspace: Workspace, image_ids: list[int], cluster: Cluster, source: NotingSource
) -> None:
    finished: list[int] = []

    def finish(image_id: int) -> None:
        finished.append(image_id)
        begun = source.processes("begun")
        if len(finished) == 2:
            for process in set(begun):
                os.kill(process, signal.SIGINT)  # as a terminal does; it is not for them to stop
        if len(finished) == 3:
            deadline = time.monotonic() + 60
            while len(source.processes("begun")) == len(begun) and time.monotonic() < deadline:
                time.sleep(0.01)
            os.kill(source.processes("begun")[-1], signal.SIGKILL)  # it has just begun with a picture

    report = workspace.proposing.propose(
        None,
        workspace.proposing.settings(COARSE),
        cluster=cluster,
        progress=lambda done, total: None,
        cancelled=lambda: False,
        say=lambda line: None,
        finish=finish,
    )
    assert report.end_line() == f"{PICTURES} of {PICTURES} pictures, {PICTURES} proposals"
    assert sorted(finished) == image_ids
    assert workspace.repository.proposal_counts() == dict.fromkeys(image_ids, 1)
    assert {len(workspace.repository.proposals(image_id)) for image_id in image_ids} == {1}
    assert len(source.processes("begun")) > PICTURES, "what the killed one was at was begun again"
    loaded = source.processes("loaded")
    assert len(loaded) == len(set(loaded)) <= 3, "two, and one in the place of the killed one; each loads once"


def test_a_batch_for_other_weights_is_refused_by_the_worker_in_its_own_words(cluster: Cluster, settings: Settings):
    plan = {"number": 99, "fingerprint": "other-2", "pictures": ()}
    with Workspace(settings) as workspace:
        cluster.submit(Batch(settings=workspace.proposing.settings(COARSE), **plan))
    with pytest.raises(ClusterError, match="has fake-1, but other-2 is to be asked"):
        cluster.next(60.0)


def test_an_address_where_nobody_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotator.clusters.daskcluster.CONNECT_S", 0.5)
    with (
        pytest.raises(ClusterError, match=r"No cluster answers at tcp://127\.0\.0\.1:9 "),
        open_cluster("dask", FakeSource(FakeSegmenter()), address="tcp://127.0.0.1:9"),
    ):
        pass


@pytest.mark.parametrize("package", ["distributed", "cryptography"])
def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(ClusterError, match=rf"needs the package {package}.*pip install -r requirements-cluster\.txt"),
        open_cluster("dask", FakeSource(FakeSegmenter())),
    ):
        pass
