"""What strangers, other sites and labelers try at a real server: the table of threats, row by row."""

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio.routes
import httpx
import pytest

from annotator.ui.api import add_endpoints
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS, Visitor, signed_in
from tests.serving import RunningServer

ELSEWHERE = "http://evil.example"
OPEN = {"/login", "/login/", "/gradio_api/startup-events", "/annotator/sign-in/page.css", "/annotator/sign-in/mark.svg"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("gate") / "workspace", options=OPTIONS) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: RunningServer) -> Iterator[Visitor]:
    with signed_in(server, "ann") as visitor:
        yield visitor


@pytest.fixture(scope="module")
def bob(server: RunningServer) -> Iterator[Visitor]:
    with signed_in(server, "bob") as visitor:
        yield visitor


@pytest.fixture(scope="module")
def boss(server: RunningServer) -> Iterator[Visitor]:
    with signed_in(server, "boss", INSTRUCTOR_CODE) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def stranger(server: RunningServer) -> Iterator[Visitor]:
    with Visitor(server) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def image_id(boss: Visitor, sample_paths: list[Path]) -> int:
    coffee = next(path for path in sample_paths if path.stem == "coffee")
    (path,) = boss.post("/gradio_api/upload", files={"files": (coffee.name, coffee.read_bytes())}).json()
    finish(boss, boss.ask("import_uploads", paths=[path])["result"])
    return boss.ask("list_images")["result"][0]["id"]


def finish(visitor: Visitor, job: dict[str, Any]) -> dict[str, Any]:
    while job["state"] == "running":
        job = visitor.ask("job", job_id=job["id"])["result"]
    assert job["state"] == "done", job
    return job


def names(visitor: Visitor) -> list[str]:
    return [one["name"] for one in visitor.ask("list_categories")["result"]]


def uploads(server: RunningServer) -> set[Path]:
    return {path for path in (server.data / "uploads").rglob("*") if path.is_file()}


# 1 to 5: files


@pytest.mark.parametrize("path", ["/etc/passwd", "../annotator.db", "http://127.0.0.1:1/x", "file:///etc/passwd"])
def test_no_event_and_no_call_reads_a_path_that_was_not_uploaded(
    server: RunningServer, ann: Visitor, path: str
) -> None:
    before = uploads(server)
    file = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
    for endpoint in ("import_images", "inspect_dataset"):
        begun = ann.post(f"/gradio_api/call/{endpoint}", json={"data": [[file]]})
        assert begun.status_code == 200
        with ann.stream("GET", f"/gradio_api/call/{endpoint}/{begun.json()['event_id']}") as stream:
            assert "event: error" in list(stream.iter_lines()), endpoint
    for name in ("import_uploads", "inspect_uploads"):
        assert ann.ask(name, paths=[file])["ok"] is False
        assert ann.ask(name, paths=[path])["ok"] is False
    assert uploads(server) == before


@pytest.mark.parametrize(
    "path",
    [
        "annotator.db", "../annotator.db", "%2e%2e/annotator.db", "..%2fannotator.db", "launch.py", ".git/config",
        "/etc/passwd", "http://127.0.0.1:{port}/config", "http://169.254.169.254/latest", "https://example.com/x",
        "file:///etc/passwd", "\\\\host\\share",
    ],
)  # fmt: skip
def test_the_file_route_gives_nothing_and_fetches_nothing(server: RunningServer, boss: Visitor, path: str) -> None:
    answer = boss.get("/gradio_api/file=" + path.format(port=server.port))
    assert answer.status_code == 403, answer.text


def test_what_one_uploaded_another_cannot_read(ann: Visitor, bob: Visitor) -> None:
    (path,) = ann.post("/gradio_api/upload", files={"files": ("notes.txt", b"ann's")}).json()
    assert ann.get("/gradio_api/file=" + path).content == b"ann's"
    assert bob.get("/gradio_api/file=" + path).status_code == 403


def test_an_export_is_for_who_made_it_and_the_instructor(
    server: RunningServer, ann: Visitor, bob: Visitor, boss: Visitor, stranger: Visitor, image_id: int
) -> None:
    job = finish(ann, ann.ask("export", format="csv", options={"pictures": "none"})["result"])
    url = "/" + job["result"]["url"]
    assert [one.get(url).status_code for one in (ann, boss, bob, stranger)] == [200, 200, 404, 401]
    assert bob.ask("job", job_id=job["id"])["error"]["kind"] == "not_found"
    assert bob.ask("cancel_job", job_id=job["id"])["error"]["kind"] == "not_found"
    assert bob.post("/gradio_api/call/job", json={"data": [job["id"]]}).status_code == 200
    assert bob.result("job", job["id"]) != job


