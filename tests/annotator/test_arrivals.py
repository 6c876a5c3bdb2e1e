"""Uploads that wait for a word: looked at, taken in once, dropped, never left lying about."""

import os
import time
from pathlib import Path

import orjson
import pytest

from annotator.arrivals import Arrivals
from annotator.errors import AnnotatorError, NotFoundError
from annotator.jobs import JobState
from annotator.staging import GivenFile, Staging
from annotator.workspace import Workspace
from exporters.files import export
from tests.exporters.datasets import small_dataset


def upload(folder: Path, name: str, content: bytes) -> GivenFile:
    """A file as the browser's upload leaves it: under a name that has little to do with its own."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.upload"
    path.write_bytes(content)
    return GivenFile(path, name)


def zipped_coco(folder: Path) -> bytes:
    export("coco", small_dataset(folder / "made"), folder / "coco.zip")
    return (folder / "coco.zip").read_bytes()


def waiting(workspace: Workspace) -> list[Path]:
    return list((workspace.settings.data / "arrivals").iterdir())


def test_a_data_set_is_looked_at_then_taken_in_once(workspace: Workspace, tmp_path: Path) -> None:
    job = workspace.arrivals.start_inspect([upload(tmp_path / "up", "set.zip", zipped_coco(tmp_path))]).wait()
    assert job.state is JobState.DONE, job.message
    plan = job.result["plan"]
    assert (plan["format"], plan["pictures"]["new"], plan["instances"], plan["new_instances"]) == ("coco", 3, 7, 7)
    assert not workspace.images(), "to look changes nothing"
    done = workspace.arrivals.start_import(job.result["token"], on_conflict="skip").wait()
    assert done.state is JobState.DONE, done.message
    assert (done.result["imported"], done.result["added"]) == (3, 7)
    orjson.dumps(done.to_json())  # as the page gets it
    assert not waiting(workspace)
    with pytest.raises(NotFoundError, match="Upload them again"):
        workspace.arrivals.start_import(job.result["token"], on_conflict="skip")


def test_plain_pictures_are_no_data_set_and_come_in_as_pictures(workspace: Workspace, tmp_path: Path) -> None:
    made = sorted(small_dataset(tmp_path / "made").folder.glob("*.png"))
    files = [upload(tmp_path / "up", f"holiday/{path.name}", path.read_bytes()) for path in made]
    job = workspace.arrivals.start_inspect(files).wait()
    assert job.result["plan"] is None
    with pytest.raises(AnnotatorError, match="Import them as pictures"):
        workspace.arrivals.start_import(job.result["token"], on_conflict="skip")
    taken = workspace.arrivals.start_pictures(job.result["token"]).wait()
    assert taken.result["imported"] == 3
    assert not [path for path in (workspace.settings.data / "arrivals").rglob("*") if path.is_file()]


def test_a_damaged_data_set_fails_with_its_reason_and_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    content = b'{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"id": 1, "image_id": 1, "categ'
    job = workspace.arrivals.start_inspect([upload(tmp_path / "up", "annotations.json", content)]).wait()
    assert job.state is JobState.FAILED
    assert "annotations.json" in job.message and "cut off" in job.message
    assert not waiting(workspace)


def test_what_is_dropped_or_forgotten_is_deleted(workspace: Workspace, tmp_path: Path) -> None:
    job = workspace.arrivals.start_inspect([upload(tmp_path / "up", "set.zip", zipped_coco(tmp_path))]).wait()
    assert len(waiting(workspace)) == 1
    workspace.arrivals.drop(job.result["token"])
    assert not waiting(workspace)
    workspace.arrivals.drop("never given")
    with pytest.raises(AnnotatorError, match="Upload some first"):
        workspace.arrivals.start_inspect([])


def test_files_of_one_name_stay_apart_and_old_ones_go(tmp_path: Path) -> None:
    staging = Staging(tmp_path / "staged")
    given = [upload(tmp_path / "up", "set/a.txt", b"1"), upload(tmp_path / "up", "set/A.TXT", b"2")]
    staged = staging.take(given)
    assert staged.root.name == "set"
    assert sorted(path.read_bytes() for path in staged.paths) == [b"1", b"2"]
    assert len({path.name.casefold() for path in staged.paths}) == 2
    assert not any(file.path.exists() for file in given)
    old = time.time() - 7 * 86400
    os.utime(staged.folder, (old, old))
    Staging(tmp_path / "staged")
    assert not staged.folder.exists()


def test_what_one_process_looked_at_another_takes_in_and_no_third_does(workspace: Workspace, tmp_path: Path) -> None:
    here, there = (
        Arrivals(
            tmp_path / "shared",
            datasets=workspace.datasets,
            jobs=workspace.jobs,
            start_pictures=lambda paths: workspace.start_import(paths),
            are_shared=True,
        )
        for _ in range(2)
    )
    looked = here.start_inspect([upload(tmp_path / "up", "set.zip", zipped_coco(tmp_path))]).wait()
    done = there.start_import(looked.result["token"], on_conflict="skip").wait()
    assert (done.result["imported"], done.result["added"]) == (3, 7), done.message
    with pytest.raises(NotFoundError, match="Upload them again"):
        here.start_import(looked.result["token"], on_conflict="skip")
    plain = here.start_inspect([upload(tmp_path / "up", "notes.txt", b"no data set")]).wait()
    failed = there.start_import(plain.result["token"], on_conflict="skip").wait()
    assert "Import them as pictures" in failed.message
    with pytest.raises(NotFoundError):
        there.start_import("../uploads", on_conflict="skip")
