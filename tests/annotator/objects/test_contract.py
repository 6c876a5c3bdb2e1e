"""Every place for pictures keeps the same promises: a folder, fsspec's memory, an S3 server."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from annotator.config import Settings
from annotator.errors import AwayError
from annotator.objects import Objects, open_pictures
from annotator.objects.remote import Remote
from tests.s3 import S3Server


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    match request.param:
        case "folder":
            url = None
        case "file":
            url = f"file://{tmp_path}/elsewhere"
        case "memory":
            url = f"memory://{uuid.uuid4().hex}/pictures"
        case _:
            server: S3Server = request.getfixturevalue("s3")
            url = f"{server.new_bucket()}/some/pictures/"
    return open_pictures(Settings(data=tmp_path / "workspace", pictures_url=url))


def test_what_was_put_is_found_by_its_name(objects: Objects) -> None:
    content = {"a.png": b"first", "b.jpg": bytes(range(256)) * 1000}
    for name, data in content.items():
        assert not objects.has(name)
        objects.put(name, data)
    for name, data in content.items():
        assert objects.has(name)
        assert objects.path(name).read_bytes() == data
    assert objects.sizes() == {name: len(data) for name, data in content.items()}


def test_what_is_put_again_is_there_once(objects: Objects) -> None:
    for _ in range(2):
        objects.put("a.png", b"first")
    assert objects.path("a.png").read_bytes() == b"first"
    assert objects.sizes() == {"a.png": 5}


def test_where_nothing_was_put_nothing_is(objects: Objects) -> None:
    assert objects.sizes() == {}
    assert not objects.has("a.png")
    assert not objects.path("a.png").exists()


def test_what_is_empty_is_not_there(objects: Objects) -> None:
    objects.put("a.png", b"")
    assert not objects.has("a.png")
    path = objects.path("a.png")
    assert not path.exists() or not path.stat().st_size


def test_what_was_removed_is_gone_and_may_be_removed_again(objects: Objects) -> None:
    objects.put("a.png", b"first")
    objects.put("b.png", b"second")
    objects.remove("a.png")
    objects.remove("a.png")
    assert not objects.has("a.png")
    assert not objects.path("a.png").exists()
    assert objects.sizes() == {"b.png": 6}


def test_many_threads_put_and_read_at_once(objects: Objects) -> None:
    def work(number: int) -> bytes:
        name = f"{number % 3}.png"
        objects.put(name, name.encode() * 10_000)
        return objects.path(name).read_bytes()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(12)))
    assert [answer[:5] for answer in answers] == [f"{number % 3}.png".encode() for number in range(12)]
    assert {len(answer) for answer in answers} == {50_000}


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest) -> Remote:
    if request.param == "memory":
        return Remote(f"memory://{uuid.uuid4().hex}/files")
    server: S3Server = request.getfixturevalue("s3")
    return Remote(f"{server.new_bucket()}/files")


def test_a_place_that_is_gone_is_not_taken_for_one_that_lost_a_file(remote: Remote) -> None:
    remote.check()
    assert remote.get("a.png") is None
    remote.remove("annotator.txt")  # as the whole bucket would be gone
    for ask in (remote.get, remote.size, lambda name: remote.sizes()):
        with pytest.raises(AwayError, match="is not there, or not any more"):
            ask("a.png")


def test_what_another_process_does_is_seen(remote: Remote) -> None:
    other = Remote(remote.place)
    remote.check()
    other.check()
    assert (remote.size("a.png"), dict(remote.sizes())) == (None, {})
    other.put("a.png", b"first")
    assert (remote.size("a.png"), dict(remote.sizes())) == (5, {"a.png": 5})
    other.remove("a.png")
    assert (remote.size("a.png"), dict(remote.sizes())) == (None, {})
