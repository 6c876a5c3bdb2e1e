"""Agreement between labelers: what is paired, what is alone, and that pairing best first is the best pairing."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from annotator.agreement import LEAST_IOU, agreement, match
from annotator.workspace import Workspace
from storage.records import AssignmentMode, AssignmentRule, InstanceRecord, Origin
from storage.rle import Rle, iou_matrix
from tests.annotator import conftest
from tests.storage.scene import HEIGHT, WIDTH, mask

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def instance(number: int, rle: Rle, labeler: str, category_id: int = 1) -> InstanceRecord:
    return InstanceRecord(
        id=number, image_id=1, category_id=category_id, rle=rle, bbox_xywh=rle.bbox_xywh, area=rle.area,
        predicted_iou=None, stability_score=None, model=None, origin=Origin.CLICK, labeler=labeler, prompt=[],
        is_crowd=False, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def test_masks_of_one_category_are_paired_and_others_are_alone():
    mine = [instance(1, mask(0, 0, 4, 4), "ann"), instance(2, mask(8, 0, 4, 4), "ann")]
    theirs = [instance(3, mask(0, 0, 4, 3), "ben"), instance(4, mask(8, 0, 4, 4), "ben", category_id=2)]
    cups, spoons = match([*mine, *theirs], ["ben", "ann"])
    assert [(pair.instance_id, pair.other_id, pair.iou) for pair in cups.pairs] == [(1, 3, 0.75)]
    assert (cups.alone, cups.other_alone) == ((2,), ())
    assert (spoons.category_id, spoons.pairs, spoons.other_alone) == (2, (), (4,))


def test_half_an_overlap_is_no_pair():
    one, other = instance(1, mask(0, 0, 4, 4), "ann"), instance(2, mask(0, 0, 4, 2), "ben")
    assert match([one, other], ["ann", "ben"])[0].pairs == ()


def on_picture(x: int, y: int, width: int, height: int) -> dict:
    pixels = np.zeros((conftest.HEIGHT, conftest.WIDTH), bool)
    pixels[y : y + height, x : x + width] = True
    return Rle.encode(pixels).to_coco()


def test_agreement_is_told_by_category_and_by_labeler(workspace: Workspace, pictures: list[Path]):
    repository = workspace.repository
    first, second, third = (workspace.image(one) for one in workspace.import_pictures(pictures).image_ids)
    cup, spoon = repository.add_category("cup"), repository.add_category("spoon")
    for labeler, picture, category, rle in (
        ("ann", first, cup, on_picture(0, 0, 4, 4)),
        ("ben", first, cup, on_picture(0, 0, 4, 4)),
        ("cat", first, cup, on_picture(0, 0, 4, 3)),
        ("ann", first, spoon, on_picture(8, 8, 2, 2)),
        ("import", second, cup, on_picture(0, 0, 4, 4)),
        ("ann", second, cup, on_picture(0, 0, 4, 4)),
        ("ann", third, cup, on_picture(0, 0, 4, 4)),
    ):
        new = {"category_id": category.id, "rle": rle, "origin": "click"}
        repository.add_instances(picture.id, [new], labeler=labeler)
    repository.set_assignment_rule(AssignmentRule(mode=AssignmentMode.SEVERAL, labelers=2))
    repository.submit(third.id, labeler="ben")  # who has found nothing there
    found = agreement(repository, [first.id, second.id, third.id])
    assert found.pictures == 2
    assert (found.overall.paired, found.overall.alone) == (3, 3)  # Ann's spoon twice, her cup on the third picture
    assert found.overall.f1 == pytest.approx(6 / 9)
    assert found.overall.mean_iou == pytest.approx((1 + 0.75 + 0.75) / 3)
    assert (found.categories[spoon.id].f1, found.categories[spoon.id].mean_iou) == (0, None)
    assert found.categories[cup.id].paired == 3
    assert set(found.pairs) == {("ann", "ben"), ("ann", "cat"), ("ben", "cat")}
    assert found.pairs["ann", "ben"].mean_iou == 1
    assert found.labelers["cat"].mean_iou == pytest.approx(0.75)
    assert set(found.labelers) == {"ann", "ben", "cat"}
    assert agreement(repository, []).overall.f1 is None


@st.composite
def disjoint(draw: st.DrawFn) -> list[Rle]:
    """Masks of which no two overlap: a picture whose pixels are dealt out."""
    owner = draw(st.lists(st.integers(0, 4), min_size=HEIGHT, max_size=HEIGHT))
    across = draw(st.integers(1, WIDTH))
    pixels = np.zeros((HEIGHT, WIDTH), int)
    pixels[:, :across] = np.array(owner)[:, None]
    return [Rle.encode(pixels == number) for number in range(1, 5) if (pixels == number).any()]


@settings(max_examples=50)
@given(disjoint(), disjoint())
def test_the_best_first_is_the_best_pairing_where_one_labelers_masks_do_not_overlap(mine, theirs):
    instances = [instance(number, rle, "ann") for number, rle in enumerate(mine)]
    instances += [instance(100 + number, rle, "ben") for number, rle in enumerate(theirs)]
    ours = sum(pair.iou for one in match(instances, ["ann", "ben"]) for pair in one.pairs)
    ious = iou_matrix(mine, theirs)
    ious[ious <= LEAST_IOU] = 0
    rows, columns = linear_sum_assignment(-ious)
    assert ours == pytest.approx(ious[rows, columns].sum())


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7), st.sampled_from(["ann", "ben", "cat"])), max_size=12))
def test_a_mask_has_at_most_one_partner_of_each_other_labeler(places):
    instances = [instance(n, mask(x, y, 5, 4), who) for n, (x, y, who) in enumerate(places)]
    for one in match(instances, ["ann", "ben", "cat"]):
        named = [pair.instance_id for pair in one.pairs] + [pair.other_id for pair in one.pairs]
        named += [*one.alone, *one.other_alone]
        assert sorted(named) == [i.id for i in instances if i.labeler in (one.labeler, one.other)]
        assert all(pair.iou > LEAST_IOU for pair in one.pairs)
