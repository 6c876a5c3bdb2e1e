"""Signing in and out of a real server, and what a sign-in survives."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError, AuthenticationError

from annotator.config import Settings
from annotator.ui.server import entrance_of
from storage.database import Database
from storage.repository import Repository
from tests.annotator.ui.people import CODE, INSTRUCTOR_CODE, OPTIONS, Visitor, signed_in
from tests.serving import RunningServer

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("access") / "workspace", options=OPTIONS) as running:
        yield running


def test_a_wrong_code_is_refused_with_words(server: RunningServer) -> None:
    with Visitor(server) as visitor:
        answer = visitor.sign_in("<b>ann</b>", "sesame", headers=BROWSER)
        assert answer.status_code == 401
        assert "That is not the code" in answer.text
        assert "&lt;b&gt;ann" in answer.text
        assert "<b>ann" not in answer.text
        assert "set-cookie" not in answer.headers
        assert visitor.sign_in("ann", "sesame").status_code == 401
        assert "Type your name" in visitor.sign_in("  ", CODE, headers=BROWSER).text


def test_a_browser_is_sent_to_the_sign_in_page_and_from_there_to_the_page(server: RunningServer) -> None:
    with Visitor(server, headers=BROWSER, follow_redirects=True) as visitor:
        door = visitor.get("/")
        assert door.url.path == "/login"
        assert "default-src 'none'" in door.headers["content-security-policy"]
        assert visitor.get("/annotator/sign-in/page.css").status_code == 200
        page = visitor.sign_in("ann")
        assert page.url.path == "/"
        assert "gradio" in page.text
        assert visitor.get("/login").url.path == "/"


def test_the_cookie_is_for_this_site_and_no_script(server: RunningServer) -> None:
    with Visitor(server) as visitor:
        cookie = visitor.sign_in("ann").headers["set-cookie"]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert "Secure" in visitor.sign_in("ann", headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]


def test_a_sign_in_never_leads_to_another_site(server: RunningServer) -> None:
    for where in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        for field in ("next", "redirect", "_target_url", "return_to"):
            with Visitor(server, headers=BROWSER) as visitor:
                form = {"username": "ann", "password": CODE, field: where}
                answer = visitor.post("/login", params={field: where}, data=form)
                assert (answer.status_code, answer.headers["location"]) == (303, "/")
                assert visitor.get("/login", params={field: where}).headers["location"] == "/"
                assert visitor.post("/logout", params={field: where}).headers["location"] == "/login"
    with Visitor(server, headers={**BROWSER, "Host": "evil.example", "X-Forwarded-Host": "evil.example"}) as visitor:
        assert visitor.get("/").headers["location"] == "/login"
        assert visitor.get("//evil.example/..").status_code in (303, 401, 404)


@pytest.mark.parametrize(("code", "role"), [(CODE, "labeler"), (INSTRUCTOR_CODE, "instructor")])
def test_the_page_is_told_who_signed_in_as_what(server: RunningServer, code: str, role: str) -> None:
    with signed_in(server, f"the {role}", code) as visitor:
        begun = visitor.ask("bootstrap")["result"]
        assert begun["person"] == {"name": f"the {role}", "role": role, "signed_in": True}
        assert begun["labeler"] == f"the {role}"


def test_gradio_client_signs_in_with_name_and_code(server: RunningServer) -> None:
    client = Client(server.url, auth=("ann", CODE), verbose=False)
    assert client.predict("cup", api_name="/add_category")[-1]["name"] == "cup"
    with pytest.raises(AppError, match="Only the instructor"):
        client.predict(None, None, False, api_name="/propose_masks")
    with pytest.raises(AuthenticationError):
        Client(server.url, auth=("ann", "sesame"), verbose=False)


def test_one_of_forty_signs_out_and_the_rest_stay_in(server: RunningServer) -> None:
    visitors = [Visitor(server) for _ in range(40)]
    for number, visitor in enumerate(visitors):
        assert visitor.sign_in("ann" if number < 3 else f"labeler {number}").status_code == 200
    assert visitors[0].get("/logout").status_code == 303
    assert visitors[0].get("/config").status_code == 200, "a link that was followed signs nobody out"
    assert visitors[0].post("/logout").status_code == 200
    assert [visitor.get("/config").status_code for visitor in visitors] == [401] + [200] * 39
    for visitor in visitors:
        visitor.close()


def test_the_instructor_signs_one_out(server: RunningServer) -> None:
    with signed_in(server, "boss", INSTRUCTOR_CODE) as boss, signed_in(server, "zed") as zed:
        (row,) = [one for one in boss.ask("list_sign_ins")["result"] if one["name"] == "zed"]
        boss.ask("end_sign_in", sign_in_id=row["id"])
        assert zed.get("/config").status_code == 401
        assert boss.get("/config").status_code == 200


def test_a_killed_server_signs_nobody_out(server: RunningServer) -> None:
    with signed_in(server, "ann") as ann, signed_in(server, "bob") as bob:
        bob.post("/logout")
        server.kill()
        server.start()
        assert ann.ask("bootstrap")["result"]["labeler"] == "ann"
        assert bob.get("/config").status_code == 401


@pytest.mark.parametrize("given", [{"host": "0.0.0.0"}, {"share": True}, {"host": "192.0.2.7"}])
def test_where_others_can_reach_it_there_are_always_codes(given: dict, tmp_path: Path, new_database: Path) -> None:
    database = Database.open(f"sqlite:///{new_database}")
    entrance, lines = entrance_of(Settings(data=tmp_path, **given), Repository(database))
    database.close()
    assert entrance is not None
    assert [line.partition(":")[0] for line in lines] == ["Access code for labelers", "Instructor code"]


def test_codes_that_were_given_are_not_printed_and_the_others_are(tmp_path: Path, new_database: Path) -> None:
    database = Database.open(f"sqlite:///{new_database}")
    settings = Settings(data=tmp_path, access_code=CODE)
    _, lines = entrance_of(settings, Repository(database))
    assert [line.partition(":")[0] for line in lines] == ["Instructor code"]
    assert entrance_of(Settings(data=tmp_path), Repository(database)) == (None, [])
    database.close()


def test_an_open_host_prints_its_codes_and_lets_nobody_in_without(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "workspace", options=["--host", "0.0.0.0"]) as server:
        assert httpx.get(server.url + "/config").status_code == 401
        while "Instructor code: " not in (said := server.last_words()):  # it answers a moment before it prints them
            time.sleep(0.1)
        code = said.partition("Access code for labelers: ")[2].split()[0]
        boss = said.partition("Instructor code: ")[2].split()[0]
        with signed_in(server, "ann", code) as ann, signed_in(server, "eve", boss) as eve:
            roles = [one.ask("bootstrap")["result"]["person"]["role"] for one in (ann, eve)]
        assert roles == ["labeler", "instructor"]
