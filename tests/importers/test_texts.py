"""Files of strangers parsed: each failure one error with the file's name, and nothing that grows without bound."""

import codecs
import contextlib
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.base import ImporterError
from importers.texts import finite_numbers, parse_json, parse_text, parse_xml, parse_yaml, whole_number
from tests.importers.reading import complaint

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
ENTITIES = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><annotation>&b;</annotation>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_read_in_every_form_of_unicode(encoding):
    assert parse_text("Löffel, 匙".encode(encoding), "names.txt") == "Löffel, 匙"


def test_a_code_page_is_refused_by_name_and_place():
    with pytest.raises(ImporterError, match=r"names\.txt: It is no UTF-8 text \(byte 2 is 0xf6\)"):
        parse_text("Löffel".encode("latin-1"), "names.txt")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b'{"a": [1, 2', "ends too early"),
        (b'{"a": nope}', "line 1, column 7"),
        (b"[" * 200_000, "too deep"),
        (b'{"a":' * 100_000, "too deep"),
        (b"[" + b"9" * 5000 + b"]", "number too long"),
        (codecs.BOM_UTF16_LE + b"x", "no UTF-8 text"),
    ],
)
def test_json_that_cannot_be_read_is_an_error_that_says_why(data, reason):
    with pytest.raises(ImporterError, match=r"^a\.json: ") as error:
        parse_json(data, "a.json")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "alias"),
        ("names: !!python/object/apply:os.system [ls]", "plain YAML"),
        ("names: [a, b", "line"),
        ("a:\n" + "".join("  " * n + "- a:\n" for n in range(150)), "too deep"),
        ("[" * 5000 + "]" * 5000, "too deep"),
        ("day: 2024-99-99", "cannot be read"),
        ("a: " + "9" * 5000, "cannot be read"),
        ("x" * (2**20 + 1), "larger than 1 MiB"),
        ("? [1, 2]\n: 3", "plain YAML"),
    ],
)
def test_yaml_that_cannot_be_read_is_an_error_that_says_why(text, reason):
    with pytest.raises(ImporterError, match=r"^data\.yaml: ") as error:
        parse_yaml(text.encode(), "data.yaml")
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<annotation><object></annotation>", "line 1, column"),
        (ENTITIES.encode(), "DOCTYPE"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>', "DOCTYPE"),
        (b"<a>" * 300 + b"</a>" * 300, "too deep"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', ""),
        (b'<?xml version="1.0" encoding="utf-16"?><annotation/>', ""),
        (b"\0<annotation/>", ""),
    ],
)
def test_xml_that_cannot_be_read_is_an_error_that_says_why(data, reason):
    with pytest.raises(ImporterError, match=r"^a\.xml: ") as error:
        parse_xml(data, "a.xml")
    assert reason in str(error.value)


def test_sound_files_are_read_as_they_are():
    assert parse_json(json.dumps({"a": [1.5, None]}).encode(), "a.json") == {"a": [1.5, None]}
    assert parse_yaml(b"names: {0: cup, 1: 'yes'}", "data.yaml") == {"names": {0: "cup", 1: "yes"}}
    assert isinstance(parse_xml("<a>Löffel</a>".encode(), "a.xml"), ElementTree.Element)


@given(st.binary(max_size=60))
def test_no_bytes_make_a_parser_fail_in_another_way(data):
    for parse in (parse_json, parse_yaml, parse_xml):
        said = complaint(parse, data, "file")
        assert said == "" or said.startswith("file: ")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(anything)
def test_numbers_are_numbers_or_a_reason(value):
    for take in (finite_numbers, whole_number, lambda it: finite_numbers(it, columns=2)):
        with contextlib.suppress(ValueError):
            take(value)


@pytest.mark.parametrize("value", [7, 7.0, "7", " 7 ", "7.0"])
def test_a_whole_number_may_be_written_in_several_ways(value):
    assert whole_number(value) == 7


@pytest.mark.parametrize("value", [7.5, "seven", None, True, [7], float("inf"), "9" * 5000])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match="whole number"):
        whole_number(value)
