"""Masks proposed for whole pictures, sifted, named and rejected, driven as the page drives them."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.config import Settings
from annotator.errors import AnnotatorError, Cancelled, PromptError, SettingsError
from annotator.jobs import Job, JobState
from annotator.labelling import SessionView
from annotator.turns import Turns
from annotator.workspace import Workspace
from storage.errors import RecordNotFound
from storage.records import ImageStatus, Origin, RunState
from tests.fakes import FakeSegmenter

ME = "local"
# The fake one's first candidate has a predicted IoU of 0.9 and is a disc around the point: one proposal a grid point.
COARSE = {"points_per_side": 3, "pred_iou_thresh": 0.85, "stability_score_thresh": 0.5}


@pytest.fixture
def image_ids(workspace: Workspace, pictures: list[Path]) -> list[int]:
    return list(workspace.import_pictures(pictures).image_ids)


@pytest.fixture
def cup(workspace: Workspace) -> int:
    return workspace.repository.add_category("cup").id


def act(workspace: Workspace, image_id: int, kind: str, **values: Any) -> SessionView:
    return workspace.act(image_id, [{"kind": kind, **values}], labeler=ME, wait_s=10)


def propose(workspace: Workspace, *image_ids: int, again: bool = False, **settings: Any) -> Job:
    job = workspace.start_propose(image_ids or None, COARSE | settings, again=again).wait(30)
    assert job.state is JobState.DONE, job.message
    return job


def shown(workspace: Workspace, image_id: int) -> list[int]:
    return [offer.proposal.id for offer in workspace.proposing.shown(image_id)]


def test_a_job_proposes_masks_on_every_picture_and_says_how_many(workspace: Workspace, image_ids: list[int]) -> None:
    job = propose(workspace)
    assert job.message == "3 of 3 pictures, 27 proposals"
    assert (job.done, job.total) == (27, 27)
    assert job.result == {"total": 3, "done_before": 0, "pictures": 3, "proposals": 27, "failed": 0}
    assert workspace.repository.proposal_counts() == dict.fromkeys(image_ids, 9)
    for image_id in image_ids:
        assert len(shown(workspace, image_id)) == 9


