"""The data folder as it is read, split and weighted."""

import cv2
import numpy as np
import pytest

from tests.training.made import data_folder, labelled_picture
from training.data import HELD_OUT, Picture, is_held_out, read, shares, split


def named(name: str, weight: float = 1.0) -> Picture:
    image, labels = labelled_picture(0)
    return Picture(set_name="made", name=name, image=image, labels=labels, weight=weight, regions=False)


def test_pictures_and_label_maps_of_a_name_come_together(tmp_path):
    pictures = read(data_folder(tmp_path, 3))
    assert [picture.name for picture in pictures] == ["000", "001", "002"]
    for number, picture in enumerate(pictures):
        image, labels = labelled_picture(number)
        assert (picture.labels == labels).all()
        difference = np.abs(picture.image.astype(int) - image[:, :, ::-1])  # OpenCV wrote it as BGR
        assert np.median(difference) < 8
        assert (picture.weight, picture.regions) == (1.0, False)


def test_a_picture_that_two_people_labelled_shares_its_weight_and_pixels(tmp_path):
    folder = data_folder(tmp_path, 2, "bsds500")
    cv2.imwrite(str(folder / "bsds500" / "masks" / "001__a2.png"), labelled_picture(1)[1])
    first, *both = read(folder)
    assert first.weight == 8
    assert [picture.weight for picture in both] == [4, 4]
    assert both[0].image is both[1].image
    assert all(picture.regions for picture in both)


def test_pictures_are_drawn_as_often_as_their_weights_say():
    found = shares([named("a", 1), named("b", 3)])
    assert found.tolist() == [0.25, 0.75]
    drawn = np.random.default_rng(0).choice(2, 4000, p=found)
    assert 0.72 < drawn.mean() < 0.78


def test_a_tenth_is_held_out_by_name_whatever_else_is_there():
    pictures = [named(f"{number}") for number in range(2000)]
    training, held_out = split(pictures)
    assert len(training) + len(held_out) == 2000
    assert 0.7 < len(held_out) * HELD_OUT / 2000 < 1.3
    assert {picture.name for picture in split(pictures[::-3])[1]} <= {picture.name for picture in held_out}
    assert is_held_out(named("7")) == is_held_out(named("7", weight=5))


def test_a_folder_without_masks_is_refused_with_what_it_should_hold(tmp_path):
    with pytest.raises(SystemExit, match="masks"):
        read(tmp_path)


def test_a_label_map_of_another_size_is_refused_by_name(tmp_path):
    folder = data_folder(tmp_path, 1)
    cv2.imwrite(str(folder / "made" / "masks" / "000.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(SystemExit, match=r"000\.png"):
        read(folder)
