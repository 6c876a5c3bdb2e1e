"""The gallery: in its order, changed across pictures, and every change taken back there or on the picture itself."""

from collections.abc import Callable

import pytest

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.overview.gallery import MOST_AT_ONCE, GalleryOrder
from annotator.workspace import Workspace
from storage.errors import RecordNotFound
from storage.repository.overview import InstanceFilter
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.annotator.overview.conftest import ME, Save

BOX = (10, 10, 40, 40)


@pytest.fixture
def ids(image_ids: list[int], save: Save) -> list[int]:
    """Two cups on the first picture, one on the second."""
    return [*save(image_ids[0], "cup", BOX, (100, 10, 40, 40)), *save(image_ids[1], "cup", BOX)]


def names(workspace: Workspace, *image_ids: int) -> list[str]:
    called = {one.id: one.name for one in workspace.categories()}
    return [called[one.category_id] for image_id in image_ids for one in workspace.instances(image_id)]


def test_the_odd_ones_come_first_and_the_filter_holds(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    alike = save(image_ids[0], "cup", *[(20 * place, 10, 10, 10) for place in range(8)])
    (odd,) = save(image_ids[1], "cup", (0, 50, 300, 4))
    (spoon,) = save(image_ids[1], "spoon", (0, 0, WIDTH, HEIGHT))
    workspace.dataset.looking.run()
    cup = workspace.category_called("cup").id
    of_cups = workspace.dataset.ids(GalleryOrder.ODD, InstanceFilter(category_id=cup))
    assert of_cups[0] == odd
    assert sorted(of_cups) == sorted([*alike, odd])
    assert sorted(workspace.dataset.ids(GalleryOrder.ODD)) == sorted([*alike, odd, spoon])
    assert workspace.dataset.ids(GalleryOrder.SMALLEST)[-1] == spoon


def test_a_change_of_many_is_one_step_on_each_picture(
    workspace: Workspace, image_ids: list[int], ids: list[int], category: Callable[[str], int]
) -> None:
    change = workspace.dataset.gallery.set_category(ids, category("spoon"), labeler=ME, role=Role.INSTRUCTOR)
    assert change.image_ids == tuple(image_ids[:2])
    assert names(workspace, *image_ids) == ["spoon"] * 3
    view = workspace.look(image_ids[0], labeler=ME)
    assert (view.revision, view.undo_name) == (1, "change category of 2 instances")
    workspace.act(image_ids[0], [{"kind": "undo"}], labeler=ME, role=Role.INSTRUCTOR)  # as Ctrl+Z does there
    assert names(workspace, *image_ids) == ["cup", "cup", "spoon"]


def test_the_gallerys_undo_takes_back_all_of_a_change_and_redo_takes_it_again(
    workspace: Workspace, image_ids: list[int], ids: list[int], category: Callable[[str], int]
) -> None:
    gallery = workspace.dataset.gallery
    first = gallery.set_category(ids[:2], category("spoon"), labeler=ME, role=Role.INSTRUCTOR)
    second = gallery.delete(ids, labeler=ME, role=Role.INSTRUCTOR)
    assert names(workspace, *image_ids) == []
    for change, left in ((second, ["spoon", "spoon", "cup"]), (first, ["cup", "cup", "cup"])):
        assert gallery.undo(change.op_id, change.image_ids, labeler=ME, role=Role.INSTRUCTOR).refused == ()
        assert names(workspace, *image_ids) == left
    for change, left in ((first, ["spoon", "spoon", "cup"]), (second, [])):
        assert gallery.redo(change.op_id, change.image_ids, labeler=ME, role=Role.INSTRUCTOR).refused == ()
        assert names(workspace, *image_ids) == left


def test_undo_leaves_a_picture_on_which_something_else_came_after(
    workspace: Workspace, image_ids: list[int], ids: list[int], category: Callable[[str], int]
) -> None:
    gallery = workspace.dataset.gallery
    change = gallery.set_category(ids, category("spoon"), labeler=ME, role=Role.INSTRUCTOR)
    point = {"kind": "point", "x": 5, "y": 5, "label": 1}
    workspace.act(image_ids[0], [point], labeler=ME, role=Role.INSTRUCTOR)
    undone = gallery.undo(change.op_id, change.image_ids, labeler=ME, role=Role.INSTRUCTOR)
    assert undone.image_ids == (image_ids[1],)
    assert undone.refused == ("one.png was changed since; undo there.",)
    assert names(workspace, *image_ids) == ["spoon", "spoon", "cup"]
    assert len(workspace.look(image_ids[0], labeler=ME).state.steps) == 1
    assert gallery.redo("never-done", image_ids[:1], labeler=ME, role=Role.INSTRUCTOR).image_ids == ()


def test_a_call_made_twice_has_one_effect(
    workspace: Workspace, image_ids: list[int], ids: list[int], category: Callable[[str], int]
) -> None:
    gallery = workspace.dataset.gallery
    change = gallery.set_category(ids, category("spoon"), labeler=ME, role=Role.INSTRUCTOR, op_id="a")
    assert gallery.set_category(ids, category("spoon"), labeler=ME, role=Role.INSTRUCTOR, op_id="a") == change
    assert gallery.undo("a", change.image_ids, labeler=ME, role=Role.INSTRUCTOR, op_id="b").refused == ()
    assert gallery.undo("a", change.image_ids, labeler=ME, role=Role.INSTRUCTOR, op_id="b").refused == ()
    assert names(workspace, *image_ids) == ["cup"] * 3


def test_what_is_gone_is_told_and_the_others_are_changed(
    workspace: Workspace, image_ids: list[int], ids: list[int], category: Callable[[str], int]
) -> None:
    gallery = workspace.dataset.gallery
    gallery.delete(ids[:1], labeler="bob", role=Role.INSTRUCTOR)
    change = gallery.set_category([*ids, 999], category("spoon"), labeler=ME, role=Role.INSTRUCTOR)
    assert change.gone == (ids[0], 999)
    assert names(workspace, *image_ids) == ["spoon", "spoon"]
    assert [tile.facts.id for tile in gallery.tiles([ids[2], ids[0], ids[1]])] == [ids[2], ids[1]]
    with pytest.raises(RecordNotFound, match="category"):
        gallery.set_category(ids, 999, labeler=ME, role=Role.INSTRUCTOR)


@pytest.mark.parametrize("number", [0, MOST_AT_ONCE + 1])
def test_none_and_too_many_at_once_are_refused(workspace: Workspace, number: int) -> None:
    with pytest.raises(AnnotatorError, match=f"1 to {MOST_AT_ONCE}"):
        workspace.dataset.gallery.delete(list(range(number)), labeler=ME)


def test_a_tile_tells_whose_it_is_and_its_key_follows_the_mask(
    workspace: Workspace, ids: list[int], image_ids: list[int], category: Callable[[str], int]
) -> None:
    tiles = workspace.dataset.gallery.tiles(ids)
    assert [(tile.image_name, tile.facts.image_id, tile.facts.labeler) for tile in tiles] == [
        ("one.png", image_ids[0], "ann"),
        ("one.png", image_ids[0], "ann"),
        ("two.png", image_ids[1], "ann"),
    ]
    assert tiles[0].key == tiles[2].key != tiles[1].key
    workspace.dataset.gallery.set_category(ids, category("spoon"), labeler=ME, role=Role.INSTRUCTOR)
    assert [tile.key for tile in workspace.dataset.gallery.tiles(ids)] == [tile.key for tile in tiles]