def test_a_backup_is_for_the_instructor_alone(ann: Visitor, boss: Visitor, stranger: Visitor, image_id: int) -> None:
    job = finish(boss, boss.ask("back_up")["result"])
    url = "/" + job["result"]["url"]
    assert [one.get(url).status_code for one in (ann, boss, stranger)] == [404, 200, 401]
    assert ann.ask("job", job_id=job["id"])["error"]["kind"] == "not_found"
    for name in ("../annotator.db", "%2e%2e%2fannotator.db", "annotator-0001.db", "annotator.db"):
        assert boss.get(f"/annotator/backups/{name}").status_code == 404
    assert boss.result("back_up")[0]["pictures"] >= 1
    assert [one["name"] for one in boss.result("class_progress")[0]["labelers"] if one["instances"]] == []


# 14: ids that someone else was given; proposals and instances are told by id too, and are everybody's to see


def test_what_one_sent_and_what_was_found_in_it_is_not_there_for_another(
    server: RunningServer, ann: Visitor, bob: Visitor, boss: Visitor, sample_paths: list[Path]
) -> None:
    def sent() -> str:
        content = sample_paths[0].read_bytes()
        return str(ann.post("/gradio_api/upload", files={"files": ("a.png", content)}).json()[0])

    path = sent()
    for other in (bob, boss):
        for name in ("import_uploads", "inspect_uploads"):
            assert "is no uploaded file" in other.ask(name, paths=[path])["error"]["message"]
        options = {"background": "picture", "upload": path}
        assert other.ask("cutout_preview", image_id=1, instance_ids=[1], options=options)["ok"] is False
    token = finish(ann, ann.ask("inspect_uploads", paths=[path])["result"])["result"]["token"]
    assert bob.ask("import_arrived_pictures", token=token)["error"]["kind"] == "not_found"
    assert boss.ask("import_dataset", token=token)["error"]["kind"] == "not_found"
    bob.ask("drop_uploads", token=token)
    finish(ann, ann.ask("import_arrived_pictures", token=token)["result"])
    assert ann.ask("import_arrived_pictures", token=token)["error"]["kind"] == "not_found", "it is used up"


@pytest.mark.parametrize("odd", ["1", "0", "-1", "' OR 1=1 --", "../..", "x" * 300, "a" * 64])
def test_a_sign_in_is_not_guessed_by_its_number_or_anything_else(server: RunningServer, ann: Visitor, odd: str) -> None:
    (cookie,) = [name for name in ann.cookies if name.startswith("annotator_")]
    with Visitor(server) as guesser:
        assert guesser.get("/config", headers={"Cookie": f"{cookie}={odd}"}).status_code == 401
    assert ann.ask("end_sign_in", sign_in_id=1)["error"]["kind"] == "not_allowed"


@pytest.mark.parametrize("missing", [0, -1, 10**6, 2**63 - 1, 2**70])
def test_ids_of_nothing_are_told_so_in_words(ann: Visitor, boss: Visitor, missing: int) -> None:
    act: list[dict[str, Any]] = [
        {"kind": "delete_instance", "instance_id": missing},
        {"kind": "accept_proposals", "proposal_ids": [missing], "category_id": missing},
        {"kind": "reject_proposals", "proposal_ids": [missing]},
    ]
    asked: list[tuple[Visitor, str, dict[str, Any]]] = [
        (ann, "open_image", {"image_id": missing}),
        (ann, "list_proposals", {"image_id": missing}),
        (ann, "mask", {"image_id": missing, "kind": "instance", "mask_id": missing}),
        (ann, "like_proposals", {"image_id": missing, "proposal_id": missing}),
        (boss, "gallery_undo", {"of": str(missing), "image_ids": [missing], "op_id": "x"}),
        (boss, "gallery_delete", {"ids": [missing], "op_id": "y"}),
        *[(ann, "act", {"image_id": missing, "revision": None, "actions": [one]}) for one in act],
    ]
    for visitor, name, args in asked:
        answer = visitor.ask(name, **args)
        assert answer["ok"] or answer["error"]["kind"] != "bug", (name, answer)
    for path in ("pictures", "thumbs", "crops"):
        assert ann.get(f"/annotator/{path}/{missing}.jpg").status_code == 404


