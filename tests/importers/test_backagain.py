"""Every format that is written is read back: the same pictures, categories and masks."""

from pathlib import Path

import numpy as np
import pytest

from exporters.base import ExportOptions
from exporters.registry import EXPORTERS
from exporters.splits import SplitOptions
from importers.registry import IMPORTERS
from tests.exporters.datasets import FakeDataset, iou, ring_and_dot
from tests.importers.reading import read

READ_BY = {"yolo-segment": "yolo", "yolo-detect": "yolo", "semantic": "label-map"}
BOXES_ALONE = {"yolo-detect", "csv"}
NEARLY = {"yolo-segment"}  # polygons; the others hold each pixel
NAMES_THOSE_MET = {"csv"}  # a table has no row for a category without instances
every_exporter = pytest.mark.parametrize("name", EXPORTERS)


def dataset_of(folder: Path) -> FakeDataset:
    """Two pictures, the second without instances; two things that do not overlap, one with a hole and in two parts."""
    dataset = FakeDataset(folder)
    cup, _, spoon = (dataset.add_category(name) for name in ("cup", "never used", "Löffel: klein"))
    picture = dataset.add_image((24, 40), "tea time.png")
    dataset.add_image((30, 20), "empty.png")
    first, second = np.zeros((2, 24, 40), bool)
    first[:, :32] = ring_and_dot()
    second[6:20, 33:39] = True
    second[6:9, 33:35] = False
    dataset.add_instance(picture, first, cup)
    dataset.add_instance(picture, second, spoon)
    return dataset


def box_of(mask: np.ndarray) -> np.ndarray:
    filled = np.zeros_like(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return filled


def written(name: str, dataset: FakeDataset, folder: Path, options: ExportOptions | None = None) -> Path:
    folder.mkdir()
    EXPORTERS[name].write(dataset, folder, options or ExportOptions(), lambda done, total: None)
    return folder


@every_exporter
def test_what_an_exporter_writes_its_importer_reads(name, tmp_path):
    dataset = dataset_of(tmp_path / "pictures")
    result = read(written(name, dataset, tmp_path / "export"))
    assert result.importer == READ_BY.get(name, name)
    assert result.unreadable == []
    wanted = ["cup", "Löffel: klein"] if name in NAMES_THOSE_MET else ["cup", "never used", "Löffel: klein"]
    assert result.categories == wanted
    found = {Path(one.file_name).stem: one for one in result.pictures.values()}
    assert {stem: len(one.shapes) for stem, one in found.items()} == {"tea_time": 2, "empty": 0}
    assert all(one.path for one in found.values())
    masks = result.masks(found["tea_time"].file_name, (24, 40))
    assert [category for category, _ in masks] == ["cup", "Löffel: klein"]
    for (_, mask), instance in zip(masks, dataset.by_image[1], strict=True):
        meant = box_of(instance.rle.decode()) if name in BOXES_ALONE else instance.rle.decode()
        assert iou(mask, meant) >= (0.95 if name in NEARLY else 1.0)


@every_exporter
def test_the_split_of_an_export_comes_back(name, tmp_path):
    options = ExportOptions(split=SplitOptions(train=0.5, val=0.5, test=0))
    result = read(written(name, dataset_of(tmp_path / "pictures"), tmp_path / "export", options))
    assert result.unreadable == []
    assert {one.split for one in result.pictures.values()} == {"train", "val"}
    assert all(one.path for one in result.pictures.values())


NASTY = ["=cmd|'/C calc'!A0", "'=1", "../../etc", "<img src=x onerror=alert(1)>", "a', 1); DROP TABLE images; --"]


@every_exporter
def test_names_that_are_meant_to_do_harm_come_back_as_they_were_and_lead_nowhere(name, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    image = dataset.add_image((24, 32), "../=cmd().png")
    for category in NASTY:
        dataset.add_instance(image, ring_and_dot(), dataset.add_category(category))
    (tmp_path / "home").mkdir()
    out = written(name, dataset, tmp_path / "home" / "export")
    assert set((tmp_path / "home").iterdir()) == {out}
    files = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    assert all(file.isprintable() and not set(file) & set("=<>'|\\()") for file in files)
    result = read(out)
    assert set(NASTY) >= {category for category in result.categories if category != "background"}
    assert len(result.categories) >= 1


@pytest.mark.parametrize("name", ["coco", "coco-panoptic", "labelme", "csv"])
def test_a_group_comes_back_as_a_group(name, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    dataset.add_instance(dataset.add_image((24, 32)), ring_and_dot(), dataset.add_category("cup"), is_crowd=True)
    (picture,) = read(written(name, dataset, tmp_path / "export")).pictures.values()
    assert [shape.is_crowd for shape in picture.shapes] == [True]


def test_each_importer_is_called_what_its_line_says():
    assert {name: importer.name for name, importer in IMPORTERS.items()} == {name: name for name in IMPORTERS}
    assert len({importer.title for importer in IMPORTERS.values()}) == len(IMPORTERS)


def test_no_importer_takes_plain_pictures_for_a_data_set(tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    for number in range(3):
        dataset.add_image((20, 30), f"{number}.png")
    (tmp_path / "pictures" / "notes.txt").write_text("two cups, one spoon\n")
    with pytest.raises(AssertionError, match="nobody recognises"):
        read(tmp_path / "pictures")
