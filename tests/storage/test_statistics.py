"""Numbers about the whole workspace: what counts, and that a sample is one."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import CategoryRecord, ImageRecord, ImageStatus
from storage.repository import NewProposal, Repository
from storage.repository.statistics import MaskKind, Saved
from storage.rle import Rle, union_area
from tests.storage.scene import HEIGHT, WIDTH, Labeler, mask, values

RUN = {"fingerprint": "fake-1", "model": "fake", "settings": {}}


def save(repository: Repository, image: ImageRecord, category: CategoryRecord, *masks: Rle, **others: object) -> None:
    given = [values(category, covered, **others) for covered in masks]
    repository.add_instances(image.id, given, labeler="ann")


def propose(repository: Repository, image: ImageRecord, *masks: Rle, shown: bool = True) -> None:
    found = [
        NewProposal(rle=rle, predicted_iou=0.9, stability_score=0.8, point_xy=(1.0, 1.0), shown=shown) for rle in masks
    ]
    repository.save_proposals(image.id, found, **RUN)


def test_a_mask_without_scores_is_left_out(repository: Repository, image: ImageRecord, cup: CategoryRecord) -> None:
    save(repository, image, cup, mask(1, 2, 3, 4))
    save(repository, image, cup, mask(1, 2, 3, 3), predicted_iou=None)
    found = repository.mask_scores(MaskKind.INSTANCE, most=10)
    assert (found.total, [(one.area, one.image_id) for one in found.scores]) == (1, [(12, image.id)])


def test_deleted_instances_and_rejected_or_hidden_proposals_do_not_count(
    repository: Repository, new_image: Callable[[], ImageRecord], cup: CategoryRecord
) -> None:
    image, other = new_image(), new_image()
    save(repository, image, cup, mask(0, 0, 2, 2))
    labeler = Labeler(repository, image)
    labeler.change(repository.instances(image.id)[0].id, {}, None)
    propose(repository, image, mask(0, 0, 4, 4), mask(8, 0, 4, 4))
    propose(repository, other, mask(0, 0, 5, 5), shown=False)
    rejected = repository.proposals(image.id)[0].id
    labeler.step("reject_proposals", {"rejected": [rejected]})
    totals = {kind: repository.mask_scores(kind, most=10).total for kind in MaskKind}
    assert totals == {MaskKind.INSTANCE: 0, MaskKind.PROPOSAL: 1}
    assert [sum(repository.mask_sizes(kind, [1, 1000])) for kind in MaskKind] == [0, 1]
    assert repository.covered_areas(MaskKind.PROPOSAL, [image.id, other.id]) == {image.id: 16}


def test_what_is_saved_is_counted_by_category_status_and_size(
    repository: Repository, new_image: Callable[[], ImageRecord], cup: CategoryRecord
) -> None:
    finished, begun = new_image(), new_image()
    repository.set_image_status(finished.id, ImageStatus.DONE)
    spoon = repository.add_category("spoon")
    save(repository, finished, cup, mask(0, 0, 2, 2), mask(0, 0, 3, 3))
    save(repository, begun, spoon, mask(0, 0, 2, 2))
    save(repository, begun, cup, mask(4, 4, 2, 2))
    Labeler(repository, begun).change(repository.instances(begun.id)[1].id, {}, None)
    assert repository.saved() == Saved(images=2, instances={cup.id: 2, spoon.id: 1})
    assert repository.saved(smallest_area=5) == Saved(images=2, instances={cup.id: 1})
    assert repository.saved(finished=True) == Saved(images=1, instances={cup.id: 2})


def test_a_sample_is_about_as_large_as_asked_and_the_same_each_time(
    repository: Repository, image: ImageRecord, cup: CategoryRecord
) -> None:
    save(repository, image, cup, *[mask(0, 0, 2, 2)] * 1000)
    sample = repository.mask_scores(MaskKind.INSTANCE, most=200)
    assert sample.total == 1000
    assert 150 <= len(sample.scores) <= 250
    assert sample == repository.mask_scores(MaskKind.INSTANCE, most=200)
    halves = np.histogram([one.id for one in sample.scores], [1, 501, 1001])[0]
    assert halves.min() > 50  # from all over, not the first or the last ones


@pytest.mark.parametrize("kind", MaskKind)
def test_an_empty_workspace_has_numbers_too(repository: Repository, kind: MaskKind) -> None:
    assert repository.mask_scores(kind, most=5).total == 0
    assert repository.mask_sizes(kind, [1, 10, 100]) == [0, 0]
    assert repository.covered_areas(kind, [1]) == {}


def test_sizes_are_counted_from_an_edge_up_to_the_next(
    repository: Repository, image: ImageRecord, cup: CategoryRecord
) -> None:
    save(repository, image, cup, mask(0, 0, 1, 1), mask(0, 0, 3, 3), mask(0, 0, 5, 2), mask(0, 0, 10, 10))
    assert repository.mask_sizes(MaskKind.INSTANCE, [1, 9, 10, 100]) == [1, 1, 1]


@given(
    st.lists(
        st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(1, WIDTH), st.integers(1, HEIGHT)),
        max_size=6,
    )
)
def test_what_several_masks_cover_counts_once(boxes: list[tuple[int, int, int, int]]) -> None:
    rles = [mask(*box) for box in boxes]
    covered = np.zeros((HEIGHT, WIDTH), bool)
    for rle in rles:
        covered |= rle.decode()
    assert union_area(rles) == covered.sum()
