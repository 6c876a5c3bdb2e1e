"""What belongs to whom."""

from annotator.access.ownership import Belongings, is_owned_by, owned_token


def test_a_token_tells_its_owner_from_others_and_sorts_by_age() -> None:
    first, second = owned_token("ann"), owned_token("ann")
    assert first != second
    assert first < second
    assert is_owned_by(first, "ann")
    assert not is_owned_by(first, "bob")
    assert not is_owned_by("", "ann")


def test_an_id_belongs_to_who_was_there_first() -> None:
    own = Belongings()
    assert own.claim("session", "s", "ann")
    assert own.claim("session", "s", "ann")
    assert not own.claim("session", "s", "bob")
    assert own.claim("event", "s", "bob")
    assert own.is_owned_by("event", "s", "bob")
    assert not own.is_owned_by("event", "never seen", "bob")


def test_a_flood_of_ids_is_forgotten_again() -> None:
    own = Belongings(most=100)
    for number in range(20_000):
        own.claim("session", str(number), "ann")
    assert len(own._owners) == 100
