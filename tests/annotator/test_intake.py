"""Where uploads wait: room of a person and of all, a disk that is not filled, and nothing left of what broke off."""

import os
import time
from pathlib import Path

import pytest

from annotator.access.ownership import mark_of, owned_token
from annotator.errors import RoomError
from annotator.intake import FILE_OVERHEAD, Intake, IntakeLimits
from annotator.jobs import JobState
from annotator.workspace import Workspace

KIB = 2**10


def intake_of(folder: Path, *, free: int = 10 * 2**30, **limits: int) -> Intake:
    return Intake(folder / "uploads", staged=folder / "arrivals", limits=IntakeLimits(**limits), free=lambda _: free)


def send(intake: Intake, owner: str, size: int, *, name: str = "a.png", **more: bool) -> Path:
    with intake.begin(owner, **more) as upload:
        upload.begin_file(name)
        upload.write(b"x" * size)
        upload.end_file()
        return upload.keep()[0]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_person_gets_so_much_and_more_once_something_was_taken_in(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("annotator.intake._COUNT_AGAIN_S", 0.0)
    intake = intake_of(tmp_path, of_person=100 * KIB)
    first = send(intake, "ann", 80 * KIB)
    with pytest.raises(RoomError, match="Import what is here, or wait"):
        send(intake, "ann", 40 * KIB)
    assert files(tmp_path) == [first], "nothing of what broke off stays"
    assert send(intake, "bob", 40 * KIB).is_file(), "another has room of their own"
    first.unlink()
    assert send(intake, "ann", 40 * KIB).is_file()


def test_even_empty_files_take_room(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, of_person=10 * FILE_OVERHEAD)
    with intake.begin("ann") as upload:
        for _ in range(10):
            upload.begin_file("a.png")
            upload.end_file()
        with pytest.raises(RoomError):
            upload.begin_file("a.png")
    assert not files(tmp_path)


def test_what_was_looked_at_and_waits_for_a_word_counts_too(tmp_path: Path) -> None:
    staged = tmp_path / "arrivals" / owned_token("ann")
    staged.mkdir(parents=True)
    (staged / "set.zip").write_bytes(b"x" * 80 * KIB)
    intake = intake_of(tmp_path, of_person=100 * KIB)
    with pytest.raises(RoomError):
        send(intake, "ann", 40 * KIB)
    assert send(intake, "bob", 40 * KIB).is_file()


def test_all_together_get_so_much_the_instructor_too(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, of_person=50 * KIB, in_all=100 * KIB)
    assert send(intake, "boss", 60 * KIB, is_limited=False).is_file()
    with pytest.raises(RoomError, match="for all"):
        send(intake, "ann", 40 * KIB)
    with pytest.raises(RoomError, match="for all"):
        send(intake, "boss", 40 * KIB, is_limited=False)


def test_the_disk_is_never_filled_and_a_large_upload_is_refused_before_it_comes(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, free=100 * KIB, kept_free=60 * KIB)
    assert send(intake, "ann", KIB).is_file()
    with pytest.raises(RoomError, match="disk is nearly full"):
        intake.begin("ann", announced=50 * KIB)
    with pytest.raises(RoomError, match="disk is nearly full"):
        send(intake_of(tmp_path, free=50 * KIB, kept_free=60 * KIB), "ann", KIB)


def test_one_person_has_so_many_uploads_side_by_side(tmp_path: Path) -> None:
    intake = intake_of(tmp_path, at_once=2)
    with intake.begin("ann"), intake.begin("ann"):
        with pytest.raises(RoomError, match="wait until one has ended"):
            intake.begin("ann")
        assert send(intake, "bob", 1).is_file()
    assert send(intake, "ann", 1).is_file()


def test_what_nobody_imported_for_a_day_goes(tmp_path: Path) -> None:
    intake = intake_of(tmp_path)
    old, new = send(intake, "ann", 1), send(intake, "bob", 1)
    long_ago = time.time() - 2 * 86400
    os.utime(old.parent.parent, (long_ago, long_ago))
    intake.remove_abandoned()
    assert files(tmp_path) == [new]
    assert not (tmp_path / "uploads" / mark_of("ann")).exists()


def test_an_import_from_the_page_stops_before_the_disk_is_full(workspace: Workspace, pictures: list[Path]) -> None:
    left = [3 * 2**30, KIB]
    workspace.intake = Intake(
        workspace.settings.folder("uploads"), staged=workspace.settings.folder("arrivals"), free=lambda _: left.pop(0)
    )
    job = workspace.start_import(pictures, remove_afterwards=True).wait()
    assert (job.state, "disk is nearly full" in job.message) == (JobState.FAILED, True)
    assert 0 < len(workspace.images()) < 3, "what came in before stays"
    assert not any(path.exists() for path in pictures)
