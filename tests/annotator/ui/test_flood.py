"""Too much, too often, too slowly: uploads, sessions, bodies and connections (threats 22 and 23), without a server."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import gradio as gr
import httpx
import pytest
from gradio.routes import App
from starlette.applications import Starlette
from starlette.middleware import Middleware

from annotator.access.ownership import Belongings
from annotator.access.person import LOCAL
from annotator.intake import Intake, IntakeLimits
from annotator.ui import bodies
from annotator.ui.bodies import BodyError, Patience, patient, plain_name
from annotator.ui.connections import MOST_WAITING, PATIENCE_S, Connections
from annotator.ui.crowd import Crowd
from annotator.ui.gate import Gate, House
from annotator.ui.sessions import GradioSessions
from annotator.ui.uploading import upload_routes
from tests import asynchronous

HOST = "http://127.0.0.1"
BOUNDARY = "b0undary"
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "host": "127.0.0.1"}
MIB = 2**20


def part(name: str, content: bytes, filename: str | None = "a.png") -> bytes:
    of_file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{of_file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


class Door:
    """The gate with the upload route behind it, over a folder."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.folder = folder
        intake = Intake(folder / "uploads", staged=folder / "arrivals", limits=IntakeLimits(kept_free=0, **limits))
        self.house = House(None, cookie="c")
        self.app = Starlette(routes=upload_routes(intake), middleware=[Middleware(Gate, house=self.house)])

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def send(self, *chunks: bytes, leaves: bool = False, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """The answer's status and text to a body that comes in these pieces. leaves: hangs up in place of its end."""
        incoming: list[dict[str, Any]] = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
        incoming.append({"type": "http.disconnect"} if leaves else {"type": "http.request", "body": b""})
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        pairs = [(name.encode(), value.encode()) for name, value in (FORM | (headers or {})).items()]
        scope = {
            "type": "http", "method": "POST", "path": "/gradio_api/upload", "query_string": b"", "headers": pairs,
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip
        asynchronous.run(self.app, scope, receive, send)
        return said[0]["status"], b"".join(one.get("body", b"") for one in said[1:]).decode()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


def test_an_upload_comes_in_whole_however_it_is_cut(door: Door) -> None:
    body = part("files", b"one" * 1000) + part("note", b"hello", None) + part("files", b"two", "../../b c#?.txt") + END
    status, said = door.send(*[body[place : place + 7] for place in range(0, len(body), 7)])
    assert status == 200, said
    paths = [Path(one) for one in httpx.Response(200, text=said).json()]
    assert [path.read_bytes() for path in paths] == [b"one" * 1000, b"two"]
    assert [path.name for path in paths] == ["a.png", "b c__.txt"]
    assert all(path.is_relative_to(door.folder / "uploads") for path in paths)


def test_fifty_who_leave_in_the_middle_leave_nothing(door: Door) -> None:
    for number in range(50):
        status, _ = door.send(part("files", b"x" * (number * 100)), b"--b0un", leaves=True)
        assert status == 400
    assert door.files() == []
    assert door.send(part("files", b"x"), END)[0] == 200, "none of them still counts as under way"


def test_an_upload_without_its_end_is_refused_and_nothing_of_it_stays(door: Door) -> None:
    assert door.send(part("files", b"x" * 1000))[0] == 400
    assert door.files() == []


@pytest.mark.parametrize("field", ["file", "other", ""])
def test_files_under_other_names_are_refused_and_nothing_of_them_stays(door: Door, field: str) -> None:
    status, said = door.send(part("files", b"x"), part(field, b"x" * 1000), END)
    assert (status, "called 'files'" in said) == (400, True)
    assert door.files() == []


def test_a_thousand_files_fit_into_an_upload_and_no_more(door: Door, monkeypatch) -> None:
    assert bodies.MOST_FILES == 1000
    monkeypatch.setattr(bodies, "MOST_FILES", 20)
    assert door.send(*[part("files", b"x")] * 20, END)[0] == 200
    status, said = door.send(*[part("files", b"x")] * 21, END)
    assert (status, "Send the rest in another" in said) == (413, True)
    assert len(door.files()) == 20


def test_the_headers_of_a_million_empty_fields_are_too_much(door: Door) -> None:
    block = b"".join([part("n" * 1000, b"", None)] * 100)
    assert door.send(*[block] * 20, END)[0] == 413


def test_no_room_is_said_in_words_before_the_body_comes_or_while_it_does(tmp_path: Path) -> None:
    door = Door(tmp_path, in_all=MIB)
    status, said = door.send(headers={"content-length": str(2 * MIB)})
    assert (status, "fill the 1 MiB that there are for all" in said) == (507, True)
    status, said = door.send(*[part("files", b"x" * MIB)] * 2, END)
    assert (status, "Try again later" in said) == (507, True)
    assert door.files() == []


def test_uploads_side_by_side_beyond_the_limit_have_to_wait(tmp_path: Path) -> None:
    door = Door(tmp_path, at_once=0)
    assert door.send(part("files", b"x"), END)[0] == 429


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"), ("../../etc/passwd", "passwd"), ("C:\\x\\y.jpg", "y.jpg"), ("", "_"),
        ("...", "upload"),
        ('a"b\r\nX: y.png', "a_b__X_ y.png"), ("köln 1.png", "köln 1.png"), ("a" * 300 + ".png", "a" * 100 + ".png"),
        ("." + "x" * 300, "x" * 100),
    ],
)  # fmt: skip
def test_a_name_from_outside_becomes_a_plain_one(given: str, kept: str) -> None:
    assert plain_name(given) == kept


