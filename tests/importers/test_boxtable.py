"""Tables of boxes."""

from pathlib import Path

import pytest

from importers.base import ImporterError
from tests.importers.reading import read

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax"


def table(folder: Path, *rows: str) -> Path:
    folder.mkdir()
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_boxes_are_half_open_and_gathered_by_picture(tmp_path):
    folder = table(
        tmp_path / "set", HEAD, "a.jpg,30,20,cup,0,0,1,1", "b.jpg,30,20,cup,2,3,5,7", "a.jpg,30,20,fork,9,9,12,12"
    )
    result = read(folder)
    assert (result.importer, result.entry, result.categories) == ("csv", "labels.csv", ["cup", "fork"])
    assert [(category, int(mask.sum())) for category, mask in result.masks("a.jpg")] == [("cup", 1), ("fork", 9)]
    assert [(category, int(mask.sum())) for category, mask in result.masks("b.jpg")] == [("cup", 12)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",30,20,cup,0,0,1,1", "names no file"),
        ("b.jpg,30,20,,0,0,1,1", "no category"),
        ("b.jpg,30,20,cup,0,0,1", "number"),
        ("b.jpg,30,20,cup,0,0,nan,1", "NaN"),
        ("b.jpg,30,20,cup,left,0,1,1", "numbers"),
        ("b.jpg,wide,20,cup,0,0,1,1", "whole numbers"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_the_rest_comes_in(row, reason, tmp_path):
    result = read(table(tmp_path / "set", HEAD, row, "a.jpg,30,20,cup,0,0,1,1"))
    assert [one.name for one in result.unreadable] == ["labels.csv, row 2"]
    assert reason in result.reasons()
    assert len(result.pictures["a.jpg"].shapes) == 1


def test_a_value_too_long_for_a_table_is_an_error_with_its_line(tmp_path):
    folder = table(tmp_path / "set", HEAD, "a.jpg,30,20,cup,0,0,1,1", '"' + "x" * 200_000)
    with pytest.raises(ImporterError, match=r"labels\.csv: Line \d+ is no line of a table"):
        read(folder)


def test_other_tables_are_left_alone(tmp_path):
    with pytest.raises(AssertionError, match="nobody recognises"):
        read(table(tmp_path / "set", "name,age", "ann,12"))


def test_rows_without_end_that_cannot_be_used_are_counted(tmp_path):
    result = read(table(tmp_path / "set", HEAD, *["a.jpg,30,20,,0,0,1,1"] * 1500))
    assert len(result.unreadable) == 1001
    assert result.unreadable[-1].reason == "500 more of its rows cannot be used."
