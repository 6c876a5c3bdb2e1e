"""Embeddings that machines share: found by the other one, and never waited for."""

import threading
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotator.config import Settings
from annotator.embeddings import EmbeddingKey, EmbeddingStore
from annotator.errors import AwayError
from annotator.objects import Remote, Shelf
from annotator.objects.shelf import WAITING
from annotator.prediction import Embedding, Frame
from annotator.workspace import Workspace
from tests.fakes import FakeSegmenter
from tests.s3 import S3Server

KEY = EmbeddingKey("some-segmenter", "some-image")
FRAME = Frame(side=8, inner_hw=(8, 8), size_hw=(8, 8))


def embedding(value: float) -> Embedding:
    return Embedding(segmenter=KEY.segmenter, frame=FRAME, arrays={"image": np.full((4, 4), value, np.float32)})


@pytest.fixture
def remote() -> Remote:
    return Remote(f"memory://{uuid.uuid4().hex}/embeddings")


class Away:
    """A server that is away until it is not; it counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def check(self) -> None:
        self.asked += 1
        raise AwayError("It is away.")

    def put(self, name: str, data: bytes) -> None:
        raise AssertionError("nothing is put where the check failed")

    def get(self, name: str) -> bytes | None:
        raise AssertionError("nothing is asked for where the check failed")


def test_what_one_machine_has_made_the_other_finds(remote: Remote, tmp_path: Path) -> None:
    one = EmbeddingStore(tmp_path / "one", shelf=Shelf(remote))
    one.put(KEY, embedding(3))
    one.close()
    other = EmbeddingStore(tmp_path / "other", shelf=Shelf(remote))
    assert other.get(KEY) is None  # what is asked many times a second does not ask the server
    assert other.fetch(KEY).arrays["image"][0, 0] == 3
    assert other.get(KEY) is not None
    assert (tmp_path / "other" / KEY.filename).is_file()


def test_a_damaged_one_is_a_miss_and_is_replaced(remote: Remote, tmp_path: Path) -> None:
    remote.check()
    remote.put(KEY.filename, b"not what it says")
    store = EmbeddingStore(tmp_path, shelf=Shelf(remote))
    assert store.fetch(KEY) is None
    store.put(KEY, embedding(4))
    store.close()
    assert EmbeddingStore(tmp_path / "other", shelf=Shelf(remote)).fetch(KEY).arrays["image"][0, 0] == 4


def test_a_server_that_is_away_is_asked_once_and_then_left_in_peace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = Away()
    store = EmbeddingStore(tmp_path, shelf=Shelf(away))
    for number in range(5):
        assert store.fetch(EmbeddingKey("some-segmenter", str(number))) is None
        store.put(KEY, embedding(number))
    store.close()
    assert away.asked == 1
    assert "It is away." in caplog.text
    assert store.get(KEY).arrays["image"][0, 0] == 4


def test_where_files_go_out_too_slowly_nobody_waits(remote: Remote) -> None:
    class Slow(Remote):
        goes_on = threading.Event()

        def put(self, name: str, data: bytes) -> None:
            self.goes_on.wait(60)
            super().put(name, data)

    slow = Slow(remote.place)
    shelf = Shelf(slow)
    for number in range(3 * WAITING):
        shelf.put(f"{number}.npz", b"1")
    slow.goes_on.set()
    shelf.close()
    assert WAITING <= len(remote.sizes()) <= WAITING + 1


def test_a_picture_is_encoded_once_for_two_machines_with_one_bucket(
    settings: Settings, s3: S3Server, pictures: list[Path], fake_segmenter: FakeSegmenter, tmp_path: Path
) -> None:
    bucket = s3.new_bucket()
    point = {"kind": "point", "x": 100, "y": 80, "label": 1}
    for name in ("one", "other"):
        chosen = replace(settings, data=tmp_path / name, embeddings_url=f"{bucket}/embeddings")
        with Workspace(chosen) as workspace:
            image_id = workspace.import_pictures(pictures[:1]).image_ids[0]
            assert workspace.act(image_id, [point], labeler="ann", wait_s=30).answer is not None
        assert fake_segmenter.embeds == 1
