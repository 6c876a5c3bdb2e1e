"""The options behave alike in every format: walks the registry, so a newcomer is tested the day it is added."""

import ast
import errno
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from exporters.base import ExportError, ExportOptions, Pictures, SplitOptions
from exporters.files import export
from exporters.names import file_names
from exporters.registry import EXPORTERS
from storage.records import ImageStatus
from tests.exporters.datasets import FakeDataset, picture_files, tree_bytes

every_format = pytest.mark.parametrize("name", EXPORTERS)
HALVES = SplitOptions(train=2, val=1, test=1, seed=5)
ALL_AT_ONCE = ExportOptions(
    pictures=Pictures.LINK, polygons=True, polygon_tolerance=0.5, only_done=True, categories=("Plate", "cup"),
    split=replace(HALVES, stratify=True), smallest_area=9,
)  # fmt: skip


@pytest.fixture
def dataset(tmp_path):
    """Twelve pictures, ten of them done; cups on all of them, a plate on each third, a spoon of 6 pixels on two."""
    dataset = FakeDataset(tmp_path / "pictures")
    cup, spoon, plate = (dataset.add_category(name) for name in ("cup", "spoon", "plate"))
    for number in range(12):
        image = dataset.add_image(
            (24, 32), f"tea {number}.jpg", ImageStatus.NEW if number in (3, 4) else ImageStatus.DONE
        )
        masks = np.zeros((3, 24, 32), dtype=bool)
        rows, columns = np.ogrid[:24, :32]
        masks[0] = (rows - 11) ** 2 + (columns - 9) ** 2 < 60
        masks[1, 2:4, 20:23] = True
        masks[2, 12:22, 18:30] = True
        dataset.add_instance(image, masks[0], cup)
        if number in (0, 5):
            dataset.add_instance(image, masks[1], spoon)
        if number % 3 == 0:
            dataset.add_instance(image, masks[2], plate)
    return dataset


def labels(folder: Path) -> dict[str, bytes]:
    """What is neither a picture nor the report."""
    pictures = set(picture_files(folder))
    return {path: data for path, data in tree_bytes(folder).items() if path not in pictures and path != "report.json"}


def splits_said(folder: Path, stem: str) -> set[str]:
    """Where an export says a picture belongs, in any of the ways formats have: by folder, by list, or in a column."""
    said = set()
    for path in map(PurePosixPath, tree_bytes(folder)):
        if path.stem == stem:
            said |= {part for part in path.parts if part in HALVES.shares}
        if path.parts[0] == "ImageSets" and path.stem in HALVES.shares and stem in (folder / path).read_text().split():
            said.add(path.stem)
        if path.suffix == ".csv":
            rows = [line.split(",") for line in (folder / path).read_text(encoding="utf-8").splitlines()]
            mine = [row for row in rows if any(PurePosixPath(value).stem == stem for value in row)]
            said |= {value for row in mine for value in row if value in HALVES.shares}
    return said


@every_format
def test_a_format_says_what_it_is_and_how_it_is_loaded(name):
    exporter = EXPORTERS[name]
    assert exporter.name == name
    assert exporter.title
    assert exporter.summary
    assert "\n" not in exporter.summary
    assert "EXPORT" in exporter.snippet
    ast.parse(exporter.snippet)
    assert exporter.takes <= {"polygons", "tolerance"}


@every_format
def test_each_picture_is_in_one_split_and_the_report_counts_it_there(name, dataset, tmp_path):
    report = export(name, dataset, tmp_path / "out", ExportOptions(split=HALVES))
    expected = dataset.splits(HALVES, dataset.images)
    names = file_names(dataset.images)
    for image in dataset.images:
        assert splits_said(tmp_path / "out", Path(names[image.id]).stem) == {expected[image.id]}
    for split, share in (("train", 6), ("val", 3), ("test", 3)):
        ids = [image_id for image_id, one in expected.items() if one == split]
        assert len(ids) == share
        count = sum(len(dataset.by_image[image_id]) for image_id in ids)
        assert report.splits[split] == {"images": share, "instances": count}
        assert f"{split}: {count} instances on {share} pictures" in report.lines()
    assert (report.images, report.instances) == (12, 18)


@every_format
def test_what_is_not_split_is_reported_without_splits(name, dataset, tmp_path):
    assert export(name, dataset, tmp_path / "out").splits == {}


