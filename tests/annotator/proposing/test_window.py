"""Which pictures go out to workers, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from annotator.proposing.window import BATCH_S, MOST_IN_BATCH, TRIES, Errand, Window
from storage.records import ImageRecord, ImageStatus

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def picture(number: int) -> ImageRecord:
    return ImageRecord(
        id=number,
        sha256=f"{number:064x}",
        stored_name=f"{number:064x}.png",
        original_name=f"{number}.png",
        width=8,
        height=6,
        exif_orientation=1,
        position=number,
        status=ImageStatus.NEW,
        created_at=BEGAN,
    )


def pictures(count: int) -> Iterator[ImageRecord]:
    return (picture(number) for number in range(count))


def ids(errands: list[Errand]) -> list[int]:
    return [errand.image.id for errand in errands]


def send(window: Window, most: int = MOST_IN_BATCH) -> tuple[int, list[int]]:
    errands = window.next(most)
    return window.send(errands), ids(errands)


def test_batches_grow_until_one_takes_as_long_as_a_batch_should() -> None:
    window = Window(pictures(900))
    number, sent = send(window)
    assert sent == [0], "nothing is known of how long one takes"
    window.back(number, seconds=BATCH_S / 8)
    number, sent = send(window)
    assert len(sent) == 8
    window.back(number, seconds=None)
    number, sent = send(window)
    assert len(sent) == 8, "nothing was learnt"
    window.back(number, seconds=0.0)
    window.back(send(window)[0], seconds=0.0)
    assert len(send(window)[1]) == 32
    assert len(send(window, 3)[1]) == 3, "unless the caller wants fewer"
    for _ in range(8):
        window.back(send(window)[0], seconds=0.0)
    assert len(send(window)[1]) == MOST_IN_BATCH


def test_of_a_list_without_end_only_what_goes_out_is_read() -> None:
    read = 0

    def endless() -> Iterator[ImageRecord]:
        nonlocal read
        while True:
            yield picture(read)
            read += 1

    window = Window(endless())
    for _ in range(100):
        window.back(send(window)[0], seconds=1.0)
    assert read < 100 * MOST_IN_BATCH
    read = 0
    send(window, 5)
    assert read <= 5


def test_a_batch_that_comes_back_twice_is_taken_once() -> None:
    window = Window(pictures(3))
    number, sent = send(window)
    assert ids(window.back(number, seconds=1.0)) == sent
    assert window.back(number, seconds=1.0) == []
    assert window.back(99, seconds=1.0) == []
    assert window.lost(number) == []


def test_a_lost_batch_goes_out_again_picture_by_picture_before_new_ones() -> None:
    window = Window(pictures(100))
    window.back(send(window)[0], seconds=BATCH_S / 3)
    number, sent = send(window)
    assert sent == [1, 2, 3]
    assert window.lost(number) == []
    assert window.back(number, seconds=1.0) == [], "should its worker live after all, it was given to others"
    assert [send(window)[1] for _ in range(4)] == [[1], [2], [3], [4, 5, 6]]


def test_who_is_lost_again_is_tried_at_the_end_with_nothing_else_out_and_then_left_out() -> None:
    window = Window(pictures(3))
    (first, _), (second, _) = send(window), send(window)
    assert window.lost(first) == []
    again, sent = send(window)
    assert sent == [0]
    assert window.lost(again) == []
    third, sent = send(window)
    assert sent == [2], "it does not hold up the others"
    assert window.next() == [], "they are out still"
    window.back(second, seconds=1.0)
    window.back(third, seconds=1.0)
    alone, sent = send(window)
    assert sent == [0]
    window.again([Errand(picture(7))])
    assert window.next() == [], "nothing goes out beside it"
    (left_out,) = window.lost(alone)
    assert (left_out.image.id, left_out.lost) == (0, TRIES)
    assert send(window)[1] == [7]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_picture_goes_out_once_where_all_goes_well(count: int) -> None:
    window, seen = Window(pictures(count)), []
    while errands := window.next(2):
        seen += ids(window.back(window.send(errands), seconds=4.0))
    assert seen == list(range(count))
    assert window.out == 0
