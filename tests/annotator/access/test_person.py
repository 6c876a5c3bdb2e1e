"""Names that people sign in with."""

import pytest

from annotator.access.person import LOCAL, Person, Role, clean_person_name, same_name
from annotator.errors import SignInError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ann", "ann"),
        ("  Ann   Lee\t", "Ann Lee"),
        ("Zoe\u0308", "Zoë"),
        ("an\u200bn", "ann"),  # a space of no width
        ("\u202egnp.ann", "gnp.ann"),  # the rest from right to left
        ("ann\x00\r\nSet-Cookie: x", "ann Set-Cookie: x"),
        ("<img onerror=x>", "<img onerror=x>"),  # a name like any other: it is shown as text
    ],
)
def test_a_name_is_kept_without_what_cannot_be_seen(given: str, kept: str) -> None:
    assert clean_person_name(given) == kept


@pytest.mark.parametrize("given", ["", "   ", "\u200b", "a" * 61, "\ud800"])
def test_a_name_that_cannot_be_is_refused(given: str) -> None:
    with pytest.raises(SignInError) as refused:
        clean_person_name(given)
    assert refused.value.field == "name"


def test_names_that_look_the_same_are_the_same() -> None:
    assert same_name("Ann", "ａnn")
    assert not same_name("Ann", "Anne")


def test_the_one_local_user_may_do_everything() -> None:
    assert LOCAL.is_instructor
    assert not Person("ann", Role.LABELER).is_instructor
    assert Person("ann", Role.LABELER).key != Person("ann", Role.INSTRUCTOR).key
