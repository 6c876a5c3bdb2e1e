"""A data set looked at and taken in: pictures found again, labels all at once, conflicts never in silence."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotator.config import Settings
from annotator.datasets import DatasetReport, ImportPlan
from annotator.errors import Cancelled, SettingsError
from annotator.workspace import Workspace
from exporters.base import ExportOptions, Pictures, SplitOptions
from exporters.files import export
from importers.base import ImporterError
from storage.records import ImageStatus, Origin
from storage.rle import Rle
from tests.exporters.datasets import FakeDataset, small_dataset, tree_bytes

SQUARE = [2, 3, 12, 3, 12, 9, 2, 9]
OTHER = [20, 3, 30, 3, 30, 9, 20, 9]
HEIGHT, WIDTH = 200, 320  # of the `pictures`


@pytest.fixture
def dataset(tmp_path: Path) -> FakeDataset:
    return small_dataset(tmp_path / "source")


@pytest.fixture
def other(tmp_path: Path, settings: Settings) -> Iterator[Workspace]:
    """A second, empty workspace."""
    with Workspace(Settings(data=tmp_path / "other", model="fake")) as workspace:
        yield workspace


def coco(folder: Path, shapes: dict[str, list[list[int]]], *, name: str = "labels.json", **changes: Any) -> Path:
    """A COCO file: file name -> polygons of its cups."""
    folder.mkdir(exist_ok=True)
    images = [{"id": n, "file_name": file, "height": HEIGHT, "width": WIDTH} for n, file in enumerate(shapes)]
    annotations = [
        {"id": n, "image_id": n, "category_id": 1, "segmentation": [ring]}
        for n, rings in enumerate(shapes.values())
        for ring in rings
    ]
    whole = {"images": images, "categories": [{"id": 1, "name": "cup"}], "annotations": annotations} | changes
    (folder / name).write_text(json.dumps(whole))
    return folder / name


def look(workspace: Workspace, *paths: Path, **options: Any) -> ImportPlan:
    plan = workspace.datasets.inspect(paths, **options)
    assert plan is not None
    return plan


def take(workspace: Workspace, *paths: Path, **options: Any) -> DatasetReport:
    return workspace.datasets.apply(look(workspace, *paths), **options)


def masks(workspace: Workspace) -> dict[str, list[int]]:
    """Picture -> areas of its instances."""
    return {image.original_name: [one.area for one in workspace.instances(image.id)] for image in workspace.images()}


@pytest.mark.parametrize(
    ("out", "split", "polygons"),
    [
        ("folder", None, False),
        ("file.zip", SplitOptions(train=1, val=1, test=1), False),
        ("folder", SplitOptions(stratify=True, seed=3), False),
        ("file.zip", None, True),
        ("folder", SplitOptions(train=1, val=1, test=1), True),
    ],
)
def test_coco_exported_imported_and_exported_again_is_the_same_bytes(
    out: str, split: SplitOptions | None, polygons: bool, workspace: Workspace, other: Workspace, dataset: FakeDataset,
    tmp_path: Path,
) -> None:  # fmt: skip
    export("coco", dataset, tmp_path / "source.zip")
    take(workspace, tmp_path / "source.zip")
    # Polygons come back as they were where they follow each pixel's edge.
    options = ExportOptions(split=split, polygons=polygons, polygon_tolerance=0.0)
    workspace.exports.write("coco", tmp_path / "first" / out, options)
    report = take(other, tmp_path / "first" / out)
    assert (report.imported, report.added, report.new_categories) == (3, 7, 3)
    assert (report.unreadable, report.remarks) == ([], [])
    other.exports.write("coco", tmp_path / "second" / out, options)
    first, second = (
        {k: v for k, v in tree_bytes(tmp_path / name).items() if "report" not in k} for name in ("first", "second")
    )
    assert first == second


def test_a_dry_run_changes_nothing_and_says_what_an_import_then_does(
    workspace: Workspace, dataset: FakeDataset, tmp_path: Path
) -> None:
    export("coco", dataset, tmp_path / "out")
    plan = look(workspace, tmp_path / "out")
    assert (workspace.images(), workspace.categories()) == ([], [])
    assert not list((workspace.settings.data / "incoming").glob("*"))
    assert (plan.format, plan.found, plan.new, plan.matched, plan.instances) == ("coco", 3, 3, 0, 7)
    assert [(one.name, one.is_new, one.instances) for one in plan.categories] == [
        ("cup", True, 3), ("yes: [no] 'ñ'", True, 0), ("1", True, 4)
    ]  # fmt: skip
    assert list(plan.lines()) == [
        "COCO instances (JSON): annotations.json",
        "3 pictures: 3 to import, 0 here already, 0 missing",
        "7 instances of 3 categories (cup, yes: [no] 'ñ', 1 new)",
    ]
    assert json.loads(json.dumps(plan.as_dict()))["pictures"] == {"found": 3, "matched": 0, "new": 3, "missing": 0}
    report = workspace.datasets.apply(plan)
    assert list(report.lines()) == ["3 pictures and 7 instances imported, 3 new categories"]
    assert json.loads(json.dumps(report.as_dict()))["image_ids"] == [image.id for image in workspace.images()]
    assert {image.status for image in workspace.images()} == {ImageStatus.IN_PROGRESS, ImageStatus.NEW}
    first = workspace.instances(workspace.images()[0].id)[0]
    assert (first.origin, first.labeler) == (Origin.IMPORT, "import")


def test_the_same_import_twice_brings_nothing_new(workspace: Workspace, dataset: FakeDataset, tmp_path: Path) -> None:
    export("coco", dataset, tmp_path / "out")
    take(workspace, tmp_path / "out")
    before = masks(workspace)
    plan = look(workspace, tmp_path / "out")
    assert (plan.new, plan.matched, plan.there_already, plan.conflicts) == (0, 3, 7, [])
    report = workspace.datasets.apply(plan, on_conflict="replace")
    assert (report.imported, report.added, report.there_already) == (0, 0, 7)
    assert masks(workspace) == before
    assert not report.read_nothing


@pytest.mark.parametrize(
    ("on_conflict", "areas", "counts"),
    [("skip", [60], (0, 0, 1)), ("add", [60, 60], (1, 0, 1)), ("replace", [60, 60], (2, 1, 0))],
)
def test_other_instances_on_a_picture_are_a_conflict_and_the_user_decides(
    on_conflict: str, areas: list[int], counts: tuple[int, int, int], workspace: Workspace, pictures: list[Path],
    tmp_path: Path,
) -> None:  # fmt: skip
    workspace.import_pictures(pictures)
    take(workspace, coco(tmp_path / "a", {"one.png": [SQUARE]}))
    old = workspace.instances(1)
    second = coco(tmp_path / "b", {"one.png": [SQUARE, OTHER], "two.png": [SQUARE]})
    plan = look(workspace, second)
    assert [(one.picture, one.here, one.coming) for one in plan.conflicts] == [("one.png", 1, 1)]
    report = workspace.datasets.apply(plan, on_conflict=on_conflict)
    assert masks(workspace) == {"one.png": areas, "two.png": [60], "three.png": []}
    assert (report.added - 1, report.replaced, report.there_already) == counts
    assert [one.picture for one in report.skipped] == (["one.png"] if on_conflict == "skip" else [])
    assert (old[0] in workspace.instances(1)) is (on_conflict != "replace")


def test_labels_alone_find_the_pictures_by_name_and_size(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures)
    names = {"somewhere/else/one.png": [SQUARE], "TWO.PNG": [SQUARE], "four.png": [SQUARE]}
    report = take(workspace, coco(tmp_path / "in", names))
    assert (report.matched, report.added, report.missing) == (2, 2, ["four.png"])
    assert masks(workspace) == {"one.png": [60], "two.png": [60], "three.png": []}


def test_labels_of_another_split_are_not_for_the_picture_of_the_same_name(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "in" / "train").mkdir(parents=True)
    pictures[0].rename(tmp_path / "in" / "train" / "one.png")
    workspace.import_pictures([tmp_path / "in"])
    plan = look(workspace, coco(tmp_path / "labels", {"val/one.png": [SQUARE], "train/one.png": [SQUARE]}))
    assert (plan.matched, plan.missing) == (1, ["val/one.png"])


def test_labels_without_pictures_find_them_by_their_names_in_an_export(
    workspace: Workspace, dataset: FakeDataset, tmp_path: Path
) -> None:
    for image in dataset.images:
        target = tmp_path / "named" / image.original_name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(dataset.picture_path(image)).save(target.with_suffix(".png"))
    workspace.import_pictures([tmp_path / "named"])
    for number, name in enumerate(("coco", "yolo-segment")):
        export(name, dataset, tmp_path / name, ExportOptions(pictures=Pictures.NONE))
        plan = look(workspace, tmp_path / name)
        assert (plan.matched, plan.new, plan.missing) == (3, 0, [])
        assert plan.there_already + sum(one.coming for one in plan.conflicts) == 7 * min(number, 1)
        workspace.datasets.apply(plan)


def test_a_picture_of_another_size_than_its_labels_is_left_out(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures[:1])
    images = [
        {"id": n, "file_name": name, "height": 320, "width": 200} for n, name in enumerate(("one.png", "two.png"))
    ]
    path = coco(tmp_path / "pictures", {"one.png": [SQUARE], "two.png": [SQUARE]}, images=images)
    assert "the picture of this name here has 320×200" in look(workspace, path).unreadable[0].reason
    report = take(workspace, tmp_path / "pictures")
    assert [one.name for one in report.unreadable] == ["one.png", "two.png"]
    assert "it was labelled lying on its side" in report.unreadable[1].reason
    assert masks(workspace) == {"one.png": []}
    assert workspace.categories() == []


def test_another_picture_of_the_same_name_and_size_is_not_mistaken_for_it(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures[:1])
    folder = tmp_path / "other camera"
    folder.mkdir()
    Image.open(pictures[1]).save(folder / "one.png")
    coco(folder, {"one.png": [SQUARE]})
    report = take(workspace, folder)
    assert (report.imported, report.matched) == (1, 0)
    assert [len(workspace.instances(image.id)) for image in workspace.images()] == [0, 1]


def test_the_same_picture_saved_anew_is_recognised_by_its_look(workspace: Workspace, tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = Image.fromarray(np.stack([rows, columns // 2, rows // 2 + columns // 4], axis=2).astype(np.uint8))
    for place in ("first", "second"):
        (tmp_path / place).mkdir()
    picture.save(tmp_path / "first" / "one.png")
    picture.save(tmp_path / "second" / "one.jpg", quality=90)
    workspace.import_pictures([tmp_path / "first"])
    coco(tmp_path / "second", {"one.jpg": [SQUARE]})
    report = take(workspace, tmp_path / "second")
    assert (report.imported, report.matched, report.added) == (0, 1, 1)
    assert "same name and size, and it looks so" in report.remarks[0].text


def test_the_same_picture_under_another_name_is_found_by_its_content(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures)
    folder = tmp_path / "renamed"
    folder.mkdir()
    (folder / "x.png").write_bytes(pictures[2].read_bytes())
    coco(folder, {"x.png": [SQUARE]})
    report = take(workspace, folder)
    assert (report.imported, report.matched) == (0, 1)
    assert masks(workspace)["three.png"] == [60]


def test_two_pictures_of_one_name_are_kept_apart_by_their_folders(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    for number, place in enumerate(("train", "val")):
        (folder / place).mkdir(parents=True)
        (folder / place / "0001.png").write_bytes(pictures[number].read_bytes())
        coco(folder / place, {"0001.png": [SQUARE] * (number + 1)}, name="_annotations.coco.json")
    report = take(workspace, folder)
    assert report.imported == 2
    assert {name: len(found) for name, found in masks(workspace).items()} == {"train/0001.png": 1, "val/0001.png": 2}


def test_lists_that_overlap_bring_each_instance_once(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    coco(folder, {"one.png": [SQUARE]}, name="all.json")
    coco(folder, {"one.png": [SQUARE, OTHER]}, name="train.json")
    plan = look(workspace, folder)
    assert (plan.found, plan.new, plan.matched, plan.instances) == (1, 1, 0, 2)
    report = workspace.datasets.apply(plan)
    assert (report.imported, report.matched, report.added) == (1, 0, 2)
    assert [one.text for one in report.remarks if one.name == "one.png"] == [
        "listed again: 1 of its instances had come before"
    ]


def test_the_split_of_a_data_set_is_that_of_later_exports(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    coco(folder, {"one.png": [SQUARE], "two.png": []}, name="instances_val.json")
    coco(folder, {"three.png": [SQUARE]}, name="instances_train.json")
    report = take(workspace, folder)
    assert "its split (1 train, 2 val) is kept by exports with the usual shares" in report.lines()
    for number, options in enumerate((SplitOptions(), SplitOptions(stratify=True))):
        workspace.exports.write("yolo-detect", tmp_path / f"out{number}", ExportOptions(split=options))
        written = {
            path.relative_to(tmp_path / f"out{number}/images").as_posix()
            for path in tmp_path.glob(f"out{number}/images/*/*")
        }
        assert written == {"val/one.png", "val/two.png", "train/three.png"}


def test_pictures_that_the_labels_do_not_name_are_counted_and_left(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    coco(tmp_path / "pictures", {"one.png": [SQUARE]})
    report = take(workspace, tmp_path / "pictures")
    assert list(masks(workspace)) == ["one.png"]
    assert report.remarks[-1].text.startswith("2 pictures in it without a word in the labels")


def test_categories_go_by_name_whatever_their_case_and_bad_ones_are_named(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures)
    own = workspace.category_called("Cup")
    categories = [
        {"id": 1, "name": "CUP"}, {"id": 2, "name": "x" * 100}, {"id": 3, "name": "pot"}, {"id": 4, "name": "POT"}
    ]  # fmt: skip
    annotations = [
        {"id": n, "image_id": 0, "category_id": n, "segmentation": [[n * 20 + v for v in SQUARE]]} for n in (1, 2, 3, 4)
    ]
    path = coco(tmp_path / "in", {"one.png": []}, categories=categories, annotations=annotations)
    report = take(workspace, path)
    assert (report.added, report.new_categories) == (3, 1)
    assert [one.name for one in workspace.categories()] == ["Cup", "pot"]
    assert workspace.instances(1)[0].category_id == own.id
    assert any("has at most 80 characters" in one.reason for one in report.unreadable)
    assert any(one.name == "labels.json, annotation id 2 (one.png)" for one in report.unreadable)
    assert any("differs in letter case alone" in one.text for one in report.remarks)


def test_an_import_that_is_stopped_leaves_the_labels_as_they_were(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    coco(tmp_path / "pictures", {path.name: [SQUARE] for path in pictures})
    plan = look(workspace, tmp_path / "pictures")
    asked = iter([False] * 2 + [True] * 100)
    with pytest.raises(Cancelled, match=r"no label was imported\. The pictures that came in before \([12]\) stay"):
        workspace.datasets.apply(plan, cancelled=lambda: next(asked))
    assert 1 <= len(workspace.images()) <= 2
    assert workspace.categories() == []
    assert all(found == [] for found in masks(workspace).values())
    assert not list((workspace.settings.data / "incoming").glob("*"))
    report = workspace.datasets.apply(plan)
    assert report.added == 3


def test_a_stop_while_labels_are_written_takes_all_of_them_back(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures)
    plan = look(workspace, coco(tmp_path / "in", {path.name: [SQUARE] for path in pictures}))
    writing = False

    def stopped() -> bool:
        nonlocal writing
        asked = writing
        writing = workspace.database._writing.locked()  # the second time that it is asked within the change
        return asked and writing

    with pytest.raises(Cancelled, match=r"no label was imported\.$"):
        workspace.datasets.apply(plan, cancelled=stopped)
    assert workspace.categories() == []
    assert all(found == [] for found in masks(workspace).values())


def test_progress_goes_up_to_the_number_of_pictures(workspace: Workspace, pictures: list[Path], tmp_path: Path) -> None:
    coco(tmp_path / "pictures", {path.name: [SQUARE] for path in pictures})
    seen: list[tuple[int, int]] = []
    plan = workspace.datasets.inspect([tmp_path / "pictures"], progress=lambda *now: seen.append(now))
    assert plan is not None
    workspace.datasets.apply(plan, progress=lambda *now: seen.append(now))
    assert {total for _, total in seen} == {3}
    half = seen.index((3, 3)) + 1
    assert [done for done, _ in seen[:half]] == sorted(done for done, _ in seen[:half])
    assert seen[-1] == (3, 3)


def test_a_picture_on_which_someone_works_meanwhile_is_left_as_it_is(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    workspace.import_pictures(pictures)
    plan = look(workspace, coco(tmp_path / "in", {"one.png": [SQUARE], "two.png": [SQUARE]}))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5, 5] = True
    steps = iter(range(100))

    def meanwhile(done: int, total: int) -> None:
        if done == 1 and next(steps) == 0:
            pot = workspace.category_called("pot")
            values = {"category_id": pot.id, "rle": Rle.encode(mask).to_coco(), "origin": Origin.CLICK.value}
            workspace.repository.add_instances(1, [values], labeler="ann")

    report = workspace.datasets.apply(plan, progress=meanwhile)
    assert masks(workspace) == {"one.png": [1], "two.png": [60], "three.png": []}
    assert [(one.name, one.reason.partition(",")[0]) for one in report.unreadable] == [
        ("one.png", "Someone worked on it during the import")
    ]


@pytest.mark.parametrize("given", ["pictures", "text", "broken.zip", "nothing"])
def test_what_is_no_data_set_is_recognised_as_none(
    given: str, workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 cut")
    assert workspace.datasets.inspect([tmp_path / given]) is None


def test_a_damaged_data_set_changes_nothing(workspace: Workspace, pictures: list[Path], tmp_path: Path) -> None:
    path = coco(tmp_path / "pictures", {"one.png": [SQUARE]})
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ImporterError, match="was it cut off"):
        workspace.datasets.inspect([tmp_path / "pictures"])
    assert workspace.images() == []


def test_a_data_set_that_is_damaged_between_look_and_import_changes_no_label(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    path = coco(tmp_path / "pictures", {"one.png": [SQUARE]})
    plan = look(workspace, tmp_path / "pictures")
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ImporterError, match=r"was it cut off.* No label was imported\."):
        workspace.datasets.apply(plan)
    assert (workspace.images(), workspace.categories()) == ([], [])


def test_a_picture_that_is_damaged_is_named_and_the_rest_comes_in(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    pictures[0].write_bytes(pictures[0].read_bytes()[:2000])
    pictures[1].write_text("no picture")
    coco(tmp_path / "pictures", {path.name: [SQUARE] for path in pictures})
    report = take(workspace, tmp_path / "pictures")
    assert [one.name for one in report.unreadable] == ["one.png", "two.png"]
    assert masks(workspace) == {"three.png": [60]}


def test_evil_archives_write_nothing_outside_and_their_good_part_comes_in(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    text = coco(tmp_path / "in", {"../../one.png": [SQUARE], "tw\no☕.png": [SQUARE]}).read_text()
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("labels.json", text)
        archive.writestr("../../evil.json", text)
        archive.write(pictures[0], "one.png")
        archive.write(pictures[1], "tw\no☕.png")
    before = {path for path in tmp_path.rglob("*") if "workspace" not in path.parts}
    report = take(workspace, tmp_path / "evil.zip")
    assert {path for path in tmp_path.rglob("*") if "workspace" not in path.parts} == before
    assert [one.name for one in report.unreadable] == ["../../evil.json"]
    assert masks(workspace) == {"one.png": [60], "tw_o☕.png": [60]}


def test_choices_that_there_are_not_are_refused_with_those_that_are(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    path = coco(tmp_path / "pictures", {"one.png": [SQUARE]})
    with pytest.raises(SettingsError, match=r"no format 'pascal' to import\. Choose one of: .*coco"):
        workspace.datasets.inspect([path], format="pascal")
    with pytest.raises(SettingsError, match="skip, add, replace"):
        workspace.datasets.apply(look(workspace, path), on_conflict="overwrite")
    with pytest.raises(ImporterError, match=r"pictures: No JSON|No JSON file"):
        workspace.datasets.inspect([pictures[0]], format="coco")