# 6 to 8: other sites


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"])
def test_another_sites_page_changes_nothing(server: RunningServer, ann: Visitor, origin: str) -> None:
    body = {"data": {"name": "add_category", "args": {"name": "evil"}}, "fn_name": "call", "session_hash": "s"}
    content = json.dumps(body | {"component_id": ann.component()})
    for kind in ("text/plain", "application/json"):
        headers = {"Origin": origin, "Content-Type": kind}
        answer = ann.post("/gradio_api/component_server/", content=content, headers=headers)
        assert answer.status_code == 403
    assert ann.post("/login", data={"username": "eve", "password": CODE}, headers={"Origin": origin}).status_code == 403
    assert ann.post("/logout", headers={"Origin": origin}).status_code == 403
    assert "evil" not in names(ann)


def test_a_body_has_to_say_that_it_is_json(ann: Visitor) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = ann.post("/gradio_api/component_server/", content="{}", headers={"Content-Type": kind})
        assert answer.status_code == 415


def test_another_sites_page_reads_nothing(server: RunningServer, ann: Visitor, image_id: int) -> None:
    shared = {"Host": "abc.gradio.live", "Origin": ELSEWHERE}
    for more in ({"Origin": ELSEWHERE}, shared, shared | {"X-Forwarded-Host": "evil.example"}):
        assert ann.get("/config", headers=more).status_code == 403
    for site in ("cross-site", "same-site"):
        picture = f"/annotator/pictures/{image_id}.jpg"
        assert ann.get(picture, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
        assert ann.get(picture, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}).status_code == 200


# 9: guessing


