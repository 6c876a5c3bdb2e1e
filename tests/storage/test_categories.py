"""Categories in the database."""

import re
import unicodedata

import pytest

from storage.errors import RecordNotFound, StorageError
from storage.palette import OKABE_ITO, next_color
from tests.storage.scene import Labeler, values


def names(repository):
    return [category.name for category in repository.categories()]


def test_a_category_comes_back_as_it_was_given(repository):
    given = {"color": "#A1b2C3", "supercategory": "kitchen", "is_thing": False, "key": "Z"}
    category = repository.add_category("cup", **given)
    assert (category.name, category.color, category.supercategory) == ("cup", "#a1b2c3", "kitchen")
    assert (category.is_thing, category.key, category.position) == (False, "z", 0)
    assert repository.category(category.id) == category
    assert repository.categories() == [category]


def test_names_are_stripped_and_composed(repository):
    assert repository.add_category("  cafe\u0301 ").name == "caf\u00e9"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\u200b\u200d", "empty"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("gpj\u202e.exe", "control"),
        ("\ud800", "control"),
        ("x" * 81, "80"),
    ],
)
def test_a_name_that_is_none_is_refused(repository, name, complaint):
    with pytest.raises(StorageError, match=complaint):
        repository.add_category(name)
    assert repository.categories() == []


@pytest.mark.parametrize("name", ["x" * 80, "👩‍👩‍👧", "می‌خواهم", "<img onerror=alert(1)>", "=cmd()", "ß" * 80, "杯子"])
def test_a_name_of_any_script_is_taken(repository, name):
    assert repository.add_category(name).name == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("twin", ["Straße", "STRASSE", " strasse", "straße"])
def test_names_differ_in_more_than_case(repository, twin):
    repository.add_category("strasse")
    with pytest.raises(StorageError, match="“strasse” already"):
        repository.add_category(twin)


def test_the_name_of_a_deleted_category_is_free_again(repository, cup):
    repository.delete_category(cup.id)
    again = repository.add_category("Cup")
    assert again.id != cup.id
    assert repository.categories() == [again]


def test_colors_are_those_that_colour_blind_people_can_tell_apart_then_others(repository):
    colors = [repository.add_category(f"category {number}").color for number in range(30)]
    assert tuple(colors[:7]) == OKABE_ITO
    assert len(set(colors)) == 30


def test_the_color_of_a_deleted_category_is_the_next(repository, cup, spoon):
    repository.delete_category(cup.id)
    assert repository.add_category("fork").color == cup.color


def test_a_new_color_is_never_one_in_use():
    used: set[str] = set()
    for _ in range(500):
        color = next_color(used)
        assert re.fullmatch("#[0-9a-f]{6}", color)
        assert color not in used
        used.add(color)


def test_keys_are_the_digits_in_order_then_none(repository):
    keys = [repository.add_category(f"category {number}").key for number in range(11)]
    assert keys == [*"123456789", None, None]


def test_a_key_that_is_given_is_taken_from_its_holder(repository, cup, spoon):
    fork = repository.add_category("fork", key=cup.key)
    assert [category.key for category in repository.categories()] == [None, spoon.key, cup.key]
    repository.update_category(cup.id, key=spoon.key)
    assert [category.key for category in repository.categories()] == [spoon.key, None, fork.key]


def test_a_category_can_keep_its_own_key_and_give_it_up(repository, cup):
    assert repository.update_category(cup.id, key=cup.key).key == cup.key
    assert repository.update_category(cup.id, name="mug").key == cup.key
    assert repository.update_category(cup.id, key=None).key is None


@pytest.mark.parametrize("key", ["0", "", "12", "-", " ", "ab", "İ"])
def test_a_key_is_a_digit_or_a_letter(repository, cup, key):
    with pytest.raises(StorageError, match="key"):
        repository.update_category(cup.id, key=key)
    assert repository.category(cup.id) == cup


def test_what_is_not_named_stays(repository, cup):
    changed = repository.update_category(cup.id, name="Mug", color="#FFFFFF", supercategory=" dishes ", is_thing=False)
    assert (changed.name, changed.color, changed.supercategory, changed.is_thing) == ("Mug", "#ffffff", "dishes", False)
    assert repository.update_category(cup.id) == changed
    assert repository.update_category(cup.id, supercategory="").supercategory == ""


def test_a_category_can_change_the_case_of_its_name(repository, cup):
    assert repository.update_category(cup.id, name="CUP").name == "CUP"


def test_a_category_cannot_take_anothers_name(repository, cup, spoon):
    with pytest.raises(StorageError, match="“cup” already"):
        repository.update_category(spoon.id, name="Cup", color="#000000")
    assert repository.category(spoon.id) == spoon


