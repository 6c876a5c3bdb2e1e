"""Signing in and out, without a server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annotator.access.entrance import IDLE, LONGEST, OF_ADDRESS, OF_BROWSER, Entrance, Visitor
from annotator.access.person import Person, Role
from annotator.access.tries import Tries
from annotator.errors import SignInError
from storage.database import Database
from storage.repository import Repository
from tests.storage.scene import without_waiting_for_the_disk

CODE, INSTRUCTOR_CODE = "sesame-123", "boss-45678"
HOME, SCHOOL = Visitor("192.0.2.1"), Visitor("192.0.2.2")


class PlainCodes:
    """Codes that cost nothing to look at, for thousands of tries."""

    def role_of(self, code: str) -> Role | None:
        return {CODE: Role.LABELER, INSTRUCTOR_CODE: Role.INSTRUCTOR}.get(code)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repository(new_database: Path, tmp_path: Path):
    path = tmp_path / "annotator.db"
    path.write_bytes(new_database.read_bytes())
    database = without_waiting_for_the_disk(Database.open(f"sqlite:///{path}"))
    yield Repository(database)
    database.close()


@pytest.fixture
def entrance(repository: Repository, clock: Clock) -> Entrance:
    return opened(repository, clock)


def opened(repository: Repository, clock: Clock) -> Entrance:
    """As after a start of the server."""
    return Entrance(PlainCodes(), repository, now=clock, tries=Tries(clock.seconds))


def guess(entrance: Entrance, name: str, visitor: Visitor) -> SignInError:
    with pytest.raises(SignInError) as refused:
        entrance.sign_in(name, "guessed-1", visitor)
    return refused.value


def test_the_code_decides_the_role(entrance: Entrance) -> None:
    token, person = entrance.sign_in(" ann ", CODE, HOME)
    assert person == Person("ann", Role.LABELER) == entrance.person(token)
    assert entrance.sign_in("eve", INSTRUCTOR_CODE, HOME)[1].is_instructor


def test_a_token_is_not_in_the_database(entrance: Entrance, repository: Repository, tmp_path: Path) -> None:
    token, _ = entrance.sign_in("ann", CODE, HOME)
    assert token.encode() not in (tmp_path / "annotator.db").read_bytes()
    assert entrance.person(token[:-1]) is None
    assert entrance.person("") is None


def test_a_restart_signs_nobody_out(entrance: Entrance, repository: Repository, clock: Clock) -> None:
    token, person = entrance.sign_in("ann", CODE, HOME)
    assert opened(repository, clock).person(token) == person


def test_one_of_forty_signs_out_and_the_rest_stay(entrance: Entrance) -> None:
    tokens = [entrance.sign_in("ann" if number < 2 else f"labeler {number}", CODE, HOME)[0] for number in range(40)]
    assert all(map(entrance.person, tokens))
    entrance.sign_out(tokens[0])
    assert [entrance.person(token) is not None for token in tokens] == [False] + [True] * 39
    assert len(entrance.present()) == 39
    entrance.sign_out("no token of anybody's")
    entrance.end(entrance.present()[0].id)
    assert len(entrance.present()) == 38


def test_who_does_nothing_is_out_after_a_while(entrance: Entrance, clock: Clock) -> None:
    idle, busy = (entrance.sign_in(name, CODE, HOME)[0] for name in ("idle", "busy"))
    for _ in range(4):
        clock.now += IDLE / 4
        if entrance.person(busy) is None:
            break
    assert (entrance.person(idle), entrance.person(busy)) == (None, Person("busy", Role.LABELER))


def test_nobody_stays_in_for_ever(entrance: Entrance, clock: Clock) -> None:
    token, _ = entrance.sign_in("ann", CODE, HOME)
    for _ in range(int(LONGEST / timedelta(hours=1)) - 1):
        clock.now += timedelta(hours=1)
        assert entrance.person(token) is not None
    clock.now += timedelta(hours=1)
    assert entrance.person(token) is None
    assert entrance.present() == []


def test_another_process_on_the_database_learns_of_an_end(
    entrance: Entrance, repository: Repository, clock: Clock
) -> None:
    token, _ = entrance.sign_in("ann", CODE, HOME)
    other = opened(repository, clock)
    assert other.person(token) is not None
    entrance.sign_out(token)
    clock.now += timedelta(seconds=6)
    assert other.person(token) is None


def test_guessing_is_slowed_by_address_and_the_rest_of_the_class_is_not(entrance: Entrance, clock: Clock) -> None:
    waits = [guess(entrance, f"name {number}", HOME).wait_s for number in range(100)]
    assert waits[: OF_ADDRESS.tries] == [0] * OF_ADDRESS.tries
    assert all(wait > 0 for wait in waits[OF_ADDRESS.tries :])
    with pytest.raises(SignInError, match=r"Too many wrong codes\. Wait 3 seconds"):
        entrance.sign_in("ann", CODE, HOME)  # not even looked at
    assert entrance.sign_in("ann", CODE, SCHOOL)[1].name == "ann"
    clock.now += timedelta(seconds=OF_ADDRESS.seconds_each)
    assert entrance.sign_in("bob", CODE, HOME)[1].name == "bob"


def test_guessing_is_slowed_by_name_from_many_addresses(entrance: Entrance) -> None:
    waits = [guess(entrance, "Ann", Visitor(f"198.51.100.{number}")).wait_s for number in range(30)]
    assert sum(wait > 0 for wait in waits) == 20
    assert entrance.sign_in("bob", CODE, Visitor("198.51.100.200"))[1].name == "bob"


def test_a_browser_that_was_in_before_gets_in_whatever_others_at_its_address_do(entrance: Entrance) -> None:
    token, _ = entrance.sign_in("ann", CODE, HOME)
    entrance.sign_out(token)
    for number in range(100):
        guess(entrance, f"name {number}", HOME)
        guess(entrance, "ann", HOME)
    assert entrance.sign_in("ann", CODE, Visitor(HOME.address, token=token))[1].name == "ann"


def test_signing_in_again_and_again_buys_no_tries_at_the_other_code(entrance: Entrance) -> None:
    looked_at = 0
    for number in range(40):
        token, _ = entrance.sign_in(f"mallory {number}", CODE, Visitor(f"192.0.2.{number % 5}"))
        known = Visitor(HOME.address, token=token)
        looked_at += sum(guess(entrance, "mallory", known).wait_s == 0 for _ in range(OF_BROWSER.tries + 5))
    assert looked_at <= 210


def test_all_that_comes_through_the_relay_has_one_limit_more(entrance: Entrance) -> None:
    visitors = [Visitor(f"203.0.{number % 200}.{number // 200}", through_relay=True) for number in range(220)]
    waits = [guess(entrance, f"name {number}", visitor).wait_s for number, visitor in enumerate(visitors)]
    assert sum(wait > 0 for wait in waits) == 20


@pytest.mark.parametrize("number", [1, 2**63])
def test_all_addresses_of_one_ipv6_network_are_one_place(entrance: Entrance, number: int) -> None:
    for turn in range(100):
        guess(entrance, f"name {turn}", Visitor(f"2001:db8::{turn:x}"))
    assert guess(entrance, "one more", Visitor(f"2001:db8::{number & 0xFFFF:x}")).wait_s > 0
    assert guess(entrance, "elsewhere", Visitor("2001:db8:1::1")).wait_s == 0


def test_a_class_that_signs_in_from_one_address_is_not_slowed(entrance: Entrance) -> None:
    for number in range(120):
        entrance.sign_in(f"labeler {number}", CODE, HOME)


def test_a_labeler_cannot_take_the_name_of_the_instructor(entrance: Entrance) -> None:
    entrance.sign_in("Ms Lee", INSTRUCTOR_CODE, HOME)
    with pytest.raises(SignInError, match="instructor goes by that name"):
        entrance.sign_in("MS LEE", CODE, SCHOOL)


def test_an_address_that_is_none_harms_nobody(entrance: Entrance) -> None:
    assert guess(entrance, "ann", Visitor("unknown" * 1000)).wait_s == 0
