"""Which journal SQLite gets, and copies of a database in use."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from storage import sqlite
from storage.database import Database
from storage.errors import StorageError
from storage.repository import Repository

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "DELETE"),
        ((3, 44, 5), "DELETE"),
        ((3, 44, 6), "WAL"),
        ((3, 45, 0), "DELETE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((3, 60, 0), "WAL"),
        ((4, 0, 0), "WAL"),
    ],
)
def test_the_write_ahead_log_is_used_only_where_sqlite_is_free_of_its_bug(version, mode):
    assert sqlite.journal_mode(version) == mode


def rows_of(path: Path) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT name FROM categories ORDER BY id").fetchall()


def test_a_backup_is_a_whole_database_of_one_moment(database, repository, tmp_path):
    repository.add_category("cup")
    copy = database.backup(tmp_path / "backups" / "now.db")
    repository.add_category("spoon")
    assert rows_of(copy) == [("cup",)]
    assert [each.name for each in copy.parent.iterdir()] == ["now.db"]
    with closing(Database.open(f"sqlite:///{copy}")) as restored:
        assert [category.name for category in Repository(restored).categories()] == ["cup"]


def test_a_backup_takes_the_place_of_an_older_one(database, repository, tmp_path):
    copy = database.backup(tmp_path / "now.db")
    repository.add_category("cup")
    database.backup(copy)
    assert rows_of(copy) == [("cup",)]


def test_a_backup_into_a_place_that_is_none_is_refused(database, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be reached"):
        database.backup(tmp_path / "file" / "now.db")


def test_backups_are_made_while_others_write(database, repository, tmp_path):
    stop = threading.Event()

    def write() -> int:
        count = 0
        while not stop.is_set():
            repository.add_category(f"category {count}")
            count += 1
        return count

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        counts = [len(rows_of(database.backup(tmp_path / f"{number}.db"))) for number in range(10)]
        stop.set()
        assert writing.result() >= counts[-1]
    assert counts == sorted(counts)
