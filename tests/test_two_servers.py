"""Two processes on one PostgreSQL and one data folder, and people whose requests go now to one, now to the other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from storage.database import Database
from storage.repository import Repository
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS, Visitor
from tests.serving import RunningServer

pytestmark = pytest.mark.slow


class OneAfterAnother(httpx.BaseTransport):
    """What stands before several servers and is not sticky: each request goes to the next one."""

    def __init__(self, servers: list[RunningServer]) -> None:
        self._ports = [server.port for server in servers]
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._ports.append(self._ports.pop(0))
        request.url = request.url.copy_with(port=self._ports[0])  # the Host header stays the common address's
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


class Person(Visitor):
    """Someone at the address of both."""

    def __init__(self, servers: list[RunningServer]) -> None:
        super().__init__(servers[0])
        self._transport = OneAfterAnother(servers)

    def result_of(self, call: str, /, **args: Any) -> Any:
        answer = self.ask(call, **args)
        assert answer["ok"], answer
        return answer["result"]

    def finish(self, job: dict[str, Any]) -> dict[str, Any]:
        while job["state"] == "running":
            job = self.result_of("job", job_id=job["id"])
        return job

    def upload(self, path: str, content: bytes) -> dict[str, str]:
        (there,) = self.post("/gradio_api/upload", files={"files": (path, content)}).json()
        return {"path": there, "name": path}


@contextmanager
def signed_in(servers: list[RunningServer], name: str, code: str = CODE) -> Iterator[Person]:
    with Person(servers) as person:
        assert person.sign_in(name, code).status_code == 200
        yield person


@pytest.fixture(scope="module")
def url(postgres) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def servers(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningServer]]:
    data = tmp_path_factory.mktemp("two") / "workspace"
    both = [RunningServer(data, options=[*OPTIONS, "--database", url]) for _ in range(2)]
    with ExitStack() as stack, ThreadPoolExecutor(2) as threads:
        for server in both:
            stack.callback(server.stop)
        yield list(threads.map(RunningServer.start, both))  # at once, as where machines are started together


@pytest.fixture(scope="module")
def ann(servers: list[RunningServer]) -> Iterator[Person]:
    with signed_in(servers, "ann") as person:
        yield person


@pytest.fixture(scope="module")
def boss(servers: list[RunningServer]) -> Iterator[Person]:
    with signed_in(servers, "boss", INSTRUCTOR_CODE) as person:
        yield person


@pytest.fixture(scope="module")
def coffee(ann: Person, sample_paths: list[Path]) -> int:
    """A picture that one process was sent, and another takes in."""
    path = next(path for path in sample_paths if path.stem == "coffee")
    job = ann.finish(ann.result_of("import_uploads", paths=[ann.upload(path.name, path.read_bytes())]))
    assert job["state"] == "done", job
    return job["result"]["image_ids"][0]


def act(person: Person, image_id: int, kind: str, **values: Any) -> dict[str, Any]:
    """One action for the newest revision, answered: a process that did not encode the picture yet does so first."""
    state = person.result_of("open_image", image_id=image_id)
    return person.result_of("act", image_id=image_id, revision=state["revision"], actions=[{"kind": kind, **values}])


def answered(person: Person, image_id: int) -> dict[str, Any]:
    """The picture's state once the process that is asked has encoded it."""
    while (state := person.result_of("answer", image_id=image_id))["candidates"] is None:
        assert not state["problem"], state
    return state


@pytest.fixture(scope="module")
def saved(ann: Person, servers: list[RunningServer], coffee: int) -> dict[str, Any]:
    """What the labeler sees after clicks, saves, an undo and a redo, no two of them at the same process."""
    cup = ann.result_of("add_category", name="cup")[0]["id"]
    for x, y in ((300, 200), (120, 300), (420, 90)):
        clicked = act(ann, coffee, "point", x=x, y=y, label=1)
        states = [answered(ann, coffee) for _ in servers]
        assert [state["revision"] for state in states] == [clicked["revision"]] * 2
        assert states[0]["candidates"] == states[1]["candidates"], "both processes answer a prompt alike"
        after = act(ann, coffee, "commit", category_id=cup)
    assert act(ann, coffee, "undo")["revision"] == after["revision"] + 1
    return act(ann, coffee, "redo")


