"""A workspace whose pictures lie in a bucket: from the import to the export, and through a server that goes away."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from annotator.config import Settings
from annotator.errors import AwayError
from annotator.images import read_image
from annotator.workspace import Workspace
from exporters.base import ExportOptions, Pictures
from tests.s3 import S3Server

POINT = {"kind": "point", "x": 100, "y": 80, "label": 1}


@pytest.fixture
def in_bucket(settings: Settings, s3: S3Server) -> Settings:
    return replace(settings, pictures_url=f"{s3.new_bucket()}/class/pictures")


@pytest.fixture
def workspace(in_bucket: Settings) -> Iterator[Workspace]:
    with Workspace(in_bucket) as workspace:
        yield workspace


def test_pictures_go_from_the_import_through_a_click_and_a_save_into_an_export(
    workspace: Workspace, in_bucket: Settings, pictures: list[Path], tmp_path: Path
) -> None:
    report = workspace.import_pictures(pictures)
    assert report.imported == 3
    assert not (in_bucket.data / "images").exists()
    assert len(workspace.pictures.objects.sizes()) == 3

    # Another machine: the same database, nothing else of this one's folder.
    shutil.rmtree(in_bucket.data / "picture-cache")
    shutil.rmtree(in_bucket.data / "thumbs")
    image = workspace.image(report.image_ids[0])
    assert read_image(workspace.pictures.thumbnail(image.stored_name)).pixels.shape == (100, 160, 3)
    assert workspace.pictures.display(image.stored_name, (100, 160)).is_file()
    view = workspace.act(image.id, [POINT], labeler="ann", wait_s=30)
    assert view.answer is not None
    cup = workspace.category_called("cup")
    workspace.act(image.id, [{"kind": "commit", "category_id": cup.id}], labeler="ann")
    assert len(workspace.instances(image.id)) == 1

    for how in (Pictures.COPY, Pictures.LINK):
        out = tmp_path / f"out-{how}"
        exported = workspace.exports.write("coco", out, ExportOptions(pictures=how))
        assert (exported.images, exported.left_out) == (3, [])
        assert {path.read_bytes() for path in (out / "images").iterdir()} == {path.read_bytes() for path in pictures}
    workspace.exports.write("yolo-segment", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 3

    again = workspace.import_pictures(pictures)
    assert (again.imported, len(again.duplicates)) == (0, 3)


def test_a_backup_holds_the_pictures_too_and_makes_a_workspace_by_itself(
    workspace: Workspace, in_bucket: Settings, pictures: list[Path], tmp_path: Path
) -> None:
    from annotator.backup import restore

    image_ids = workspace.import_pictures(pictures).image_ids
    workspace.pictures.objects.remove(workspace.image(image_ids[2]).stored_name)  # lost, as far as this tool knows
    report = workspace.backups.make(tmp_path / "backup.zip")
    assert (report.pictures, report.missing) == (2, 1)
    restore(tmp_path / "backup.zip", tmp_path / "restored")
    with Workspace(replace(in_bucket, data=tmp_path / "restored", pictures_url=None)) as restored:
        assert restored.pixels(restored.image(image_ids[0])).shape == (200, 320, 3)


def test_a_picture_that_was_removed_is_out_of_the_bucket_and_what_stays_behind_is_said(
    workspace: Workspace, s3: S3Server, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = workspace.import_pictures(pictures).image_ids
    workspace.remove_image(first)
    assert len(workspace.pictures.objects.sizes()) == 2
    s3.ask_for_credentials(True)
    try:
        workspace.remove_image(second)  # its row goes first
    finally:
        s3.ask_for_credentials(False)
    assert len(workspace.images()) == 1
    assert len(workspace.pictures.objects.sizes()) == 2
    assert "was left behind" in workspace.notices[-1]
    workspace.import_pictures(pictures)
    assert len(workspace.pictures.objects.sizes()) == 3


def test_an_import_stops_where_the_server_refuses_and_leaves_no_row_without_its_picture(
    workspace: Workspace, s3: S3Server, pictures: list[Path]
) -> None:
    def refuse_after_the_first(done: int, total: int) -> None:
        s3.ask_for_credentials(True)

    try:
        with pytest.raises(AwayError, match=r"^two\.png and what comes after it were not imported.*no right to write"):
            workspace.import_pictures(pictures, refuse_after_the_first)
    finally:
        s3.ask_for_credentials(False)
    assert [image.original_name for image in workspace.images()] == ["one.png"]
    report = workspace.import_pictures(pictures)
    assert (report.imported, len(report.duplicates)) == (2, 1)


def test_a_click_says_that_the_picture_cannot_be_fetched_now_and_works_again_later(
    workspace: Workspace, s3: S3Server, in_bucket: Settings, pictures: list[Path], tmp_path: Path
) -> None:
    image_id = workspace.import_pictures(pictures).image_ids[0]
    shutil.rmtree(in_bucket.data / "picture-cache")
    s3.ask_for_credentials(True)
    try:
        view = workspace.act(image_id, [POINT], labeler="ann", wait_s=30)
        assert view.problem.startswith("one.png: It cannot be fetched now. s3://")
        with pytest.raises(AwayError, match="refuses"):
            workspace.exports.write("coco", tmp_path / "out")
        assert not (tmp_path / "out").exists()
        with pytest.raises(AwayError, match="refuses"):
            workspace.backups.make(tmp_path / "backup")
        assert not (tmp_path / "backup").exists()
    finally:
        s3.ask_for_credentials(False)
    assert workspace.look(image_id, labeler="ann", wait_s=30).answer is not None
    assert workspace.exports.write("coco", tmp_path / "out").images == 3
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["left_out"] == []


def test_a_picture_that_the_bucket_lost_is_named_and_brought_back_by_an_import(
    workspace: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    image = workspace.image(workspace.import_pictures(pictures).image_ids[0])
    workspace.pictures.objects.remove(image.stored_name)
    exported = workspace.exports.write("coco", tmp_path / "out")
    assert exported.images == 2 and "is missing" in exported.left_out[0]
    report = workspace.import_pictures(pictures)
    assert report.notes == ["one.png: the lost file of one.png is back"]
    stored = workspace.pictures.path(image.stored_name).read_bytes()
    assert read_image(stored).size_hw == (200, 320)
