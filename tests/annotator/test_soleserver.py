"""One process serves an SQLite file."""

from pathlib import Path

import pytest

from annotator.config import Settings
from annotator.errors import SettingsError
from annotator.soleserver import sole_server


def test_a_second_server_of_one_file_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    database = tmp_path / "annotator.db"
    with sole_server(database):
        with pytest.raises(SettingsError, match=r"Another process serves .*take a PostgreSQL"), sole_server(database):
            pytest.fail("two serve one file")
        with sole_server(tmp_path / "another.db"):
            pass
    with sole_server(database):
        pass


def test_several_may_serve_another_kind_of_database() -> None:
    with sole_server(None), sole_server(None):
        pass


POSTGRES = "postgresql://ann:secret@host/class"


def test_processes_on_one_database_take_the_same_codes_and_know_each_others_sign_ins() -> None:
    with pytest.raises(SettingsError, match="ANNOTATOR_INSTRUCTOR_CODE"):
        Settings(database_url=POSTGRES, host="0.0.0.0", access_code="sesame-123")
    given = {"database_url": POSTGRES, "access_code": "sesame-123", "instructor_code": "boss-45678"}
    here, there = Settings(port=1, **given), Settings(port=2, host="0.0.0.0", **given)
    assert here.cookie == there.cookie
    assert here.cookie != Settings(port=1, **given | {"database_url": f"{POSTGRES}2"}).cookie
    assert Settings(port=1).cookie != Settings(port=2).cookie
    assert not Settings(database_url="sqlite:////folder/file.db", host="0.0.0.0").may_be_shared
