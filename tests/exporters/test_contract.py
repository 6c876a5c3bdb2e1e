"""What every format owes, whoever wrote it: walks the registry, so a newcomer is tested the day it is added."""

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from exporters.base import ExportError, ExportOptions, ExportReport, Pictures
from exporters.files import export
from exporters.registry import EXPORTERS
from storage.records import ImageStatus
from tests.exporters.datasets import FakeDataset, picture_files, ring_and_dot, small_dataset, tree_bytes

every_format = pytest.mark.parametrize("name", EXPORTERS)


@pytest.fixture
def dataset(tmp_path):
    return small_dataset(tmp_path / "pictures")


def pictures(folder):
    """Their names; a format may write a picture anew, and then it has another suffix."""
    return {PurePosixPath(path).stem for path in picture_files(folder)}


@every_format
def test_the_report_counts_what_was_written_and_lies_beside_it(name, dataset, tmp_path):
    report = export(name, dataset, tmp_path / "out")
    assert (report.format, report.images, report.instances, report.categories) == (name, 3, 7, 3)
    assert report.left_out == []
    assert pictures(tmp_path / "out") == {"tea_time", "empty", "tea_time-2"}
    (renamed,) = [name for name in report.renamed if Path(name).stem == "tea_time-2"]
    assert report.renamed[renamed] == "ordner/tea time.webp"
    written = json.loads((tmp_path / "out/report.json").read_text())
    entries = {entry.name for entry in (tmp_path / "out").iterdir()}
    assert set(written.pop("entries")) | {"report.json"} == entries
    assert ExportReport(**written) == report
    assert next(iter(report.lines())) == f"{name}: 7 instances of 3 categories on 3 pictures"


@every_format
def test_the_same_data_set_gives_the_same_bytes(name, dataset, tmp_path):
    for out in ("one", "two"):
        export(name, dataset, tmp_path / out)
        export(name, dataset, tmp_path / f"{out}.zip")
    assert tree_bytes(tmp_path / "one") == tree_bytes(tmp_path / "two")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@every_format
def test_pictures_are_the_stored_ones_byte_by_byte(name, dataset, tmp_path):
    export(name, dataset, tmp_path / "out")
    (found,) = [path for path in picture_files(tmp_path / "out") if PurePosixPath(path).stem == "tea_time-2"]
    if found.endswith(".png"):  # else it says in its name that it was written anew
        assert (tmp_path / "out" / found).read_bytes() == dataset.picture_path(dataset.images[2]).read_bytes()


@every_format
@pytest.mark.parametrize("harm", ["missing", "empty", "folder"])
def test_a_picture_that_cannot_be_read_is_left_out_and_named(name, harm, dataset, tmp_path):
    path = dataset.picture_path(dataset.images[0])
    path.unlink()
    if harm == "empty":
        path.touch()
    elif harm == "folder":
        path.mkdir()
    report = export(name, dataset, tmp_path / "out")
    assert (report.images, report.instances) == (2, 3)
    assert pictures(tmp_path / "out") == {"empty", "tea_time-2"}
    (line,) = report.left_out
    assert "'tea time.jpg' (picture 1)" in line
    assert not [path for path in (tmp_path / "out").rglob("*") if path.stem == "tea_time"]


@every_format
def test_an_instance_that_no_format_can_say_is_left_out_and_named(name, dataset, tmp_path):
    image = dataset.images[1]
    good = dataset.add_instance(image, np.ones((30, 20), dtype=bool), dataset.categories[0])
    dataset.add_instance(image, np.zeros((30, 20), dtype=bool), dataset.categories[0])
    dataset.add_instance(image, np.ones((20, 30), dtype=bool), dataset.categories[0])
    dataset.by_image[image.id].append(replace(good, id=99, category_id=77))
    report = export(name, dataset, tmp_path / "out")
    assert report.instances == 8
    assert [line.partition(": ")[2] for line in report.left_out] == [
        "its mask is empty",
        "its mask is 30×20 pixels, the picture 20×30",
        "its category is not in this data set",
    ]
    assert all("'empty.jpg' (picture 2)" in line for line in report.left_out)


@every_format
def test_the_names_of_pictures_do_not_depend_on_the_choice(name, dataset, tmp_path):
    dataset.replace_image(dataset.images[0], status=ImageStatus.IN_PROGRESS)
    export(name, dataset, tmp_path / "out", ExportOptions(only_done=True))
    assert pictures(tmp_path / "out") == {"empty", "tea_time-2"}


@every_format
def test_an_export_without_any_picture_is_refused(name, dataset, tmp_path):
    dataset.images = [replace(image, status=ImageStatus.NEW) for image in dataset.images]
    with pytest.raises(ExportError, match="No picture is marked done"):
        export(name, dataset, tmp_path / "out", ExportOptions(only_done=True))
    with pytest.raises(ExportError, match="Import pictures first"):
        export(name, FakeDataset(tmp_path, dataset.categories), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@every_format
def test_labels_come_without_pictures_when_asked(name, dataset, tmp_path):
    dataset.picture_path(dataset.images[0]).unlink()
    report = export(name, dataset, tmp_path / "out", ExportOptions(pictures=Pictures.NONE))
    assert (report.images, report.instances) == (3, 7)
    assert pictures(tmp_path / "out") == set()
    assert any("pictures themselves" in line for line in report.warnings)


@every_format
@pytest.mark.parametrize("out", ["folder", "file.zip"])
def test_progress_goes_up_to_the_number_of_pictures(name, out, dataset, tmp_path):
    seen = []
    export(name, dataset, tmp_path / out, progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {3}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (3, 3)


@every_format
def test_instances_are_read_one_picture_at_a_time(name, dataset, tmp_path):
    asked = []

    class Counting(FakeDataset):
        def instances(self, image):
            asked.append(image.id)
            return super().instances(image)

    counting = Counting(dataset.folder, dataset.categories, dataset.images, dataset.by_image)
    done = []
    export(name, counting, tmp_path / "out", progress=lambda n, _: done.append((n, list(asked))))
    assert done == [(1, [1]), (2, [1, 2]), (3, [1, 2, 3])]


@every_format
def test_the_mask_decides_and_not_what_was_noted_beside_it(name, tmp_path):
    outs = []
    for shift in (0, 1):
        dataset = FakeDataset(tmp_path / "pictures")
        category = dataset.add_category("cup")
        image = dataset.add_image((24, 32))
        instance = dataset.add_instance(image, ring_and_dot(), category)
        dataset.by_image[image.id] = [replace(instance, area=instance.area + shift, bbox_xywh=(shift, 0, 5, 5))]
        export(name, dataset, tmp_path / f"out{shift}")
        outs.append(tree_bytes(tmp_path / f"out{shift}"))
    assert outs[0] == outs[1]


@every_format
@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_refused(name, tolerance):
    with pytest.raises(ExportError, match="0 or more"):
        ExportOptions(polygon_tolerance=tolerance)


def test_a_format_that_does_not_exist_is_refused_with_those_that_do(dataset, tmp_path):
    with pytest.raises(ExportError, match=", ".join(EXPORTERS)):
        export("pascal", dataset, tmp_path / "out")
