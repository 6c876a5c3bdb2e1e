"""Fetching weights from a server on a real socket that truncates, corrupts, stalls, drops and lies."""

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.errors import Cancelled, CheckpointError
from annotator.segmenters.checkpoints import CHECKPOINTS, Checkpoint, download, find
from annotator.segmenters.file_hash import file_md5
from tests.annotator.segmenters import file_server as manners
from tests.annotator.segmenters.file_server import FileServer

CONTENT = np.random.default_rng(0).bytes(400_000)
CHECKPOINT = Checkpoint("vit_t", "sam_vit_t_test.pth", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with FileServer(CONTENT) as server:
        yield server


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "checkpoints"


def fetch(server: FileServer, folder: Path, checkpoint: Checkpoint = CHECKPOINT, **options) -> Path:
    options = {"timeout_s": 5.0, "retry_wait_s": 0.002} | options
    return download(checkpoint, folder, base_url=server.url, **options)


def fetch_in_vain(server: FileServer, folder: Path, checkpoint: Checkpoint = CHECKPOINT, **options) -> str:
    """The one line that the user reads; it always names the file, the address and the place."""
    with pytest.raises(CheckpointError) as caught:
        fetch(server, folder, checkpoint, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{checkpoint.file_name} could not be fetched: ")
    assert text.endswith(f"fetch {checkpoint.url(server.url)} by hand and put it at {folder / checkpoint.file_name}")
    assert not (folder / checkpoint.file_name).exists()
    return text


def leave_part(folder: Path, content: bytes, etag: str | None = manners.ETAG) -> None:
    """What an earlier, interrupted download leaves."""
    folder.mkdir(exist_ok=True)
    (folder / f"{CHECKPOINT.file_name}.part").write_bytes(content)
    if etag is not None:
        (folder / f"{CHECKPOINT.file_name}.part.etag").write_text(etag)


def part_of(folder: Path) -> bytes | None:
    part = folder / f"{CHECKPOINT.file_name}.part"
    return part.read_bytes() if part.exists() else None


def test_the_official_files_are_named_after_the_first_digits_of_their_md5():
    for name, checkpoint in CHECKPOINTS.items():
        assert checkpoint.file_name == f"sam_{name}_{checkpoint.md5[:6]}.pth"
        assert checkpoint.url() == f"https://dl.fbaipublicfiles.com/segment_anything/{checkpoint.file_name}"
        assert re.fullmatch(r"[0-9a-f]{32}", checkpoint.md5)


def test_a_file_is_fetched_verified_and_leaves_nothing_beside_it_but_its_hash(server, folder):
    steps: list[tuple[int, int]] = []
    path = fetch(server, folder, progress=lambda done, total: steps.append((done, total)))
    assert path == folder / CHECKPOINT.file_name
    assert path.read_bytes() == CONTENT
    assert steps == sorted(steps)
    assert steps[0] == (0, len(CONTENT))
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    names = {item.name.removeprefix(CHECKPOINT.file_name) for item in folder.iterdir()}
    assert names - {".lock"} == {"", ".md5.json"}


def test_a_file_already_there_is_used_and_no_one_is_asked(server, folder):
    folder.mkdir()
    (folder / CHECKPOINT.file_name).write_bytes(CONTENT)
    assert fetch(server, folder).read_bytes() == CONTENT
    assert server.requests == []


def test_a_file_of_the_wrong_size_already_there_is_said_and_left_alone(server, folder):
    folder.mkdir()
    (folder / CHECKPOINT.file_name).write_bytes(b"mine")
    with pytest.raises(CheckpointError, match=r"sam_vit_t_test\.pth has 4 bytes, and 400,000 are expected.*Delete it"):
        fetch(server, folder)
    assert (folder / CHECKPOINT.file_name).read_bytes() == b"mine"


def test_find_gives_a_whole_file_alone(tmp_path):
    assert find("vit_b", tmp_path) is None
    path = tmp_path / CHECKPOINTS["vit_b"].file_name
    path.write_bytes(b"half")
    assert find("vit_b", tmp_path) is None
    with path.open("r+b") as file:
        file.truncate(CHECKPOINTS["vit_b"].size)
    assert find("vit_b", tmp_path) == path


def test_an_interrupted_download_goes_on_where_it_stopped(server, folder):
    leave_part(folder, CONTENT[:123_456])
    steps: list[int] = []
    assert fetch(server, folder, progress=lambda done, total: steps.append(done)).read_bytes() == CONTENT
    assert [(seen["Range"], seen["If-Range"]) for seen in server.requests] == [("bytes=123456-", manners.ETAG)]
    assert steps[0] == 123_456


def test_a_part_without_an_etag_is_gone_on_with_too(server, folder):
    server.etag = ""
    leave_part(folder, CONTENT[:5], etag=None)
    assert fetch(server, folder).read_bytes() == CONTENT
    assert "If-Range" not in server.requests[0]


def test_a_weak_etag_is_not_relied_on(server, folder):
    server.etag = 'W/"one"'
    server.script = [manners.drop_after(1000)]
    assert fetch(server, folder).read_bytes() == CONTENT
    assert "If-Range" not in server.requests[1]


def test_a_part_of_a_file_that_has_changed_since_is_not_gone_on_with(server, folder):
    leave_part(folder, b"older bytes", etag='"older"')
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_whole_part_is_verified_without_asking_anyone(server, folder):
    leave_part(folder, CONTENT)
    assert fetch(server, folder).read_bytes() == CONTENT
    assert server.requests == []


def test_a_part_longer_than_the_file_is_thrown_away(server, folder):
    leave_part(folder, CONTENT + b"more")
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(server, folder):
    leave_part(folder, CONTENT[:5000])
    server.script = [manners.ignore_range]
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_server_that_answers_with_another_part_is_asked_for_the_whole(server, folder):
    leave_part(folder, CONTENT[:5000])
    server.script = [manners.other_range]
    assert fetch(server, folder).read_bytes() == CONTENT
    assert "Range" not in server.requests[1]


def test_a_server_that_always_answers_with_another_part_is_given_up(server, folder):
    server.script = [manners.other_range] * 20
    assert "another part than was asked for" in fetch_in_vain(server, folder)


def test_a_refused_range_starts_again(server, folder):
    leave_part(folder, CONTENT[:5000])
    server.script = [manners.answer(416)]
    assert fetch(server, folder).read_bytes() == CONTENT


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_is_taken_up_again(server, folder, reset):
    server.script = [manners.drop_after(count, reset=reset) for count in (150_000, 1, 100_000)]
    assert fetch(server, folder).read_bytes() == CONTENT
    assert len(server.requests) == 4


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 90_000), max_size=6))
def test_wherever_the_line_breaks_the_file_is_whole_in_the_end(cuts):
    with FileServer(CONTENT) as server, tempfile.TemporaryDirectory() as place:
        server.script = [manners.drop_after(count) for count in cuts]
        assert fetch(server, Path(place)).read_bytes() == CONTENT


