"""Every format with every damage: one clear line that names the file, or what was meant, and nothing changed."""

import base64
import io
import json
import shutil
import sqlite3
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.datasets import ImportPlan
from annotator.workspace import Workspace
from exporters.base import ExportOptions
from exporters.registry import EXPORTERS
from importers.base import ImporterError
from tests.exporters.datasets import FakeDataset, ring_and_dot, tree_bytes

LONGEST_S = 20.0  # of the slowest on a busy machine; what grows without bound takes minutes

# Each format's files to damage: what is read first, and what holds one picture's labels.
FILES = {
    "coco": ["annotations.json"],
    "coco-panoptic": ["panoptic.json", "panoptic/a.png"],
    "yolo-segment": ["data.yaml", "labels/train/a.txt"],
    "yolo-detect": ["labels/train/a.txt"],
    "labelme": ["images/a.json"],
    "voc": ["Annotations/a.xml", "SegmentationObject/a.png", "labelmap.txt"],
    "csv": ["boxes.csv"],
    "semantic": ["masks/a.png", "categories.json"],
}
CASES = [(name, file) for name, files in FILES.items() for file in files]


def png(size_hw: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((*size_hw, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has that many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def overwritten(data: bytes) -> bytes:
    """Some bytes in a hundred replaced by others."""
    rng = np.random.default_rng(len(data))
    found = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(found), 1 + len(found) // 30)
    found[places] = rng.integers(0, 256, len(places))
    return found.tobytes()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda data: data[: len(data) // 2],
    "cut at its last byte but two": lambda data: data[:-3],
    "empty": lambda data: b"",
    "in UTF-16": lambda data: data.decode("latin-1").encode("utf-16"),
    "with a BOM": lambda data: b"\xef\xbb\xbf" + data,
    "in Latin-1": lambda data: data.replace(b"cup", "Löffel".encode("latin-1")),
    "with null bytes": lambda data: data[: len(data) // 2] + b"\0\0" + data[len(data) // 2 :],
    "after 10 MB of one line": lambda data: b"1 " * 5_000_000 + data,
    "before 10 MB of one line": lambda data: data + b"x" * 10_000_000,
    "of brackets alone": lambda data: b"[" * 1_000_000,
    "with NaN for each 3": lambda data: data.replace(b"3", b" NaN "),
    "with numbers that are too large": lambda data: data.replace(b"1", b"1" + b"0" * 400),
    "with numbers of 5000 digits": lambda data: data.replace(b"2", b"2" * 5000, 20),
    "with some bytes overwritten": overwritten,
    "noise": lambda data: np.random.default_rng(7).integers(0, 256, 5000).astype(np.uint8).tobytes(),
    "a PNG of 10^9 pixels": lambda data: bomb(40_000, 40_000),
    "a bomb of entities": lambda data: (
        b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><annotation>&c;</annotation>'
    ),
    "a bomb of aliases": lambda data: b"names: &a [x]\ntrain: &b [*a, *a]\nval: [*b, *b]\n",
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same two pictures in every format."""
    home = tmp_path_factory.mktemp("exports")
    dataset = FakeDataset(home / "pictures")
    cup, spoon = dataset.add_category("cup"), dataset.add_category("spoon")
    for name in ("a.png", "b.png"):
        picture = dataset.add_image((24, 40), name)
        first, second = np.zeros((2, 24, 40), bool)
        first[:, :32] = ring_and_dot()
        second[6:20, 33:39] = True
        dataset.add_instance(picture, first, cup)
        dataset.add_instance(picture, second, spoon)
    for name in FILES:
        (home / name).mkdir()
        EXPORTERS[name].write(dataset, home / name, ExportOptions(), lambda done, total: None)
    return home


def state(workspace: Workspace) -> dict[str, object]:
    """All that the workspace keeps: each file by its bytes, the database by its rows."""
    data = workspace.settings.data
    with sqlite3.connect(data / "annotator.db") as database:
        rows = list(database.iterdump())
    return {"rows": rows} | {name: it for name, it in tree_bytes(data).items() if not name.startswith("annotator.db")}


def looked_at(workspace: Workspace, path: Path) -> ImportPlan | str | None:
    """The plan, or what the error says; and that looking changes nothing and comes to an end."""
    before, begin = state(workspace), time.process_time()
    try:
        return workspace.datasets.inspect([path])
    except ImporterError as error:
        return str(error)
    finally:
        assert state(workspace) == before
        assert time.process_time() - begin < LONGEST_S


def test_every_format_is_damaged_here(exports):
    assert FILES.keys() == EXPORTERS.keys()
    for name, file in CASES:
        assert (exports / name / file).is_file(), (name, file)


@pytest.mark.parametrize(("name", "file"), CASES)
def test_a_damaged_file_is_named_with_the_reason_and_changes_nothing(name, file, workspace, exports, tmp_path):
    for number, (damage, change) in enumerate(DAMAGES.items()):  # one workspace for all: none of them changes it
        folder = tmp_path / f"set{number}"
        shutil.copytree(exports / name, folder)
        path = folder / file
        path.write_bytes(change(path.read_bytes()))
        check(looked_at(workspace, folder), file, damage)


def check(found: ImportPlan | str | None, file: str, damage: str) -> None:
    if found is None:  # nobody takes it for a data set any more: its files come in, or are refused, as pictures
        gone = ("annotations.json", "panoptic.json", "boxes.csv", "masks/a.png", "panoptic/a.png")
        assert file in gone, damage
    elif isinstance(found, str):
        assert found.startswith(file) and "\n" not in found and found.endswith("."), damage
    else:
        assert found.found >= 1, damage
        whole = found.instances == 4 and found.new == 2
        said = [f"{one.name}: {one.reason}" for one in found.unreadable] + [f"{one}: missing" for one in found.missing]
        rows_end_anywhere = file.startswith("labels/") and damage in ("cut in half", "empty")  # nothing shows that
        named = any(Path(file).stem in line or line.startswith("images/a.") for line in said)
        assert whole or rows_end_anywhere or named, (damage, said)
        assert all(line.isprintable() for line in said), damage


NAMES = [
    "../../../etc/passwd.png", "/etc/passwd.png", "C:\\Windows\\a.png", "a\nb.png", "a\0b.png", "🙂 ñ.png", "..", "",
    "con.png", "x" * 5000 + ".png", "\u202egnp.exe", "\ud800.png",
]  # fmt: skip


@pytest.mark.parametrize("called", NAMES, ids=ascii)
def test_no_name_that_labels_give_a_picture_leads_anywhere_or_breaks_a_line(called, workspace, tmp_path):
    square = base64.b64encode(png((24, 40))).decode()
    shapes = [{"label": "cup", "shape_type": "rectangle", "points": [[1, 2], [9, 8]]}]
    document = {"version": "5.5.0", "shapes": shapes, "imagePath": called, "imageData": square}
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.json").write_text(json.dumps(document | {"imageHeight": 24, "imageWidth": 40}))
    outside = tree_bytes(tmp_path / "set")
    plan = workspace.datasets.inspect([tmp_path / "set"])
    report = workspace.datasets.apply(plan)
    assert (report.imported, report.added) == (1, 1)
    (image,) = workspace.images()
    assert image.original_name.isprintable() and 0 < len(image.original_name) <= 255
    assert "/" not in image.stored_name and (workspace.settings.data / "images" / image.stored_name).is_file()
    assert tree_bytes(tmp_path / "set") == outside
    assert all(line.isprintable() for line in [*plan.lines(), *report.lines()])


def test_a_link_to_a_file_outside_is_not_read_as_labels(workspace, exports, tmp_path):
    shutil.copytree(exports / "coco", tmp_path / "set")
    (tmp_path / "set" / "annotations.json").rename(tmp_path / "secret.json")
    (tmp_path / "set" / "annotations.json").symlink_to(tmp_path / "secret.json")
    assert workspace.datasets.inspect([tmp_path / "set"]) is None


@pytest.mark.parametrize("name", FILES)
def test_an_archive_cut_off_anywhere_changes_nothing(name, workspace, exports, tmp_path):
    whole = Path(shutil.make_archive(str(tmp_path / "set"), "zip", exports / name)).read_bytes()
    for share in (0.3, 0.8, 0.999):
        (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * share)])
        assert looked_at(workspace, tmp_path / "cut.zip") is None  # it comes as a picture that cannot be, by name


@pytest.mark.parametrize("name", FILES)
def test_an_archive_of_each_format_brings_what_its_folder_brings(name, workspace, exports, tmp_path):
    archive = Path(shutil.make_archive(str(tmp_path / "set"), "zip", exports / name))
    plan = looked_at(workspace, archive)
    report = workspace.datasets.apply(plan)
    assert (report.imported, report.added, report.unreadable) == (2, 4, [])
    assert not list((workspace.settings.data / "incoming").glob("*"))
    assert workspace.datasets.inspect([exports / name]).there_already == 4


def test_a_file_of_nothing_but_damaged_rows_does_not_fill_the_report(workspace, exports, tmp_path):
    shutil.copytree(exports / "yolo-detect", tmp_path / "set")
    (tmp_path / "set" / "labels" / "train" / "a.txt").write_text("".join(f"{n} 0.1 left\n" for n in range(12_000)))
    plan = workspace.datasets.inspect([tmp_path / "set"])
    assert len(plan.unreadable) == 10_001
    assert plan.unreadable[-1].reason == "2000 more lines like these are not shown."
    assert plan.instances == 2