@every_format
def test_too_few_pictures_for_a_split_are_said_and_do_no_harm(name, dataset, tmp_path):
    del dataset.images[2:]
    report = export(name, dataset, tmp_path / "out", ExportOptions(split=SplitOptions(val=0.2, test=0)))
    assert report.splits["val"] == {"images": 0, "instances": 0}
    assert report.images == report.splits["train"]["images"] == 2
    assert "test" not in report.splits
    assert "2 pictures are too few for one to come into val" in report.warnings


@every_format
def test_another_seed_splits_otherwise_and_the_same_seed_alike(name, dataset, tmp_path):
    trees = []
    for seed in (1, 2, 1):
        export(name, dataset, tmp_path / "out", ExportOptions(split=replace(HALVES, seed=seed)))
        trees.append(tree_bytes(tmp_path / "out"))
    assert trees[0] == trees[2] != trees[1]


@every_format
def test_only_the_chosen_categories_are_written_numbered_in_the_users_order(name, dataset, tmp_path):
    report = export(name, dataset, tmp_path / "out", ExportOptions(categories=("PLATE", "cup")))
    assert list(report.numbers) == ["cup", "plate"]
    first = report.numbers["cup"]
    assert first in (0, 1)
    assert report.numbers["plate"] == first + 1
    assert (report.images, report.categories, report.instances) == (12, 2, 16)
    assert report.not_chosen == {"instances of other categories": 2}
    assert report.left_out == []
    assert not any(b"spoon" in data for data in tree_bytes(tmp_path / "out").values())


@every_format
def test_a_category_that_does_not_exist_is_refused_with_those_that_do(name, dataset, tmp_path):
    with pytest.raises(ExportError, match=r"called 'fork'\. Choose among those there are: cup, spoon, plate"):
        export(name, dataset, tmp_path / "out", ExportOptions(categories=("cup", "fork")))
    assert not (tmp_path / "out").exists()


def test_a_category_is_found_however_its_accents_are_composed(tmp_path):
    dataset = FakeDataset(tmp_path)
    dataset.add_category("Caf\u00e9")  # as one letter; a Mac's terminal says it as two
    dataset.add_image((10, 10))
    assert list(export("coco", dataset, tmp_path / "out", ExportOptions(categories=("cafe\u0301 ",))).numbers)


@every_format
def test_instances_below_the_smallest_area_are_left_out_and_counted(name, dataset, tmp_path):
    assert export(name, dataset, tmp_path / "out", ExportOptions(smallest_area=6)).instances == 18
    report = export(name, dataset, tmp_path / "out", ExportOptions(smallest_area=7))
    assert report.instances == 16
    assert report.not_chosen == {"instances smaller than 7 pixels": 2}
    assert report.numbers.keys() == {"cup", "spoon", "plate"}


@every_format
def test_only_pictures_that_are_done_are_written_when_asked(name, dataset, tmp_path):
    report = export(name, dataset, tmp_path / "out", ExportOptions(only_done=True))
    assert (report.images, report.instances) == (10, 15)
    assert report.not_chosen == {"pictures not marked done": 2}
    stems = {PurePosixPath(path).stem for path in picture_files(tmp_path / "out")}
    assert stems == {f"tea_{number}" for number in range(12)} - {"tea_3", "tea_4"}


@every_format
def test_the_labels_are_the_same_whatever_becomes_of_the_pictures(name, dataset, tmp_path):
    for how in Pictures:
        export(name, dataset, tmp_path / how, ExportOptions(pictures=how, split=HALVES))
    assert labels(tmp_path / "none") == labels(tmp_path / "copy")
    assert tree_bytes(tmp_path / "link") == tree_bytes(tmp_path / "copy")
    assert len(picture_files(tmp_path / "link")) == 12
    assert picture_files(tmp_path / "none") == []


@every_format
def test_a_linked_picture_is_the_stored_file_and_a_copied_one_is_not(name, dataset, tmp_path):
    stored = {dataset.picture_path(image).stat().st_ino for image in dataset.images}
    before = tree_bytes(dataset.folder)
    for how, is_stored in ((Pictures.LINK, True), (Pictures.COPY, False)):
        export(name, dataset, tmp_path / how, ExportOptions(pictures=how))
        for path in picture_files(tmp_path / how):
            if PurePosixPath(path).suffix == ".png":  # a format that writes pictures anew cannot link them
                assert ((tmp_path / how / path).stat().st_ino in stored) == is_stored
    assert tree_bytes(dataset.folder) == before


