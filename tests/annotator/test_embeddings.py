"""Embeddings are kept in memory and on disk within bounds."""

import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.embeddings import EmbeddingKey, EmbeddingStore
from annotator.prediction import Embedding, Frame

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


@settings(max_examples=60)
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
