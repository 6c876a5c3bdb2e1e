"""Proposals, their runs, and the steps that name or reject them."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from storage import migration
from storage.database import Database
from storage.errors import RecordNotFound, StorageError
from storage.records import CategoryRecord, ImageRecord, RunState
from storage.repository import NewProposal, Repository
from storage.rle import Rle, iou_matrix
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values, without_waiting_for_the_disk

PLAN: dict[str, Any] = {"fingerprint": "fake-1", "model": "fake", "settings": {"points_per_side": 4}}
OTHER_PLAN = PLAN | {"settings": {"points_per_side": 8}}
DONE, WAITING = RunState.DONE, RunState.WAITING


def found(covered: Rle, *, iou: float = 0.9, shown: bool = True) -> NewProposal:
    return NewProposal(rle=covered, predicted_iou=iou, stability_score=0.8, point_xy=(1.5, 2.5), shown=shown)


def masks(repository: Repository, image: ImageRecord, *, rejected: bool = False) -> list[Rle]:
    return [one.rle for one in repository.proposals(image.id) if one.rejected == rejected]


A, B, C = mask(0, 0, 4, 4), mask(5, 5, 4, 4), mask(10, 0, 4, 4)


@pytest.fixture
def proposed(repository: Repository, image: ImageRecord) -> list[int]:
    """The ids of A, B and C, which a run found on the picture."""
    assert repository.save_proposals(image.id, [found(A), found(B), found(C)], **PLAN) == 3
    return [one.id for one in repository.proposals(image.id)]


def test_what_a_run_found_is_kept_with_its_box_and_area(repository: Repository, image: ImageRecord) -> None:
    repository.save_proposals(image.id, [found(A, iou=0.8), found(B, shown=False)], **PLAN)
    second, first = repository.proposals(image.id)
    assert (first.rle, first.bbox_xywh, first.area, first.predicted_iou) == (A, (0, 0, 4, 4), 16, 0.8)
    assert (second.rle, second.shown, second.rejected, second.model) == (B, False, False, "fake")
    assert first.point_xy == (1.5, 2.5)
    run = repository.proposal_runs(image.id)[DONE]
    assert (run.fingerprint, run.settings, run.message, run.open_count) == ("fake-1", {"points_per_side": 4}, "", 1)
    assert repository.proposal_counts() == {image.id: 1} == {image.id: repository.proposal_count(image.id)}


def test_a_new_run_takes_the_place_of_the_old_one(repository: Repository, image: ImageRecord, proposed: list) -> None:
    repository.save_proposals(image.id, [found(B)], **OTHER_PLAN)
    (new,) = repository.proposals(image.id)
    assert (new.rle, new.id in proposed) == (B, False)
    assert repository.proposal_runs(image.id)[DONE].settings == OTHER_PLAN["settings"]


def test_a_run_that_is_to_be_saved_once_leaves_the_same_one_alone(
    repository: Repository, image: ImageRecord, proposed: list
) -> None:
    assert repository.save_proposals(image.id, [found(B)], **PLAN, once=True) is None
    assert masks(repository, image) == [A, B, C]
    assert repository.save_proposals(image.id, [found(B)], **OTHER_PLAN, once=True) == 1, "another run is another"
    repository.fail_proposals(image.id, **PLAN, message="No memory.")
    assert repository.save_proposals(image.id, [found(C)], **PLAN, once=True) == 1, "a failure is no run that is done"


def test_pictures_are_read_page_by_page_each_with_the_run_that_is_done(
    repository: Repository, new_image: Callable[[], ImageRecord], proposed: list
) -> None:
    others = [new_image() for _ in range(4)]
    repository.queue_proposals([others[0].id], **PLAN)
    assert repository.image_count() == 5
    pages, after = [], None
    while page := repository.pictures_with_runs(after=after, limit=2):
        pages.append(page)
        after, _ = page[-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    read = [one for page in pages for one in page]
    assert [one for one, _ in read] == repository.images()
    assert [run is not None for _, run in read] == [True, False, False, False, False]


def test_a_rejected_proposal_is_not_offered_again(
    repository: Repository, image: ImageRecord, proposed: list, labeler: Labeler
) -> None:
    labeler.step("reject_proposals", {"rejected": proposed[:1]})
    nearly_a = mask(0, 0, 4, 5)
    assert iou_matrix([A], [nearly_a])[0, 0] == 0.8
    assert repository.save_proposals(image.id, [found(nearly_a), found(B), found(mask(0, 0, 4, 6))], **PLAN) == 2
    assert masks(repository, image, rejected=True) == [A]
    assert masks(repository, image) == [B, mask(0, 0, 4, 6)]


def test_a_rejection_is_undone_and_redone(
    repository: Repository, image: ImageRecord, proposed: list, labeler: Labeler
) -> None:
    labeler.step("reject_proposals", {"rejected": proposed[:2]})
    assert masks(repository, image, rejected=True) == [A, B]
    assert repository.proposal_count(image.id) == 1
    labeler.undo()
    assert masks(repository, image) == [A, B, C]
    assert repository.proposal_count(image.id) == 3
    labeler.redo()
    assert masks(repository, image) == [C]
    repository.save_proposals(image.id, [found(C)], **PLAN)
    labeler.undo()
    assert masks(repository, image) == [A, B, C], "also after another run, the same as before"


@pytest.mark.parametrize("gone", [999, -1, "1", None])
def test_a_rejection_of_what_is_gone_is_refused_whole(
    repository: Repository, image: ImageRecord, proposed: list, labeler: Labeler, gone: Any
) -> None:
    with pytest.raises(RecordNotFound, match="load its proposals again"):
        labeler.step("reject_proposals", {"rejected": [proposed[0], gone]})
    assert masks(repository, image, rejected=True) == []
    assert repository.session(image.id, labeler.name).revision == 0


def test_what_is_rejected_or_of_another_picture_is_not_rejected_again(
    repository: Repository, proposed: list, labeler: Labeler, new_image: Callable[[], ImageRecord]
) -> None:
    labeler.step("reject_proposals", {"rejected": proposed[:1]})
    other = Labeler(repository, new_image())
    for who in (labeler, other):
        with pytest.raises(RecordNotFound):
            who.step("reject_proposals", {"rejected": proposed[:1]})
    with pytest.raises(StorageError, match="list"):
        labeler.step("reject_proposals", {"rejected": proposed[1]})


def test_an_instance_closes_the_proposal_that_it_nearly_is_until_it_goes(
    repository: Repository, image: ImageRecord, proposed: list, labeler: Labeler, cup: CategoryRecord
) -> None:
    labeler.change(None, None, values(cup, mask(0, 0, 4, 5)))
    assert repository.proposal_count(image.id) == 2
    (instance,) = labeler.instances()
    labeler.change(instance.id, values(cup), {"rle": mask(0, 0, 4, 6).to_coco()})
    assert repository.proposal_count(image.id) == 3
    labeler.undo()
    assert repository.proposal_count(image.id) == 2
    labeler.undo()
    assert repository.proposal_count(image.id) == 3
    repository.add_instances(image.id, [values(cup, A), values(cup, A), values(cup, B)], labeler="auto")
    assert repository.proposal_count(image.id) == 1


def test_how_much_overlap_is_a_duplicate_can_be_said(database: Database, image: ImageRecord, cup: Any) -> None:
    strict = Repository(database, duplicate_iou=0.95)
    strict.save_proposals(image.id, [found(A)], **PLAN)
    strict.add_instances(image.id, [values(cup, mask(0, 0, 4, 5))], labeler="ann")
    assert strict.proposal_count(image.id) == 1


def test_a_picture_waits_until_its_run_is_done(
    repository: Repository, image: ImageRecord, new_image: Callable[[], ImageRecord]
) -> None:
    other = new_image()
    repository.queue_proposals([other.id, image.id], **PLAN)
    assert [run.image_id for run in repository.all_proposal_runs(WAITING)] == [image.id, other.id]
    repository.save_proposals(image.id, [found(A)], **PLAN)
    assert [run.image_id for run in repository.all_proposal_runs(WAITING)] == [other.id]
    assert [run.image_id for run in repository.all_proposal_runs(DONE)] == [image.id]


def test_a_picture_that_waits_for_another_run_goes_on_waiting(
    repository: Repository, image: ImageRecord, proposed: list
) -> None:
    repository.queue_proposals([image.id], **PLAN)
    repository.queue_proposals([image.id], **OTHER_PLAN)
    repository.save_proposals(image.id, [found(A)], **PLAN)
    repository.drop_waiting_proposals([image.id], fingerprint="fake-1", settings=PLAN["settings"])
    assert repository.proposal_runs(image.id)[WAITING].settings == OTHER_PLAN["settings"]
    repository.drop_waiting_proposals([image.id, 999], fingerprint="fake-1", settings=OTHER_PLAN["settings"])
    assert list(repository.proposal_runs(image.id)) == [DONE]


def test_a_failure_says_why_and_leaves_what_was_found_before(
    repository: Repository, image: ImageRecord, proposed: list
) -> None:
    repository.queue_proposals([image.id], **OTHER_PLAN)
    repository.fail_proposals(image.id, **OTHER_PLAN, message="The file is gone.")
    runs = repository.proposal_runs(image.id)
    assert list(runs) == [DONE]
    assert runs[DONE].message == "The file is gone."
    assert not runs[DONE].same_work(fingerprint="fake-1", settings=OTHER_PLAN["settings"])
    assert masks(repository, image) == [A, B, C]
    assert repository.proposal_count(image.id) == 3


def test_a_picture_that_goes_takes_its_proposals_and_runs_along(
    repository: Repository, database: Database, image: ImageRecord, proposed: list
) -> None:
    repository.queue_proposals([image.id], **PLAN)
    repository.remove_image(image.id)
    assert repository.all_proposal_runs(WAITING) == repository.all_proposal_runs(DONE) == []
    assert repository.proposals(image.id) == []
    for work in (
        lambda: repository.save_proposals(image.id, [], **PLAN),
        lambda: repository.fail_proposals(image.id, **PLAN, message="x"),
        lambda: repository.queue_proposals([image.id], **PLAN),
    ):
        with pytest.raises(RecordNotFound):
            work()


def test_a_mask_of_another_size_saves_nothing(repository: Repository, image: ImageRecord, proposed: list) -> None:
    wrong = Rle(size_hw=(WIDTH, HEIGHT), counts=A.counts)
    with pytest.raises(StorageError, match="picture's size"):
        repository.save_proposals(image.id, [found(B), found(wrong)], **PLAN)
    assert [one.id for one in repository.proposals(image.id)] == proposed


rectangles = st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(1, 8), st.integers(1, 6))


@settings(max_examples=30)
@given(st.lists(rectangles, max_size=6), st.lists(rectangles, max_size=6), st.sampled_from([0.5, 0.8]))
def test_the_count_is_that_of_every_pair_compared(
    new_database: Path, proposals: list, instances: list, duplicate_iou: float
) -> None:
    with TemporaryDirectory() as folder:
        path = shutil.copy(new_database, folder)
        with closing(without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))) as database:
            repository = Repository(database, duplicate_iou=duplicate_iou)
            image, _ = repository.add_image(
                sha256="0" * 64,
                stored_name="1.png",
                original_name="one.png",
                width=WIDTH,
                height=HEIGHT,
                exif_orientation=1,
            )
            cup = repository.add_category("cup")
            proposed, live = [mask(*one) for one in proposals], [mask(*one) for one in instances]
            repository.save_proposals(image.id, [found(one) for one in proposed], **PLAN)
            repository.add_instances(image.id, [values(cup, one) for one in live], labeler="ann")
            most = iou_matrix(proposed, live).max(axis=1, initial=0.0)
            assert repository.proposal_count(image.id) == (most < duplicate_iou).sum()


def test_a_database_from_before_proposals_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(migration._config(connection, migration.SCRIPTS), "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO images (sha256, stored_name, original_name, width, height, exif_orientation, position, status,"
            f" created_at) VALUES ('{0:064x}', '1.png', 'one.png', {WIDTH}, {HEIGHT}, 1, 0, 'new', '2026-01-01')"
        )
        connection.commit()
    with closing(Database.open(f"sqlite:///{path}")) as database:
        repository = Repository(database)
        (image,) = repository.images()
        assert repository.proposals(image.id) == []
        assert repository.proposal_runs(image.id) == {}
        assert repository.save_proposals(image.id, [found(A)], **PLAN) == 1
    assert len(list((tmp_path / "backups").iterdir())) == 1
