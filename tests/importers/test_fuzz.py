"""Whatever is changed in a sound data set, its reader gives masks, reasons, or an ImporterError: nothing else.

`python -m tests.importers.fuzz` does the same without end, led by atheris; what it found lies in crashers/.
"""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.importers.mutating import mutated, read_all, sound_sets

CRASHERS = sorted((Path(__file__).parent / "crashers").glob("*.json"))


def test_the_sound_data_sets_give_all_their_masks(tmp_path):
    counts = {name: read_all(files, tmp_path) for name, files in sound_sets().items()}
    # YOLO has no groups, and the maps of VOC are label maps too.
    assert counts == dict.fromkeys(counts, 4) | {"yolo-segment": 2, "yolo-detect": 2, "voc": 8}


@pytest.mark.parametrize("name", sound_sets())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_data_set_gives_masks_or_reasons(name, data, tmp_path):
    read_all(mutated(sound_sets()[name], lambda n: data.draw(st.integers(0, n - 1))), tmp_path)


@pytest.mark.parametrize("path", CRASHERS, ids=lambda path: path.stem)
def test_what_once_broke_a_reader_breaks_none(path, tmp_path):
    files = {name: base64.b64decode(data) for name, data in json.loads(path.read_text(encoding="utf-8")).items()}
    read_all(files, tmp_path)
