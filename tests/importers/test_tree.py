"""What a user gave as one tree: every name leads to a file within it, and all that is written are copies that go."""

import os
import zipfile
from pathlib import Path

import pytest

from importers.archives import SourceLimits
from importers.base import ImporterError
from importers.tree import open_tree

needs_links = pytest.mark.skipif(os.name != "posix", reason="links need a right that Windows rarely gives")


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return tmp_path / "work"


def folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


FILES = {"images/2.png": b"two", "images/10.png": b"ten" * 50_000, "labels.json": b"{}"}


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_folder_and_an_archive_of_it_are_the_same_tree(form, tmp_path, work_dir):
    given = folder_of(tmp_path / "in", FILES) if form == "folder" else zip_of(tmp_path / "in.zip", FILES)
    with open_tree([given], work_dir=work_dir) as tree:
        assert tree.names() == ["images/2.png", "images/10.png", "labels.json"]
        for name, content in FILES.items():
            with tree.open(name) as file:
                assert file.read(2) + file.read() == content
            assert tree.read(name) == content == tree.path(name).read_bytes()
            assert tree.size(name) == len(content)
        with pytest.raises(ImporterError, match=r"images/10\.png: It has more than 100 bytes"):
            tree.read("images/10.png", limit=100)
        with pytest.raises(ImporterError, match="There is no such file"):
            tree.read("../in/labels.json")
    assert not work_dir.exists() or not list(work_dir.iterdir())


def test_a_copy_out_of_an_archive_can_be_let_go_and_asked_for_again(tmp_path, work_dir):
    with open_tree([zip_of(tmp_path / "in.zip", FILES)], work_dir=work_dir) as tree:
        first = tree.path("labels.json")
        assert first == tree.path("labels.json")
        tree.release("labels.json")
        assert not first.exists()
        assert tree.path("labels.json").read_bytes() == b"{}"


def test_names_of_several_paths_begin_with_their_folder(tmp_path, work_dir):
    one, two = folder_of(tmp_path / "a", {"x.png": b"1"}), zip_of(tmp_path / "b.zip", {"x.png": b"2"})
    alone = tmp_path / "x.png"
    alone.write_bytes(b"3")
    with open_tree([one, two, alone], work_dir=work_dir) as tree:
        assert {name: tree.read(name) for name in tree.names()} == {"a/x.png": b"1", "b.zip/x.png": b"2", "x.png": b"3"}


def test_an_archive_in_a_folder_is_looked_into(tmp_path, work_dir):
    folder = folder_of(tmp_path / "in", {"a.json": b"{}"})
    zip_of(folder / "images.zip", {"x.png": b"1"})
    (folder / "broken.zip").write_bytes(b"PK\3\4 nothing")
    with open_tree([folder], work_dir=work_dir) as tree:
        assert tree.names() == ["a.json", "images.zip/x.png"]
        assert [one.name for one in tree.left_out] == ["broken.zip"]


def test_entries_that_lead_elsewhere_are_left_out_by_name(tmp_path, work_dir):
    given = zip_of(tmp_path / "in.zip", {"../evil.json": b"1", "/etc/x": b"2", "good.json": b"{}", "a\nb☕.json": b"3"})
    with open_tree([given], work_dir=work_dir) as tree:
        assert tree.names() == ["a_b☕.json", "good.json"]
        assert sorted(one.name for one in tree.left_out) == ["../evil.json", "/etc/x"]
        assert all("leads out of the archive" in one.reason for one in tree.left_out)
    assert not (tmp_path / "evil.json").exists()


@needs_links
def test_links_out_of_a_folder_are_not_among_its_names(tmp_path, work_dir):
    (tmp_path / "secret.json").write_text("{}")
    folder = folder_of(tmp_path / "in", {"a.json": b"{}"})
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    with open_tree([folder], work_dir=work_dir) as tree:
        assert tree.names() == ["a.json"]
        assert [one.name for one in tree.left_out] == ["link.json"]


def test_a_bomb_is_stopped_however_it_is_read(tmp_path, work_dir):
    given = zip_of(tmp_path / "in.zip", {"bomb.json": b"\0" * 3_000_000, "good.json": b"{}"})
    limits = SourceLimits(max_file_bytes=2**20)
    with open_tree([given], work_dir=work_dir, limits=limits) as tree:
        for look in (tree.read, tree.path, lambda name: tree.open(name).read()):
            with pytest.raises(ImporterError, match=r"bomb\.json: It unpacks to more than 1 MiB"):
                look("bomb.json")
        assert tree.read("good.json") == b"{}"


def test_reading_an_entry_again_does_not_count_twice_towards_the_bounds(tmp_path, work_dir):
    given = zip_of(tmp_path / "in.zip", {"a.json": bytes(range(256)) * 1000})
    with open_tree([given], work_dir=work_dir, limits=SourceLimits(free_bytes=300_000, max_ratio=0)) as tree:
        for _ in range(5):
            assert len(tree.read("a.json")) == 256_000


def test_a_damaged_entry_is_one_clear_line(tmp_path, work_dir):
    given = zip_of(tmp_path / "in.zip", {"a.json": bytes(range(256)) * 1000})
    data = bytearray(given.read_bytes())
    data[200:220] = b"\xff" * 20
    given.write_bytes(data)
    with open_tree([given], work_dir=work_dir) as tree, pytest.raises(ImporterError, match=r"a\.json: It is damaged"):
        tree.read("a.json")


@pytest.mark.parametrize("content", [None, b"PK\3\4 cut"])
def test_a_path_that_cannot_be_read_at_all_is_an_error(content, tmp_path, work_dir):
    path = tmp_path / "in.zip"
    if content is not None:
        path.write_bytes(content)
    with (
        pytest.raises(ImporterError, match=r"in\.zip: (There is nothing|The zip archive is damaged)"),
        open_tree([path], work_dir=work_dir),
    ):
        pass
