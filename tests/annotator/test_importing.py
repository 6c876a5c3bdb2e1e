"""Bringing pictures in: good ones become images, the others are named, and nothing is lost in between."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.errors import Cancelled, SettingsError
from annotator.importing import LINES_OF_A_KIND, ImportReport, import_pictures
from annotator.pictures import PictureStore
from annotator.samples import sample_paths
from storage.database import Database
from storage.records import ImageRecord
from storage.repository import Repository


def png(seed: int, size_hw: tuple[int, int] = (12, 16), **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)).save(out, "PNG", **options)
    return out.getvalue()


@pytest.fixture
def store(workspace_dir: Path) -> PictureStore:
    return PictureStore(workspace_dir)


@pytest.fixture
def repository(workspace_dir: Path) -> Iterator[Repository]:
    workspace_dir.mkdir()
    database = Database.open(f"sqlite:///{workspace_dir / 'annotator.db'}")
    yield Repository(database)
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good pictures, one of them turned, among what is none."""
    folder = tmp_path / "given"
    (folder / "cats").mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    (folder / "1.png").write_bytes(png(1))
    (folder / "2.png").write_bytes(png(2, exif=turned))
    (folder / "cats" / "3.png").write_bytes(png(3))
    (folder / "half.png").write_bytes(png(4)[:200])
    (folder / "notes.txt").write_text("no picture")
    (folder / "page.png").write_text("<html>")
    return folder


def test_a_folder_comes_in_and_bad_files_are_named(folder: Path, store: PictureStore, repository: Repository) -> None:
    steps: list[tuple[int, int]] = []
    report = import_pictures(
        [folder], store=store, repository=repository, progress=lambda done, total: steps.append((done, total))
    )
    assert report.imported == 3
    assert [name for name, _ in report.skipped] == ["half.png", "notes.txt", "page.png"]
    assert all(reason.startswith("It ") for _, reason in report.skipped)
    assert steps == [(done, 6) for done in range(1, 7)]
    images = repository.images()
    assert [image.id for image in images] == report.image_ids
    assert [(image.original_name, image.size_hw, image.exif_orientation) for image in images] == [
        ("1.png", (12, 16), 1),
        ("2.png", (16, 12), 6),
        ("cats/3.png", (12, 16), 1),
    ]
    for image in images:
        assert store.pixels(image.stored_name).shape == (*image.size_hw, 3)
    assert list(store.work_folder.glob("*")) == []
    assert list(report.lines())[:2] == [
        "3 pictures imported",
        f"skipped half.png: {report.skipped[0][1]}",
    ]


def test_the_samples_come_in_and_are_what_they_are_said_to_be(store: PictureStore, repository: Repository) -> None:
    report = import_pictures(sample_paths(), store=store, repository=repository)
    assert [image.size_hw for image in repository.images()] == [(400, 600), (300, 451), (512, 512), (427, 640)]
    assert (report.imported, report.skipped, report.duplicates, report.notes) == (4, [], [], [])
    licences = (sample_paths()[0].parent / "LICENSE.md").read_text(encoding="utf-8")
    for image in repository.images():
        assert f"{image.sha256}  {image.original_name}" in licences


def test_an_archive_comes_in_past_what_is_wrong_with_it(
    tmp_path: Path, store: PictureStore, repository: Repository
) -> None:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("../evil.png", png(1)), ("a.png", png(2)), ("A.png", png(3)), ("b.txt", b"text")):
            archive.writestr(name, content)
    report = import_pictures([path], store=store, repository=repository)
    assert {image.original_name for image in repository.images()} == {"a.png", "A (2).png"}
    assert {name for name, _ in report.skipped} == {"pictures.zip/../evil.png", "b.txt"}
    assert not (tmp_path / "evil.png").exists()
    assert not (store.work_folder.parent / "evil.png").exists()


def test_the_same_picture_twice_is_one_image_with_a_word_about_it(
    folder: Path, store: PictureStore, repository: Repository
) -> None:
    (folder / "copy.png").write_bytes((folder / "1.png").read_bytes())
    first = import_pictures([folder], store=store, repository=repository)
    assert first.imported == 3
    assert first.duplicates == ["copy.png: the same picture as 1.png, which is there already"]
    again = import_pictures([folder / "1.png", folder / "copy.png"], store=store, repository=repository)
    assert (again.imported, again.image_ids) == (0, first.image_ids[:1])
    assert len(again.duplicates) == 2
    assert len(repository.images()) == 3


