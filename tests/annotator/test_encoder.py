"""Pictures are encoded in the background in the right order."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from annotator.embeddings import EmbeddingKey, EmbeddingStore
from annotator.encoder import Encoder, EncodingState
from annotator.errors import AnnotatorError, ImageError
from annotator.prediction import Embedding
from tests.fakes import FakeSegmenter

PATIENCE_S = 20  # only ever waited for when a test fails


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
