"""A writer that is killed at any moment: what it was told to be saved is there, and nothing is broken."""

import random
import subprocess
import sys
import time
from contextlib import closing

import pytest

from storage.database import Database
from storage.repository import Repository
from tests.conftest import ROOT
from tests.storage.scene import HEIGHT, WIDTH, Labeler, values

WRITER = """
import itertools, sys
from storage.database import Database
from storage.repository import Repository
from tests.storage.scene import Labeler, values

url, round = sys.argv[1:]
repository = Repository(Database.open(url))
[image], [cup] = repository.images(), repository.categories()
session = repository.session(image.id, "ann")
for number in itertools.count():
    op = {"expected_revision": session.revision, "op_id": f"{round}-{number}"}
    if number % 5 == 4:
        session = repository.record_undo(session.id, **op)
    else:
        changes = [{"id": None, "before": None, "after": values(cup)}] if number % 2 else []
        session = repository.record_step(
            session.id, **op, kind="commit", payload={"changes": changes}, chosen_candidate=None, status="idle"
        )
    print(op["op_id"], session.revision, flush=True)  # the acknowledgement
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_writer_keeps_every_acknowledged_step(dbms: str, url: str):
    with closing(Database.open(url)) as database:
        repository = Repository(database)
        image, _ = repository.add_image(
            sha256="0" * 64, stored_name="a", original_name="a", width=WIDTH, height=HEIGHT, exif_orientation=1
        )
        repository.add_category("cup")

    dice = random.Random(20)
    acknowledged: dict[str, int] = {}
    for round in range(3 if dbms == "sqlite" else 1):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(round)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]  # it is at work
            time.sleep(dice.uniform(0.05, 0.4))
            writer.kill()
            lines += writer.stdout.readlines()
        assert writer.returncode == -9
        for line in lines:
            if line.endswith("\n"):
                op_id, revision = line.split()
                acknowledged[op_id] = int(revision)
        check(url, image.id, acknowledged)
    assert len(acknowledged) > (6 if dbms == "sqlite" else 1)


def check(url: str, image_id: int, acknowledged: dict[str, int]) -> None:
    with closing(Database.open(url)) as database, database.read() as db_session:
        ask = db_session.connection().exec_driver_sql
        if database.path is not None:
            assert ask("PRAGMA integrity_check").scalar() == "ok"
        kept: dict[str, int] = dict(ask("SELECT op_id, revision FROM operations").all())
    assert acknowledged.items() <= kept.items()
    assert sorted(kept.values()) == list(range(1, len(kept) + 1))
    with closing(Database.open(url)) as database:
        repository = Repository(database)
        session = repository.session(image_id, "ann")
        assert session.revision == len(kept)
        assert [event.seq for event in session.events] == list(range(1, len(session.events) + 1))
        saved = [change["id"] for event in session.events if not event.undone for change in event.payload["changes"]]
        assert [instance.id for instance in repository.instances(image_id)] == saved


def test_a_step_whose_answer_was_lost_is_sent_again_with_one_effect(repository, image, cup):
    labeler = Labeler(repository, image)
    for _ in range(3):
        labeler.change(None, None, values(cup), op_id="the same", expected_revision=0)
    assert len(labeler.instances()) == 1
