"""Bringing an older database up to date."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect

from storage.database import Database
from storage.errors import StorageError
from storage.migration import SCRIPTS
from storage.repository import Repository
from storage.schema import Base
from tests.conftest import ROOT
from tests.storage.scene import Labeler, values

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade():
    {body}
"""
ADD_A_COLUMN = """anew = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("images", recreate=anew) as images:
        images.add_column(sa.Column("note", sa.Text(), nullable=True))"""


@pytest.fixture
def later(tmp_path: Path):
    """Makes the scripts of a later version of the code, whose one step more does what it is given."""

    def make(body: str = ADD_A_COLUMN) -> Path:
        scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "later scripts 100%"))
        head = max(script.name[:4] for script in (scripts / "versions").glob("[0-9]*.py"))
        (scripts / "versions" / "9999_next.py").write_text(NEXT.format(head=head, body=body))
        return scripts

    return make


@pytest.fixture
def filled(database, repository, image, cup) -> list:
    """A database of this version with a picture and an instance; closed."""
    Labeler(repository, image).change(None, None, values(cup))
    instances = repository.instances(image.id)
    database.close()
    return instances


def asked(url: str, ask: Callable[[Connection], Any]) -> Any:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = ask(connection)
    engine.dispose()
    return answer


def revision_of(url: str) -> str:
    return asked(url, lambda it: it.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def columns_of(url: str) -> list[str]:
    return asked(url, lambda it: [column["name"] for column in inspect(it).get_columns("images")])


def test_an_older_database_is_copied_then_upgraded(filled, path, url, later):
    older = revision_of(url)
    with closing(Database.open(url, scripts=later())) as database:
        assert Repository(database).instances(filled[0].image_id) == filled
    assert revision_of(url) == "9999"
    assert "note" in columns_of(url)
    [copy] = (path.parent / "backups").iterdir()
    assert copy.name.startswith(f"annotator-{older}-")
    assert copy.suffix == ".db"
    assert revision_of(f"sqlite:///{copy}") == older
    assert "note" not in columns_of(f"sqlite:///{copy}")
    with closing(Database.open(f"sqlite:///{copy}")) as database:
        assert Repository(database).instances(filled[0].image_id) == filled


@pytest.mark.sqlite
def test_the_copy_goes_where_it_is_told_to(filled, url, later, tmp_path):
    Database.open(url, scripts=later(), backup_dir=tmp_path / "elsewhere").close()
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    assert not (tmp_path / "backups").exists()


def test_opening_twice_upgrades_and_copies_once(filled, path, url, later):
    scripts = later()
    for _ in range(3):
        Database.open(url, scripts=scripts).close()
    assert len(list((path.parent / "backups").iterdir())) == 1


def test_what_refers_to_a_table_that_is_made_anew_stays(filled, url, later):
    Database.open(url, scripts=later()).close()
    count = "SELECT (SELECT count(*) FROM instances), (SELECT count(*) FROM prompt_events)"
    assert asked(url, lambda it: tuple(it.exec_driver_sql(count).one())) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        f"{ADD_A_COLUMN}\n    op.execute('INSERT INTO nowhere VALUES (1)')",
        f"{ADD_A_COLUMN}\n    op.execute('DELETE FROM categories')",  # which the instances refer to
    ],
    ids=["it fails half-way", "it leaves instances without a category"],
)
def test_an_upgrade_that_goes_wrong_is_taken_back_whole(filled, url, later, body):
    older = revision_of(url)
    with pytest.raises(StorageError):
        Database.open(url, scripts=later(body))
    assert revision_of(url) == older
    assert "note" not in columns_of(url)
    with closing(Database.open(url)) as database:
        assert Repository(database).instances(filled[0].image_id) == filled


def test_no_upgrade_without_its_copy(filled, path, url, later, tmp_path):
    older = revision_of(url)
    (tmp_path / "a file").write_text("")
    with pytest.raises(StorageError):
        Database.open(url, scripts=later(), backup_dir=tmp_path / "a file")
    assert revision_of(url) == older


def test_a_newer_database_is_refused_and_left_alone(filled, path, url, later):
    Database.open(url, scripts=later()).close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"newer version.*9999.*Update the tool"):
        Database.open(url)
    assert path.read_bytes() == before


def test_an_older_postgres_is_upgraded_and_a_newer_one_refused(postgres, later):
    url = postgres.new_database()
    Database.open(url).close()
    Database.open(url, scripts=later()).close()
    assert (revision_of(url), "note" in columns_of(url)) == ("9999", True)
    with pytest.raises(StorageError, match=r"newer version.*9999.*Update the tool"):
        Database.open(url)


OPEN = """
import sys
from storage.database import Database
from storage.repository import Repository
database = Database.open(sys.argv[1])
Repository(database).add_category(sys.argv[2])
"""


def test_processes_that_open_a_new_database_at_once_all_get_it(url):
    processes = [subprocess.Popen([sys.executable, "-c", OPEN, url, f"category {n}"], cwd=ROOT) for n in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with closing(Database.open(url)) as database:
        names = {category.name for category in Repository(database).categories()}
    assert names == {f"category {number}" for number in range(3)}


def test_no_upgrade_lets_the_id_of_a_removed_picture_be_given_again(path, url, tmp_path):
    scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "first scripts"))
    for script in (scripts / "versions").glob("[0-9]*.py"):
        if script.name[:4] > "0003":
            script.unlink()
    Database.open(url, scripts=scripts).close()
    add = """
        INSERT INTO images (sha256, stored_name, original_name, width, height, exif_orientation, position, status,
                            created_at) VALUES (?, ?, 'a.png', 16, 12, 1, 0, 'new', '2026-01-01 00:00:00')
    """
    with closing(sqlite3.connect(path)) as connection:
        for name in "abc":
            connection.execute(add, (name, name))
        connection.execute("DELETE FROM images WHERE id > 1")
        connection.commit()
    with closing(Database.open(url)) as database:
        image, _ = Repository(database).add_image(
            sha256="d", stored_name="d", original_name="d.png", width=16, height=12, exif_orientation=1
        )
        assert image.id == 4
        assert len(Repository(database).images()) == 2


def test_the_migrations_lead_to_the_tables_of_the_code(new_database, tmp_path):
    check_tables(f"sqlite:///{new_database}", f"sqlite:///{tmp_path / 'created.db'}")


def test_the_migrations_lead_to_the_same_tables_on_postgres(postgres):
    url = postgres.new_database()
    Database.open(url).close()
    check_tables(url, postgres.new_database())


def check_tables(migrated_url: str, empty_url: str) -> None:
    migrated, created = create_engine(migrated_url), create_engine(empty_url)
    Base.metadata.create_all(created)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    ours, theirs = inspect(migrated), inspect(created)
    for table in Base.metadata.tables:  # what compare_metadata does not look at
        for facts in ("get_check_constraints", "get_foreign_keys", "get_unique_constraints", "get_pk_constraint"):
            assert in_any_order(getattr(ours, facts)(table)) == in_any_order(getattr(theirs, facts)(table))
        options = [inspector.get_table_options(table) for inspector in (ours, theirs)]
        assert options[0] == options[1]
    migrated.dispose()
    created.dispose()


def in_any_order(facts: object) -> object:
    return sorted(map(str, facts)) if isinstance(facts, list) else facts
