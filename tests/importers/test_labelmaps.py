"""Label maps: told from pictures by what is in them, one instance a class and picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from importers.base import ImporterError
from importers.regions import voc_color
from importers.registry import IMPORTERS
from importers.tree import open_tree
from tests.importers.reading import Read, read

SIZE_HW = (30, 40)
LISTED = {"categories": [{"id": 0, "name": "background"}, {"id": 1, "name": "cup", "color": "#ff0000"}]}


def numbers(**places: int) -> np.ndarray:
    """A map with one block of each number, from the left; `v5=5` for number 5."""
    pixels = np.zeros(SIZE_HW, np.uint8)
    for place, number in enumerate(places.values()):
        pixels[5:25, 2 + 8 * place : 8 + 8 * place] = number
    return pixels


def data_set(folder: Path, pixels: np.ndarray, *, listed: object = None, maps: str = "masks") -> Path:
    """Three photographs and their maps."""
    (folder / "images").mkdir(parents=True)
    (folder / maps).mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 255, (*SIZE_HW, 3), np.uint8)
        Image.fromarray(noise).save(folder / "images" / f"{number}.png")
        Image.fromarray(pixels).save(folder / maps / f"{number}.png")
    if listed is not None:
        (folder / "categories.json").write_text(json.dumps(listed))
    return folder


def found(result: Read) -> list[tuple[str, int]]:
    return [(category, int(mask.sum())) for category, mask in result.masks("0.png")]


def recognised(folder: Path) -> str | None:
    with open_tree([folder], work_dir=folder.parent / "work") as tree:
        return IMPORTERS["label-map"].recognises(tree)


def test_all_pixels_of_a_class_on_a_picture_are_one_instance(tmp_path):
    result = read(data_set(tmp_path / "set", numbers(a=1, b=2, c=1)))
    assert (result.importer, result.entry) == ("label-map", "3 label maps")
    assert result.categories == ["class 1", "class 2"]
    assert found(result) == [("class 1", 240), ("class 2", 120)]
    assert result.pictures["0.png"].path == "images/0.png"


def test_a_list_names_the_numbers_and_what_it_lacks_is_said(tmp_path):
    result = read(data_set(tmp_path / "set", numbers(a=1, b=9), listed=LISTED))
    assert result.categories == ["cup"]
    assert found(result) == [("cup", 120)]
    assert [one.name for one in result.unreadable] == [f"masks/{n}.png, number 9" for n in range(3)]


def test_number_zero_is_a_class_where_the_list_calls_it_one(tmp_path):
    listed = [{"id": 0, "name": "road"}, {"id": 1, "name": "cup"}]
    result = read(data_set(tmp_path / "set", numbers(a=1), listed=listed))
    assert found(result) == [("road", 1080), ("cup", 120)]


@pytest.mark.parametrize(
    ("listed", "palette", "classes"),
    [
        (None, False, ["class 1", "class 255"]),  # as in maps of black and white
        (None, True, ["class 1"]),
        (LISTED, False, ["cup"]),
    ],
)
def test_number_255_is_nobodys_where_palette_or_list_say_so(listed, palette, classes, tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1, b=255), listed=listed)
    if palette:
        for path in (folder / "masks").iterdir():
            picture = Image.open(path).convert("P")
            picture.frombytes(numbers(a=1, b=255).tobytes())
            picture.putpalette([part for number in range(256) for part in voc_color(number)])
            picture.save(path)
    result = read(folder)
    assert result.unreadable == []
    assert [category for category, _ in found(result)] == classes


def test_maps_of_colours_are_read_by_the_list(tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1), listed=LISTED)
    for path in (folder / "masks").iterdir():
        colours = np.zeros((*SIZE_HW, 3), np.uint8)
        colours[numbers(a=1) == 1] = (255, 0, 0)
        colours[0, 0] = (0, 255, 0)
        Image.fromarray(colours).save(path)
    result = read(folder)
    assert found(result) == [("cup", 120)]
    assert all("no name" in one.reason for one in result.unreadable)
    (folder / "categories.json").unlink()
    result = read(folder)
    assert result.pictures == {} and "which colour is which class" in result.reasons()


def test_maps_of_sixteen_bits_keep_their_numbers(tmp_path):
    result = read(data_set(tmp_path / "set", numbers(a=1).astype(np.uint16) * 300))
    assert found(result) == [("class 300", 120)]


def test_maps_beside_their_pictures_are_told_by_name(tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1))
    for path in (folder / "masks").iterdir():
        path.rename(folder / "images" / f"{path.stem}_mask.png")
    result = read(folder)
    assert found(result) == [("class 1", 120)]
    assert result.pictures["0.png"].path == "images/0.png"


def test_flat_pictures_are_not_taken_for_their_maps(tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1), maps="annotations")
    for path in (folder / "images").iterdir():
        Image.fromarray(numbers(a=50)).save(path)
    result = read(folder)
    assert [one.path for one in result.pictures.values()] == [f"images/{n}.png" for n in range(3)]
    assert found(result) == [("class 1", 120)]


@pytest.mark.parametrize("photos", ["depth", "grey"])
def test_grey_photographs_in_two_folders_are_no_maps(photos, tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1), maps=photos)
    for path in (folder / photos).iterdir():
        Image.open(folder / "images" / path.name).convert("L").save(path)
    assert recognised(folder) is None


def test_a_damaged_map_is_named_and_the_rest_comes_in(tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1), listed=LISTED)
    whole = (folder / "masks" / "1.png").read_bytes()
    with open_tree([folder], work_dir=tmp_path / "work") as tree:
        reading = IMPORTERS["label-map"].read(tree)
        (folder / "masks" / "1.png").write_bytes(whole[: len(whole) // 2])
        items = list(reading.pictures())
    assert [getattr(item, "reason", "picture").split(".")[0] for item in items] == [
        "picture", "The PNG is damaged or cut off", "picture",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ({"classes": []}, "Expected a list"),
        ([1, 2], "Expected an object"),
        ([{"id": 1}], "category 1: It cannot be used: it has no name"),
        ([{"id": 1.5, "name": "cup"}], "whole number"),
        ([{"id": -1, "name": "cup"}], "from 0"),
        ([{"id": 10**9, "name": "cup"}], "from 0"),
        ([{"id": 10**400, "name": "cup"}], "whole number"),
        ([{"id": 1, "name": "cup"}, {"id": 1, "name": "spoon"}], "there twice"),
        ([{"id": 1, "name": "cup", "color": "reddish"}], "no colour"),
        ([{"id": 1, "name": "cup", "color": [1, 2, 300]}], "0 to 255"),
    ],
)
def test_a_list_that_cannot_be_used_is_an_error_with_its_place(listed, reason, tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1), listed=listed)
    with pytest.raises(ImporterError, match=r"^categories\.json") as error:
        read(folder)
    assert reason in str(error.value)


def test_a_table_of_classes_does_as_well(tmp_path):
    folder = data_set(tmp_path / "set", numbers(a=1))
    (folder / "categories.csv").write_text("\ufeffid,name,red,green,blue,isthing\n1,Löffel,1,2,3,0\n", encoding="utf-8")
    with open_tree([folder], work_dir=tmp_path / "work") as tree:
        (category,) = IMPORTERS["label-map"].read(tree).categories
    assert (category.name, category.color, category.is_thing) == ("Löffel", "#010203", False)
