"""Whole under its final name, or not there at all."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from exporters.base import ExportError, ExportReport
from exporters.files import export
from exporters.registry import EXPORTERS
from exporters.workfolder import clean_up, work_folder
from tests.exporters.datasets import plain_dataset, tree_bytes

ROOT = Path(__file__).resolve().parents[2]
every_target = pytest.mark.parametrize("out", ["out", "out.zip"])


@pytest.fixture
def dataset(tmp_path):
    return plain_dataset(tmp_path / "pictures")


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


class Failing:
    """An Exporter that writes something and then fails as told."""

    name = "failing"
    title = summary = snippet = "fails"
    takes: frozenset[str] = frozenset()

    def __init__(self, error):
        self.error = error

    def write(self, dataset, folder, options, progress):
        (folder / "half.txt").write_text("half")
        raise self.error


@pytest.fixture
def failing_with(monkeypatch):
    def register(error):
        monkeypatch.setitem(EXPORTERS, "failing", Failing(error))
        return "failing"

    return register


def everything_in(place):
    return sorted(path.name for path in place.iterdir())


def test_a_zip_holds_the_files_of_the_folder_sorted_and_without_a_clock(dataset, place):
    export("coco", dataset, place / "out")
    export("coco", dataset, place / "out.zip")
    with zipfile.ZipFile(place / "out.zip") as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == tree_bytes(place / "out")
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    packed = {entry.filename: entry.compress_type for entry in entries}
    assert packed["images/a.png"] == zipfile.ZIP_STORED
    assert packed["annotations.json"] == zipfile.ZIP_DEFLATED


@every_target
def test_nothing_but_the_export_is_left_beside_it(out, dataset, place):
    export("yolo-segment", dataset, place / out)
    assert everything_in(place) == [out]


def test_folders_on_the_way_are_made(dataset, place):
    export("coco", dataset, place / "deep/er/out.zip")
    assert (place / "deep/er/out.zip").exists()


@every_target
def test_an_earlier_export_is_replaced_as_a_whole(out, dataset, place):
    export("coco", dataset, place / out)
    export("yolo-detect", dataset, place / out)
    export("yolo-detect", dataset, place / f"fresh-{out}")
    if out == "out":
        assert tree_bytes(place / "out") == tree_bytes(place / "fresh-out")
    else:
        assert (place / out).read_bytes() == (place / f"fresh-{out}").read_bytes()


def test_an_empty_folder_is_filled(dataset, place):
    (place / "out").mkdir()
    assert export("coco", dataset, place / "out").images == 3


@pytest.mark.parametrize("name", ["notes", "notes.zip", "data", "data.zip", "report", "list.zip"])
def test_what_is_no_earlier_export_is_never_touched(name, dataset, place):
    target = place / name
    if name in ("notes", "notes.zip"):
        target.write_text("mine")
    elif name == "list.zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("report.json", "[]")
    else:
        target.mkdir()
        (target / ("report.json" if name == "report" else "thesis.txt")).write_text('{"mine": 1}')
    before = tree_bytes(place)
    with pytest.raises(ExportError, match=r"not an earlier export\. Choose another name"):
        export("coco", dataset, target)
    assert tree_bytes(place) == before


def test_a_folder_with_something_of_the_users_in_it_is_not_replaced(dataset, place):
    export("yolo-segment", dataset, place / "out")
    (place / "out/runs").mkdir()
    (place / "out/runs/best.pt").write_text("a night of training")
    (place / "out/.DS_Store").touch()
    with pytest.raises(ExportError, match="more than the earlier export: runs"):
        export("yolo-segment", dataset, place / "out")
    assert (place / "out/runs/best.pt").exists()
    (place / "out/runs/best.pt").unlink()
    (place / "out/runs").rmdir()
    export("yolo-segment", dataset, place / "out")


def test_what_comes_to_the_name_while_writing_is_not_touched_either(dataset, place):
    def interfere(done, total):
        (place / "out.zip").write_text("mine")

    with pytest.raises(ExportError, match="not an earlier export"):
        export("coco", dataset, place / "out.zip", progress=interfere)
    assert (place / "out.zip").read_text() == "mine"


@every_target
@pytest.mark.parametrize("error", [RuntimeError("cancelled"), KeyboardInterrupt()], ids=["cancel", "ctrl-c"])
def test_an_interruption_leaves_the_earlier_export_and_nothing_else(out, error, dataset, place):
    export("coco", dataset, place / out)
    before = tree_bytes(place)

    def interrupt(done, total):
        if done == 2:
            raise error

    for name in EXPORTERS:
        with pytest.raises(type(error)):
            export(name, dataset, place / out, progress=interrupt)
        assert tree_bytes(place) == before
        with pytest.raises(type(error)):
            export(name, dataset, place / f"new-{out}", progress=interrupt)
        assert tree_bytes(place) == before


@every_target
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EACCES, "No permission"),
        (errno.EROFS, "No permission"),
        (errno.EIO, "did not work"),
    ],
)
def test_trouble_with_the_disk_is_said_in_words(code, said, out, dataset, place, failing_with):
    with pytest.raises(ExportError, match=said) as caught:
        export(failing_with(OSError(code, os.strerror(code))), dataset, place / out)
    assert "Nothing was written under the final name" in str(caught.value)
    assert everything_in(place) == []


def test_a_file_in_the_way_of_the_folder_is_said_in_words(dataset, place):
    (place / "file").write_text("mine")
    with pytest.raises(ExportError, match="did not work"):
        export("coco", dataset, place / "file" / "out")


def test_a_full_disk_is_said_in_words(dataset, tmp_path):
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from exporters.base import ExportError; from exporters.files import export\n"
        "from tests.exporters.datasets import plain_dataset\n"
        "dataset = plain_dataset(Path(sys.argv[1]) / 'pictures')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))\n"
        "try: export('coco', dataset, Path(sys.argv[1]) / 'exports/out')\n"
        "except ExportError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "did not work" in said.stdout  # the limit on one file's size is what a test may set; it says EFBIG
    assert everything_in(tmp_path / "exports") == []


def test_what_a_dead_export_left_goes_with_the_next_one(dataset, place):
    dead = place / ".out.abc.exporting"
    (dead / "whole").mkdir(parents=True)
    (dead / "lock").touch()
    export("coco", dataset, place / "other.zip")
    assert everything_in(place) == ["other.zip"]


def test_a_work_folder_that_has_no_lock_yet_is_given_a_minute(place):
    young, old = place / ".a.young.exporting", place / ".a.old.exporting"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (time.time() - 120, time.time() - 120))
    clean_up(place)
    assert everything_in(place) == [young.name]


def test_an_export_that_is_still_running_keeps_its_work_folder(dataset, place):
    with work_folder(place / "out") as work:
        export("coco", dataset, place / "other")
        assert work.exists()
    assert everything_in(place) == ["other"]


def test_an_export_that_died_between_its_last_two_steps_gives_the_old_one_back(dataset, place):
    export("coco", dataset, place / "out")
    before = tree_bytes(place / "out")
    dead = place / ".out.abc.exporting"
    (dead / "old").mkdir(parents=True)
    (dead / "lock").touch()
    (place / "out").rename(dead / "old/out")
    clean_up(place)
    assert everything_in(place) == ["out"]
    assert tree_bytes(place / "out") == before


def test_two_exports_at_once_both_come_out_whole(dataset, place):
    inner: list[ExportReport] = []

    def also(done, total):
        if not inner:
            inner.append(export("coco", dataset, place / "out"))

    export("coco", dataset, place / "out", progress=also)
    assert isinstance(inner[0], ExportReport)
    assert everything_in(place) == ["out"]
    assert json.loads((place / "out/report.json").read_text())["images"] == 3


KILLED = """
import sys; from pathlib import Path
from exporters.files import export
from tests.exporters.datasets import plain_dataset
dataset = plain_dataset(Path(sys.argv[1]) / "pictures")
export("coco", dataset, Path(sys.argv[2]))
print("first", flush=True)
while True:
    export("coco", dataset, Path(sys.argv[2]))
"""


@every_target
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_at_any_moment_leaves_no_half_export(out, tmp_path):
    dice = random.Random(out)
    for attempt in range(3):
        place = tmp_path / f"exports{attempt}"
        victim = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(place / out)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"first\n"
        time.sleep(dice.uniform(0, 0.1))
        victim.kill()
        victim.wait()
        for left in place.glob(".*"):
            os.utime(left, (1, 1))  # as if a minute had passed, should the kill have come before the lock
        clean_up(place)
        assert everything_in(place) == [out]  # the last whole one, or the new one
        if out == "out":
            assert len(json.loads((place / out / "annotations.json").read_text())["annotations"]) == 3
            assert {path.name for path in (place / out).iterdir()} == {"images", "annotations.json", "report.json"}
        else:
            with zipfile.ZipFile(place / out) as archive:
                assert archive.testzip() is None
                assert len(archive.namelist()) == 5
