"""Opening a database, its transactions, and what is said when something stands in the way."""

import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import event

from storage import sqlite
from storage.database import Database
from storage.errors import StorageError
from storage.repository import Repository


def on_every_connection(database: Database, pragma: str) -> set[object]:
    """What a pragma says on several connections that are open at once."""
    with ExitStack() as stack:
        sessions = [stack.enter_context(database.read()) for _ in range(5)]
        return {each.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() for each in sessions}


def test_a_new_database_is_made_with_its_folder(tmp_path):
    path = tmp_path / "deep" / "workspace" / "annotator.db"
    with closing(Database.open(f"sqlite:///{path}")) as database:
        assert Repository(database).images() == []
        assert database.path == path
    assert path.exists()
    assert not (path.parent / "backups").exists()


def test_what_was_written_is_there_after_opening_again(url):
    with closing(Database.open(url)) as database:
        category = Repository(database).add_category("cup")
    with closing(Database.open(url)) as database:
        assert Repository(database).categories() == [category]


def test_every_connection_keeps_foreign_keys_and_syncs_each_commit(new_database, path, url):
    shutil.copy(new_database, path)
    with closing(Database.open(url)) as database:
        assert on_every_connection(database, "foreign_keys") == {1}
        is_wal = sqlite.journal_mode() == "WAL"
        assert on_every_connection(database, "journal_mode") == {"wal" if is_wal else "delete"}
        assert on_every_connection(database, "synchronous") == {2 if is_wal else 3}  # FULL, EXTRA
        assert on_every_connection(database, "busy_timeout") == {10_000}


def test_a_file_in_another_journal_mode_is_brought_to_ours(new_database, path, url):
    shutil.copy(new_database, path)
    other = "DELETE" if sqlite.journal_mode() == "WAL" else "WAL"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={other}")
    with closing(Database.open(url)) as database:
        assert on_every_connection(database, "journal_mode") == {sqlite.journal_mode().lower()}


def test_an_exception_takes_the_whole_transaction_back(database, repository):
    def fail() -> None:
        with database.write() as db_session:
            db_session.connection().exec_driver_sql("DELETE FROM alembic_version")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as db_session:
        assert db_session.connection().exec_driver_sql("SELECT count(*) FROM alembic_version").scalar() == 1
    repository.add_category("cup")  # and the lock is free again


@pytest.mark.sqlite
def test_forty_threads_read_at_once(database):
    with ExitStack() as stack:
        for _ in range(40):
            db_session = stack.enter_context(database.read())
            assert db_session.connection().exec_driver_sql("SELECT count(*) FROM images").scalar() == 0


def test_a_writer_goes_on_while_readers_look(database, repository):
    with database.read() as db_session:
        db_session.connection()  # has begun, and holds no lock before it reads
        repository.add_category("cup")
        assert db_session.connection().exec_driver_sql("SELECT count(*) FROM categories").scalar() == 1


def test_a_database_that_another_program_locks_is_said_to_be_in_use(database, repository, path):
    with database.read() as db_session:
        db_session.connection().exec_driver_sql("PRAGMA busy_timeout=20")  # else the test waits ten seconds
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"annotator\.db is in use by another program.*try again"):
            repository.add_category("cup")
        other.execute("ROLLBACK")
    assert repository.add_category("cup").name == "cup"


@pytest.mark.sqlite
def test_a_full_disk_is_named_and_nothing_is_half_written(database, repository):
    with database.read() as db_session:
        db_session.connection().exec_driver_sql("PRAGMA max_page_count=1")  # as many as there are already

    def fill() -> None:
        for number in range(1000):
            repository.add_category(f"category {number}", supercategory="x" * 80)

    with pytest.raises(StorageError, match=r"disk is full: free some space"):
        fill()
    with database.read() as db_session:
        db_session.connection().exec_driver_sql("PRAGMA max_page_count=100000")
        assert db_session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    count = len(repository.categories())
    assert repository.add_category("another").position == count


def test_a_file_that_is_no_database_is_left_alone(path, url):
    path.write_bytes(b"these are my holiday pictures\n" * 200)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="is not a database: name another file"):
        Database.open(url)
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(path, url):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(StorageError, match=r"another program.*bookmarks"):
        Database.open(url)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


