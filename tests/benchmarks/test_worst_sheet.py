"""The sheet of the objects that a segmenter was worst at."""

import numpy as np
import pytest

from benchmarks.clicks import Look, Trial
from benchmarks.targets import Target
from benchmarks.worst_sheet import ACROSS, sheet, worst

RED_PICTURE = np.full((60, 90, 3), (200, 0, 0), np.uint8)


def trial(*ious: float) -> Trial:
    truth = np.zeros((60, 90), bool)
    truth[10:40, 20:70] = True
    found = np.zeros_like(truth)
    found[10:40, 20:45] = True
    target = Target(image=RED_PICTURE, truth=truth, valid=np.ones_like(truth))
    looks = {number: Look(((45, 25, 1),) * number, found) for number in range(1, len(ious) + 1)}
    return Trial(target, looks=looks, ious=list(ious))


def test_the_worst_come_first_and_no_more_than_asked_for():
    trials = [trial(0.9, 0.95), trial(0.1, 0.2), trial(0.5, 0.6)]
    assert worst(trials, 2) == [trials[1], trials[2]]


@pytest.mark.parametrize("count", [1, ACROSS, ACROSS + 1])
def test_each_object_has_a_place_in_rows_of_equal_width(count):
    rows = -(-count // ACROSS)
    one = sheet([trial(0.5)], pictures=True)
    assert sheet([trial(0.5)] * count, pictures=True).shape == (rows * one.shape[0], one.shape[1], 3)


def test_without_pictures_none_of_their_pixels_is_in_the_sheet():
    def reds(drawn: np.ndarray) -> int:
        return int((drawn == RED_PICTURE[0, 0]).all(2).sum())

    assert reds(sheet([trial(0.5)], pictures=True)) > 1000
    assert reds(sheet([trial(0.5)], pictures=False)) == 0


def test_right_and_missed_parts_are_told_apart():
    drawn = sheet([trial(0.5)], pictures=False).astype(int)
    right, missed = drawn[40, 50], drawn[40, 100]  # in the sheet's pixels, 150 / 90 of the picture's
    assert right[1] > right[2]
    assert missed[2] > missed[0]
