"""The picture files of a workspace: whole or not there, found again, made once."""

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.errors import ImageError, SettingsError
from annotator.files import remove_leftovers, write_whole
from annotator.images import Picture, read_image
from annotator.pictures import PictureStore
from importers.workfiles import UNFINISHED


def png(seed: int, size_hw: tuple[int, int] = (60, 80)) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


def picture(seed: int = 0, size_hw: tuple[int, int] = (60, 80)) -> Picture:
    return read_image(png(seed, size_hw))


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_picture_is_kept_under_its_hash_and_read_back(store: PictureStore) -> None:
    given = picture()
    stored_name = store.add(given)
    assert stored_name == f"{given.sha256}.png"
    assert store.path(stored_name) == store.work_folder.parent / "images" / stored_name
    assert store.path(stored_name).read_bytes() == given.kept
    np.testing.assert_array_equal(store.pixels(stored_name), given.pixels)
    assert store.add(given) == stored_name


def test_pixels_are_shared_and_cannot_be_written_to(store: PictureStore) -> None:
    stored_name = store.add(picture())
    pixels = store.pixels(stored_name)
    assert store.pixels(stored_name) is pixels
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 0


def test_decoded_pictures_are_kept_up_to_a_number_of_bytes(tmp_path: Path) -> None:
    one = picture(0).pixels.nbytes
    store = PictureStore(tmp_path, cache_bytes=2 * one)
    names = [store.add(picture(seed)) for seed in range(3)]
    first, second = store.pixels(names[0]), store.pixels(names[1])
    assert store.pixels(names[0]) is first
    third = store.pixels(names[2])  # pushes the second out, which was used least recently
    assert store.pixels(names[0]) is first
    assert store.pixels(names[2]) is third
    assert store.pixels(names[1]) is not second
    np.testing.assert_array_equal(store.pixels(names[1]), second)


def test_a_picture_larger_than_the_cache_is_given_all_the_same(tmp_path: Path) -> None:
    store = PictureStore(tmp_path, cache_bytes=10)
    given = picture()
    stored_name = store.add(given)
    for _ in range(2):
        np.testing.assert_array_equal(store.pixels(stored_name), given.pixels)


def test_a_display_picture_has_the_size_asked_for_and_is_made_once(store: PictureStore) -> None:
    stored_name = store.add(picture())
    path = store.display(stored_name, (30, 40))
    with Image.open(path) as shown:
        assert (shown.format, shown.size) == ("JPEG", (40, 30))
    made = path.stat().st_mtime_ns, path.stat().st_ino
    assert store.display(stored_name, (30, 40)) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == made
    assert store.display(stored_name, (15, 20)) != path


def test_a_thumbnail_is_there_from_the_start_and_made_anew_when_it_is_lost(store: PictureStore) -> None:
    stored_name = store.add(picture(size_hw=(400, 100)))
    path = store.thumbnail(stored_name)
    with Image.open(path) as shown:
        assert shown.size == (40, 160)
    content = path.read_bytes()
    path.unlink()
    assert store.thumbnail(stored_name).read_bytes() == content


def test_a_missing_picture_is_named_with_what_to_do(store: PictureStore) -> None:
    stored_name = store.add(picture())
    store.path(stored_name).unlink()
    for ask in (store.path, store.pixels):
        with pytest.raises(ImageError, match=r"^cup\.png: Its file is missing from .*Import the same picture again"):
            ask(stored_name, original_name="cup.png")
    with pytest.raises(ImageError, match=r"^cup\.png: "):
        store.display(stored_name, (5, 5), original_name="cup.png")
    with pytest.raises(ImageError, match=stored_name):
        store.pixels(stored_name)
    assert not store.has(stored_name)


def test_an_emptied_or_damaged_picture_file_is_an_error_too(store: PictureStore) -> None:
    stored_name = store.add(picture())
    path = store.path(stored_name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"^cup\.png: It"):
        store.pixels(stored_name, original_name="cup.png")
    path.write_bytes(b"")
    assert not store.has(stored_name)


def test_a_removed_picture_takes_everything_derived_along_and_nothing_else(store: PictureStore, tmp_path: Path) -> None:
    gone, stays = store.add(picture(0)), store.add(picture(1))
    for stored_name in (gone, stays):
        store.pixels(stored_name)
        store.display(stored_name, (30, 40))
        store.display(stored_name, (15, 20))
    store.remove(gone)
    assert len(files(tmp_path)) == 4
    assert all(Path(stays).stem in name for name in files(tmp_path))
    with pytest.raises(ImageError):
        store.pixels(gone)
    store.remove(gone)


@pytest.mark.parametrize("name", ["../annotator.db", "/etc/passwd", "x.png", "a" * 64 + ".svg", "a" * 64 + ".png/.."])
def test_a_name_the_store_never_gave_is_refused(store: PictureStore, name: str) -> None:
    for ask in (store.path, store.pixels, store.thumbnail, store.has, store.remove):
        with pytest.raises(ImageError, match="no stored picture's name"):
            ask(name)
    with pytest.raises(ImageError, match="no stored picture's name"):
        store.display(name, (1, 1))


def test_many_threads_asking_at_once_get_the_same_whole_files(store: PictureStore, tmp_path: Path) -> None:
    names = [store.add(picture(seed)) for seed in range(3)]
    start = threading.Barrier(12)

    def ask(number: int) -> tuple[str, bytes, int]:
        stored_name = names[number % 3]
        start.wait()
        shown = store.display(stored_name, (30, 40)).read_bytes()
        Image.open(io.BytesIO(shown)).load()
        return stored_name, shown, id(store.pixels(stored_name))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    assert len(set(answers)) == 3
    assert not [name for name in files(tmp_path) if UNFINISHED in name]


def test_two_stores_on_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    stores = [PictureStore(tmp_path, cache_bytes=0) for _ in range(4)]
    given = picture()
    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(lambda store: store.add(given), stores * 5))
        shown = set(pool.map(lambda store: store.display(next(iter(names)), (9, 9)).read_bytes(), stores * 5))
    assert (len(names), len(shown)) == (1, 1)
    assert len(files(tmp_path)) == 3


# writing


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert files(tmp_path) == {"new/file"}


def test_where_nothing_can_be_written_the_reason_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(SettingsError, match=r"^Cannot write .*target: "):
        write_whole(tmp_path / "target", b"a folder is in the way")
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^Cannot write .*x: "):
        write_whole(tmp_path / "file" / "x", b"a file is in the way")
    assert files(tmp_path) == {"file"}


def test_what_a_killed_process_left_is_cleared_away_a_day_later(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name, age_s in ((f"{UNFINISHED}old", 2 * 24 * 3600), (f"{UNFINISHED}new", 0), ("old.png", 2 * 24 * 3600)):
        (images / name).touch()
        os.utime(images / name, (time.time() - age_s,) * 2)
    PictureStore(tmp_path)
    assert files(images) == {f"{UNFINISHED}new", "old.png"}
    remove_leftovers(tmp_path / "not there")
