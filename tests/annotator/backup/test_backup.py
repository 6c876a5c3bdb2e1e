"""A backup: whole while others write, checked before it is trusted, and put in place without losing what was there."""

import errno
import json
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.backup import check_backup, make_backup, restore
from annotator.backup.contents import Contents
from annotator.backup.usecases import KEPT
from annotator.config import Settings
from annotator.errors import BackupError, Cancelled, SettingsError
from annotator.inuse import UNFINISHED, InUse
from annotator.jobs import JobState
from annotator.workspace import Workspace
from storage.database import Database
from storage.migration import SCRIPTS
from storage.rle import Rle

WIDTH, HEIGHT = 40, 30


@pytest.fixture(scope="module")
def made(new_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In it, made once and copied: workspace/ with three pictures and an instance, closed; backup.zip; unpacked/."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "workspace").mkdir()
    shutil.copy(new_database, folder / "workspace" / "annotator.db")
    for number in range(3):
        Image.new("RGB", (WIDTH, HEIGHT), (200, 40 * number, 0)).save(folder / f"{number}.png")
    with opened(folder / "workspace") as workspace:
        first, *_ = workspace.import_pictures(sorted(folder.glob("*.png"))).image_ids
        add_instance(workspace, first, workspace.category_called("cup").id)
        workspace.backups.make(folder / "backup.zip")
        workspace.backups.make(folder / "unpacked")
    return folder


@pytest.fixture
def labelled(made: Path, tmp_path: Path) -> Iterator[Workspace]:
    with opened(Path(shutil.copytree(made / "workspace", tmp_path / "workspace"))) as workspace:
        yield workspace


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made / "backup.zip", tmp_path / "backup.zip"))


@pytest.fixture
def unpacked(made: Path, tmp_path: Path) -> Path:
    """The same as a folder, to be damaged."""
    return Path(shutil.copytree(made / "unpacked", tmp_path / "unpacked"))


def add_instance(workspace: Workspace, image_id: int, category_id: int) -> None:
    rle = Rle.encode(np.ones((HEIGHT, WIDTH), bool)).to_coco()
    values = {"category_id": category_id, "rle": rle, "origin": "click"}
    workspace.repository.add_instances(image_id, [values], labeler="ann")


def ids(workspace: Workspace) -> tuple[int, int]:
    """The first picture's and the category's."""
    return workspace.images()[0].id, workspace.categories()[0].id


def opened(folder: Path) -> Workspace:
    return Workspace(Settings(data=folder))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# making one


@pytest.mark.parametrize("name", ["a backup.zip", "a backup"])
def test_what_was_backed_up_is_there_again_elsewhere(labelled: Workspace, name: str, tmp_path: Path) -> None:
    told = list[tuple[int, int]]()
    report = labelled.backups.make(tmp_path / name, lambda done, total: told.append((done, total)))
    assert (report.pictures, report.instances, report.missing) == (3, 1, 0)
    assert told == sorted(told) and told[-1] == (report.size, report.size)
    restored = restore(tmp_path / name, tmp_path / "new")
    assert (restored.pictures, restored.instances, restored.aside) == (3, 1, None)
    assert left_in(tmp_path / "new") == [".in-use", "annotator.db", "images"]
    with opened(tmp_path / "new") as other:
        assert other.images() == labelled.images()
        assert other.categories() == labelled.categories()
        for image in other.images():
            assert other.instances(image.id) == labelled.instances(image.id)
            assert (other.pixels(image) == labelled.pixels(image)).all()


def test_a_backup_made_while_others_write_is_one_moment_of_the_database(labelled: Workspace, tmp_path: Path) -> None:
    image_id, cup = ids(labelled)
    stop, done = threading.Event(), list[int]()

    def write() -> None:
        while not stop.is_set():
            add_instance(labelled, image_id, cup)
            done.append(1)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for one in writers:
        one.start()
    try:
        while len(done) < 2:
            pass
        before = len(done)
        report = labelled.backups.make(tmp_path / "backup.zip")
        after = len(done)
    finally:
        stop.set()
        for one in writers:
            one.join()
    assert before + 1 <= report.instances <= after + 1 + len(writers)
    assert check_backup(tmp_path / "backup.zip").instances == report.instances
    restore(tmp_path / "backup.zip", tmp_path / "new")
    with opened(tmp_path / "new") as other:
        assert len(other.instances(image_id)) == report.instances
        assert other.repository.change_count() > 0


def test_a_picture_removed_while_its_backup_is_made_is_not_in_it(labelled: Workspace, tmp_path: Path) -> None:
    last = labelled.images()[-1]
    removed = list[bool]()

    def remove_once(done: int, total: int) -> None:
        if not removed:
            removed.append(True)
            labelled.remove_image(last.id)

    report = labelled.backups.make(tmp_path / "backup.zip", remove_once)
    assert (report.pictures, report.missing) == (2, 0)
    assert check_backup(tmp_path / "backup.zip").pictures == 2