def test_a_line_that_always_drops_at_the_same_byte_is_given_up_and_what_came_is_kept(server, folder):
    server.script = [manners.drop_after(1000), *[manners.drop_after(0)] * 20]
    assert "the connection" in fetch_in_vain(server, folder)
    assert part_of(folder) == CONTENT[:1000]
    server.script = []
    assert fetch(server, folder).read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == "bytes=1000-"


@pytest.mark.parametrize("first", [manners.silent, manners.stall_after(1000)])
def test_a_silent_line_is_given_up_after_a_few_tries(server, folder, first):
    server.script = [first, *[manners.stall_after(0)] * 20]
    assert "nothing came for 0.1 seconds" in fetch_in_vain(server, folder, timeout_s=0.1)
    assert 2 <= len(server.requests) <= 7


def test_a_stall_is_taken_up_again(server, folder):
    server.script = [manners.stall_after(200_000)]
    assert fetch(server, folder, timeout_s=0.3).read_bytes() == CONTENT
    assert server.requests[1]["Range"].startswith("bytes=")


def test_a_damaged_file_is_said_and_deleted_so_that_the_next_try_starts_afresh(server, folder):
    server.script = [manners.corrupt]
    text = fetch_in_vain(server, folder)
    assert re.search(r"damaged \(MD5 [0-9a-f]{32}, expected " + CHECKPOINT.md5, text)
    assert part_of(folder) is None
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_damaged_part_is_said_and_deleted(server, folder):
    leave_part(folder, bytes(len(CONTENT)))
    assert "damaged" in fetch_in_vain(server, folder)
    assert part_of(folder) is None


def test_a_file_of_another_size_on_the_server_is_said_before_it_is_fetched(server, folder):
    server.script = [manners.shorter_file]
    assert "the server's file has 399,900 bytes, and 400,000 are expected" in fetch_in_vain(server, folder)
    assert not part_of(folder)


