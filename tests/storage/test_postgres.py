"""What PostgreSQL alone can do or say: several processes that write, and a server that refuses or goes away."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest
from sqlalchemy import make_url

from annotator.config import Settings
from storage.database import Database
from storage.errors import StorageError
from storage.repository import Repository

PROCESSES, TIMES = 4, 8


def ask(database: Database, statement: str) -> Any:
    with database.read() as db_session:
        return db_session.connection().exec_driver_sql(statement).scalar()


@pytest.fixture
def others(postgres):
    """Opens the database that the tests share as further processes would: with pools and queues of their own."""
    with ExitStack() as stack:
        postgres.database_with_tables()
        yield lambda **options: stack.enter_context(closing(Database.open(postgres.url("shared"), **options)))


def test_writers_of_several_processes_lose_nothing_of_each_other(others):
    databases = [others() for _ in range(PROCESSES)]
    cup = Repository(databases[0]).add_category("cup", supercategory="0")

    def count(database: Database) -> None:
        for _ in range(TIMES):
            with database.write() as db_session:
                run = db_session.connection().exec_driver_sql
                so_far = int(run("SELECT supercategory FROM categories").scalar())
                run(f"UPDATE categories SET supercategory = '{so_far + 1}'")

    with ThreadPoolExecutor(2 * PROCESSES) as threads:
        list(threads.map(count, databases * 2))
    assert Repository(databases[0]).category(cup.id).supercategory == str(2 * PROCESSES * TIMES)


def test_who_reads_sees_one_moment_throughout(others):
    here, there = others(), others()
    count = "SELECT count(*) FROM categories"
    with here.read() as db_session:
        assert db_session.connection().exec_driver_sql(count).scalar() == 0
        Repository(there).add_category("cup")
        assert db_session.connection().exec_driver_sql(count).scalar() == 0
    assert ask(here, count) == 1


def test_what_comes_later_in_the_history_is_never_seen_earlier(others):
    here, there = others(), others()
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            found = {change.id for change in Repository(here).changes(most=200)}
            assert set(seen) <= found
            assert sorted(found) == list(range(1, len(found) + 1))
            seen[:] = found

    with ThreadPoolExecutor(3) as threads:
        watching = threads.submit(look)
        list(threads.map(lambda n: Repository([here, there][n % 2]).add_category(f"c{n}"), range(20)))
        done.set()
        watching.result()
    assert Repository(here).change_count() == 20


def test_a_process_takes_no_more_connections_than_said_however_many_ask(others):
    database = others()
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: ask(database, "SELECT count(*) FROM images, pg_sleep(0.01)"), range(80)))
    assert answers == [0] * 80
    assert ask(database, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shared'") <= 30


def test_a_writer_that_waits_too_long_says_so(others):
    here, there = others(), others(wait_s=0.05)
    with here.write() as db_session:
        db_session.connection()
        with pytest.raises(StorageError, match=r"shared at .* is busy with other writing: try again in a moment"):
            Repository(there).add_category("cup")
    assert Repository(there).add_category("cup").name == "cup"


def test_a_connection_that_the_server_ends_is_said_and_made_anew(postgres, others):
    database = others()

    def write() -> None:
        with database.write() as db_session:
            run = db_session.connection().exec_driver_sql
            run("DELETE FROM categories")
            postgres.execute(f"SELECT pg_terminate_backend({run('SELECT pg_backend_pid()').scalar()})")
            run("DELETE FROM images")

    Repository(database).add_category("cup")
    with pytest.raises(StorageError, match=r"ended the connection.*try again in a moment"):
        write()
    assert [one.name for one in Repository(database).categories()] == ["cup"]


REFUSALS = {
    "53100": "cannot grow, the server's disk is full: free some space there",
    "53200": "too little memory",
    "58030": "disk reports an error",
    "40P01": "another got in its way: try again",
    "42501": "does not let this user do that",
    "XX001": "is damaged",
}


@pytest.mark.parametrize("state", REFUSALS)
def test_what_the_server_refuses_is_explained_and_nothing_is_half_written(postgres, state):
    database = postgres.database_with_tables()
    repository = Repository(database)
    repository.add_category("cup")
    refuse = f"RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'"
    with database.write() as db_session:
        run = db_session.connection().exec_driver_sql
        run(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse}; END $$")
        run("CREATE TRIGGER refuse BEFORE INSERT ON changes EXECUTE FUNCTION refuse()")
    try:
        with pytest.raises(StorageError, match=REFUSALS[state]):
            repository.add_category("spoon")
        assert [one.name for one in repository.categories()] == ["cup"]
    finally:
        with database.write() as db_session:
            db_session.connection().exec_driver_sql("DROP FUNCTION refuse CASCADE")
    repository.add_category("spoon")


@pytest.fixture
def guarded(postgres):
    """A user who has a password, may not have more than two connections, and owns a database of their own."""
    database = make_url(postgres.new_database()).database
    if not postgres.execute("SELECT 1 FROM pg_roles WHERE rolname = 'guarded'"):
        postgres.execute("CREATE ROLE guarded")
    user = f"owner_of_{database}"
    postgres.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'right/@:?' CONNECTION LIMIT 2 IN ROLE guarded")
    postgres.execute(f"ALTER DATABASE {database} OWNER TO {user}")
    postgres.execute(f"GRANT ALL ON SCHEMA public TO {user}", database=database)
    return lambda password: postgres.url(database, user=user, password=password)


def test_a_password_lets_in_and_a_wrong_one_is_said_without_showing_it(guarded):
    Database.open(guarded("right%2F%40%3A%3F")).close()
    with pytest.raises(StorageError, match="lets nobody in with this name and password") as caught:
        Database.open(guarded("wr0ng"))
    assert "wr0ng" not in str(caught.value)


def test_too_many_connections_are_said_with_what_to_do(guarded):
    url = guarded("right%2F%40%3A%3F")
    with closing(Database.open(url)) as one, one.read() as first, one.read() as second:
        first.connection(), second.connection()
        with pytest.raises(StorageError, match=r"has no connection left: .*max_connections"):
            ask(one, "SELECT 1")


def test_a_database_that_may_only_be_read_is_said_so_at_once(postgres):
    url = postgres.new_database()
    Database.open(url).close()
    postgres.execute(f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on")
    with pytest.raises(StorageError, match="is read-only: name the server that may be written to"):
        Database.open(url)


def test_another_programs_database_on_the_server_is_left_alone(postgres):
    url = postgres.new_database()
    postgres.execute("CREATE TABLE bookmarks (url TEXT)", database=make_url(url).database)
    with pytest.raises(StorageError, match=r"another program.*bookmarks"):
        Database.open(url)


def test_a_database_that_is_not_there_is_named(postgres):
    with pytest.raises(StorageError, match=r"database nowhere at .* does not exist.*make it there first"):
        Database.open(postgres.url("nowhere"))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://ann:secret@127.0.0.1:1/class", "class at 127.0.0.1 cannot be reached: see that the server runs"),
        ("postgresql+psycopg2://ann:secret@host/class", "begin the address with postgresql"),
        ("postgresql://ann:sec@ret@host/class", "write %40"),
        ("postgresql//ann:secret@host/class", "No database can be opened"),
        ("postgresql://ann:secret@host:port/class", "No database can be opened"),
        ("mysql://ann:secret@host/class", "SQLite and PostgreSQL"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_password(address, said):
    with pytest.raises(StorageError, match=said) as caught:
        Database.open(address)
    assert "sec" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_said_with_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'psycopg\[binary\]'"):
        Database.open("postgresql://ann:secret@host/class")


def test_settings_show_nobody_the_address_with_its_password():
    assert "secret" not in repr(Settings(database_url="postgresql://ann:secret@host/class"))


def test_text_that_postgres_cannot_hold_is_refused_by_name(postgres):
    repository = Repository(postgres.database_with_tables())
    with pytest.raises(StorageError, match="cannot store such a value"):
        repository.add_sign_in("0" * 64, name="nul \0 inside", role="labeler", now=Repository.now())