def test_clicks_saves_and_undo_go_on_at_whichever_process(ann, coffee, saved, url):
    seen = [ann.result_of("open_image", image_id=coffee) for _ in range(2)]
    assert seen[0] == seen[1]
    assert len(seen[0]["instances"]) == 3
    with closing(Database.open(url)) as database:
        assert [one.labeler for one in Repository(database).instances(coffee)] == ["ann"] * 3


def test_a_stale_change_is_refused_by_the_process_that_did_not_see_the_newer_one(ann, coffee, saved):
    point = {"kind": "point", "x": 5, "y": 5, "label": 1}
    for _ in range(2):
        refused = ann.ask("act", image_id=coffee, revision=0, actions=[point])
        assert refused["error"]["kind"] == "conflict"
        assert refused["error"]["state"]["revision"] == saved["revision"]


@pytest.fixture(scope="module")
def exported(ann: Person, saved: dict[str, Any]) -> bytes:
    """A data set that one process writes, another tells of, and another sends."""
    began = ann.result_of("export", format="coco")
    there = [ann.finish(ann.result_of("job", job_id=began["id"])) for _ in range(2)]
    assert [one["state"] for one in there] == ["done", "done"]
    assert there[0]["result"] == there[1]["result"]
    answers = [ann.get(f"/{there[0]['result']['url']}") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    return answers[0].content


def test_an_export_is_followed_and_fetched_at_the_other_process_by_its_owner_alone(ann, servers, exported):
    assert exported.startswith(b"PK")
    job = ann.finish(ann.result_of("export", format="csv"))
    with signed_in(servers, "bob") as bob:
        for _ in range(2):
            assert bob.ask("job", job_id=job["id"])["ok"] is False
            assert bob.get(f"/{job['result']['url']}").status_code == 404


def test_a_data_set_that_one_process_has_looked_at_another_takes_in_once(boss, exported, coffee):
    looked = boss.finish(boss.result_of("inspect_uploads", paths=[boss.upload("set.zip", exported)]))
    assert looked["result"]["plan"]["format"] == "coco"
    token = looked["result"]["token"]
    taken = boss.ask("import_dataset", token=token), boss.ask("import_dataset", token=token)
    (begun,) = [one["result"] for one in taken if one["ok"]]
    assert "Upload them again" in next(one["error"]["message"] for one in taken if not one["ok"])
    assert boss.finish(begun)["state"] == "done"
    assert len(boss.result_of("open_image", image_id=coffee)["instances"]) == 3


def test_a_long_job_is_stopped_at_the_other_process(ann, coffee):
    began = ann.result_of("propose", image_ids=[coffee], settings={"points_per_side": 32})
    assert ann.ask("cancel_job", job_id=began["id"])["ok"]
    assert ann.finish(ann.result_of("job", job_id=began["id"]))["state"] == "cancelled"


def test_the_model_is_not_changed_at_one_process_alone(boss):
    refused = boss.ask("switch_segmenter", name="vit_b")
    assert "start each with the same --model" in refused["error"]["message"]


def test_who_is_left_goes_on_when_one_process_is_killed(ann, servers, coffee, exported):
    before = ann.result_of("open_image", image_id=coffee)
    servers[0].kill()
    with Visitor(servers[1], cookies=ann.cookies) as visitor:
        assert visitor.ask("open_image", image_id=coffee)["result"] == before
        act = {"kind": "undo"}
        after = visitor.ask("act", image_id=coffee, revision=before["revision"], actions=[act])["result"]
        assert len(after["instances"]) == len(before["instances"]) - 1
