"""Thumbnails of instances: what they show, and that they are of the mask that there is now."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annotator.access.person import Role
from annotator.errors import ImageError
from annotator.overview.crops import DIM, LEAST, SIDE, frame
from annotator.workspace import Workspace
from storage.errors import RecordNotFound
from storage.repository.overview import KeyedMask
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.annotator.overview.conftest import ME, Save


def pixels(workspace: Workspace, instance_id: int) -> np.ndarray:
    with Image.open(workspace.dataset.crop(instance_id)) as image:
        return np.asarray(image)


@given(st.integers(0, 59), st.integers(0, 39), st.integers(1, 60), st.integers(1, 40))
def test_the_frame_holds_the_mask_and_stays_on_the_picture(x: int, y: int, width: int, height: int) -> None:
    inside = np.zeros((40, 60), bool)
    inside[y : y + height, x : x + width] = True
    rle = Rle.encode(inside)
    mask = KeyedMask(id=1, image_id=1, category_id=1, bbox_xywh=rle.bbox_xywh, area=rle.area, rle=rle)
    left, top, right, bottom = frame(mask)
    assert 0 <= left < right <= 60 and 0 <= top < bottom <= 40
    assert not inside[:top].any() and not inside[bottom:].any()
    assert not inside[:, :left].any() and not inside[:, right:].any()
    assert right - left >= LEAST and bottom - top >= LEAST


def test_a_thumbnail_shows_the_mask_bright_and_the_rest_dim(
    workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    (right,) = save(image_ids[0], "cup", (WIDTH // 2, 0, WIDTH // 2, HEIGHT))
    shown = pixels(workspace, right)  # of noise, 127 on average
    assert max(shown.shape) == SIDE
    edge = 20 + int(shown[9:-9, 20:-20].mean(axis=(0, 2)).argmax())  # the outline within the picture
    assert shown[9:-9, edge].mean() > 200
    assert abs(shown[9:-9, 9 : edge - 4].mean() - 127 * DIM) < 10
    assert abs(shown[9:-9, edge + 5 : -9].mean() - 127) < 10


def test_a_thumbnail_is_made_once_and_anew_for_a_new_mask(
    workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    (one,) = save(image_ids[0], "cup", (10, 10, 50, 50))
    before = workspace.dataset.crop(one)
    made = before.stat().st_mtime_ns
    assert workspace.dataset.crop(one).stat().st_mtime_ns == made
    edited = Rle.encode(np.eye(HEIGHT, WIDTH, dtype=bool)).to_coco()
    session = workspace.repository.session(image_ids[0], ME)
    change = {"id": one, "before": {}, "after": {"rle": edited}}
    workspace.repository.record_step(
        session.id,
        expected_revision=None,
        op_id="edit",
        kind="commit",
        payload={"category_id": 1, "changes": [change]},
        chosen_candidate=None,
        status="idle",
    )
    after = workspace.dataset.crop(one)
    assert after != before
    assert [path.name for path in after.parent.iterdir()] == [after.name]


def test_thumbnails_go_with_their_picture(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    (one,) = save(image_ids[0], "cup", (10, 10, 50, 50))
    path = workspace.dataset.crop(one)
    workspace.remove_image(image_ids[0], role=Role.INSTRUCTOR)
    assert not path.parent.exists()
    with pytest.raises(RecordNotFound, match="reload the gallery"):
        workspace.dataset.crop(one)


def test_a_speck_and_an_empty_mask_have_a_thumbnail_too(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    speck, nothing = save(image_ids[0], "cup", (WIDTH - 1, HEIGHT - 1, 1, 1), [])
    assert pixels(workspace, speck).shape == pixels(workspace, nothing).shape == (SIDE, SIDE, 3)


def test_a_lost_picture_is_said(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    (one,) = save(image_ids[0], "cup", (10, 10, 50, 50))
    workspace.pictures.remove(workspace.image(image_ids[0]).stored_name)
    with pytest.raises(ImageError, match="Import the same picture again"):
        workspace.dataset.crop(one)