def test_guessing_is_slowed_and_the_class_is_not(server: RunningServer, ann: Visitor, stranger: Visitor) -> None:
    with Visitor(server, address="127.0.0.9") as guesser:
        answers = [
            guesser.sign_in(f"name {number}", f"guess-{number}", headers={"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(100)
        ]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {401, 429}
        assert len(refused) > 20, "an address that the visitor makes up counts for nothing"
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert ann.get("/config").status_code == 200
    with Visitor(server, address="127.0.0.10") as late:
        assert late.sign_in("latecomer").status_code == 200


# 10, 11: strangers


def paths_of_gradio() -> set[str]:
    """Every route that Gradio defines, read from its source: the app is made inside of launch()."""
    source = Path(gradio.routes.__file__).read_text(encoding="utf-8")
    found = re.findall(r"@(app|router)\.\w+\(\s*f?\"([^\"]*)\"", source)
    assert len(found) > 60
    return {("/gradio_api" if owner == "router" else "") + re.sub(r"\{[^}]*\}", "1", path) for owner, path in found}


OURS = {
    "/annotator/plotly.js", "/annotator/pictures/1.jpg", "/annotator/thumbs/1.jpg", "/annotator/crops/1.jpg",
    "/annotator/exports/x/coco.zip", "/annotator/cutouts/x/cup.png", "/annotator/static/main.js", "/logout",
    "/annotator/sign-in/../static/main.js", "/annotator/sign-in/%2e%2e/static/main.js", "//config", "/config/x",
    "/docs", "/openapi.json", "/gradio_api/mcp/sse", "/nothing",
}  # fmt: skip


def test_a_stranger_gets_nothing_from_any_route(stranger: Visitor) -> None:
    for path in sorted((paths_of_gradio() | OURS) - OPEN):
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"):
            answer = stranger.request(method, path)
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert "gradio" not in answer.text.lower()


def test_a_stranger_is_told_no_name_of_what_there_is(server: RunningServer, stranger: Visitor) -> None:
    known = add_endpoints.__code__.co_varnames
    pages = [
        stranger.get(path, headers={"Accept": "text/html"}, follow_redirects=True).text for path in ("/", "/login")
    ]
    for page in pages:
        assert not [name for name in (*known, "list_images", "component_server") if f"/{name}" in page]
        assert "config" not in page


def test_what_gradio_has_and_the_page_does_not_need_is_shut(boss: Visitor) -> None:
    for path in ("/gradio_api/deep_link?session_hash=x", "/gradio_api/vibe-code", "/monitoring", "/gradio_api/runs",
                 "/gradio_api/proxy=http://127.0.0.1", "/gradio_api/token", "/gradio_api/openapi.json"):  # fmt: skip
        assert boss.get(path).status_code == 404, path
    for path in ("/gradio_api/run/list_images", "/gradio_api/api/list_images", "/gradio_api/process_recording"):
        assert boss.post(path, json={"data": []}).status_code == 404, path


# 12 to 16: roles and identities


FORBIDDEN: dict[str, dict[str, Any]] = {
    "remove_image": {"image_id": 1},
    "update_category": {"category_id": 1, "name": "taken"},
    "order_categories": {"category_ids": [1]},
    "delete_category": {"category_id": 1},
    "switch_segmenter": {"name": "builtin"},
    "import_dataset": {"token": "x", "on_conflict": "replace"},
    "propose": {"image_ids": None},
    "list_sign_ins": {},
    "end_sign_in": {"sign_in_id": 1},
    "class_view": {},
    "class_agreement": {},
    "class_pair": {"of_labeler": "ann", "other": "bob"},
    "class_overlay": {"image_id": 1, "of_labeler": "ann", "other": "bob"},
    "lock_categories": {"locked": True},
    "announce": {"text": "hi"},
    "withdraw_announcement": {},
    "set_assignment_rule": {"mode": "single"},
    "back_up": {},
}


def test_a_labeler_is_refused_what_takes_the_instructor(server: RunningServer, ann: Visitor, image_id: int) -> None:
    for name, args in FORBIDDEN.items():
        error = ann.ask(name, **args)["error"]
        assert error["kind"] == "not_allowed", name
        assert "instructor" in error["message"]
        assert f"ann (labeler) was refused {name}" in server.last_words()


def test_a_labeler_is_refused_endpoints_by_name_and_by_index(ann: Visitor, boss: Visitor, image_id: int) -> None:
    dependencies = ann.get("/config").json()["dependencies"]
    index = {one["api_name"]: one["id"] for one in dependencies}
    for name, data in (("import_dataset", ["x", "replace"]), ("propose_masks", [None, None, False])):
        for body in ({"fn_index": index[name]}, {"fn_index": index[name], "trigger_id": 1}):
            status, said = ann.event({"data": data, **body})
            assert (status, "Only the instructor" in said) == (200, True), said
        begun = ann.post(f"/gradio_api/call/{name}", json={"data": data})
        with ann.stream("GET", f"/gradio_api/call/{name}/{begun.json()['event_id']}") as stream:
            assert "event: error" in list(stream.iter_lines())
    status, said = boss.event({"data": ["x", "skip"], "fn_index": index["import_dataset"]})
    assert "not here any more" in said, "the instructor gets as far as the files"


def test_who_one_is_cannot_be_said_in_a_request(ann: Visitor, bob: Visitor) -> None:
    for forged in ({"labeler": "bob"}, {"person": {"name": "bob", "role": "instructor"}}):
        answer = ann.ask("bootstrap", **forged)
        assert answer["ok"] is False
        assert "bob" not in str(answer)
    for more in ({"user": "bob"}, {"role": "instructor"}, {"username": "boss"}, {"request": {"username": "boss"}}):
        body = {"name": "bootstrap", "args": {}, **more}
        assert ann.call_with(body, **more).json()["result"]["person"] == {
            "name": "ann", "role": "labeler", "signed_in": True,
        }  # fmt: skip


def test_another_ones_session_or_event_is_not_there(ann: Visitor, bob: Visitor) -> None:
    ann.event({"data": [], "fn_index": 1, "session_hash": "anns-own"})
    begun = ann.post("/gradio_api/call/list_images", json={"data": []}).json()["event_id"]
    assert bob.get("/gradio_api/queue/data", params={"session_hash": "anns-own"}).status_code == 404
    assert bob.get("/gradio_api/heartbeat/anns-own").status_code == 404
    assert bob.get(f"/gradio_api/call/list_images/{begun}").status_code == 404
    body = {"data": [], "fn_index": 1, "session_hash": "anns-own"}
    assert bob.post("/gradio_api/queue/join", json=body).status_code == 404
    cancel = {"session_hash": "bobs", "fn_index": 1, "event_id": begun}
    assert bob.post("/gradio_api/cancel", json=cancel).status_code == 404
    assert bob.call_with({"name": "bootstrap"}, session_hash="anns-own").status_code == 404
    assert bob.get("/gradio_api/upload_progress", params={"upload_id": "mine"}).status_code == 404  # no such upload
    assert ann.get("/gradio_api/upload_progress", params={"upload_id": "mine"}).status_code == 404
    assert ann.result("list_images") is not None


# 18 to 21: odd requests


@pytest.mark.parametrize(
    "odd",
    [
        {"fn_name": "__init__"}, {"fn_name": "postprocess"}, {"fn_name": "call.__globals__"}, {"fn_name": None},
        {"fn_name": ["call"]}, {"component_id": 999}, {"component_id": "1"}, {"component_id": [1]},
        {"session_hash": 7}, {"session_hash": "x" * 10_000},
    ],
    ids=str,
)  # fmt: skip
def test_an_odd_dispatch_is_refused_without_a_trace(ann: Visitor, odd: dict[str, Any]) -> None:
    answer = ann.call_with({"name": "bootstrap"}, **odd)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"1e999", b"[" * 100_000, b'"\\ud800"', b'"\\u0000"', b'"\xff"', b"", b"{", b"{}{}", b"Infinity"],
    ids=lambda value: repr(value[:12]),
)
def test_json_that_is_none_gets_a_clean_answer_and_the_next_one_works(ann: Visitor, value: bytes) -> None:
    whole = b'{"data": {"name": "add_category", "args": {"name": %s}}, "fn_name": "call", "component_id": %d, ' % (
        value, ann.component(),
    )  # fmt: skip
    for path in ("component_server/", "queue/join", "call/list_images", "cancel"):
        for body in (value, whole + b'"session_hash": "s", "fn_index": 1}'):
            answer = ann.post(f"/gradio_api/{path}", content=body, headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, body[:50])
            assert "Traceback" not in answer.text
    assert ann.ask("list_categories")["ok"]


