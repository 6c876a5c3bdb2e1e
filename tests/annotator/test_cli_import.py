"""`launch.py import`: pictures, data sets, and what is said of each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from annotator.cli import app
from annotator.config import Settings
from annotator.workspace import Workspace
from tests.annotator.conftest import HEIGHT, WIDTH

Import = Callable[..., Result]


@pytest.fixture
def imported(settings: Settings) -> Import:
    return lambda *words: CliRunner().invoke(app, ["import", "--data", str(settings.data), *map(str, words)])


@pytest.fixture
def dataset(pictures: list[Path]) -> Path:
    """A COCO data set of the first two pictures, a cup on each; the third lies beside."""
    images = [
        {"id": n, "file_name": path.name, "height": HEIGHT, "width": WIDTH} for n, path in enumerate(pictures[:2])
    ]
    labels = [
        {"id": n, "image_id": n, "category_id": 1, "segmentation": [[2, 3, 12, 3, 12, 9, 2, 9]]} for n in range(2)
    ]
    whole = {"images": images, "categories": [{"id": 1, "name": "cup"}], "annotations": labels}
    (pictures[0].parent / "labels.json").write_text(json.dumps(whole))
    return pictures[0].parent


def there(settings: Settings) -> tuple[int, int]:
    """(pictures, instances) in the workspace."""
    with Workspace(settings) as workspace:
        return len(workspace.images()), sum(workspace.repository.instance_counts().values())


def test_a_data_set_is_looked_at_then_taken_in(imported: Import, dataset: Path, settings: Settings) -> None:
    summary = [
        "COCO instances (JSON): labels.json",
        "2 pictures: 2 to import, 0 here already, 0 missing",
        "2 instances of 1 category (cup new)",
    ]
    note = "note on pictures: 1 picture in it without a word in the labels: left, to be imported as pictures alone"
    dry = imported(dataset, "--dry-run")
    assert (dry.exit_code, dry.stdout.splitlines()) == (0, [*summary, note])
    assert there(settings) == (0, 0)
    done = imported(dataset)
    assert (done.exit_code, done.stdout.splitlines()) == (
        0, [*summary, "2 pictures and 2 instances imported, 1 new category", note]
    )  # fmt: skip
    assert there(settings) == (2, 2)


def test_pictures_alone_come_in_when_asked_and_labels_find_them_afterwards(
    imported: Import, dataset: Path, settings: Settings
) -> None:
    assert imported(dataset, "--pictures-only").stdout.splitlines()[0] == "3 pictures imported"
    assert there(settings) == (3, 0)
    assert imported(dataset / "labels.json").exit_code == 0
    assert there(settings) == (3, 2)


@pytest.mark.parametrize(("choice", "instances"), [("skip", 2), ("add", 3), ("replace", 2)])
def test_what_becomes_of_a_conflict_is_the_users_choice(
    choice: str, instances: int, imported: Import, dataset: Path, settings: Settings
) -> None:
    imported(dataset)
    path = dataset / "labels.json"
    path.write_text(path.read_text().replace("[2, 3, 12, 3, 12, 9, 2, 9]", "[50, 3, 60, 3, 60, 9, 50, 9]", 1))
    done = imported(dataset, "--on-conflict", choice)
    assert done.exit_code == 0
    assert there(settings) == (2, instances)
    assert ("left as it is: one.png has 1 instance here, and 1 more would come" in done.stdout) is (choice == "skip")


def test_the_last_import_can_be_taken_back(imported: Import, dataset: Path, settings: Settings) -> None:
    assert imported("--undo").exit_code == 1
    imported(dataset)
    done = imported("--undo")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 instances of the import of 2")
    assert there(settings) == (2, 0)
    assert "no import to take back" in imported("--undo").stderr
    assert "Name what to import" in imported().stderr


def test_a_damaged_data_set_is_one_line_and_exit_status_one(
    imported: Import, dataset: Path, settings: Settings
) -> None:
    path = dataset / "labels.json"
    path.write_text(path.read_text()[:-30])
    done = imported(dataset)
    assert done.exit_code == 1
    assert "Error: labels.json: It ends too early" in done.stderr
    assert there(settings) == (0, 0)


def test_a_data_set_of_which_a_part_cannot_be_read_changes_nothing_unless_the_rest_is_asked_for(
    imported: Import, dataset: Path, settings: Settings
) -> None:
    path = dataset / "labels.json"
    path.write_text(path.read_text().replace("[[2, 3,", "[[NaN, 3,", 1))
    done = imported(dataset)
    assert done.exit_code == 1
    assert "left out labels.json, annotation id 0" in done.stdout
    assert "--skip-unreadable" in done.stderr
    assert there(settings) == (0, 0)
    rest = imported(dataset, "--skip-unreadable")
    assert rest.exit_code == 0
    assert "left out labels.json, annotation id 0" in rest.stdout
    assert there(settings) == (2, 1)


@pytest.mark.parametrize("dry", [True, False])
def test_labels_of_pictures_that_are_nowhere_are_a_failure(dry: bool, imported: Import, dataset: Path) -> None:
    done = imported(dataset / "labels.json", *(["--dry-run"] if dry else []))
    assert done.exit_code == 1
    assert "missing picture: one.png" in done.stdout


def test_a_format_can_be_named_and_a_wrong_one_lists_those_there_are(imported: Import, dataset: Path) -> None:
    assert imported(dataset, "--format", "coco", "--dry-run").exit_code == 0
    done = imported(dataset, "--format", "pascal")
    assert done.exit_code == 1
    assert "Choose one of: " in done.stderr and "yolo" in done.stderr


def test_plain_pictures_come_in_as_before(imported: Import, pictures: list[Path], settings: Settings) -> None:
    assert "No data set is recognised" in imported(pictures[0].parent, "--dry-run").stdout
    assert there(settings) == (0, 0)
    assert imported(*pictures).stdout.splitlines() == ["3 pictures imported"]
    assert there(settings) == (3, 0)
