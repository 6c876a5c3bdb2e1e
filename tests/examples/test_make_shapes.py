"""The workspace that the other examples train on."""

import numpy as np
import pytest

from annotator.config import Settings
from annotator.workspace import Workspace
from examples.make_shapes import KINDS, main, make_scene
from storage.records import ImageStatus


def test_things_never_share_a_pixel_and_none_is_covered_up():
    seen = set()
    for seed in range(40):
        scene = make_scene(np.random.default_rng(seed), (48, 64))
        masks = [mask for _, mask in scene.things]
        assert scene.pixels.shape == (48, 64, 3)
        assert masks and np.sum(masks, axis=0).max() == 1
        assert min(mask.sum() for mask in masks) > 30
        seen |= {kind for kind, _ in scene.things}
    assert seen == set(KINDS)


def test_a_workspace_is_filled_once_however_often_it_is_asked_for(tmp_path, capsys):
    for _ in range(2):
        main([str(tmp_path / "shapes"), "--count", "3", "--width", "64", "--height", "48"])
    assert "3 pictures with 0 new instances" in capsys.readouterr().out
    with Workspace(Settings(data=tmp_path / "shapes")) as workspace:
        images = workspace.images()
        assert [image.original_name for image in images] == [f"shapes-000{number}.png" for number in (1, 2, 3)]
        assert all(image.status is ImageStatus.DONE and image.size_hw == (48, 64) for image in images)
        assert all(workspace.instances(image.id) for image in images)
        assert [category.name for category in workspace.categories()] == list(KINDS)


def test_the_same_seed_makes_the_same_picture_and_another_one_another():
    one, same, other = (make_scene(np.random.default_rng(seed), (48, 64)).pixels for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("options", [["--count", "0"], ["--width", "8"]])
def test_numbers_that_make_no_pictures_are_refused(options, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "shapes"), *options])
    assert "at least" in capsys.readouterr().err
    assert not (tmp_path / "shapes").exists()