# slowness


def slow(pieces: Sequence[tuple[float, bytes]]) -> Any:
    """A receive that waits before each piece; after the last it waits for ever."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            await anyio.sleep_forever()
        wait, body = left.pop(0)
        await anyio.sleep(wait)
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    return receive


@pytest.mark.parametrize(("idle_s", "grace_s"), [(0.05, 100), (100, 0.05)])
def test_a_body_that_drips_or_stops_is_not_waited_for(idle_s: float, grace_s: float) -> None:
    async def read() -> bytes:
        patience = Patience(idle_s=idle_s, grace_s=grace_s, bytes_per_s=1e6)
        return await bodies.read_body(patient(slow([(0.01, b"x")] * 20), patience), most=1000)

    with pytest.raises(BodyError, match="too slowly") as refused:
        asynchronous.run(read)
    assert refused.value.status == 408


def test_a_body_that_comes_steadily_may_take_long_and_its_sender_may_stay(door: Door) -> None:
    async def read() -> bool:
        receive = patient(slow([(0.01, b"x" * 1000)] * 8 + [(0.0, b"")]), Patience(1.0, 0.04, 10_000))
        assert len(await bodies.read_body(receive, most=10_000)) == 8000
        with anyio.move_on_after(0.1) as waiting:
            await receive()
        return waiting.cancelled_caught

    assert asynchronous.run(read), "after the body there is no hurry"


class Transport:
    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Connection:
    """uvicorn's protocol object, as far as it is looked at."""

    def __init__(self, cycle: Any = None) -> None:
        self.transport, self.cycle = Transport(), cycle


class Cycle:
    def __init__(self, *, response_complete: bool) -> None:
        self.response_complete = response_complete


def test_headers_that_never_end_are_closed_and_long_answers_are_not() -> None:
    now = 0.0
    watch = Connections(clock=lambda: now)
    slow, answered = Connection(), Connection(Cycle(response_complete=True))
    streaming = Connection(Cycle(response_complete=False))
    late = Connection()
    watch.close_slow([slow, answered, streaming])
    now = PATIENCE_S - 1
    watch.close_slow([slow, answered, streaming, late])
    assert not any(one.transport.is_closed for one in (slow, answered, streaming, late))
    now = PATIENCE_S + 1
    watch.close_slow([slow, answered, streaming, late])
    assert [one.transport.is_closed for one in (slow, answered, streaming, late)] == [True, True, False, False]


def test_of_too_many_connections_without_a_request_the_oldest_go() -> None:
    now = 0.0
    watch = Connections(clock=lambda: now)
    old = [Connection() for _ in range(10)]
    watch.close_slow(old)
    now = 1.0
    watch.close_slow([*old, *(Connection() for _ in range(MOST_WAITING - 5))])
    assert sum(one.transport.is_closed for one in old) == 5


def test_a_person_has_so_many_requests_at_once_and_strangers_share_theirs() -> None:
    crowd = Crowd(of_person=2, of_strangers=1)
    with crowd.one_more(LOCAL), crowd.one_more(LOCAL), crowd.one_more(None):
        for person, status in ((LOCAL, 429), (None, 503)):
            with pytest.raises(BodyError) as refused, crowd.one_more(person):
                pass
            assert refused.value.status == status
    with crowd.one_more(LOCAL):
        pass


# sessions


@pytest.fixture
def blocks() -> Iterator[gr.Blocks]:
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.HTML("")
        gr.api(lambda: {}, api_name="nothing")
    yield blocks
    blocks.close(verbose=False)


def test_a_flood_of_sessions_leaves_the_newest_alone(blocks: gr.Blocks) -> None:
    """Three hundred stand for twenty thousand: what is kept does not grow from the hundredth on."""
    sessions = GradioSessions()
    house = House(None, cookie="c", belongings=Belongings(most=20, forgotten=sessions.forget))
    app = App.create_app(blocks, app_kwargs={"middleware": [Middleware(Gate, house=house)]})
    sessions.watch(blocks)
    blocks.is_running = True

    async def flood() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
            for number in range(100):
                app.state_holder[f"s{number}"]
                body = {"data": [], "fn_index": 0}
                answers = [
                    await client.post("/gradio_api/queue/join", json=body | {"session_hash": f"s{number}"}),
                    await client.post("/gradio_api/call/nothing", json={"data": []}),
                    await client.post("/gradio_api/queue/join", json=body | {"session_hash": "always the same"}),
                ]
                assert [one.status_code for one in answers] == [200] * 3

    asynchronous.run(flood)
    queue = blocks._queue
    assert len(queue.pending_event_ids_session) <= 60
    assert len(queue.pending_messages_per_session) <= 60
    assert len(queue.event_ids_to_events) <= 160
    assert sum(len(one.queue) for one in queue.event_queue_per_concurrency_id.values()) <= 160
    assert len(app.state_holder.session_data) <= 20
    assert "s99" in app.state_holder.session_data
