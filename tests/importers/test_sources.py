"""Files, folders and zip archives, good and evil, as one stream; nothing is ever written but in the work folder."""

import io
import os
import stat
import struct
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.archives import _BoundedReader, _TooMuch
from importers.base import ImporterError
from importers.sources import Skipped, SourceFile, SourceLimits, expand

needs_links = pytest.mark.skipif(os.name != "posix", reason="links need a right that Windows rarely gives")


class Taken:
    """What came out of an expansion: contents by name, reasons by name, and what was on disk meanwhile."""

    def __init__(self, paths: Iterable[Path], work_dir: Path, limits: SourceLimits | None = None) -> None:
        sources = expand(list(paths), work_dir=work_dir, limits=limits)
        self.total = sources.total
        self.files: dict[str, bytes] = {}
        self.skipped: dict[str, str] = {}
        self.most_at_once = 0
        for item in sources:
            self.most_at_once = max(self.most_at_once, len(list(work_dir.glob("*"))) if work_dir.exists() else 0)
            if isinstance(item, SourceFile):
                assert item.name not in self.files
                self.files[item.name] = item.path.read_bytes()
            else:
                assert isinstance(item, Skipped)
                assert item.reason
                self.skipped[item.name] = item.reason
        assert not work_dir.exists() or not list(work_dir.iterdir())


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    return folder


