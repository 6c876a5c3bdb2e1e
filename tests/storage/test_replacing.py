"""A database takes the place of another that is in use: between two transactions, in one step, or not at all."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import StorageError
from storage.replacing import begin_generation
from storage.repository import Repository

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def database(new_database: Path, tmp_path: Path) -> Iterator[Database]:
    path = Path(shutil.copy(new_database, tmp_path / "annotator.db"))
    database = Database.open(f"sqlite:///{path}", wait_s=0.2)
    Repository(database).add_category("old")
    yield database
    database.close()


@pytest.fixture
def other(new_database: Path, tmp_path: Path) -> Path:
    """Another one, nobody's, in which somebody is signed in."""
    path = Path(shutil.copy(new_database, tmp_path / "other.db"))
    opened = Database.open(f"sqlite:///{path}")
    Repository(opened).add_category("new")
    Repository(opened).add_sign_in("b" * 64, name="bob", role="labeler", now=NOW)
    opened.close()
    begin_generation(path)
    return path


def names(database: Database) -> list[str]:
    return [one.name for one in Repository(database).categories()]


def test_all_that_is_asked_afterwards_is_asked_of_the_other(database: Database, other: Path) -> None:
    assert database.generation == 0
    mine = Repository(database).add_sign_in("a" * 64, name="ann", role="labeler", now=NOW)
    database.replace(other, keeping=["sign_ins"])
    assert names(database) == ["new"] and not other.exists()
    assert Repository(database).sign_in("a" * 64) == mine
    assert Repository(database).sign_in("b" * 64) is None
    Repository(database).add_category("added")
    generation = database.generation
    assert generation > 0 and database.path is not None
    again = Database.open(f"sqlite:///{database.path}")
    assert (names(again), again.generation) == (["new", "added"], generation)
    again.close()


def test_who_reads_comes_to_the_end_and_who_comes_meanwhile_waits(database: Database, other: Path) -> None:
    patient = Database.open(f"sqlite:///{database.path}", wait_s=60)
    is_in, go_on, seen = threading.Event(), threading.Event(), list[list[str]]()

    def read() -> None:
        with patient.read():
            is_in.set()
            go_on.wait(60)
            seen.append(names(patient))  # within the other, which a shut door must not keep out

    def replace() -> None:
        database.close()
        patient.replace(other)

    reader, replacer = threading.Thread(target=read), threading.Thread(target=replace)
    reader.start()
    is_in.wait(60)
    replacer.start()
    go_on.set()
    reader.join()
    replacer.join()
    assert seen == [["old"]] and names(patient) == ["new"]
    patient.close()


def test_a_transaction_that_does_not_end_or_another_program_leaves_the_old_one(database: Database, other: Path) -> None:
    is_in, stop = threading.Event(), threading.Event()

    def linger() -> None:
        with database.read():
            is_in.set()
            stop.wait(60)

    lingering = threading.Thread(target=linger)
    lingering.start()
    is_in.wait(60)
    with pytest.raises(StorageError, match="did not come to an end"):
        database.replace(other)
    assert names(database) == ["old"]
    stop.set()
    lingering.join()
    other.with_name(f"{other.name}-wal").touch()
    with pytest.raises(StorageError, match="stays"):
        database.replace(other)
    assert names(database) == ["old"] and database.generation == 0
    with pytest.raises(StorageError):
        database.replace(other.with_name("none.db"), keeping=["sign_ins"])
    assert names(database) == ["old"]
