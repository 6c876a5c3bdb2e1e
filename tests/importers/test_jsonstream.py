"""A JSON object read in pieces: the same as read whole, and one clear error wherever it breaks."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import jsonstream
from importers.base import ImporterError
from importers.jsonstream import elements, parse_slice

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def read_back(path: Path) -> dict[str, object]:
    """The object put together again from the places that its elements are said to have."""
    data = path.read_bytes()
    found: dict[str, Any] = {}
    for element in elements(path, "x.json"):
        key = element.key
        if element.is_list:
            found[key] = []
            continue
        value = parse_slice(data[element.start : element.end], "x.json")
        if isinstance(found.get(key), list):
            found[key].append(value)
        else:
            found[key] = value
    return found


@settings(max_examples=150)
@given(
    document=st.dictionaries(st.text(st.characters(codec="ascii"), max_size=5), VALUES, max_size=4),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_an_object_in_pieces_of_any_size_is_the_object(tmp_path_factory, document, chunk, indent, ascii_only):
    path = tmp_path_factory.getbasetemp() / "x.json"
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonstream, "_CHUNK_CHARACTERS", chunk)
        assert read_back(path) == document


def test_a_file_cut_anywhere_says_where_it_ends(tmp_path):
    whole = json.dumps({"info": {"a": "b\\"}, "images": [{"id": 1}, {"id": -2.5e3, "t": "x"}], "more": [True, None]})
    path = tmp_path / "x.json"
    for length in range(1, len(whole)):
        path.write_text(whole[:length])
        with pytest.raises(ImporterError, match=r"x\.json: It ends too early, at line 1, column \d+:") as said:
            list(elements(path, "x.json"))
        assert "cut off?" in str(said.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The file is empty"),
        (" \n ", "The file is empty"),
        ("[1]", "line 1, column 1: Expected an object"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6: Expected a colon"),
        ('{"a": [1,\n\n 2 3]}', "line 3, column 4: Expected a comma"),
        ('{"a": 1} {"b": 2}', "line 1, column 10: There is more after its end"),
        ('{"a": ' + "[" * 100_000, "too deep in each other"),
        ('{"a": ' + "1" * 5000 + "}", "a number too long"),
        ('{"a": "line\nend"}', "Invalid control character"),
        ("{'a': 1}", "Expected a name in double quotes"),
    ],
)
def test_what_is_no_json_object_is_said_with_its_place(text, said, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ImporterError, match=said):
        list(elements(path, "x.json"))


def test_a_fault_far_behind_is_named_by_its_own_line(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonstream, "_CHUNK_CHARACTERS", 64)
    path = tmp_path / "x.json"
    path.write_text('{"a": [' + ",\n".join(['{"id": 1}'] * 500) + ",\n {id: 2}]}")
    with pytest.raises(ImporterError, match="line 501, column 3"):
        list(elements(path, "x.json"))


def test_a_line_of_ten_megabytes_is_read_piece_by_piece(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": ["x" * 2_000_000] * 5 + ["end"]}))
    assert [len(one.value) for one in elements(path, "x.json") if not one.is_list] == [2_000_000] * 5 + [3]


def test_a_file_that_is_gone_is_a_clear_error(tmp_path):
    with pytest.raises(ImporterError, match=r"x\.json: It cannot be read \(No such file"):
        list(elements(tmp_path / "x.json", "x.json"))


def test_marks_of_other_encodings_are_passed_over_or_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": "ä"}', encoding="utf-8-sig")
    assert read_back(path) == {"a": "ä"}
    path.write_text('{"ä": 1}', encoding="utf-16")
    with pytest.raises(ImporterError, match="Save it as UTF-8"):
        list(elements(path, "x.json"))
