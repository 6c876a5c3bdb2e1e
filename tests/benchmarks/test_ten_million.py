"""The arithmetic of benchmarks/ten_million.py."""

from dataclasses import replace

import pytest

from benchmarks.ten_million import Rates, on_paper

RATES = Rates(
    pictures=4,
    worker_s=1.8,
    proposals=10,
    picture_bytes=400_000,
    answer_bytes=10_000,
    save_s=0.01,
    save_wall_s=0.036,
    database_bytes=20_000,
    embedding_bytes=4_000_000,
    list_s=0.0001,
    batch_s=0.005,
    future_bytes=3000,
)


def test_what_a_million_takes_follows_from_the_rates() -> None:
    paper = on_paper(RATES, total=1_000_000, workers=100, core_hour=0.05)
    assert paper["core_hours"] == pytest.approx(500)
    assert paper["cost"] == pytest.approx(25)
    assert paper["workers_h"] == pytest.approx(5)
    assert paper["coordinator_h"] == pytest.approx(10)
    assert paper["workers_worth_having"] == pytest.approx(50)
    assert paper["batches"] == pytest.approx(200_000), "five pictures in ten seconds"
    assert (paper["read_gb"], paper["database_gb"]) == (400, 20)


def test_the_slower_of_workers_and_coordinator_decides() -> None:
    assert on_paper(RATES, total=1_000_000, workers=100, core_hour=0)["hours"] == pytest.approx(10)
    assert on_paper(RATES, total=1_000_000, workers=10, core_hour=0)["hours"] == pytest.approx(50)


def test_a_picture_that_takes_longer_than_a_batch_should_is_one() -> None:
    assert on_paper(replace(RATES, worker_s=11), total=1000, workers=10, core_hour=0)["batches"] == 1000