@every_format
def test_where_no_links_can_be_made_pictures_are_copied_and_it_is_said(name, dataset, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    linked = export(name, dataset, tmp_path / "link", ExportOptions(pictures=Pictures.LINK))
    assert linked.copied == 12
    assert any(line.startswith("copied: 12 pictures") for line in linked.lines())
    copied = export(name, dataset, tmp_path / "copy")
    assert {**vars(linked), "copied": 0} == vars(copied)
    for how in Pictures.LINK, Pictures.COPY:
        assert export(name, dataset, tmp_path / f"{how}.zip", ExportOptions(pictures=how)).copied == 0
    assert (tmp_path / "link.zip").read_bytes() == (tmp_path / "copy.zip").read_bytes()


@every_format
def test_a_tolerance_matters_where_the_format_takes_one_and_nowhere_else(name, tmp_path):
    dataset = FakeDataset(tmp_path / "pictures")
    rows, columns = np.ogrid[:200, :200]
    disc = (rows - 100) ** 2 + (columns - 95) ** 2 < 8000  # large: on small ones a coarse outline is never good enough
    dataset.add_instance(dataset.add_image((200, 200)), disc, dataset.add_category("plate"))
    for tolerance in (0.0, 1.0):
        export(name, dataset, tmp_path / f"{tolerance}", ExportOptions(polygons=True, polygon_tolerance=tolerance))
    takes = EXPORTERS[name].takes
    assert (labels(tmp_path / "0.0") != labels(tmp_path / "1.0")) == ("tolerance" in takes)


@every_format
def test_polygons_are_written_where_the_format_takes_them_and_nowhere_else(name, dataset, tmp_path):
    for polygons in (False, True):
        export(name, dataset, tmp_path / f"{polygons}", ExportOptions(polygons=polygons))
    assert (labels(tmp_path / "False") != labels(tmp_path / "True")) == ("polygons" in EXPORTERS[name].takes)


@every_format
def test_all_options_at_once_give_the_same_bytes_twice_in_a_folder_and_in_a_zip(name, dataset, tmp_path):
    reports = [export(name, dataset, tmp_path / out, ALL_AT_ONCE) for out in ("one", "two", "one.zip", "two.zip")]
    assert all(report == reports[0] for report in reports)
    assert tree_bytes(tmp_path / "one") == tree_bytes(tmp_path / "two")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {entry: archive.read(entry) for entry in archive.namelist()} == tree_bytes(tmp_path / "one")
    assert (reports[0].images, reports[0].instances) == (10, 13)
    assert sum(counts["instances"] for counts in reports[0].splits.values()) == 13
    assert json.loads((tmp_path / "one/report.json").read_text())["numbers"] == reports[0].numbers


@every_format
@pytest.mark.parametrize("out", ["out", "out.zip"])
def test_a_cancel_in_the_middle_leaves_what_was_there_and_nothing_else(name, out, dataset, tmp_path):
    place = tmp_path / "place"
    export(name, dataset, place / out)
    before = tree_bytes(place)

    def cancel(done, total):
        if done == 5:
            raise RuntimeError("cancelled")

    for target in (out, f"new-{out}"):
        with pytest.raises(RuntimeError, match="cancelled"):
            export(name, dataset, place / target, ALL_AT_ONCE, cancel)
        assert tree_bytes(place) == before
        assert sorted(path.name for path in place.iterdir()) == [out]
    assert len(tree_bytes(dataset.folder)) == 12, "and the stored pictures, which were linked, are all there"


@every_format
def test_pictures_come_in_the_order_of_the_list(name, dataset, tmp_path):
    asked = []

    class Noting(FakeDataset):
        def instances(self, image):
            asked.append(image.id)
            return super().instances(image)

    noting = Noting(dataset.folder, dataset.categories, dataset.images[::-1], dataset.by_image)
    export(name, noting, tmp_path / "out", ExportOptions(pictures=Pictures.NONE))
    assert asked == [image.id for image in noting.images]


def test_an_area_below_nothing_is_refused():
    with pytest.raises(ExportError, match="0 or more"):
        ExportOptions(smallest_area=-1)