def test_a_damaged_database_is_said_to_be_damaged(new_database, path, url):
    content = bytearray(new_database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"damaged: put back a copy from backups"):
        Repository(Database.open(url)).images()


def test_a_folder_in_place_of_the_file_is_said_to_be_unusable(path, url):
    path.mkdir()
    with pytest.raises(StorageError, match="cannot be opened"):
        Database.open(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:a.db?uri=true"])
def test_a_database_in_memory_is_refused(url):
    with pytest.raises(StorageError, match="no plain file"):
        Database.open(url)


@pytest.mark.parametrize("url", ["annotator.db", "", "nosuch://host/db", "nosuch+driver:///a.db"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(StorageError, match="No database can be opened by the address"):
        Database.open(url)


def test_a_driver_that_is_none_leaves_no_file(path):
    with pytest.raises(StorageError, match="No database can be opened by the address"):
        Database.open(f"sqlite+nosuch:///{path}")
    assert not path.exists()


def test_a_driver_that_is_missing_is_named():
    with pytest.raises(StorageError, match=r"driver for sqlite\+pysqlcipher is not installed.*pip install"):
        Database.open("sqlite+pysqlcipher:///a.db")


def test_a_password_in_the_address_is_not_repeated():
    with pytest.raises(StorageError) as caught:
        Database.open("nosuch://ann:secret@host/db")
    assert "secret" not in str(caught.value)


def _open_as_nobody(path: Path, said: multiprocessing.SimpleQueue) -> None:
    """In a process of its own, because a process cannot become itself again."""
    if os.geteuid() == 0:  # for whom nothing is read-only
        os.setgid(65534)
        os.setuid(65534)
    try:
        Database.open(f"sqlite:///{path}")
        said.put("opened")
    except StorageError as e:
        said.put(str(e))


def open_as_nobody(path: Path) -> str:
    processes = multiprocessing.get_context("fork")
    said = processes.SimpleQueue()
    process = processes.Process(target=_open_as_nobody, args=(path, said))
    process.start()
    process.join()
    return "no answer" if said.empty() else said.get()


@pytest.fixture
def public_folder():
    """A folder that any user can reach, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions work otherwise there")
def test_a_read_only_database_is_said_to_be_read_only(new_database: Path, public_folder: Path):
    path = Path(shutil.copy(new_database, public_folder / "annotator.db"))
    path.chmod(0o444)
    public_folder.chmod(0o555)
    assert "is read-only: allow writing" in open_as_nobody(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions work otherwise there")
def test_a_folder_that_may_not_be_written_is_named(public_folder: Path):
    public_folder.chmod(0o555)
    assert f"{public_folder}/annotator.db cannot be opened" in open_as_nobody(public_folder / "annotator.db")


Ask = Callable[[Repository, int], object]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "ask",
    [
        lambda repository, _: repository.images(),
        lambda repository, _: repository.images(status="done"),
        lambda repository, image_id: repository.instances(image_id),
        lambda repository, _: repository.instance_counts(),
        lambda repository, image_id: repository.session(image_id, "ann"),
        lambda repository, _: repository.find_image("0" * 64),
    ],
    ids=["images", "images of a status", "instances", "counts", "session", "find"],
)
def test_no_question_that_a_page_asks_reads_or_sorts_a_whole_table(database, repository, image, ask: Ask):
    repository.session(image.id, "ann")
    asked: list[tuple[str, object]] = []
    with database.read() as db_session:
        engine = db_session.connection().engine
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cursor, sql, parameters, _x, _m: asked.append((sql, parameters))
    )
    ask(repository, image.id)
    plans = []
    with database.read() as db_session:
        for sql, parameters in [each for each in asked if each[0].startswith("SELECT")]:
            plan = db_session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
            plans += [row[-1] for row in plan]
    assert plans
    for step in plans:
        assert "TEMP B-TREE" not in step
        assert step.startswith("SEARCH") or "USING INDEX" in step or "USING COVERING INDEX" in step
