"""Sign-ins in the database."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.errors import StorageError
from storage.repository import Repository

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(name: str) -> str:
    return name.rjust(64, "0")


@pytest.fixture
def add(repository: Repository):
    """Keeps a sign-in of that name, whose token has the hash key(name)."""

    def keep(name: str, *, now: datetime = NOW):
        return repository.add_sign_in(key(name), name=name, role="labeler", now=now)

    return keep


def test_a_sign_in_is_found_by_its_hash_after_a_restart(add, database, url):
    kept = add("a")
    database.close()
    with closing(Database.open(url)) as again:
        assert Repository(again).sign_in(key("a")) == kept
        assert Repository(again).sign_in(key("b")) is None


def test_ending_one_leaves_the_others(add, repository):
    first, second, third = (add(name) for name in "abc")
    repository.see_sign_in(third.id, now=NOW + HOUR)
    repository.end_sign_in(second.id, now=NOW)
    repository.end_sign_in(second.id, now=NOW + HOUR)  # it has ended already
    assert [one.id for one in repository.sign_ins(seen_since=NOW)] == [first.id, third.id]
    assert [one.id for one in repository.sign_ins(seen_since=NOW + HOUR)] == [third.id]
    assert repository.sign_in(key("b")).ended_at == NOW
    assert repository.end_all_sign_ins() == 2
    assert repository.sign_ins(seen_since=NOW) == []


def test_old_ones_are_forgotten(add, repository):
    add("a")
    add("b", now=NOW + HOUR)
    repository.forget_sign_ins(seen_before=NOW + HOUR)
    assert repository.sign_in(key("a")) is None
    assert repository.sign_in(key("b")) is not None


def test_a_token_belongs_to_one_sign_in(add):
    add("a")
    with pytest.raises(StorageError):
        add("a")


def test_a_role_that_is_none_is_refused(repository):
    with pytest.raises(StorageError):
        repository.add_sign_in(key("a"), name="a", role="owner", now=NOW)