@pytest.mark.parametrize("color", ["red", "#fff", "#12345g", "#1234567", "", "#123456\n"])
def test_a_color_is_written_in_one_way(repository, cup, color):
    with pytest.raises(StorageError, match="#rrggbb"):
        repository.update_category(cup.id, color=color)


def test_categories_can_be_put_into_another_order(repository, cup, spoon):
    fork = repository.add_category("fork")
    ordered = repository.order_categories([fork.id, cup.id, spoon.id])
    assert [category.name for category in ordered] == names(repository) == ["fork", "cup", "spoon"]
    assert [category.position for category in repository.categories()] == [0, 1, 2]


def test_an_order_must_name_each_category_once(repository, cup, spoon):
    for wrong in ([], [cup.id], [cup.id, cup.id], [cup.id, spoon.id, spoon.id], [cup.id, 99]):
        with pytest.raises(StorageError, match="each category once"):
            repository.order_categories(wrong)
    assert names(repository) == ["cup", "spoon"]


def test_positions_have_no_gap_after_a_deletion(repository, cup, spoon):
    repository.add_category("fork")
    repository.delete_category(spoon.id)
    assert [(category.name, category.position) for category in repository.categories()] == [("cup", 0), ("fork", 1)]


def test_a_deleted_category_is_not_given_out(repository, cup, spoon):
    assert repository.delete_category(cup.id) == 0
    assert names(repository) == ["spoon"]
    for ask in (
        repository.category,
        repository.category_use,
        repository.delete_category,
        lambda id: repository.update_category(id, name="x"),
        lambda id: repository.delete_category(spoon.id, merge_into=id),
    ):
        with pytest.raises(RecordNotFound, match=f"id {cup.id}"):
            ask(cup.id)


def test_a_category_in_use_is_not_deleted_without_a_place_for_its_instances(repository, image, cup, spoon):
    repository.add_instances(image.id, [values(cup)] * 2, labeler="ann")
    with pytest.raises(StorageError, match="2 instances"):
        repository.delete_category(cup.id)
    with pytest.raises(StorageError, match="itself"):
        repository.delete_category(cup.id, merge_into=cup.id)
    assert repository.categories() == [cup, spoon]
    assert repository.category_use(cup.id) == 2


def test_merging_moves_the_instances_and_says_how_many(repository, image, cup, spoon):
    first, _, other = repository.add_instances(image.id, [values(cup), values(cup), values(spoon)], labeler="ann")
    assert repository.delete_category(cup.id, merge_into=spoon.id) == 2
    assert [each.category_id for each in repository.instances(image.id)] == [spoon.id] * 3
    assert repository.category_use(spoon.id) == 3
    assert repository.instance(first.id).updated_at > first.updated_at
    assert repository.instance(other.id) == other


def test_undo_follows_a_merge_to_its_end(repository, image, labeler, cup, spoon):
    fork = repository.add_category("fork")
    labeler.change(None, None, values(cup))
    saved = labeler.instances()[0]
    labeler.change(saved.id, values(cup), None)
    repository.delete_category(cup.id, merge_into=spoon.id)
    repository.delete_category(spoon.id, merge_into=fork.id)
    labeler.undo()
    assert [each.category_id for each in labeler.instances()] == [fork.id]


def test_undo_brings_back_a_deleted_category_at_the_end(repository, labeler, cup, spoon):
    labeler.change(None, None, values(cup))
    saved = labeler.instances()[0]
    labeler.change(saved.id, values(cup), None)
    repository.delete_category(cup.id)
    labeler.undo()
    assert names(repository) == ["spoon", "cup"]
    assert repository.category(cup.id).position == 1
    assert labeler.instances()[0].category_id == cup.id


def test_a_name_given_to_a_new_category_is_not_given_back(repository, labeler, cup):
    labeler.change(None, None, values(cup))
    labeler.undo()
    repository.delete_category(cup.id)
    new = repository.add_category("CUP")
    labeler.redo()
    assert repository.categories() == [new]
    assert labeler.instances()[0].category_id == new.id


def test_a_category_that_never_was_is_refused_and_nothing_is_written(repository, image, labeler, cup):
    with pytest.raises(RecordNotFound, match="category with the id 99"):
        labeler.change(None, None, values(cup, category_id=99))
    assert repository.session(image.id, labeler.name).revision == 0
    assert labeler.instances() == []


def test_two_labelers_undo_their_own_steps(repository, image, cup, spoon):
    ann, bob = Labeler(repository, image, "ann"), Labeler(repository, image, "bob")
    ann.change(None, None, values(cup))
    saved = ann.instances()[0]
    bob.change(saved.id, {"category_id": cup.id}, {"category_id": spoon.id})
    ann.change(saved.id, values(cup), None)  # Ann's page had not seen Bob's change
    ann.undo()
    assert [each.category_id for each in bob.instances()] == [spoon.id]
    bob.undo()
    assert [each.category_id for each in bob.instances()] == [cup.id]
