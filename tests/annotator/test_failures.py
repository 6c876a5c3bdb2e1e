"""What breaks under a class at work is told where it happens; the others go on, and what was acknowledged stays."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from annotator.access.person import Person, Role
from annotator.config import Settings
from annotator.prediction import Embedding, Prediction, Prompt
from annotator.segmenters import SEGMENTERS
from annotator.segmenters.base import SegmenterInfo
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from tests.fakes import FakeSegmenter

ANN, BOB = (Person(name, Role.LABELER) for name in ("ann", "bob"))
LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


class Stumbling(FakeSegmenter):
    """Fails on what it is told to fail on."""

    def __init__(self) -> None:
        super().__init__()
        self.fails_to_encode: Callable[[np.ndarray], bool] = lambda image: False
        self.fails_to_answer: Callable[[Prompt], bool] = lambda prompt: False

    def embed(self, image: np.ndarray) -> Embedding:
        if self.fails_to_encode(image):
            raise RuntimeError("the weights melted")
        return super().embed(image)

    def predict(self, embedding: Embedding, prompt: Prompt) -> Prediction:
        if self.fails_to_answer(prompt):
            raise RuntimeError("the decoder melted")
        return super().predict(embedding, prompt)


@pytest.fixture
def fake_segmenter() -> Iterator[Stumbling]:
    segmenter = Stumbling()
    SEGMENTERS["fake"] = SegmenterInfo(name="fake", title="fake", load=lambda options: segmenter)
    yield segmenter
    del SEGMENTERS["fake"]


class Class:
    """Two labelers, each with a picture of their own that they have begun."""

    def __init__(self, workspace: Workspace, pictures: list[Path]) -> None:
        self.workspace, self._calls = workspace, Calls(workspace)
        ids = workspace.import_pictures(pictures).image_ids
        self.ids = {ANN: ids[0], BOB: ids[1]}
        self.cup = workspace.repository.add_category("cup").id
        self.acknowledged: dict[Person, list[str]] = {ANN: [], BOB: []}
        self._revisions = {ANN: 0, BOB: 0}
        for person in (ANN, BOB):
            self.click(person, "first")

    def click(self, person: Person, op_id: str) -> dict[str, Any]:
        return self.act(person, {"kind": "point", "x": 100, "y": 100, "label": 1, "op_id": op_id})

    def save(self, person: Person, op_id: str) -> dict[str, Any]:
        return self.act(person, {"kind": "commit", "category_id": self.cup, "op_id": op_id})

    def act(self, person: Person, action: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(person, "act", revision=self._revisions[person], actions=[action])
        if answer["ok"]:
            self._revisions[person] = answer["result"]["revision"]
            if action["op_id"] not in self.acknowledged[person]:
                self.acknowledged[person].append(action["op_id"])
        return answer

    def look(self, person: Person) -> dict[str, Any]:
        return self.ask(person, "open_image")["result"]

    def ask(self, person: Person, name: str, **args: Any) -> dict[str, Any]:
        return self._calls.handle({"name": name, "args": {"image_id": self.ids[person], **args}}, person=person)

    def assert_all_is_there(self) -> None:
        """What was acknowledged and nothing else, in its order, once each."""
        for person, image_id in self.ids.items():
            session = self.workspace.repository.session(image_id, person.name)
            assert [event.op_id for event in session.taken] == self.acknowledged[person]
            assert session.revision == len(self.acknowledged[person])


@pytest.fixture
def people(workspace: Workspace, pictures: list[Path]) -> Class:
    return Class(workspace, pictures)


def pragma(workspace: Workspace, words: str) -> None:
    """On the one connection that a test of one thread uses."""
    with workspace.database.read() as db_session:
        db_session.execute(text(f"PRAGMA {words}"))


def assert_refused_until(people: Class, message: str, *, mend: Callable[[], None]) -> None:
    """Writing is refused with that message, looking goes on; once mended, the same action is taken, once."""
    clicked = people.click(ANN, "second")
    assert (clicked["ok"], clicked["error"]["kind"]) == (False, "storage")
    assert message in clicked["error"]["message"]
    saved = people.save(BOB, "second")
    assert message in saved["error"]["message"]
    for person in (ANN, BOB):
        seen = people.look(person)
        assert (seen["revision"], len(seen["points"]), len(seen["candidates"])) == (1, 1, 3)
    people.assert_all_is_there()
    mend()
    for _ in range(2):  # the page may send it again, not knowing whether it was taken
        assert people.click(ANN, "second")["ok"]
        people._revisions[ANN] = 1
    people._revisions[ANN] = 2
    assert people.save(BOB, "second")["result"]["image"]["instances"] == 1
    people.assert_all_is_there()


def test_a_database_that_cannot_grow_is_told_and_takes_the_same_click_once_there_is_room(people: Class) -> None:
    workspace = people.workspace
    pragma(workspace, "max_page_count=1")  # as many as there are already
    numbers = iter(range(10_000))

    def act(person: Person) -> dict[str, Any]:
        return people.act(person, {"kind": "clear", "op_id": f"{'more' * 40}-{next(numbers)}"})

    answer = next(answer for answer in iter(lambda: act(ANN), None) if not answer["ok"])
    assert "disk is full: free some space, then try again" in answer["error"]["message"]
    people.assert_all_is_there()
    pragma(workspace, "max_page_count=100000")
    for person in (ANN, BOB):
        assert act(person)["ok"]
    people.assert_all_is_there()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size. Skips the test where this user may not make one."""
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if mount is None or umount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run([umount, "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_is_told_to_each_and_takes_the_same_action_once_there_is_room(
    tmp_path: Path, fake_segmenter: Stumbling, pictures: list[Path]
) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk, Workspace(Settings(data=disk / "w", model="fake")) as workspace:
        people = Class(workspace, pictures)
        for person in (ANN, BOB):
            assert people.look(person)["candidates"]  # encoded, so that nothing else wants to write
        filling = disk / "filling"
        fill(filling)
        assert_refused_until(people, "the disk is full: free some space, then try again", mend=filling.unlink)


def test_a_database_that_became_read_only_is_told(people: Class) -> None:
    pragma(people.workspace, "query_only=ON")
    mend = lambda: pragma(people.workspace, "query_only=OFF")  # noqa: E731
    assert_refused_until(people, "is read-only: allow writing to the file and to its folder", mend=mend)


def test_a_database_that_another_process_holds_is_told(people: Class) -> None:
    pragma(people.workspace, "busy_timeout=20")  # else the test waits for ten seconds
    database = people.workspace.settings.data / "annotator.db"
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"

        def let_go() -> None:
            other.communicate()

        assert_refused_until(people, "is in use by another program that does not let go of it", mend=let_go)


def test_a_picture_whose_file_is_gone_is_told_to_who_has_it_open_and_to_nobody_else(
    people: Class, fake_segmenter: Stumbling
) -> None:
    workspace = people.workspace
    lost = workspace.image(people.ids[ANN])
    data = workspace.pictures.path(lost.stored_name).read_bytes()
    workspace.pictures.remove(lost.stored_name)
    fake_segmenter.fingerprint = "fake-2"  # so that the picture has to be encoded again
    clicked = people.click(ANN, "second")["result"]
    assert clicked["candidates"] is None
    assert lost.original_name in clicked["problem"]
    assert "Import the same picture again" in clicked["problem"]
    refused = people.save(ANN, "saved")["error"]
    assert "Import the same picture again" in refused["message"]
    assert len(people.click(BOB, "second")["result"]["candidates"]) == 3
    people.assert_all_is_there()
    (workspace.settings.data / "images" / lost.stored_name).write_bytes(data)
    assert people.save(ANN, "saved")["result"]["image"]["instances"] == 1
    people.assert_all_is_there()


def test_a_model_that_fails_on_a_prompt_leaves_the_clicks_there_and_the_undo_possible(
    people: Class, fake_segmenter: Stumbling
) -> None:
    fake_segmenter.fails_to_answer = lambda prompt: bool(np.any(prompt.point_labels == 0))
    bad = {"kind": "point", "x": 5, "y": 5, "label": 0, "op_id": "second"}
    state = people.act(ANN, bad)["result"]
    assert (state["revision"], state["candidates"]) == (2, None)
    assert "the model failed on this prompt (RuntimeError: the decoder melted)" in state["problem"]
    assert "undo the last one" in people.save(ANN, "saved")["error"]["message"]
    assert people.look(ANN)["problem"] == state["problem"]
    assert len(people.click(BOB, "second")["result"]["candidates"]) == 3
    people.assert_all_is_there()
    undone = people.ask(ANN, "act", revision=2, actions=[{"kind": "undo", "op_id": "third"}])["result"]
    assert (undone["problem"], len(undone["candidates"])) == (None, 3)


def test_a_model_that_fails_on_a_picture_is_told_and_goes_on_with_the_others(
    people: Class, fake_segmenter: Stumbling
) -> None:
    wrong = people.workspace.pixels(people.workspace.image(people.ids[ANN]))
    fake_segmenter.fingerprint = "fake-2"
    fake_segmenter.fails_to_encode = lambda image: np.array_equal(image, wrong)
    state = people.click(ANN, "second")["result"]
    assert (state["revision"], state["candidates"]) == (2, None)
    assert "could not be encoded (RuntimeError: the weights melted)" in state["problem"]
    assert len(people.click(BOB, "second")["result"]["candidates"]) == 3
    people.assert_all_is_there()
    fake_segmenter.fails_to_encode = lambda image: False
    assert len(people.look(ANN)["candidates"]) == 3
