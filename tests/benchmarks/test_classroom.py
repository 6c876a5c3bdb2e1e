"""The checker of the classroom benchmark: what it must find, it finds; what is right, it leaves alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from annotator.config import Settings
from annotator.workspace import Workspace
from benchmarks.classroom_browser import Browser, Reply
from benchmarks.classroom_labeler import Labeler, Tally
from benchmarks.classroom_ledger import Ledger
from benchmarks.classroom_pictures import class_pictures, write_pictures
from storage.database import Database
from storage.repository import Repository

ROOT = Path(__file__).resolve().parents[2]
POINT = {"kind": "point", "x": 5.0, "y": 6.0, "label": 1}


@pytest.fixture
def class_database(new_database: Path, tmp_path: Path) -> Database:
    (tmp_path / "annotator.db").write_bytes(new_database.read_bytes())
    return Database.open(f"sqlite:///{tmp_path / 'annotator.db'}")


@pytest.fixture
def kept(class_database: Database) -> tuple[Ledger, Repository, int]:
    """Two points and an undo of ann's, and nothing wrong."""
    repository, ledger = Repository(class_database), Ledger()
    facts = {"stored_name": "a.png", "original_name": "a.png", "width": 20, "height": 10, "exif_orientation": 1}
    image, _ = repository.add_image(sha256="0" * 64, **facts)
    session = repository.session(image.id, "ann")
    page = ledger.page("ann", image.id)
    for op_id in ("one", "two", "three"):
        undoes = op_id == "three"
        action: dict[str, Any] = {"kind": "undo"} if undoes else dict(POINT)
        payload = {name: value for name, value in action.items() if name != "kind"}
        page.send(op_id)
        if undoes:
            session = repository.record_undo(session.id, expected_revision=session.revision, op_id=op_id)
        else:
            session = repository.record_step(
                session.id,
                expected_revision=session.revision,
                op_id=op_id,
                kind="point",
                payload=payload,
                chosen_candidate=None,
                status="open",
            )
        page.acknowledge({**action, "op_id": op_id}, session.revision)
    return ledger, repository, image.id


def compare(ledger: Ledger, database: Database, *spoil: str) -> dict[str, list[str]]:
    for words in spoil:
        with database.write() as db_session:
            db_session.execute(text(words))
    return {name: lines for name, lines in vars(ledger.compare(f"sqlite:///{database.path}")).items() if lines}


def test_what_was_acknowledged_and_is_there_is_left_alone(kept, class_database: Database) -> None:
    ledger, _, image_id = kept
    assert compare(ledger, class_database) == {}
    ledger.page("ann", image_id).send("on its way")
    assert compare(ledger, class_database) == {}
    assert ledger.page("ann", image_id).points == [(5.0, 6.0, 1)]


@pytest.mark.parametrize(
    ("spoil", "kind", "says"),
    [
        (["DELETE FROM operations WHERE op_id = 'two'"], "lost", "two was acknowledged and is not there"),
        (["DELETE FROM prompt_events WHERE op_id = 'one'"], "lost", "the step of one is not there"),
        (
            ["INSERT INTO prompt_events SELECT 99, session_id, 9, op_id, kind, payload, undone, created_at"
             " FROM prompt_events WHERE op_id = 'one'"],
            "doubled",
            "one is there 2 times",
        ),
        (
            ["INSERT INTO operations SELECT session_id, 'else', kind, revision, created_at"
             " FROM operations WHERE op_id = 'one'"],
            "foreign",
            "else is there, and nobody had it acknowledged",
        ),
        (["UPDATE operations SET revision = 7 WHERE op_id = 'one'"], "different", "one made revision 1, and 7"),
        (["UPDATE prompt_events SET undone = 0"], "different", "the steps are"),
        (["UPDATE sessions SET revision = 8"], "different", "revision 8 in place of 3"),
        (["UPDATE prompt_events SET payload = '{}'"], "different", "one has {}"),
    ],
)  # fmt: skip
def test_a_row_that_is_lost_doubled_foreign_or_different_is_found(
    kept, class_database: Database, spoil: list[str], kind: str, says: str
) -> None:
    found = compare(kept[0], class_database, *spoil)
    assert any(says in line for line in found[kind]), found


