"""With an access code, nobody without it sees a picture or changes a row."""

from collections.abc import Iterator

import httpx
import pytest

from tests.serving import RunningServer

CODE = "sesame-123"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("access")
    with RunningServer(folder / "workspace", options=["--access-code", CODE]) as running:
        yield running


def call(client: httpx.Client, config: dict, name: str, **args: object) -> httpx.Response:
    """What the page does: the component's server function `call`."""
    component = next(one for one in config["components"] if one["props"].get("elem_id") == "annotator")
    message = {"name": name, "args": args}
    body = {"data": message, "fn_name": "call", "component_id": component["id"], "session_hash": "s"}
    return client.post("/gradio_api/component_server/", json=body)


def signed_in(server: RunningServer, name: str) -> httpx.Client:
    client = httpx.Client(base_url=server.url)
    assert client.post("/login", data={"username": name, "password": CODE}).status_code == 200
    return client


def test_a_wrong_code_is_refused(server: RunningServer) -> None:
    answer = httpx.post(server.url + "/login", data={"username": "ann", "password": "sesame"})
    assert answer.status_code in (400, 401)


@pytest.mark.parametrize(
    "path",
    [
        "/annotator/pictures/1.jpg",
        "/annotator/thumbs/1.jpg",
        "/annotator/crops/1.jpg",
        "/annotator/exports/x/coco.zip",
        "/annotator/cutouts/x/cup.png",
    ],
)
def test_pictures_and_exports_need_the_code(server: RunningServer, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 401
    assert signed_in(server, "ann").get(path).status_code == 404  # there is none yet, but one may ask


def test_the_labeler_is_the_name_that_signed_in(server: RunningServer) -> None:
    client = signed_in(server, "ann")
    config = client.get("/config").json()
    assert call(client, config, "bootstrap").json()["result"]["labeler"] == "ann"
    assert call(httpx.Client(base_url=server.url), config, "bootstrap").status_code == 401


def test_a_labeler_named_in_the_call_is_not_believed(server: RunningServer) -> None:
    client = signed_in(server, "ann")
    config = client.get("/config").json()
    answer = call(client, config, "bootstrap", labeler="eve").json()
    assert answer["ok"] is False
    assert "eve" not in str(answer)