def test_more_bytes_than_expected_are_not_written(server, folder):
    server.script = [manners.without_length(more=b"x" * 500_000)]
    assert "more came than the expected 400,000 bytes" in fetch_in_vain(server, folder)
    assert len(part_of(folder) or b"") <= len(CONTENT)


def test_a_body_without_a_length_that_ends_early_is_noticed(server, folder):
    server.script = [manners.without_length(100_000)]
    assert fetch(server, folder).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_said_at_once(server, folder, status):
    server.script = [manners.answer(status, b"<html>no</html>", Content_Type="text/html")] * 5
    assert f"the server answered {status} " in fetch_in_vain(server, folder)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(server, folder, status):
    server.script = [manners.answer(status)] * 2
    assert fetch(server, folder).read_bytes() == CONTENT
    server.script = [manners.answer(status)] * 20
    (folder / CHECKPOINT.file_name).unlink()
    assert f"the server answered {status} " in fetch_in_vain(server, folder)


def test_a_log_in_page_in_place_of_the_file_is_said(server, folder):
    page = b"<html>Welcome to the hotel</html>"
    server.script = [manners.answer(200, page, Content_Type="text/html; charset=utf-8")]
    assert "a web page came in its place" in fetch_in_vain(server, folder)
    assert not part_of(folder)


