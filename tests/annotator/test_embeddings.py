"""Embeddings are kept in memory and on disk within bounds, and made in the background in the right order."""

import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.embeddings import EmbeddingKey, EmbeddingStore, Encoder, EncodingState
from annotator.errors import AnnotatorError, ImageError
from annotator.prediction import Embedding, Frame
from tests.fakes import FakeSegmenter

PATIENCE_S = 20  # only ever waited for when a test fails
KILOBYTE = 1024
SEGMENTER = "fake-1"


def key(image: str, segmenter: str = SEGMENTER) -> EmbeddingKey:
    return EmbeddingKey(segmenter=segmenter, image=image)


def embedding(value: float = 0.0, kilobytes: int = 1, segmenter: str = SEGMENTER) -> Embedding:
    array = np.full((kilobytes, 256), value, np.float32)
    return Embedding(segmenter=segmenter, frame=Frame.fit((30, 50), side=512), arrays={"picture": array})


def value_of(found: Embedding | None) -> float | None:
    return None if found is None else float(found.arrays["picture"][0, 0])


# The store


def test_an_embedding_comes_back_as_it_was_after_a_restart(tmp_path):
    arrays = {"header": np.arange(6, dtype=np.float32).reshape(1, 2, 3), "array.b": np.zeros(0, np.float32)}
    kept = Embedding(segmenter=SEGMENTER, frame=Frame.fit((3, 7), side=512), arrays=arrays)
    EmbeddingStore(tmp_path / "new" / "folder").put(key("a"), kept)
    found = EmbeddingStore(tmp_path / "new" / "folder").get(key("a"))
    assert found is not None
    assert (found.segmenter, found.frame) == (kept.segmenter, kept.frame)
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)


def test_segmenter_and_image_both_tell_embeddings_apart(tmp_path):
    for store in (EmbeddingStore(tmp_path), EmbeddingStore(None)):
        store.put(key("a"), embedding(1))
        store.put(key("b"), embedding(2))
        store.put(key("a", "other"), embedding(3, segmenter="other"))
        assert [value_of(store.get(k)) for k in (key("a"), key("b"), key("a", "other"))] == [1, 2, 3]
        assert store.get(key("b", "other")) is None


def test_without_a_folder_memory_alone_keeps_the_last_used_ones():
    store = EmbeddingStore(None, memory_bytes=2 * KILOBYTE)
    store.put(key("a"), embedding(1))
    store.put(key("b"), embedding(2))
    assert value_of(store.get(key("a"))) == 1
    store.put(key("c"), embedding(3))
    assert [value_of(store.get(key(name))) for name in "abc"] == [1, None, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 5)), max_size=30))
def test_memory_stays_within_its_bound_and_keeps_the_newest_that_fits(puts):
    store = EmbeddingStore(None, memory_bytes=4 * KILOBYTE)
    for number, (name, kilobytes) in enumerate(puts):
        store.put(key(name), embedding(number, kilobytes))
        assert store.memory_bytes <= 4 * KILOBYTE
        if kilobytes <= 4:
            assert value_of(store.get(key(name))) == number
    held = [store.get(key(name)) for name in "abcdef"]
    assert store.memory_bytes == sum(one.nbytes for one in held if one is not None)


def test_what_memory_has_no_room_for_is_read_from_disk(tmp_path):
    store = EmbeddingStore(tmp_path, memory_bytes=2 * KILOBYTE)
    for number, name in enumerate("abcd"):
        store.put(key(name), embedding(number))
    assert [value_of(store.get(key(name))) for name in "abcd"] == [0, 1, 2, 3]
    assert store.memory_bytes <= 2 * KILOBYTE


def test_the_files_used_longest_ago_make_room_on_disk(tmp_path):
    store = EmbeddingStore(tmp_path, memory_bytes=0)
    now = time.time()
    for age, name in enumerate("abc"):
        store.put(key(name), embedding(age))
        os.utime(tmp_path / key(name).filename, (now - 100 + age, now - 100 + age))
    size = (tmp_path / key("a").filename).stat().st_size
    assert value_of(store.get(key("a"))) == 0  # used just now, so b is the oldest
    small = EmbeddingStore(tmp_path, memory_bytes=0, disk_bytes=3 * size)
    small.put(key("d"), embedding(3))
    assert [value_of(small.get(key(name))) for name in "abcd"] == [0, None, 2, 3]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3 * size


