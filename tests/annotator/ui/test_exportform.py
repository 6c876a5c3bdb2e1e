"""The options of an export as they come from outside: each mistake has its field."""

import pytest

from annotator.ui.exportform import OptionError, export_options
from exporters.base import ExportOptions, Pictures, SplitOptions


def test_nothing_said_is_the_defaults() -> None:
    assert export_options(None, categories=[]) == ExportOptions() == export_options({}, categories=["cup"])


def test_everything_said_arrives_as_it_was_said() -> None:
    given = {
        "pictures": "none", "only_done": True, "categories": ["Cup"], "smallest_area": 7, "polygons": True,
        "polygon_tolerance": 2.5, "split": {"train": 0.5, "val": 0.5, "test": 0, "seed": 3, "stratify": True},
    }  # fmt: skip
    assert export_options(given, categories=["cup", "spoon"]) == ExportOptions(
        pictures=Pictures.NONE,
        only_done=True,
        categories=("Cup",),
        smallest_area=7,
        polygons=True,
        polygon_tolerance=2.5,
        split=SplitOptions(train=0.5, val=0.5, test=0, seed=3, stratify=True),
    )


def test_what_clients_of_the_first_version_say_is_understood() -> None:
    assert export_options({"with_pictures": False}, categories=[]).pictures is Pictures.NONE
    assert export_options({"with_pictures": True}, categories=[]).pictures is Pictures.COPY


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ({"speed": 3}, "speed", "No export option is called speed"),
        ({"pictures": "lend"}, "pictures", "'lend'"),
        ({"smallest_area": -1}, "smallest_area", "-1"),
        ({"smallest_area": "many"}, "smallest_area", "'many'"),
        ({"polygon_tolerance": -0.5}, "polygon_tolerance", "0 or more"),
        ({"split": {"train": 0, "val": 0, "test": 0}}, "split", "share"),
        ({"split": {"dev": 1}}, "split", "A split has no dev"),
        ({"categories": ["plate"]}, "categories", "'plate'"),
        ({"categories": "cup"}, "categories", "cup"),
        ({"only_done": "perhaps"}, "only_done", "perhaps"),
    ],
)
def test_a_mistake_names_its_field(given: dict, field: str, text: str) -> None:
    with pytest.raises(OptionError, match=text) as caught:
        export_options(given, categories=["cup"])
    assert caught.value.field == field
