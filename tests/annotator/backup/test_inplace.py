"""A backup is put in place while calls come in: whole, for everybody at once, and never half."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.access.codes import AccessCodes
from annotator.access.entrance import Entrance, Visitor
from annotator.access.person import LOCAL, Person, Role
from annotator.backup import BackupReport, Backups, Restoring
from annotator.config import Settings
from annotator.errors import BackupError, RoomError
from annotator.jobs import Job, JobState
from annotator.objects.places import NOTE
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from storage.database import Database
from storage.doorway import Doorway
from storage.errors import DoorShut, StorageError
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE
from tests.sources import ROOT

ANN = Person("ann", Role.LABELER)


class Class:
    """A workspace with a backup of one picture and the category "cup", in which went on since: "new" and a picture."""

    def __init__(self, workspace: Workspace, pictures: list[Path]) -> None:
        self.workspace, self.calls = workspace, Calls(workspace)
        self.first = workspace.import_pictures(pictures[:1]).image_ids[0]
        workspace.category_called("cup")
        path, _ = workspace.backups.make_here()
        self.backup = path.name
        workspace.category_called("new")
        self.second = workspace.import_pictures(pictures[1:2]).image_ids[0]
        self.lost = workspace.image(self.first).stored_name

    def restoring(self, **other: Any) -> Restoring:
        """Another one for the same workspace, parts of which are others."""
        one = self.workspace
        parts: dict[str, Any] = {
            "database": one.database,
            "folder": one.settings.data,
            "images": one.settings.data / "images",
            "backups": one.backups,
            "jobs": one.jobs,
            "doors": one.doors,
            "in_use": one._in_use,
            "demand_disk": one.intake.demand_disk,
            "household": Idle(),
            "wait_s": 0.2,
        }
        return Restoring(**(parts | other))

    def ask(self, name: str, person: Person = LOCAL, /, generation: int | None = None, **args: object) -> dict:
        message = {"name": name, "args": args} | ({} if generation is None else {"generation": generation})
        answer = self.calls.handle(message, person=person)
        return answer["result"] if answer["ok"] else answer["error"]

    @property
    def is_old(self) -> bool:
        """Whether all is as it was before a restore; else it has to be as the backup has it."""
        state = self.seen()
        assert state in ((["cup", "new"], 2), (["cup"], 1))
        return state == (["cup", "new"], 2)

    def seen(self) -> tuple[list[str], int]:
        """The categories and the number of pictures, all of which can be opened."""
        images = self.workspace.images()
        for image in images:
            assert self.workspace.pictures.has(image.stored_name)
        return [one.name for one in self.workspace.categories()], len(images)


class Idle:
    def pause(self) -> None: ...

    def forget(self) -> None: ...

    def go_on(self) -> None: ...


@pytest.fixture
def settings(settings: Settings, new_database: Path) -> Settings:
    settings.data.mkdir()
    shutil.copy(new_database, settings.data / "annotator.db")
    return settings


@pytest.fixture
def room(workspace: Workspace, pictures: list[Path]) -> Class:
    return Class(workspace, pictures)


def ended(job: Job) -> Job:
    return job.wait(60)


# what comes of it


def test_a_restore_brings_the_backup_back_and_can_be_taken_back_itself(room: Class) -> None:
    (room.workspace.settings.data / "images" / room.lost).write_bytes(b"damaged since")
    job = ended(room.workspace.restoring.start(room.backup, owner="boss"))
    assert job.state is JobState.DONE, job.message
    assert room.seen() == (["cup"], 1)
    assert room.workspace.pixels(room.workspace.image(room.first)).any()
    before = room.workspace.restoring.last
    assert before is not None and before.by == "boss"
    ended(room.workspace.restoring.start(before.before))
    assert room.seen() == (["cup", "new"], 2)
    assert {room.backup, before.before} <= {one.name for one in room.workspace.backups.all()}
    assert not list(room.workspace.settings.data.glob(".restoring-*"))


def test_the_backup_that_is_restored_and_the_one_before_stay_however_many_there_are(room: Class) -> None:
    for _ in range(5):
        room.workspace.backups.make_here(spared=room.backup)
    job = ended(room.workspace.restoring.start(room.backup))
    assert {room.backup, job.result["before"]} <= {one.name for one in room.workspace.backups.all()}


def test_what_was_restored_is_there_after_a_start(room: Class, settings: Settings) -> None:
    ended(room.workspace.restoring.start(room.backup))
    generation = room.workspace.database.generation
    room.workspace.close()
    with Workspace(settings) as again:
        assert [one.name for one in again.categories()] == ["cup"]
        assert again.database.generation == generation != 0


def test_who_is_signed_in_stays_so_and_who_was_signed_out_since_stays_out(
    workspace: Workspace, pictures: list[Path]
) -> None:
    entrance = Entrance(AccessCodes.of(labeler=CODE, instructor=INSTRUCTOR_CODE), workspace.repository)
    here = Visitor(address="127.0.0.1")
    gone, _ = entrance.sign_in("gone", CODE, here)
    room = Class(workspace, pictures)
    entrance.sign_out(gone)
    since, _ = entrance.sign_in("since", CODE, here)
    ended(workspace.restoring.start(room.backup))
    afresh = Entrance(AccessCodes.of(labeler=CODE, instructor=INSTRUCTOR_CODE), workspace.repository)
    assert afresh.person(since) == Person("since", Role.LABELER)
    assert afresh.person(gone) is None


def test_nothing_in_memory_is_of_before(room: Class) -> None:
    room.ask("open_image", ANN, image_id=room.second)
    room.workspace.dataset.looking.run()
    done = ended(room.workspace.jobs.start("look", lambda job: None))
    ended(room.workspace.restoring.start(room.backup))
    assert room.workspace.classroom.presence.seen() == {}
    assert room.workspace.dataset.looking.looks() == {}
    assert room.ask("job", job_id=done.id)["kind"] == "not_found"


# who is there meanwhile


def test_a_page_of_before_changes_nothing_and_one_that_is_loaded_anew_goes_on(room: Class) -> None:
    before = room.ask("bootstrap", ANN)["generation"]
    ended(room.workspace.restoring.start(room.backup))
    # the id that "new" had may be given again: a call that names it would change something else
    for name, args in (("add_category", {"name": "late"}), ("news", {"seen": {}}), ("open_image", {"image_id": 1})):
        assert room.ask(name, ANN, generation=before, **args)["kind"] == "restored"
    assert room.seen() == (["cup"], 1)
    now = room.ask("bootstrap", ANN)["generation"]
    assert now != before
    assert len(room.ask("add_category", ANN, generation=now, name="late")) == 2


def test_calls_are_told_to_ask_again_while_it_lasts(room: Class) -> None:
    with room.workspace.doors.shut(wait_s=1):
        answer = room.ask("add_category", ANN, name="late")
    assert answer == {"kind": "restoring", "message": "The workspace is being restored; the page goes on by itself."}
    assert room.is_old


def test_those_who_go_on_saving_lose_nothing_that_was_acknowledged(room: Class) -> None:
    """Each save that was answered is in the restored data, or in the backup of before, and none in both."""
    stop, saved = threading.Event(), list[tuple[int, str]]()

    def save() -> None:
        generation = room.ask("bootstrap", ANN)["generation"]
        number = 0
        while not stop.is_set():
            answer = room.ask("add_category", ANN, generation=generation, name=f"late {(number := number + 1)}")
            if isinstance(answer, list):
                saved.append((generation, f"late {number}"))
            elif answer["kind"] == "restored":
                generation = room.ask("bootstrap", ANN).get("generation", generation)

    labeler = threading.Thread(target=save)
    labeler.start()
    try:
        job = ended(room.workspace.restoring.start(room.backup))
        count = len(saved)
        while len(saved) < count + 2 and labeler.is_alive():
            stop.wait(0.01)
    finally:
        stop.set()
        labeler.join()
    now = room.workspace.database.generation
    restored = {one.name for one in room.workspace.categories()}
    assert restored == {"cup"} | {name for generation, name in saved if generation == now}
    ended(room.workspace.restoring.start(job.result["before"]))
    names = {one.name for one in room.workspace.categories()}
    assert names == {"cup", "new"} | {name for generation, name in saved if generation != now}


def test_jobs_are_stopped_and_what_does_not_stop_has_the_restore_refused(room: Class) -> None:
    def obedient(job: Job) -> None:
        while True:
            job.progress(0, 1)

    good = room.workspace.jobs.start("look", obedient)
    assert ended(room.restoring().start(room.backup)).state is JobState.DONE
    assert good.state is JobState.CANCELLED
    stop = threading.Event()
    room.workspace.jobs.start("export", lambda job: stop.wait(60))
    job = ended(room.restoring().start(room.backup))
    stop.set()
    assert job.state is JobState.FAILED and "export" in job.message and "as they were" in job.message


def test_a_call_that_does_not_end_has_the_restore_refused_and_the_next_calls_get_through(room: Class) -> None:
    stop, is_in = threading.Event(), threading.Event()

    def linger() -> None:
        with room.workspace.doors.inside():
            is_in.set()
            stop.wait(60)

    slow = threading.Thread(target=linger)
    slow.start()
    is_in.wait(60)
    job = ended(room.restoring().start(room.backup))
    assert job.state is JobState.FAILED and "as they were" in job.message
    assert room.is_old and len(room.ask("list_categories", ANN)) == 2
    stop.set()
    slow.join()


def test_another_program_on_the_workspace_has_the_restore_refused(room: Class, settings: Settings) -> None:
    with Workspace(settings):
        job = ended(room.workspace.restoring.start(room.backup))
        assert job.state is JobState.FAILED and "in use" in job.message
    assert room.is_old
    assert ended(room.workspace.restoring.start(room.backup)).state is JobState.DONE


# where something goes wrong


class FullDisk(OSError):
    def __init__(self) -> None:
        super().__init__(28, "No space left on device")


class FullBackups(Backups):
    """There is no room for a backup of what is there."""

    def make_here(self, *_: object, **__: object) -> tuple[Path, BackupReport]:
        raise FullDisk


class FullDatabase(Database):
    """There is no room for the database."""

    def replace(self, *_: object, **__: object) -> None:
        raise FullDisk


def fail_at_backup(room: Class) -> Restoring:
    one = room.workspace
    return room.restoring(backups=FullBackups(one.database, one.pictures.objects, one.settings.folder, one.jobs))


def fail_at_swap(room: Class) -> Restoring:
    return room.restoring(database=FullDatabase.open(room.workspace.settings.url))


def fail_for_room(room: Class) -> Restoring:
    def full(size: int) -> None:
        raise RoomError("The server's disk is nearly full.")

    return room.restoring(demand_disk=full)


def damage(room: Class) -> Restoring:
    path = room.workspace.backups.path(room.backup)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return room.restoring()


def leave_a_journal(room: Class) -> Restoring:
    (room.workspace.settings.data / "annotator.db-journal").mkdir()
    return room.restoring()


@pytest.mark.parametrize("broken", [fail_at_backup, fail_at_swap, fail_for_room, damage, leave_a_journal])
def test_a_restore_that_goes_wrong_leaves_all_as_it_was(room: Class, broken: Callable[[Class], Restoring]) -> None:
    picture = room.workspace.settings.data / "images" / room.lost
    picture.unlink()
    job = ended(broken(room).start(room.backup))
    with suppress(OSError):
        (room.workspace.settings.data / "annotator.db-journal").rmdir()
    assert job.state is JobState.FAILED and "mistake in the program" not in job.message, job.message
    assert not picture.exists()
    assert [one.name for one in room.workspace.categories()] == ["cup", "new"]
    assert room.workspace.database.generation == 0
    assert room.ask("add_category", ANN, generation=0, name="on")[-1]["name"] == "on"
    assert not list(room.workspace.settings.data.glob(".restoring-*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from annotator.backup import Backups, Restoring
from annotator.inuse import InUse
from annotator.jobs import Jobs
from annotator.objects import Folder
from storage.database import Database
from storage.doorway import Doorway

folder, name, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Killed(Database):
    def replace(self, by, **more):
        if moment == "before": die()
        super().replace(by, **more)
        die()

class Idle:
    def pause(self): ...
    def forget(self): ...
    def go_on(self): ...

database, jobs = Killed.open(f"sqlite:///{folder / 'annotator.db'}"), Jobs()
backups = Backups(database, Folder(folder / "images"), lambda name: folder / name, jobs)
Restoring(
    database, folder=folder, images=folder / "images", backups=backups, jobs=jobs, doors=Doorway(),
    in_use=InUse.shared(folder), demand_disk=lambda size: None, household=Idle(),
).start(name).wait(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_server_that_is_killed_starts_with_the_one_or_the_other(room: Class, settings: Settings, moment: str) -> None:
    room.workspace.close()
    command = [sys.executable, "-c", KILLED, str(settings.data), room.backup, moment]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with Workspace(settings) as again:
        assert len(again.categories()) == (2 if moment == "before" else 1)
        assert all(again.pictures.has(one.stored_name) for one in again.images())
        assert len(again.backups.all()) == 2
        assert ended(again.restoring.start(room.backup)).state is JobState.DONE
        assert not list(settings.data.glob(".restoring-*"))  # what the killed one left is gone, too


# from a file, and the doors


def test_an_uploaded_backup_is_checked_and_comes_into_the_list_or_goes(room: Class, tmp_path: Path) -> None:
    path = room.workspace.backups.path(room.backup)
    assert path is not None
    sent = path.rename(tmp_path / "sent.zip")
    found = ended(room.workspace.restoring.start_check_of(sent))
    assert found.state is JobState.DONE, found.message
    assert (found.result["pictures"], found.result["instances"]) == (1, 0)
    assert found.result["now"] == {"pictures": 2, "instances": 0}
    assert [one.name for one in room.workspace.backups.all()] == [found.result["name"]] and not sent.exists()
    sent.write_bytes(b"no zip")
    refused = ended(room.workspace.restoring.start_check_of(sent))
    assert refused.state is JobState.FAILED and not sent.exists()
    assert refused.message.startswith("sent.zip is no backup")
    assert ended(room.workspace.restoring.start(found.result["name"])).state is JobState.DONE
    assert not room.is_old


def test_a_backup_that_is_not_there_and_a_labeler_are_refused(room: Class) -> None:
    assert room.ask("restore_backup", name="../annotator.db")["kind"] == "backup"
    for name, args in (
        ("check_backup", {"name": room.backup}),
        ("check_uploaded_backup", {"path": "x"}),
        ("restore_backup", {"name": room.backup}),
    ):
        assert room.ask(name, ANN, **args)["kind"] == "not_allowed"
    assert room.is_old


def test_a_database_that_is_no_file_here_is_not_restored_and_the_view_says_what_to_do(
    room: Class, tmp_path: Path
) -> None:
    assert room.ask("class_view")["restoring"] == {"obstacle": None, "last": None}
    elsewhere = room.restoring(folder=tmp_path)
    assert "command line" in (elsewhere.obstacle or "")
    with pytest.raises(BackupError, match="command line"):
        elsewhere.start(room.backup)
    assert "pg_dump" in (room.restoring(database=SimpleNamespace(path=None)).obstacle or "")
    (room.workspace.settings.data / NOTE).write_text("s3://bucket/pictures")
    assert "--pictures" in (room.workspace.restoring.obstacle or "")


@pytest.fixture
def doors() -> Doorway:
    return Doorway()


def test_a_shut_door_lets_nobody_in_but_those_who_are_inside(doors: Doorway) -> None:
    with doors.inside(), doors.inside(), pytest.raises(DoorShut, match="1 did not"), doors.shut(wait_s=0):
        pass
    entered = list[bool]()

    def enter(wait_s: float) -> None:
        with suppress(StorageError), doors.inside(wait_s=wait_s):
            entered.append(True)

    with doors.shut(wait_s=0):
        with pytest.raises(DoorShut), doors.inside():
            pass
        with pytest.raises(DoorShut), doors.shut(wait_s=0):
            pass
        waiting = threading.Thread(target=enter, args=(60,))
        waiting.start()
        assert entered == []
    waiting.join()
    assert entered == [True]
