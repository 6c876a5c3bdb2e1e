"""Names from anywhere: shown on one line, sorted as people count, kept apart."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.names import NAME_LENGTH, UniqueNames, clean_name, is_ignored, natural_key


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("a.png", "a.png"),
        ("cats/./a.png", "cats/a.png"),
        ("cats//a.png", "cats/a.png"),
        ("two\nlines\t.png", "two_lines_.png"),
        ("nul\0.png", "nul_.png"),
        ("line\u2028end.png", "line_end.png"),
        ("cup ☕ 😀.png", "cup ☕ 😀.png"),
        ("\u202egnp.exe.png", "_gnp.exe.png"),  # would be shown as exe.png read backwards
        ("תמונה.png", "תמונה.png"),
        ("e\u0301.png", "é.png"),
        ("\udcff.png", "?.png"),
        ("", "_"),
    ],
)
def test_a_name_is_cleaned_of_what_cannot_be_shown_on_a_line(given_name: str, shown: str) -> None:
    assert clean_name(given_name) == shown


def test_a_long_name_is_shortened_and_keeps_its_suffix() -> None:
    name = clean_name("x" * 300 + ".jpeg")
    assert len(name) == NAME_LENGTH
    assert name.endswith("….jpeg")
    assert len(clean_name("x." + "y" * 300)) == NAME_LENGTH


@given(st.text(st.characters(), max_size=400))
def test_a_clean_name_is_one_line_of_storable_text_and_stays_as_it_is(name: str) -> None:
    clean = clean_name(name)
    assert 1 <= len(clean) <= NAME_LENGTH
    clean.encode("utf-8")
    assert not any(unicodedata.category(character) == "Cc" for character in clean)
    assert clean.splitlines() == [clean]
    assert clean_name(clean) == clean


def test_names_are_sorted_as_people_count() -> None:
    names = ["b10.png", "B2.png", "a.png", "b2x.png", "10.png", "9.png", "b02.png"]
    assert sorted(names, key=natural_key) == ["9.png", "10.png", "a.png", "B2.png", "b02.png", "b2x.png", "b10.png"]


@given(st.lists(st.text(max_size=20)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted([*names, "9" * 5000, "٣"], key=natural_key)) == len(names) + 2


@pytest.mark.parametrize("name", [".hidden.png", "a/.git/x.png", "__MACOSX/._a.png", "x/Thumbs.db", "Desktop.ini"])
def test_what_systems_leave_lying_about_is_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["a.png", "a/b.c/d.png", "./a.png", "../a.png", "..", "thumbs.db.png"])
def test_everything_else_is_not(name: str) -> None:
    assert not is_ignored(name)


def test_the_second_of_a_name_gets_a_number() -> None:
    names = UniqueNames()
    given_names = ["a.png", "a.png", "A.PNG", "a (2).png", "b/a.png", "b/a.png", "b", "b", ".x"]
    assert [names.take(name) for name in given_names] == [
        "a.png",
        "a (2).png",
        "A (3).PNG",
        "a (2) (2).png",
        "b/a.png",
        "b/a (2).png",
        "b",
        "b (2)",
        ".x",
    ]


@given(st.lists(st.sampled_from(["a.png", "A.png", "a (2).png", "a (2) (2).png", "a (3).PNG", "b"]), max_size=30))
def test_no_two_names_given_out_are_the_same_on_any_system(given_names: list[str]) -> None:
    names = UniqueNames()
    taken = [names.take(name) for name in given_names]
    assert len({name.casefold() for name in taken}) == len(taken)
