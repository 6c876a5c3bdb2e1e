from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.names import file_names, safe_stem
from tests.exporters.datasets import FakeDataset


@pytest.fixture
def images(tmp_path):
    dataset = FakeDataset(tmp_path)
    return [dataset.add_image((10, 10)) for _ in range(4)]


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
