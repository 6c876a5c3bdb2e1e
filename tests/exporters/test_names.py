import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.names import file_names, safe_stem
from storage.records import ImageRecord, ImageStatus
from tests.exporters.datasets import NOW, FakeDataset


@pytest.fixture
def images(tmp_path):
    dataset = FakeDataset(tmp_path)
    return [dataset.add_image((10, 10)) for _ in range(4)]


def picture(number, original_name):
    return ImageRecord(
        id=number, sha256="", stored_name=f"{number}.png", original_name=original_name, width=1, height=1,
        exif_orientation=1, position=number, status=ImageStatus.NEW, created_at=NOW,
    )  # fmt: skip


def named(images, *names):
    return [replace(image, original_name=name) for image, name in zip(images, names, strict=False)]


def test_an_ordinary_name_stays_and_takes_the_suffix_of_the_stored_picture(images):
    assert file_names(named(images, "IMG_0012.final.JPG"))[1] == "IMG_0012.final.png"


def test_names_that_share_a_label_file_are_kept_apart_by_id(images):
    names = file_names(reversed(named(images, "cat.jpg", "cat.png", "CAT.gif", "cat-2.bmp")))
    assert names == {1: "cat.png", 2: "cat-2.png", 3: "CAT-3.png", 4: "cat-2-2.png"}


@pytest.mark.parametrize(
    ("original", "stem"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\pictures\\dog.png", "dog"),
        (".hidden.png", "hidden"),
        ("-rf.png", "rf"),
        ("con.png", "_con"),
        ("LPT1.tea.png", "_LPT1.tea"),
        ("Müller & Söhne (1).jpg", "Muller_Sohne_1"),
        ("写真.jpg", ""),
        ("=cmd().png", "cmd"),
        ("a\x00b\nc.png", "a_b_c"),
        ("no suffix", "no_suffix"),
        ("...", ""),
    ],
)
def test_a_name_is_made_safe_for_every_system(original, stem):
    assert safe_stem(original) == stem


def test_a_name_of_which_nothing_is_left_becomes_the_id(images):
    assert file_names(named(images, "写真.jpg", "絵.jpg")) == {1: "picture-1.png", 2: "picture-2.png"}


@given(names=st.lists(st.text(max_size=120), min_size=1, max_size=4))
def test_any_names_become_different_plain_file_names(tmp_path_factory, names):
    dataset = FakeDataset(tmp_path_factory.getbasetemp() / "names")
    images = [dataset.add_image((1, 1), name) for name in names]
    found = list(file_names(images).values())
    assert len({Path(name).stem.lower() for name in found}) == len(names)
    for name in found:
        assert name.isascii()
        assert name.isprintable()
        assert name == Path(name).name
        assert len(name) < 120
        assert not name.startswith((".", "-"))


@given(st.lists(st.sampled_from(["cat", "CAT", "cat-2", "Cat-2", "cat-2-2", "dog"]), max_size=30))
def test_each_name_gets_the_lowest_number_that_is_free(stems):
    pictures = [picture(number, f"{stem}.png") for number, stem in enumerate(stems, start=1)]
    expected: dict[int, str] = {}
    for number, stem in enumerate(stems, start=1):
        tried = [stem, *(f"{stem}-{more}" for more in range(2, 40))]
        taken = {Path(name).stem.lower() for name in expected.values()}
        expected[number] = f"{next(one for one in tried if one.lower() not in taken)}.png"
    assert file_names(pictures) == expected


def test_twenty_thousand_pictures_of_one_name_are_named_at_once():
    pictures = [picture(number, "image.png") for number in range(1, 20_001)]
    began = time.process_time()
    assert file_names(pictures)[20_000] == "image-20000.png"
    assert time.process_time() - began < 3  # trying all numbers for each would take a minute