def test_an_event_that_is_none_is_refused_without_a_trace(ann: Visitor) -> None:
    for odd in ({"fn_index": 999}, {"fn_index": "x"}, {"fn_index": -1}, {"fn_index": None}, {"data": 3}):
        answer = ann.post("/gradio_api/queue/join", json={"data": [], "fn_index": 1, "session_hash": "odd", **odd})
        assert 400 <= answer.status_code < 500, (odd, answer.status_code)
        assert "Traceback" not in answer.text
    assert ann.post("/gradio_api/call/nothing", json={"data": []}).status_code == 404


def send_slowly(server: RunningServer, path: str, *, cookie: str, kind: str, most: int) -> tuple[int, int]:
    """A body without an announced length, until it is refused: status, bytes that were sent."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", path)
    for name, value in (("Content-Type", kind), ("Transfer-Encoding", "chunked"), ("Cookie", cookie)):
        connection.putheader(name, value)
    connection.endheaders()
    sent, block = 0, b"x" * 2**18
    try:
        while sent < most:
            connection.send(b"%x\r\n%s\r\n" % (len(block), block))
            sent += len(block)
        connection.send(b"0\r\n\r\n")
    except OSError:
        pass  # it has answered and closed
    try:
        return connection.getresponse().status, sent
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/login", "/gradio_api/component_server/", "/gradio_api/upload", "/nothing"])
def test_a_strangers_large_body_is_not_taken_in(server: RunningServer, stranger: Visitor, path: str) -> None:
    assert stranger.post(path, content=b"x" * 60_000_000).status_code == 413


def test_a_body_that_grows_without_saying_so_is_cut_off(server: RunningServer, ann: Visitor) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
    status, _ = send_slowly(server, "/login", cookie="", kind="application/x-www-form-urlencoded", most=2**22)
    assert status == 413
    path = "/gradio_api/component_server/"
    status, _ = send_slowly(server, path, cookie=cookie, kind="application/json", most=60 * 2**20)
    assert status == 413


def test_a_large_text_field_in_an_upload_is_refused(server: RunningServer, ann: Visitor) -> None:
    before = uploads(server)
    answer = ann.post("/gradio_api/upload", data={"note": "x" * 60_000_000}, files={"files": ("a.txt", b"a")})
    assert answer.status_code == 413
    for kind in ("text/plain", "multipart/form-data"):
        assert ann.post("/gradio_api/upload", content=b"x", headers={"Content-Type": kind}).status_code == 415
    assert ann.post("/gradio_api/upload", files={"files": ("big.bin", b"x" * 30_000_000)}).status_code == 200
    assert len(uploads(server)) >= len(before)


def test_without_codes_only_this_machine_is_answered(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "workspace") as server:
        assert httpx.get(server.url + "/config").status_code == 200
        rebound = httpx.get(server.url + "/config", headers={"Host": "evil.example"})
        assert (rebound.status_code, "--access-code" in rebound.text) == (403, True)
        with Visitor(server) as visitor:
            person = visitor.ask("bootstrap")["result"]["person"]
            assert person == {"name": "local", "role": "instructor", "signed_in": False}
            assert visitor.get("/login").status_code == 303