def damage_by_cutting(content: bytes) -> bytes:
    return content[: len(content) // 2]


def damage_by_emptying(content: bytes) -> bytes:
    return b""


def damage_by_one_bit(content: bytes) -> bytes:
    middle = content.index(b"\x00\x00\x80?") + 400  # inside the array of ones
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def damage_by_other_content(content: bytes) -> bytes:
    return b"this was never an embedding"


@pytest.mark.parametrize("damage", [damage_by_cutting, damage_by_emptying, damage_by_one_bit, damage_by_other_content])
def test_a_damaged_file_is_a_miss_and_is_removed(tmp_path, damage, caplog):
    EmbeddingStore(tmp_path).put(key("a"), embedding(1))
    path = tmp_path / key("a").filename
    path.write_bytes(damage(path.read_bytes()))
    store = EmbeddingStore(tmp_path)
    assert store.get(key("a")) is None
    assert not path.exists()
    assert path.name in caplog.text
    store.put(key("a"), embedding(2))
    assert value_of(EmbeddingStore(tmp_path).get(key("a"))) == 2


def test_a_file_of_another_segmenter_under_this_ones_name_is_a_miss(tmp_path):
    store = EmbeddingStore(tmp_path)
    store.put(key("a", "other"), embedding(1, segmenter="other"))
    (tmp_path / key("a", "other").filename).rename(tmp_path / key("a").filename)
    assert store.get(key("a")) is None


def test_a_file_with_a_pickle_inside_is_not_unpickled(tmp_path):
    fired = tmp_path / "fired"

    class Trap:
        def __reduce__(self):
            return (fired.touch, ())

    with open(tmp_path / key("a").filename, "wb") as file:
        np.savez(file, header=np.array([Trap()], dtype=object))
    assert EmbeddingStore(tmp_path).get(key("a")) is None
    assert not fired.exists()


def test_a_folder_that_cannot_be_written_is_said_and_memory_goes_on(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    store = EmbeddingStore(tmp_path / "file")
    store.put(key("a"), embedding(1))
    assert value_of(store.get(key("a"))) == 1
    assert "could not be kept" in caplog.text


def test_what_a_dead_process_left_half_written_is_cleared_away_but_not_what_is_being_written(tmp_path):
    for name, age_s in (("old.tmp", 7200), ("new.tmp", 0)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age_s, time.time() - age_s))
    EmbeddingStore(tmp_path).put(key("a"), embedding(1))
    assert {path.name for path in tmp_path.iterdir()} == {"new.tmp", key("a").filename}


def test_threads_share_a_store_without_losing_count(tmp_path):
    store = EmbeddingStore(tmp_path, memory_bytes=3 * KILOBYTE, disk_bytes=20 * KILOBYTE)
    wrong = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(30):
            name = int(random.integers(8))
            if random.random() < 0.5:
                store.put(key(str(name)), embedding(name))
            elif value_of(store.get(key(str(name)))) not in (None, name):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert wrong == []
    assert store.memory_bytes <= 3 * KILOBYTE
    assert not list(tmp_path.glob("*.tmp"))


# The encoder


class GatedSegmenter(FakeSegmenter):
    """Encodes nothing before its gate is opened; says when it has begun, and in what order pictures came."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.begun = threading.Event(), threading.Event()
        self.order: list[int] = []

    def embed(self, image: np.ndarray) -> Embedding:
        self.order.append(int(image[0, 0, 0]))
        self.begun.set()
        assert self.gate.wait(PATIENCE_S)
        return super().embed(image)


def picture(number: int):
    return lambda: np.full((8, 8, 3), number, np.uint8)


@pytest.fixture
def gated() -> GatedSegmenter:
    return GatedSegmenter()


@pytest.fixture
def store() -> EmbeddingStore:
    return EmbeddingStore(None)


@pytest.fixture
def encoder(store, gated) -> Iterator[Encoder]:
    encoder = Encoder(store, prefetches=3)
    yield encoder
    gated.gate.set()
    encoder.close()


@pytest.fixture
def ask(encoder, gated):
    """Have picture `number` encoded; the first one asked for is being encoded when this returns."""

    def ask(number: int, *, urgent: bool = False, asker: str | None = None):
        encoding = encoder.request(f"picture {number}", picture(number), gated, urgent=urgent, asker=asker)
        assert gated.begun.wait(PATIENCE_S)
        return encoding

    return ask


def test_an_encoding_tells_where_it_stands_and_hands_out_the_embedding(ask, gated):
    first, second = ask(1, urgent=True), ask(2)
    assert (first.state, second.state) == (EncodingState.ENCODING, EncodingState.WAITING)
    assert second.wait(0) is None
    earlier = second.elapsed_s
    assert second.elapsed_s >= earlier >= 0
    gated.gate.set()
    found = second.wait(PATIENCE_S)
    assert found is not None
    assert found.arrays["picture"].mean() == 2
    assert (first.state, second.state) == (EncodingState.DONE, EncodingState.DONE)
    assert second.elapsed_s == second.elapsed_s > 0


def test_the_open_picture_overtakes_the_ones_encoded_ahead(ask, gated):
    encodings = [ask(1), ask(2), ask(3), ask(4, urgent=True), ask(5, urgent=True)]
    gated.gate.set()
    assert all(encoding.wait(PATIENCE_S) for encoding in encodings)
    assert gated.order == [1, 4, 5, 3, 2]  # open ones as they were opened, then the newest prefetch


def test_a_picture_encoded_ahead_becomes_urgent_when_it_is_opened(ask, gated):
    encodings = [ask(1), ask(2), ask(3), ask(2, urgent=True)]
    gated.gate.set()
    assert all(encoding.wait(PATIENCE_S) for encoding in encodings)
    assert gated.order == [1, 2, 3]


def test_equal_requests_are_encoded_once(ask, gated):
    running, waiting = ask(1, urgent=True), ask(2)
    assert ask(1) is running
    assert ask(2, urgent=True) is waiting
    gated.gate.set()
    assert running.wait(PATIENCE_S) is not None
    assert waiting.wait(PATIENCE_S) is not None
    assert gated.embeds == 2


def test_what_is_kept_already_is_done_at_once(ask, gated, store):
    gated.gate.set()
    first = ask(1, urgent=True).wait(PATIENCE_S)
    again = ask(1, urgent=True)
    assert again.state == EncodingState.DONE
    assert again.wait(0) is first
    assert store.get(EmbeddingKey(segmenter=gated.fingerprint, image="picture 1")) is first
    assert gated.embeds == 1


def test_too_many_prefetches_push_out_the_oldest_and_never_an_open_picture(ask, gated):
    ask(0)
    urgent, *ahead = ask(1, urgent=True), ask(2), ask(3), ask(4), ask(5)
    assert [encoding.state for encoding in ahead] == ["dropped", "waiting", "waiting", "waiting"]
    assert ahead[0].wait(PATIENCE_S) is None
    gated.gate.set()
    assert urgent.wait(PATIENCE_S) is not None
    assert ahead[1].wait(PATIENCE_S) is not None
    assert 2 not in gated.order
    assert ask(2).wait(PATIENCE_S) is not None  # asked for again, it is encoded


def test_leafing_on_leaves_no_queue_of_urgent_pictures_behind(ask, gated):
    encodings = [ask(0)]
    encodings += [ask(number, urgent=True, asker="ada") for number in (1, 2)]
    encodings += [ask(3, urgent=True, asker="bob"), ask(4, urgent=True, asker="ada")]
    gated.gate.set()
    assert all(encoding.wait(PATIENCE_S) for encoding in encodings)
    assert gated.order == [0, 3, 4, 2, 1]


def test_a_picture_somebody_else_has_open_too_stays_urgent(ask, gated):
    encodings = [ask(0), ask(1, urgent=True, asker="ada"), ask(1, urgent=True, asker="bob")]
    encodings += [ask(2, urgent=True, asker="ada")]
    gated.gate.set()
    assert all(encoding.wait(PATIENCE_S) for encoding in encodings)
    assert gated.order == [0, 1, 2]


def test_a_picture_that_cannot_be_read_is_reported_in_its_own_words_and_the_worker_lives_on(encoder, gated):
    def unreadable() -> np.ndarray:
        raise ImageError("cat.jpg is gone. Import it again.")

    gated.gate.set()
    failing = encoder.request("gone", unreadable, gated, urgent=True)
    with pytest.raises(AnnotatorError, match=r"is gone\. Import it again") as caught:
        failing.wait(PATIENCE_S)
    assert isinstance(caught.value.__cause__, ImageError)
    assert failing.state == EncodingState.FAILED
    assert encoder.request("next", picture(2), gated, urgent=True).wait(PATIENCE_S) is not None


def test_a_bug_while_encoding_is_logged_and_told_to_everyone_who_waits(encoder, gated, caplog):
    def broken() -> np.ndarray:
        raise ZeroDivisionError("oh")

    gated.gate.set()
    failing = encoder.request("broken", broken, gated, urgent=True)
    for _ in range(2):
        with pytest.raises(AnnotatorError, match="ZeroDivisionError: oh"):
            failing.wait(PATIENCE_S)
    assert "Traceback" in caplog.text
    again = encoder.request("broken", picture(1), gated, urgent=True)
    assert again.wait(PATIENCE_S) is not None  # a failure is not remembered against the picture


def test_closing_drops_what_waits_and_finishes_what_runs(ask, encoder, gated):
    running, waiting = ask(1, urgent=True), ask(2, urgent=True)
    closing = threading.Thread(target=encoder.close)
    closing.start()
    assert waiting.wait(PATIENCE_S) is None
    assert waiting.state == EncodingState.DROPPED
    gated.gate.set()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    assert running.wait(0) is not None
    with pytest.raises(AnnotatorError, match="shutting down"):
        encoder.request("late", picture(3), gated, urgent=True)
