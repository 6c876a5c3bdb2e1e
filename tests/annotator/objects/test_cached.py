"""Copies of what lies elsewhere: as many as fit, whole, and safe for several processes."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from annotator.errors import AwayError
from annotator.objects import Cached, Remote

LONG_AGO_S = 3600.0


class Counting(Remote):
    """A Remote that counts what is fetched, and can be out of reach."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.fetched: list[str] = []
        self.is_away = False

    def get(self, name: str) -> bytes | None:
        if self.is_away:
            raise AwayError("The server is away.")
        self.fetched.append(name)
        return super().get(name)


@pytest.fixture
def remote() -> Counting:
    remote = Counting(f"memory://{uuid.uuid4().hex}/pictures")
    remote.check()
    for number in range(4):
        remote.put(f"{number}.png", bytes([number]) * 1000)
    return remote


def copies(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def age(path: Path, seconds: float = LONG_AGO_S) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_was_fetched_once_is_read_here(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path)
    for _ in range(3):
        assert cached.path("1.png").read_bytes() == b"\1" * 1000
    assert remote.fetched == ["1.png"]


def test_what_was_put_need_not_be_fetched(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path)
    cached.put("new.png", b"new")
    assert cached.path("new.png").read_bytes() == b"new"
    assert remote.fetched == []
    assert remote.get("new.png") == b"new"


def test_the_copies_used_longest_ago_make_room(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path, cache_bytes=2200, keep_s=0)
    for name, seconds in (("0.png", 300), ("1.png", 200)):
        age(cached.path(name), seconds)
    age(cached.path("0.png"), 100)  # used again since
    cached.path("2.png")
    assert copies(tmp_path) == {"0.png", "2.png"}
    cached.path("3.png")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2200


def test_what_was_asked_for_just_now_stays_until_it_is_read(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path, cache_bytes=100)
    paths = [cached.path(f"{number}.png") for number in range(4)]
    assert [path.read_bytes()[0] for path in paths] == [0, 1, 2, 3]
    for path in paths[:3]:
        age(path)
    cached.put("new.png", b"new" * 100)
    assert copies(tmp_path) == {"3.png", "new.png"}


def test_a_copy_that_was_deleted_or_emptied_is_fetched_again(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path)
    cached.path("1.png").unlink()
    assert cached.path("1.png").stat().st_size == 1000
    cached.path("1.png").write_bytes(b"")
    assert cached.path("1.png").stat().st_size == 1000


def test_a_copy_is_enough_while_the_server_is_away_and_the_rest_comes_back_later(
    remote: Counting, tmp_path: Path
) -> None:
    cached = Cached(remote, tmp_path)
    cached.path("1.png")
    remote.is_away = True
    assert cached.path("1.png").stat().st_size == 1000
    with pytest.raises(AwayError):
        cached.path("2.png")
    remote.is_away = False
    assert cached.path("2.png").stat().st_size == 1000


def test_several_processes_may_have_one_folder_of_copies(remote: Counting, tmp_path: Path) -> None:
    """Each with a bound so tight that they delete what the others have just brought."""
    each = [Cached(remote, tmp_path, cache_bytes=1500, keep_s=0) for _ in range(4)]

    def work(number: int) -> bool:
        name = f"{number % 4}.png"
        try:
            return each[number % 3].path(name).read_bytes() == bytes([number % 4]) * 1000
        except FileNotFoundError:  # keep_s is there to keep that from happening
            return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    each[0].path("0.png")
    assert not [name for name in copies(tmp_path) if not name.endswith(".png")]


def test_removing_takes_the_copy_along(remote: Counting, tmp_path: Path) -> None:
    cached = Cached(remote, tmp_path)
    cached.path("1.png")
    cached.remove("1.png")
    assert copies(tmp_path) == set()
    assert not cached.path("1.png").exists()