def test_a_redirect_is_followed(server, folder):
    server.script = [manners.answer(302, Location=server.url + "elsewhere")]
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_refused_connection_is_said_at_once(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    started = time.monotonic()
    with pytest.raises(CheckpointError, match=r"127\.0\.0\.1 cannot be reached \(.*refused"):
        download(CHECKPOINT, folder, base_url=url, retry_wait_s=5)
    assert time.monotonic() - started < 4


def test_a_name_that_no_one_knows_is_said(folder):
    with pytest.raises(CheckpointError, match=r"mirror\.invalid cannot be reached"):
        download(CHECKPOINT, folder, base_url="http://mirror.invalid/", timeout_s=5)


@pytest.mark.parametrize("url", ["ftp://mirror/", "mirror/", "http://[/"])
def test_an_address_that_is_none_is_said(folder, url):
    with pytest.raises(CheckpointError, match=r"could not be fetched: .*fetch .* by hand"):
        download(CHECKPOINT, folder, base_url=url)


def test_a_proxy_that_is_not_there_is_said(folder, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(CheckpointError, match=r"could not be fetched: .* cannot be reached"):
        download(CHECKPOINT, folder, base_url="http://mirror.invalid/", retry_wait_s=0.01)


def test_a_proxy_of_an_unknown_kind_is_said(folder, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")
    with pytest.raises(CheckpointError, match=r"the proxy that this machine's settings name cannot be used"):
        download(CHECKPOINT, folder, base_url="http://mirror.invalid/")


def test_a_file_larger_than_the_disk_is_not_begun(server, folder):
    huge = Checkpoint("vit_t", CHECKPOINT.file_name, 10**18, CHECKPOINT.md5)
    assert re.search(
        r"1,000,000,000,000 MB are still to come, and the disk of .* has", fetch_in_vain(server, folder, huge)
    )
    assert server.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, the disk that is always full")
def test_a_disk_that_fills_up_meanwhile_is_said(server, folder):
    folder.mkdir()
    (folder / f"{CHECKPOINT.file_name}.part").symlink_to("/dev/full")
    assert "no space left on device" in fetch_in_vain(server, folder)


@pytest.fixture
def unwritable_folder():
    """A folder that this process may look into but not write to, whoever it runs as."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o555)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield place
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(place)


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission on Windows")
def test_a_folder_that_cannot_be_written_is_said(server, unwritable_folder):
    assert "permission denied" in fetch_in_vain(server, unwritable_folder)
    assert server.requests == []


def test_a_file_where_the_folder_should_be_is_said(server, folder):
    folder.write_text("not a folder")
    with pytest.raises(CheckpointError, match=r"sam_vit_t_test\.pth could not be fetched: file exists"):
        fetch(server, folder)


def test_a_stopped_download_keeps_what_has_come(server, folder):
    done = [0]

    def note(count, total):
        done[0] = count

    with pytest.raises(Cancelled, match="kept"):
        fetch(server, folder, progress=note, cancelled=lambda: done[0] > 100_000)
    kept = part_of(folder)
    assert kept is not None
    assert CONTENT.startswith(kept)
    assert len(kept) > 100_000
    assert fetch(server, folder).read_bytes() == CONTENT


def test_a_download_can_be_stopped_while_it_waits_to_try_again(server, folder):
    server.script = [manners.answer(503)] * 20
    with pytest.raises(Cancelled):
        fetch(server, folder, retry_wait_s=60, cancelled=lambda: len(server.requests) > 0)


def test_a_second_download_waits_for_the_first_and_uses_its_file(server, folder):
    server.script = [manners.stall_after(100_000)]
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(fetch(server, folder, timeout_s=0.5).read_bytes()))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [CONTENT] * 3
    assert len(server.requests) == 2


def test_a_download_that_waits_for_another_can_be_stopped(server, folder):
    server.script = [manners.silent]
    first = threading.Thread(target=lambda: fetch(server, folder, timeout_s=2))
    first.start()
    while not server.requests:
        time.sleep(0.01)
    with pytest.raises(Cancelled, match="another one"):
        fetch(server, folder, cancelled=lambda: True)
    first.join()
    assert (folder / CHECKPOINT.file_name).read_bytes() == CONTENT


def start_process(server: FileServer, folder: Path) -> subprocess.Popen:
    code = (
        "import sys, pathlib; from annotator.segmenters.checkpoints import Checkpoint, download\n"
        f"download(Checkpoint({CHECKPOINT.name!r}, {CHECKPOINT.file_name!r}, {CHECKPOINT.size}, {CHECKPOINT.md5!r}),"
        " pathlib.Path(sys.argv[1]), base_url=sys.argv[2], timeout_s=20)"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(folder), server.url])


def test_two_processes_at_once_do_not_spoil_each_others_file(server, folder):
    server.script = [manners.drop_after(150_000)]
    processes = [start_process(server, folder) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert (folder / CHECKPOINT.file_name).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_killed_download_leaves_no_lock_and_a_part_to_go_on_with(server, folder):
    server.script = [manners.stall_after(200_000)]
    process = start_process(server, folder)
    with contextlib.suppress(FileNotFoundError):
        while len(part_of(folder) or b"") < 100_000:
            assert process.poll() is None
            time.sleep(0.02)
    process.kill()
    process.wait(60)
    assert not (folder / CHECKPOINT.file_name).exists()
    assert fetch(server, folder).read_bytes() == CONTENT
    assert server.requests[1]["Range"].startswith("bytes=")


def test_a_checkpoint_of_unknown_size_is_checked_by_its_hash_and_the_servers_length(server, folder):
    checkpoint = Checkpoint("vit_t", CHECKPOINT.file_name, None, CHECKPOINT.md5[:6])
    server.script = [manners.drop_after(100_000)]
    totals: set[int] = set()
    assert fetch(server, folder, checkpoint, progress=lambda done, total: totals.add(total)).read_bytes() == CONTENT
    assert totals == {len(CONTENT)}


def test_a_hash_is_computed_once_and_again_when_the_file_changes(tmp_path):
    path, note = tmp_path / "weights.pth", tmp_path / "weights.pth.md5.json"
    path.write_bytes(b"one")
    assert file_md5(path) == hashlib.md5(b"one").hexdigest()
    note.write_text(note.read_text().replace(hashlib.md5(b"one").hexdigest(), "from the note"))
    assert file_md5(path) == "from the note"
    path.write_bytes(b"three")
    assert file_md5(path) == hashlib.md5(b"three").hexdigest()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"size": 3}', "\x00"])
def test_a_spoilt_note_of_a_hash_is_replaced(tmp_path, content):
    path, note = tmp_path / "weights.pth", tmp_path / "weights.pth.md5.json"
    path.write_bytes(b"one")
    note.write_text(content)
    assert file_md5(path) == hashlib.md5(b"one").hexdigest()
    assert hashlib.md5(b"one").hexdigest() in note.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such permission on Windows")
def test_a_hash_is_told_even_where_no_note_can_be_left(unwritable_folder):
    program = unwritable_folder / "weights.pth"
    with pytest.raises(PermissionError):
        program.touch()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "weights.pth"
        path.write_bytes(b"one")
        Path(place).chmod(0o555)
        assert file_md5(path) == hashlib.md5(b"one").hexdigest()
        assert not path.with_name("weights.pth.md5.json").exists()
        Path(place).chmod(0o755)
