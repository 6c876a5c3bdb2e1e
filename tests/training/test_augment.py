"""Pixels and labels move together; colours alone change colours alone."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.made import labelled_picture
from training.augment import BORDER, Crop, crop, moved, paste, recoloured
from training.batches import Batches, rival, shrunk, targets, united
from training.data import IGNORED, Picture

SIDE = 128


def marked(size_hw: tuple[int, int] = (120, 160)) -> Picture:
    """Every label has a grey of its own, so that an image says what its labels must be."""
    rows, columns = np.indices(size_hw)
    labels = (1 + rows // 30 * 6 + columns // 30).astype(np.uint16)
    image = np.repeat((labels * 8)[:, :, None], 3, 2).astype(np.uint8)
    return Picture(set_name="made", name="marked", image=image, labels=labels, weight=1, regions=True)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_crop_keeps_image_and_labels_aligned(seed):
    cut = crop(marked(), SIDE, np.random.default_rng(seed))
    assert cut.inside.any()
    assert (cut.labels[~cut.inside] == IGNORED).all()
    assert (cut.labels[cut.inside] != IGNORED).all()
    # between two labels the image has their mean; away from edges it says the label
    reach = np.ones((15, 15), np.uint8)  # a close-up is eight times the picture, and its edges as wide
    lowest = cv2.erode(cut.labels, reach, borderType=cv2.BORDER_CONSTANT, borderValue=0)  # what comes is not known
    same = lowest == cv2.dilate(cut.labels, reach)
    same &= cut.inside
    assert (np.abs(cut.image[same][:, 0].astype(int) - 8 * cut.labels[same]) <= 1).all()
    assert (np.abs(cut.image[~cut.inside & same].astype(int) - BORDER) <= 1).all()


def test_an_identity_leaves_a_picture_as_it_is():
    picture = marked((SIDE, SIDE))
    cut = moved(picture, np.eye(2, 3), SIDE)
    assert (cut.image == picture.image).all()
    assert (cut.labels == picture.labels).all()


def test_labels_of_sixteen_bits_survive_a_move():
    picture = marked((SIDE, SIDE))
    high = Picture(**{**vars(picture), "labels": picture.labels + np.uint16(40000)})
    assert (moved(high, np.eye(2, 3), SIDE).labels == high.labels).all()


def test_new_colours_move_nothing():
    random = np.random.default_rng(0)
    image = np.full((SIDE, SIDE, 3), 60, np.uint8)
    image[40:90, 30:100] = 190
    for _ in range(20):
        changed = recoloured(image, random).astype(int).sum(2)
        assert changed[45:85, 35:95].mean() > changed[:35].mean() + 40


def test_a_pasted_object_brings_its_pixels_and_a_label_of_its_own():
    onto = Crop(np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE), 7, np.uint16), np.ones((SIDE, SIDE), bool))
    labels = np.zeros((SIDE, SIDE), np.uint16)
    labels[30:60, 40:80] = 3
    other = Crop(np.full((SIDE, SIDE, 3), 200, np.uint8), labels, np.ones((SIDE, SIDE), bool))
    both = paste(onto, other, np.random.default_rng(0))
    assert ((both.labels == 8) == (labels == 3)).all()
    assert (both.image[32:58, 42:78] == 200).all()
    assert not both.image[:28].any()


def test_a_union_holds_its_start_and_regions_that_touch():
    labels = marked().labels
    for seed in range(10):
        mask = united(labels, 8, np.random.default_rng(seed))
        assert mask[labels == 8].all()
        assert len(np.unique(labels[mask])) >= 2
        assert all((mask[labels == one]).all() for one in np.unique(labels[mask]))


def test_a_rival_is_the_target_and_a_region_that_touches_it():
    labels = marked().labels
    for seed in range(10):
        found = rival(labels, labels == 8, np.random.default_rng(seed))
        added = np.unique(labels[found])
        assert len(added) == 2 and set(added) < {8, 7, 9, 2, 14, 1, 3, 13, 15}
        assert (found == np.isin(labels, added)).all()


def test_a_rival_of_several_regions_is_at_times_one_of_them():
    labels = marked().labels
    target = np.isin(labels, (8, 9))
    found = [rival(labels, target, np.random.default_rng(seed)) for seed in range(20)]
    parts = [tuple(np.unique(labels[mask])) for mask in found if mask.sum() < target.sum()]
    assert set(parts) == {(8,), (9,)}
    assert all((mask & target == target).all() for mask in found if mask.sum() > target.sum())


def test_a_rival_of_an_object_alone_is_another_elsewhere_or_itself():
    labels = np.zeros((SIDE, SIDE), np.uint16)
    labels[10:20, 10:20], labels[60:90, 60:90], labels[:, 120:] = 1, 2, IGNORED
    random = np.random.default_rng(0)
    assert (rival(labels, labels == 1, random) == np.isin(labels, (1, 2))).all()
    labels[labels == 2] = 0
    assert (rival(labels, labels == 1, random) == (labels == 1)).all()


def test_targets_are_objects_that_are_large_enough_and_never_the_ignored():
    labels = np.zeros((SIDE, SIDE), np.uint16)
    labels[:60, :60], labels[100, 100], labels[:, 120:] = 1, 2, IGNORED
    found = targets(labels, 4, np.random.default_rng(0), regions=False)
    assert len(found) == 4
    assert all((mask == (labels == 1)).all() for mask in found)
    assert targets(np.where(labels == 1, 0, labels), 4, np.random.default_rng(0), regions=False) is None


def test_a_shrunk_mask_says_how_much_of_each_pixel_is_inside():
    mask = np.zeros((4, 4), bool)
    mask[0, 0] = mask[2:, 2:] = True
    assert shrunk(mask).tolist() == [[64, 0], [0, 255]] or shrunk(mask).tolist() == [[63, 0], [0, 255]]


def test_a_batch_is_the_same_whenever_it_is_asked_for_and_others_differ():
    image, labels = labelled_picture(1)
    picture = Picture(set_name="made", name="1", image=image, labels=labels, weight=1, regions=False)
    batches = Batches([picture], side=lambda _number: 64, batch=2, objects=3, seed=5)
    first, again, other = batches[4], batches[4], batches[5]
    for one, two in zip(first, again, strict=True):
        assert one.equal(two)
    assert not first.image.equal(other.image)
    assert [tuple(tensor.shape) for tensor in first] == [
        (2, 64, 64, 3),
        (2, 64, 64),
        (2, 3, 32, 32),
        (2, 3, 32, 32),
        (2, 32, 32),
    ]


def test_pictures_with_nothing_in_them_are_named_as_the_trouble():
    image, labels = labelled_picture(0)
    empty = Picture(set_name="made", name="0", image=image, labels=labels * 0, weight=1, regions=False)
    with pytest.raises(SystemExit, match="label maps"):
        Batches([empty], side=lambda _number: 64, batch=1, objects=1, seed=0)[0]
