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


def test_a_flood_of_ids_is_forgotten_again_and_takes_nothing_from_another() -> None:
    gone = list[tuple[str, str]]()
    own = Belongings(most=100, owners=3, forgotten=lambda *one: gone.append(one))
    own.claim("session", "anns", "ann")
    own.claim("event", "bobs", "bob")
    for number in range(2_000):
        own.claim("session", str(number), "bob")
    assert len(own._owners) == 102
    assert own.is_owned_by("session", "anns", "ann")
    assert own.is_owned_by("event", "bobs", "bob"), "a flood of one kind leaves the others"
    assert gone == [("session", str(number)) for number in range(1_900)]
    for number in range(2_000):
        own.claim("session", f"r{number}", f"name {number}")
        own.claim("session", f"s{number}", f"name {number}")
    assert len(own._owners) == 6
    assert ("session", "anns") in gone