def test_a_session_on_a_picture_that_its_labeler_never_touched_is_found(kept, class_database: Database) -> None:
    ledger, repository, _ = kept
    facts = {"stored_name": "b.png", "original_name": "b.png", "width": 20, "height": 10, "exif_orientation": 1}
    other, _ = repository.add_image(sha256="1" * 64, **facts)
    repository.session(other.id, "ann")
    assert "never touched" in compare(ledger, class_database)["foreign"][0]


# answers


def good_answer() -> dict[str, Any]:
    (picture,) = class_pictures(["ann"], 1)
    height, width = picture.size_hw
    return {
        "ok": True,
        "echo": {"nonce": "n", "labeler": "ann"},
        "result": {
            "image": {"id": 3, "name": picture.name, "width": width, "height": height},
            "display_hw": [height, width],
            "revision": 1,
            "points": [{"x": 5.0, "y": 6.0, "label": 1}],
            "candidates": [{"rle": {"size": [height, width]}, "bbox_xywh": [*picture.things_xywh[0]]}],
            "chosen": 0,
            "instances": None,
            "problem": None,
        },
    }


def wrong_in(change: Callable[[dict[str, Any]], Any]) -> list[str]:
    """What a labeler finds in a good answer that was changed."""
    (picture,) = class_pictures(["ann"], 1)
    ledger, tally, answer = Ledger(), Tally(), good_answer()
    ledger.page("ann", 3).acknowledge({**POINT, "op_id": "one"}, 1)
    browser = Browser(["http://127.0.0.1:1"], "ann", "")
    labeler = Labeler(browser, {picture.name: picture}, ledger=ledger, tally=tally, category_id=1, seed=0)
    labeler._ids = {picture.name: 3}
    change(answer)
    labeler._check(Reply(answer, 0.1, 1), "n", picture.name)
    return tally.mixed_up


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer["echo"].update(nonce="another"),
        lambda answer: answer["echo"].update(labeler="bob"),
        lambda answer: answer.pop("echo"),
        lambda answer: answer["result"]["image"].update(id=4),
        lambda answer: answer["result"]["image"].update(name="bob-0.jpg"),
        lambda answer: answer["result"]["image"].update(width=481),
        lambda answer: answer["result"].update(revision=0),
        lambda answer: answer["result"].update(revision=2),
        lambda answer: answer["result"]["points"].clear(),
        lambda answer: answer["result"]["candidates"][0]["rle"].update(size=[365, 487]),
        lambda answer: answer["result"].update(instances=[{"labeler": "bob", "rle": {"size": [360, 480]}}]),
    ],
)
def test_a_foreign_an_older_and_a_newer_answer_are_found(change: Callable[[dict[str, Any]], Any]) -> None:
    assert wrong_in(change)


def test_a_right_answer_is_left_alone() -> None:
    assert wrong_in(lambda answer: None) == []


def test_no_two_pictures_of_a_class_have_the_same_width(tmp_path: Path) -> None:
    pictures = class_pictures([f"labeler-{number}" for number in range(57)], 3)
    assert len({picture.size_hw[1] for picture in pictures}) == len(pictures) == 171
    with Workspace(Settings(data=tmp_path / "w")) as workspace:
        report = workspace.import_pictures(list(write_pictures(pictures[:2], tmp_path / "pictures")))
        assert [workspace.image(one).size_hw for one in report.image_ids] == [one.size_hw for one in pictures[:2]]


def test_only_this_machine_is_put_under_load() -> None:
    with pytest.raises(ValueError, match="only this machine"):
        Browser(["http://example.org"], "ann", "")


@pytest.mark.heavy
def test_a_short_lesson_of_two_with_dropped_answers_and_a_kill_loses_nothing() -> None:
    words = ["--labelers", "2", "--seconds", "6", "--kill", "--dropped", "0.2", "--json"]
    command = [sys.executable, str(ROOT / "benchmarks/classroom.py"), *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(said.stdout.splitlines()[-1])
    assert {name: figures[name] for name in ("errors", "mixed_up", "lost", "doubled")} == {
        "errors": 0,
        "mixed_up": 0,
        "lost": 0,
        "doubled": 0,
    }
    assert figures["clicks"] > 0
    assert figures["p95_ms"] > 0
    assert {"growth_mb", "open_s"} <= figures.keys()