def zip_at(path: Path, entries: dict[str, bytes] | list[tuple[zipfile.ZipInfo | str, bytes]], **options) -> Path:
    with zipfile.ZipFile(path, "w", compression=options.get("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return path


# files and folders


def test_single_files_come_in_the_order_given(folder: Path, work_dir: Path) -> None:
    for name in ("b.png", "a.png"):
        (folder / name).write_bytes(name.encode())
    taken = Taken([folder / "b.png", folder / "a.png", folder / "b.png"], work_dir)
    assert list(taken.files.items()) == [("b.png", b"b.png"), ("a.png", b"a.png"), ("b (2).png", b"b.png")]
    assert taken.total == 3


def test_a_folder_comes_whole_in_natural_order_with_names_relative_to_it(folder: Path, work_dir: Path) -> None:
    for name in ("10.png", "9.png", "cats/2.png", "cats/1.png", "cats/deep/3.png", ".hidden.png", ".git/x.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "Thumbs.db").touch()
    taken = Taken([folder], work_dir)
    assert list(taken.files) == ["9.png", "10.png", "cats/1.png", "cats/2.png", "cats/deep/3.png"]
    assert taken.skipped == {}
    assert taken.total == 5


def test_what_is_not_there_is_named(folder: Path, work_dir: Path) -> None:
    assert "nothing to be read" in Taken([folder / "gone.png"], work_dir).skipped["gone.png"]


@needs_links
def test_links_out_of_a_folder_are_named_and_not_followed(folder: Path, work_dir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "s.png").touch()
    (folder / "inside").mkdir()
    (folder / "inside" / "a.png").touch()
    (folder / "to file.png").symlink_to(secret / "s.png")
    (folder / "to folder").symlink_to(secret)
    (folder / "to itself").symlink_to(folder)
    (folder / "to inside.png").symlink_to(folder / "inside" / "a.png")
    (folder / "to nothing.png").symlink_to(folder / "gone.png")
    taken = Taken([folder], work_dir)
    assert list(taken.files) == ["to inside.png", "inside/a.png"]
    assert set(taken.skipped) == {"to file.png", "to folder", "to nothing.png"}
    assert "out of the folder" in taken.skipped["to file.png"]
    assert "out of the folder" in taken.skipped["to folder"]


@needs_links
def test_a_pipe_is_named_and_not_waited_for(folder: Path, work_dir: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    assert "no ordinary file" in Taken([folder], work_dir).skipped["pipe.png"]
    assert "no ordinary file" in Taken([folder / "pipe.png"], work_dir).skipped["pipe.png"]


@needs_links
@pytest.mark.parametrize("name", ["two\nlines.png", "😀.png", "שלום.png", "a" * 251 + ".png", os.fsdecode(b"\xff.png")])
def test_odd_names_come_in(folder: Path, work_dir: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    (shown,) = Taken([folder], work_dir).files
    assert shown.encode("utf-8").decode() == shown
    assert "\n" not in shown
    assert len(shown) <= 255


@needs_links
def test_names_that_differ_in_case_alone_are_kept_apart(folder: Path, work_dir: Path) -> None:
    (folder / "A.png").write_bytes(b"1")
    (folder / "a.png").write_bytes(b"2")
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this file system does not tell them apart either")
    assert set(Taken([folder], work_dir).files) in ({"A.png", "a (2).png"}, {"a.png", "A (2).png"})


def test_a_folder_beyond_the_limit_says_so_and_keeps_what_came(folder: Path, work_dir: Path) -> None:
    for number in range(5):
        (folder / f"{number}.png").touch()
    taken = Taken([folder], work_dir, SourceLimits(max_files=3))
    assert len(taken.files) == 3
    assert taken.skipped == {"given": "It has more than 3 files; the rest was left."}


# good archives


def test_an_archive_comes_one_entry_at_a_time_in_natural_order(tmp_path: Path, work_dir: Path) -> None:
    entries = {"10.png": b"ten", "cats/": b"", "cats/2.png": b"two", "9.png": b"nine" * 9999}
    entries |= {"__MACOSX/._9.png": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}
    taken = Taken([zip_at(tmp_path / "pictures.zip", entries)], work_dir)
    assert list(taken.files.items()) == [("9.png", b"nine" * 9999), ("10.png", b"ten"), ("cats/2.png", b"two")]
    assert taken.skipped == {}
    assert taken.total == 3
    assert taken.most_at_once == 1


def test_an_archive_is_told_by_its_content_and_one_in_a_folder_by_its_name(folder: Path, work_dir: Path) -> None:
    zip_at(folder / "upload", {"a.png": b"1"})
    assert list(Taken([folder / "upload"], work_dir).files) == ["a.png"]
    (folder / "upload").rename(folder / "UPLOAD.ZIP")
    assert list(Taken([folder], work_dir).files) == ["a.png"]


def test_an_unread_archive_leaves_nothing_behind(tmp_path: Path, work_dir: Path) -> None:
    items = iter(expand([zip_at(tmp_path / "a.zip", {"1.png": b"1", "2.png": b"2"})], work_dir=work_dir))
    next(items)
    assert len(list(work_dir.iterdir())) == 1
    items.close()
    assert list(work_dir.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_and_case_clashing_entries_are_kept_apart(tmp_path: Path, work_dir: Path) -> None:
    archive = zip_at(tmp_path / "a.zip", [("a.png", b"1"), ("a.png", b"2"), ("A.PNG", b"3")])
    assert Taken([archive], work_dir).files == {"a.png": b"1", "a (2).png": b"2", "A (3).PNG": b"3"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines.png", "two_lines.png"),
        ("😀 schön.png", "😀 schön.png"),
        ("שלום.png", "שלום.png"),
        ("\u202egnp.exe", "_gnp.exe"),
        ("x" * 300 + ".png", "x" * 250 + "….png"),
        ("./a.png", "a.png"),
    ],
)
def test_odd_names_in_an_archive_come_in(tmp_path: Path, work_dir: Path, name: str, shown: str) -> None:
    assert Taken([zip_at(tmp_path / "a.zip", {name: b"x"})], work_dir).files == {shown: b"x"}


def test_utf8_names_that_are_not_marked_as_such_are_read_as_meant(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "mac.zip", {"sch_n.png": b"x"})
    path.write_bytes(path.read_bytes().replace(b"sch_n.png", "schö.png".encode()))  # as long in bytes
    assert list(Taken([path], work_dir).files) == ["schö.png"]


def test_an_empty_archive_has_nothing(tmp_path: Path, work_dir: Path) -> None:
    taken = Taken([zip_at(tmp_path / "empty.zip", {})], work_dir)
    assert (taken.files, taken.skipped, taken.total) == ({}, {}, 0)


# evil archives


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "a/../../x.png",
        "/x.png",
        "//host/x.png",
        "C:/x.png",
        "c:x.png",
        "C:\\x.png",
        "..\\x.png",
        "a\\b.png",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_and_the_rest_comes_in(
    tmp_path: Path, work_dir: Path, name: str
) -> None:
    before = tree(tmp_path)
    path = zip_at(tmp_path / "evil.zip", {name: b"evil", "good.png": b"good"})
    taken = Taken([path], work_dir)
    assert taken.files == {"good.png": b"good"}
    (skipped,) = taken.skipped
    assert skipped.startswith("evil.zip/")
    assert tree(tmp_path) - before <= {path, work_dir}


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*")) | set(folder.parent.glob("*"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=4))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_whatever_makes_a_file_outside(tmp_path: Path, names: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    path = zip_at(home / "a.zip", [(zipfile.ZipInfo(name), b"x") for name in names])
    Taken([path], home / "work")
    assert tree(home) - {home} <= {path, home / "work"}


def test_links_and_devices_in_an_archive_are_refused(tmp_path: Path, work_dir: Path) -> None:
    entries: list[tuple[zipfile.ZipInfo | str, bytes]] = []
    for name, kind in (("link.png", stat.S_IFLNK), ("device.png", stat.S_IFBLK), ("pipe.png", stat.S_IFIFO)):
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = (kind | 0o777) << 16
        entries.append((info, b"/etc/passwd"))
    taken = Taken([zip_at(tmp_path / "a.zip", [*entries, ("good.png", b"1")])], work_dir)
    assert set(taken.skipped) == {"a.zip/link.png", "a.zip/device.png", "a.zip/pipe.png"}
    assert all("link or device" in reason for reason in taken.skipped.values())
    assert list(taken.files) == ["good.png"]


def test_a_nested_archive_is_named_and_not_opened(tmp_path: Path, work_dir: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep.png", b"x")
    taken = Taken([zip_at(tmp_path / "a.zip", {"inner.png": inner.getvalue(), "b.png": b"b"})], work_dir)
    assert list(taken.files) == ["b.png"]
    assert "inside a zip archive" in taken.skipped["a.zip/inner.png"]


def test_an_encrypted_entry_is_named(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {"secret.png": b"x", "open.png": b"y"})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo("secret.png").header_offset
    central = data.index(b"PK\x01\x02")
    data[local + 6] |= 1
    data[central + 8] |= 1
    path.write_bytes(data)
    taken = Taken([path], work_dir)
    assert list(taken.files) == ["open.png"]
    assert "encrypted" in taken.skipped["a.zip/secret.png"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_rare_compression_that_could_explode_in_one_step_is_refused(
    tmp_path: Path, work_dir: Path, compression: int
) -> None:
    path = zip_at(tmp_path / "a.zip", {"a.png": b"x" * 1000}, compression=compression)
    assert "packed in a rare way" in Taken([path], work_dir).skipped["a.zip/a.png"]


def test_a_bomb_is_stopped_while_it_is_unpacked(tmp_path: Path, work_dir: Path) -> None:
    megabyte = bytes(2**20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", b"good")
        for number in range(1, 41):
            archive.writestr(f"{number}.png", megabyte)
    assert path.stat().st_size < 60_000
    limits = SourceLimits(free_bytes=10 * 2**20, max_ratio=20)
    started = time.monotonic()
    taken = Taken([path], work_dir, limits)
    assert 8 <= len(taken.files) <= 13
    assert taken.files["0.png"] == b"good"
    assert "far more than its size allows" in taken.skipped["bomb.zip"]
    assert time.monotonic() - started < 5


def test_a_file_that_grows_too_large_is_left_and_the_rest_comes_in(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {"1.png": bytes(3 * 2**20), "2.png": b"two"})
    taken = Taken([path], work_dir, SourceLimits(max_file_bytes=2**20))
    assert taken.files == {"2.png": b"two"}
    assert "unpacks to more than" in taken.skipped["a.zip/1.png"]


def test_a_size_that_the_archive_states_falsely_is_not_believed(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {"1.png": bytes(3 * 2**20), "2.png": b"two"})
    data = path.read_bytes().replace(struct.pack("<I", 3 * 2**20), struct.pack("<I", 10))
    path.write_bytes(data)
    taken = Taken([path], work_dir, SourceLimits(max_file_bytes=2**20))
    assert taken.files == {"2.png": b"two"}
    assert list(taken.skipped) == ["a.zip/1.png"]
    huge = zip_at(tmp_path / "b.zip", {"1.png": b"l" * 12_345})
    huge.write_bytes(huge.read_bytes().replace(struct.pack("<I", 12_345), struct.pack("<I", 2**31)))
    assert Taken([huge], work_dir).files == {"1.png": b"l" * 12_345}


def test_what_damaged_entries_unpack_to_counts_too(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {f"{number}.png": bytes(2**20) for number in range(20)})
    with zipfile.ZipFile(path) as archive:
        checksum = struct.pack("<I", archive.infolist()[0].CRC)
    path.write_bytes(path.read_bytes().replace(checksum, b"oops"))
    taken = Taken([path], work_dir, SourceLimits(free_bytes=4 * 2**20, max_ratio=1))
    assert taken.files == {}
    assert "far more" in taken.skipped["a.zip"]
    assert len(taken.skipped) < 8


def test_too_many_entries_are_refused(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {f"{number}.png": b"" for number in range(30)})
    taken = Taken([path], work_dir, SourceLimits(max_files=20))
    assert taken.skipped == {"a.zip": "It has more than 20 files. Divide it into smaller archives."}
    assert taken.total == 1


def test_a_table_of_contents_beyond_the_limit_is_not_even_read(tmp_path: Path, work_dir: Path) -> None:
    path = zip_at(tmp_path / "a.zip", {f"{number:060}.png": b"" for number in range(20_000)})
    taken = Taken([path], work_dir, SourceLimits(max_files=20))
    assert taken.skipped == {"a.zip": "It has too many files. Divide it into smaller archives."}
    with _BoundedReader(path, 100) as file:
        assert len(file.read(100)) == 100
        with pytest.raises(_TooMuch):
            file.read(101)
        with pytest.raises(_TooMuch):
            file.read()


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_off_archive_is_one_clear_line(tmp_path: Path, work_dir: Path, kept: float) -> None:
    path = zip_at(tmp_path / "a.zip", {f"{n}.png": os.urandom(500) for n in range(5)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    taken = Taken([path], work_dir)
    assert list(taken.skipped) == ["a.zip"]
    assert "damaged or cut off" in taken.skipped["a.zip"]
    assert taken.total == 1


def test_of_an_archive_damaged_inside_the_sound_entries_come_in(tmp_path: Path, work_dir: Path) -> None:
    contents = {f"{n}.png": os.urandom(500) for n in range(5)}
    path = zip_at(tmp_path / "a.zip", contents, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(contents["2.png"], bytes(500)))
    taken = Taken([path], work_dir)
    assert list(taken.files) == ["0.png", "1.png", "3.png", "4.png"]
    assert "damaged inside the zip archive" in taken.skipped["a.zip/2.png"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
def test_an_archive_with_a_few_bytes_overwritten_gives_what_was_in_it_or_a_reason(
    tmp_path: Path, place: int, patch: bytes
) -> None:
    contents = {"a.png": b"a" * 50, "cats/b.png": bytes(range(50))}
    path = zip_at(tmp_path / "a.zip", contents)
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place : place + len(patch)] = patch
    path.write_bytes(data)
    taken = Taken([path], tmp_path / "work")
    assert set(taken.files.values()) <= set(contents.values())


def test_a_work_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ImporterError, match="Cannot unpack into"):
        list(expand([zip_at(tmp_path / "a.zip", {"a.png": b"x"})], work_dir=tmp_path / "taken" / "work"))