def test_a_picture_whose_file_was_lost_is_told_and_its_labels_are_kept(labelled: Workspace, tmp_path: Path) -> None:
    labelled.pictures.path(labelled.images()[0].stored_name).unlink()
    report = labelled.backups.make(tmp_path / "backup.zip")
    assert (report.pictures, report.missing, report.instances) == (2, 1, 1)
    assert "lost their files" in report.lines()[1]
    assert "import them again" in restore(tmp_path / "backup.zip", tmp_path / "new").lines()[1]
    with opened(tmp_path / "new") as other:
        assert len(other.images()) == 3


def test_a_backup_that_is_stopped_or_cannot_be_written_leaves_nothing(labelled: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "place"

    def stop(done: int, total: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        labelled.backups.make(folder / "backup.zip", stop)
    assert left_in(folder) == []
    (tmp_path / "a file").touch()
    with pytest.raises(BackupError, match=r"a file.* did not work.*Name another place"):
        labelled.backups.make(tmp_path / "a file" / "backup.zip")

    def fill_the_disk(done: int, total: int) -> None:
        if done:
            raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("backup.zip", "backup"):
        with pytest.raises(BackupError, match="The disk is full"):
            labelled.backups.make(folder / name, fill_the_disk)
    assert left_in(folder) == []


def test_nothing_is_overwritten_by_a_backup(labelled: Workspace, backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(BackupError, match="is there already"):
        labelled.backups.make(backup)
    assert backup.read_bytes() == before
    with pytest.raises(BackupError, match="is there already"):
        labelled.backups.make(labelled.settings.data)
    (tmp_path / "empty").mkdir()
    assert labelled.backups.make(tmp_path / "empty").pictures == 3


def test_the_page_keeps_the_newest_backups_and_gives_the_one_under_way(labelled: Workspace) -> None:
    for _ in range(KEPT + 2):
        job = labelled.backups.start(owner="boss").wait(30)
        assert job.state is JobState.DONE, job.message
    names = [one.name for one in labelled.backups.all()]
    assert (len(names), names[0]) == (KEPT, job.result["name"])
    assert labelled.backups.all()[0].at <= datetime.now(UTC)
    path = labelled.backups.path(names[0])
    assert path is not None and check_backup(path).pictures == 3
    for name in ("annotator-0001-x.db", "../annotator.db", "", "annotator-backup-x.zip"):
        assert labelled.backups.path(name) is None
    first, second = labelled.backups.start(), labelled.backups.start()
    assert first is second or first.state is JobState.DONE
    first.wait(30)


# trusting one


def damage_list(folder: Path, change: Callable[[dict], object]) -> None:
    value = json.loads((folder / "backup.json").read_text())
    change(value)
    (folder / "backup.json").write_text(json.dumps(value))


def change_a_picture(folder: Path) -> None:
    path = next((folder / "images").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def swap_the_database(folder: Path, statement: str) -> None:
    """A database that is not as it was, in a list that says it was."""
    path = folder / "annotator.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    facts = {"size": path.stat().st_size, "sha256": sha256(path.read_bytes()).hexdigest()}
    damage_list(folder, lambda value: value["files"].update({"annotator.db": facts}))


DAMAGE = {
    "a picture is another": (change_a_picture, "is not as it was"),
    "a picture is missing": (lambda folder: next((folder / "images").iterdir()).unlink(), "is missing"),
    "the database is cut": (lambda folder: (folder / "annotator.db").write_bytes(b"SQLite"), "is not as it was"),
    "there is no list": (lambda folder: (folder / "backup.json").unlink(), "is no backup"),
    "the list is no JSON": (lambda folder: (folder / "backup.json").write_text("{"), "cannot be read"),
    "the list leads elsewhere": (
        lambda folder: damage_list(folder, lambda v: v["files"].update({"../evil": v["files"]["annotator.db"]})),
        "no backup holds a file",
    ),
    "the list is of a later version": (
        lambda folder: damage_list(folder, lambda value: value.update(version=2)),
        "newer version",
    ),
    "the list leaves a picture out": (
        lambda folder: damage_list(
            folder, lambda v: v["files"].pop(next(one for one in v["files"] if one.startswith("images/")))
        ),
        "is not whole: 1 of its pictures",
    ),
    "the database brings code along": (
        lambda folder: swap_the_database(
            folder, "CREATE TRIGGER x AFTER INSERT ON images BEGIN DELETE FROM images; END"
        ),
        "trigger",
    ),
    "the database is another program's": (
        lambda folder: swap_the_database(folder, "DROP TABLE alembic_version"),
        "none of this tool's",
    ),
    "the database is of a later version": (
        lambda folder: swap_the_database(folder, "UPDATE alembic_version SET version_num = '9999'"),
        "newer version",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_backup_changes_nothing(unpacked: Path, kind: str, made: Path) -> None:
    damage, reason = DAMAGE[kind]
    damage(unpacked)
    folder = made / "workspace"
    before = left_in(folder), (folder / "annotator.db").read_bytes()
    with pytest.raises(Exception, match=reason):
        restore(unpacked, folder, force=True)
    assert (left_in(folder), (folder / "annotator.db").read_bytes()) == before


@pytest.mark.parametrize("part", [0.1, 0.5, 0.999])
def test_a_zip_that_breaks_off_or_has_a_wrong_byte_is_no_backup(backup: Path, part: float) -> None:
    data = bytearray(backup.read_bytes())
    place = int(len(data) * part)
    backup.write_bytes(data[:place])
    with pytest.raises(BackupError, match="no backup, or damaged"):
        check_backup(backup)
    data[place // 2] ^= 0xFF
    backup.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"):
        check_backup(backup)


def test_a_file_that_unfolds_without_end_is_stopped(unpacked: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(unpacked.rglob("*")):
            if path.is_file():
                name = path.relative_to(unpacked).as_posix()
                archive.writestr(name, b"\0" * 2**26 if name == "annotator.db" else path.read_bytes())
    read = list[int]()
    with pytest.raises(BackupError, match=r"annotator\.db is not as it was"):
        check_backup(bomb, lambda done, total: read.append(done))
    assert max(read) <= sum(path.stat().st_size for path in unpacked.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b"[" * 100_000])
def test_a_list_of_nonsense_is_said(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is no backup, or damaged"):
        Contents.from_json(data, where=tmp_path)


# putting one in place


def test_a_workspace_that_is_there_stays_unless_it_is_forced_and_then_lies_aside(
    backup: Path, labelled: Workspace
) -> None:
    folder, (image_id, cup) = labelled.settings.data, ids(labelled)
    add_instance(labelled, image_id, cup)
    (labelled.settings.folder("checkpoints") / "sam.pth").write_bytes(b"weights")
    with pytest.raises(SettingsError, match=r"is in use.*Stop that first"):
        restore(backup, folder, force=True)
    labelled.close()
    with pytest.raises(BackupError, match=r"There is a workspace.*--force"):
        restore(backup, folder)
    for suffix in ("-wal", "-shm", "-journal"):
        (folder / f"annotator.db{suffix}").write_bytes(b"of the old one")
    report = restore(backup, folder, force=True)
    assert report.aside is not None
    assert {"annotator.db", "images"} <= set(left_in(report.aside))
    assert not list(folder.glob("annotator.db-*"))
    assert (folder / "checkpoints" / "sam.pth").read_bytes() == b"weights"
    with opened(folder) as restored:
        assert len(restored.instances(image_id)) == 1
        assert restored.repository.sign_ins(seen_since=datetime(2000, 1, 1, tzinfo=UTC)) == []
    for path in report.aside.glob("annotator.db-*"):
        path.unlink()
    with opened(report.aside) as old:
        assert len(old.instances(image_id)) == 2


def test_a_restore_signs_everybody_out(labelled: Workspace, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    labelled.repository.add_sign_in("0" * 64, name="ann", role="instructor", now=now)
    labelled.backups.make(tmp_path / "backup.zip")
    restore(tmp_path / "backup.zip", tmp_path / "new")
    with opened(tmp_path / "new") as other:
        assert other.repository.sign_ins(seen_since=datetime(2000, 1, 1, tzinfo=UTC)) == []


def test_a_backup_of_an_older_version_is_upgraded(unpacked: Path, tmp_path: Path) -> None:
    scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "older scripts"))
    for script in (scripts / "versions").glob("[0-9]*.py"):
        if script.name[:4] > "0004":
            script.unlink()
    (unpacked / "annotator.db").unlink()
    Database.open(f"sqlite:///{unpacked / 'annotator.db'}", scripts=scripts).close()
    swap_the_database(unpacked, "PRAGMA user_version = 1")
    restore(unpacked, tmp_path / "new")
    assert left_in(tmp_path / "new") == [".in-use", "annotator.db", "images"]
    with opened(tmp_path / "new") as other:
        assert (other.images(), other.repository.locks()) == ([], {})


def test_what_a_deleted_database_left_beside_it_does_not_ruin_the_new_one(backup: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "annotator.db-wal").write_bytes(b"stale")
    restore(backup, folder)
    assert left_in(folder) == [".in-use", "annotator.db", "images"]


def test_a_restore_that_was_killed_half_way_is_seen_and_can_be_done_again(backup: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    restore(backup, folder)
    (folder / UNFINISHED).touch()
    shutil.move(folder / "annotator.db", tmp_path / "lost.db")
    with pytest.raises(SettingsError, match=r"broken off.*--force"):
        opened(folder)
    with pytest.raises(BackupError, match="--force"):
        restore(backup, folder)
    restore(backup, folder, force=True)
    with opened(folder) as other:
        assert len(other.images()) == 3


def test_nobody_starts_while_a_backup_is_put_in_place(tmp_path: Path) -> None:
    with InUse.alone(tmp_path), pytest.raises(SettingsError, match="being restored"):
        opened(tmp_path)
    with opened(tmp_path), opened(tmp_path):  # two at once are fine
        pass
    InUse.alone(tmp_path).close()


def test_another_kind_of_database_is_not_backed_up_in_halves(labelled: Workspace, tmp_path: Path) -> None:
    labelled.database.path = None  # as for a server's
    with pytest.raises(Exception, match="pg_dump"):
        make_backup(labelled.database, labelled.pictures.objects, tmp_path / "backup.zip")
    assert not (tmp_path / "backup.zip").exists()
