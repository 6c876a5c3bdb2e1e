"""Proposing by workers, of whom a fake stands for all: what is sent, saved, lost, and said."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotator.automask import AutomaskSettings
from annotator.clusters.base import Batch
from annotator.clusters.worker import work_on
from annotator.errors import AnnotatorError, Cancelled, CheckpointError, ClusterError
from annotator.prediction import Embedding
from annotator.proposing import Report
from annotator.proposing.oncluster import BATCHES_A_WORKER
from annotator.workspace import Workspace
from storage.errors import RecordNotFound
from storage.records import RunState
from tests.annotator.proposing.fakecluster import FakeCluster
from tests.fakes import FakeSegmenter

COARSE = {"points_per_side": 3, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.5}
NAMES = [f"{number}.png" for number in range(6)]


@pytest.fixture
def image_ids(workspace: Workspace, tmp_path: Path) -> list[int]:
    """Six pictures of as many shades."""
    for number, name in enumerate(NAMES):
        Image.fromarray(np.full((20, 30, 3), 10 * number, np.uint8)).save(tmp_path / name)
    return list(workspace.import_pictures([tmp_path / name for name in NAMES]).image_ids)


class Run:
    """propose with what it said and whom it finished."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.finished: list[int] = []
        self.lines: list[str] = []
        self.progress: list[tuple[int, int]] = []

    def __call__(
        self,
        cluster: FakeCluster,
        image_ids: list[int] | None = None,
        *,
        again: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Report:
        return self._workspace.proposing.propose(
            image_ids,
            self._workspace.proposing.settings(COARSE),
            again=again,
            cluster=cluster,
            progress=lambda done, total: self.progress.append((done, total)),
            cancelled=cancelled,
            say=self.lines.append,
            finish=self.finished.append,
        )


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return Run(workspace)


def found(workspace: Workspace) -> list[Any]:
    """Everything that is kept of what was found, but for the times and the rows' own ids."""
    return [
        [(one.rle, one.predicted_iou, one.stability_score, one.point_xy, one.shown, one.model) for one in proposals]
        for image in workspace.images()
        if (proposals := workspace.repository.proposals(image.id))
    ]


def done_ids(workspace: Workspace) -> list[int]:
    return [one.image_id for one in workspace.repository.all_proposal_runs(RunState.DONE) if not one.message]


def test_workers_find_what_is_found_in_this_process(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    report = run(FakeCluster(fake_segmenter))
    assert report.end_line() == "6 of 6 pictures, 54 proposals"
    assert run.progress[-1] == (54, 54)
    assert run.lines[-1] == "6 of 6 pictures, 54 proposals (2 workers)"
    assert run.finished == image_ids
    by_workers = found(workspace)
    workspace.start_propose(None, COARSE, again=True).wait(30)
    assert found(workspace) == by_workers
    assert len(by_workers) == 6


def test_no_more_batches_are_out_than_the_workers_need(
    image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    cluster = FakeCluster(fake_segmenter, workers=(1,))
    run(cluster)
    assert cluster.most_out == BATCHES_A_WORKER
    assert [one.image_id for batch in cluster.submitted for one in batch.pictures] == image_ids
    assert len(cluster.submitted) < len(image_ids), "quick pictures share a batch"


def test_a_lost_batch_is_done_by_others_and_every_picture_once(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    report = run(FakeCluster(fake_segmenter, lose=(1, 3), twice=True))
    assert (report.pictures, report.failed) == (6, [])
    assert sorted(run.finished) == image_ids
    assert sorted(done_ids(workspace)) == image_ids
    assert workspace.repository.proposal_counts() == dict.fromkeys(image_ids, 9)


def test_a_picture_that_kills_its_workers_is_named_and_no_other_is_blamed(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    report = run(FakeCluster(fake_segmenter, poison={"3.png"}))
    (line,) = report.failed
    assert line.startswith("3.png: Left out: 3 times its worker died of it")
    assert report.line() == "5 of 6 pictures, 45 proposals, 1 failed"
    assert run.progress[-1] == (54, 54)
    assert workspace.proposals(image_ids[3]).runs[RunState.DONE].message == line.removeprefix("3.png: ")
    assert run(FakeCluster(fake_segmenter)).end_line() == "1 of 1 picture, 9 proposals; 5 pictures done before"


def test_pictures_travel_themselves_to_workers_that_do_not_see_the_folder(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    cluster = FakeCluster(fake_segmenter, workers=(1,), blind=True)
    assert run(cluster).pictures == 6
    assert sorted(run.finished) == image_ids
    sent = [picture for batch in cluster.submitted for picture in batch.pictures]
    unseen = [picture for picture in sent if picture.data is None]
    assert 1 <= len(unseen) <= BATCHES_A_WORKER, "once is enough to know"
    assert all(picture.data for picture in sent[len(unseen) :])


def test_a_picture_whose_file_is_gone_is_named_and_the_rest_is_done(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    workspace.pictures.path(workspace.image(image_ids[3]).stored_name).unlink()
    workspace.pictures.path(workspace.image(image_ids[4]).stored_name).write_bytes(b"no picture")
    report = run(FakeCluster(fake_segmenter))
    assert [line.split(":")[0] for line in report.failed] == ["3.png", "4.png"]
    assert "Import the same picture again" in report.failed[0]
    assert report.pictures == 4


def test_a_bug_on_a_worker_is_logged_here_and_leaves_the_others(
    image_ids: list[int], run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeSegmenter):
        def embed(self, image: np.ndarray) -> Embedding:
            embedding = super().embed(image)
            if self.embeds == 2:
                raise KeyError("secret detail")
            return embedding

    report = run(FakeCluster(Broken()))
    assert report.failed == ["1.png: a mistake in the program (KeyError); the server's log has the details"]
    assert "secret detail" in caplog.text


def test_a_stop_keeps_what_is_saved_and_the_same_command_goes_on(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    with pytest.raises(Cancelled, match=r"Stopped: 1 of 6 pictures, 9 proposals\. The same command goes on"):
        run(FakeCluster(fake_segmenter), cancelled=lambda: bool(run.finished))
    assert done_ids(workspace) == image_ids[:1]
    assert workspace.repository.all_proposal_runs(RunState.WAITING) == []
    report = run(FakeCluster(fake_segmenter))
    assert report.end_line() == "5 of 5 pictures, 45 proposals; 1 picture done before"
    assert run.finished == [image_ids[0], *image_ids], "a picture done before is finished, too"
    assert run(FakeCluster(fake_segmenter)).end_line() == (
        "Nothing to do: 6 pictures done before with the same settings."
    )
    assert run(FakeCluster(fake_segmenter), again=True).pictures == 6
    with pytest.raises(Cancelled):
        run(FakeCluster(fake_segmenter), cancelled=lambda: True)


def test_what_another_run_did_meanwhile_is_left_as_it_is(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    def meanwhile(batch: Batch) -> None:
        if batch.number == 1:
            workspace.start_propose(image_ids[:1], COARSE).wait(30)

    report = run(FakeCluster(fake_segmenter, before=meanwhile))
    assert report.end_line() == "5 of 5 pictures, 45 proposals; 1 picture done before"
    assert workspace.repository.proposal_counts() == dict.fromkeys(image_ids, 9)


def test_pictures_that_go_and_come_meanwhile_are_no_failures(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter, pictures: list[Path]
) -> None:
    def meanwhile(batch: Batch) -> None:
        if batch.number == 1:
            workspace.repository.remove_image(image_ids[0])
            workspace.repository.remove_image(image_ids[5])

    assert run(FakeCluster(fake_segmenter, before=meanwhile)).failed == []
    assert sorted(done_ids(workspace)) == image_ids[1:5]
    workspace.import_pictures(pictures)
    assert run(FakeCluster(fake_segmenter)).end_line() == "3 of 3 pictures, 27 proposals; 4 pictures done before"


def test_named_pictures_alone_are_done(
    workspace: Workspace, image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    report = run(FakeCluster(fake_segmenter), [image_ids[4], image_ids[2], image_ids[4]])
    assert report.end_line() == "2 of 2 pictures, 18 proposals"
    assert run.finished == [image_ids[4], image_ids[2]]
    with pytest.raises(RecordNotFound, match="999"):
        run(FakeCluster(fake_segmenter), [999])


def test_without_a_picture_there_is_nothing_to_send(run: Run, fake_segmenter: FakeSegmenter) -> None:
    with pytest.raises(AnnotatorError, match="import some first"):
        run(FakeCluster(fake_segmenter))


def test_a_cluster_without_workers_is_waited_for_and_that_is_said(
    image_ids: list[int], run: Run, fake_segmenter: FakeSegmenter
) -> None:
    assert run(FakeCluster(fake_segmenter, workers=(0, 0, 2))).pictures == 6
    assert "0 of 6 pictures, 0 proposals (waits: no worker is there)" in run.lines


def test_workers_with_other_weights_are_refused(workspace: Workspace, image_ids: list[int], run: Run) -> None:
    with pytest.raises(ClusterError, match=r"has other-2, but fake-1 is to be asked.*same checkpoint"):
        run(FakeCluster(FakeSegmenter(fingerprint="other-2")))
    assert done_ids(workspace) == []


@dataclass(frozen=True)
class NoModel:
    """A machine on which the checkpoint is missing."""

    def load(self) -> FakeSegmenter:
        raise CheckpointError("big.pth is missing.")


def test_a_worker_without_the_model_says_what_it_lacks() -> None:
    with pytest.raises(ClusterError, match=r"The worker on .* has no model to work with: big\.pth is missing\."):
        work_on(NoModel(), Batch(1, "fake-1", AutomaskSettings(), ()))