class LateRepository(Repository):
    """Sees a picture only when its row is written, as one does that another import was quicker to write."""

    def find_image(self, sha256: str) -> ImageRecord | None:
        return None


def test_of_two_imports_at_once_the_later_one_finds_a_duplicate(
    folder: Path, store: PictureStore, repository: Repository
) -> None:
    late = LateRepository(repository._database)
    first = import_pictures([folder / "1.png"], store=store, repository=late)
    second = import_pictures([folder / "1.png"], store=store, repository=late)
    assert (first.imported, second.imported) == (1, 0)
    assert second.image_ids == first.image_ids
    assert second.duplicates == ["1.png: the same picture as 1.png, which is there already"]


def test_a_lost_file_is_brought_back_by_importing_its_picture_again(
    folder: Path, store: PictureStore, repository: Repository
) -> None:
    report = import_pictures([folder / "1.png"], store=store, repository=repository)
    (image,) = repository.images()
    store.path(image.stored_name).unlink()
    again = import_pictures([folder / "1.png"], store=store, repository=repository)
    assert store.has(image.stored_name)
    assert (again.imported, again.image_ids) == (0, report.image_ids)
    assert again.notes == ["1.png: the lost file of 1.png is back"]


def test_what_was_changed_on_reading_is_noted(tmp_path: Path, store: PictureStore, repository: Repository) -> None:
    Image.new("RGBA", (3, 3), (9, 9, 9, 9)).save(tmp_path / "glass.png")
    report = import_pictures([tmp_path / "glass.png"], store=store, repository=repository)
    assert report.notes == ["glass.png: transparent parts are white"]


def test_the_limit_on_pixels_is_the_callers(folder: Path, store: PictureStore, repository: Repository) -> None:
    report = import_pictures([folder / "1.png"], store=store, repository=repository, max_pixels=100)
    assert report.imported == 0
    assert "16×12 pixels" in report.skipped[0][1]


def test_a_stop_between_files_keeps_what_is_done(folder: Path, store: PictureStore, repository: Repository) -> None:
    report = import_pictures(
        [folder], store=store, repository=repository, cancelled=lambda: len(repository.images()) == 2
    )
    assert report.cancelled
    assert report.imported == len(repository.images()) == 2
    assert next(iter(report.lines())) == "2 pictures imported, then stopped"


def test_a_progress_that_raises_stops_an_archive_cleanly(
    tmp_path: Path, store: PictureStore, repository: Repository
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for seed in range(5):
            archive.writestr(f"{seed}.png", png(seed))

    def stop_at_two(done: int, total: int) -> None:
        assert total == 5
        if done == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        import_pictures([path], store=store, repository=repository, progress=stop_at_two)
    assert len(repository.images()) == 2
    assert list(store.work_folder.iterdir()) == []


class WatchingTable:
    """A table of images that looks, for each row it is given, whether the picture's file is there already."""

    def __init__(self, store: PictureStore) -> None:
        self.store = store
        self.file_was_there: list[bool] = []

    def find_image(self, sha256: str) -> ImageRecord | None:
        return None

    def add_image(self, *, stored_name: str, **_: object) -> tuple[ImageRecord, bool]:
        self.file_was_there.append(self.store.has(stored_name))
        raise SettingsError("The database cannot be written to.")


def test_a_pictures_file_is_on_the_disk_before_its_row(folder: Path, store: PictureStore) -> None:
    table = WatchingTable(store)
    with pytest.raises(SettingsError):
        import_pictures([folder], store=store, repository=table)
    assert table.file_was_there == [True]


def test_a_disk_that_cannot_be_written_to_ends_the_import_with_the_reason(
    folder: Path, store: PictureStore, repository: Repository
) -> None:
    Path(store.objects.place).touch()  # a file where the folder should be
    with pytest.raises(SettingsError, match="Cannot write"):
        import_pictures([folder], store=store, repository=repository)
    assert repository.images() == []


def test_a_long_report_names_the_first_and_counts_the_rest() -> None:
    report = ImportReport(skipped=[(f"{number}.txt", "It is text.") for number in range(LINES_OF_A_KIND + 7)])
    lines = list(report.lines())
    assert lines[0] == "0 pictures imported"
    assert len(lines) == LINES_OF_A_KIND + 2
    assert lines[-1] == "and 7 more skipped"
