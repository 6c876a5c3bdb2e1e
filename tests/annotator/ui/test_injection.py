"""Texts that are meant to be more than texts: SQL in every field, and names in the headers of downloads."""

import inspect
import typing
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from annotator.access.person import LOCAL, Person, Role
from annotator.ui.calls import CALL_NAMES, CALLER, Calls
from annotator.ui.gate import Gate, House
from annotator.ui.server import routes
from annotator.workspace import Workspace

SQL = [
    "'; DROP TABLE images; --",
    "x' OR '1'='1",
    '" OR ""="',
    "1; DELETE FROM instances",
    "') UNION SELECT sql FROM sqlite_master --",
    "%' ESCAPE '\\' --",
    ":name $1 ? {0} %(x)s",
]
NOT_THERE = 10**6
FILLED: dict[Any, Any] = {
    int: NOT_THERE, float: 0.5, bool: True, list[int]: [NOT_THERE], str: ..., list[Any]: [...],
    list[dict[str, Any]]: [{"kind": ..., "op_id": ...}],
    dict[str, Any]: {"format": ..., "background": ..., "categories": [...]},
}  # fmt: skip


def rows(workspace: Workspace) -> dict[str, int]:
    with workspace.database.read() as db_session:
        names = db_session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return {name: db_session.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


def filled(value: Any, sql: str) -> Any:
    if value is ...:
        return sql
    if isinstance(value, list):
        return [filled(one, sql) for one in value]
    return {name: filled(one, sql) for name, one in value.items()} if isinstance(value, dict) else value


def arguments(calls: Calls, name: str, sql: str) -> dict[str, Any]:
    """Every argument of the call, the texts among them SQL; enumerations get a text that is none of theirs."""
    signature = inspect.signature(getattr(calls, name), eval_str=True)
    args = {}
    for parameter in signature.parameters.values():
        if parameter.name in CALLER:
            continue
        kinds = [
            one for one in (typing.get_args(parameter.annotation) or [parameter.annotation]) if one is not type(None)
        ]
        kind = parameter.annotation if parameter.annotation in FILLED else kinds[0]
        args[parameter.name] = filled(FILLED.get(kind, ...), sql)
    return args


@pytest.mark.parametrize("sql", SQL)
def test_sql_in_every_text_of_every_call_changes_no_row(
    workspace: Workspace, image_id: int, cup: int, sql: str
) -> None:
    calls = Calls(workspace)
    before = rows(workspace)
    for name in sorted(CALL_NAMES - {"import_samples", "overview_look"}):
        answer = calls.handle({"name": name, "args": arguments(calls, name, sql)}, person=LOCAL)
        assert answer["ok"] or answer["error"]["kind"] != "bug", (name, answer)
        if name == "add_category" and answer["ok"]:
            workspace.repository.delete_category(answer["result"][-1]["id"])
    after = rows(workspace)
    for name in ("changes", "announcements", "locks", "sqlite_sequence"):  # what the calls were meant to write
        del before[name], after[name]
    assert after == before


@pytest.mark.parametrize("sql", SQL)
def test_sql_in_names_and_comments_is_kept_as_the_text_that_it_is(
    workspace: Workspace, image_id: int, cup: int, sql: str
) -> None:
    repository = workspace.repository
    assert repository.add_category(sql, labeler=sql).name == sql
    repository.update_category(cup, name=f"cup {sql}", supercategory=sql, labeler=sql)
    assert {one.name for one in workspace.categories()} == {sql, f"cup {sql}"}
    calls = Calls(workspace)
    person = Person(sql, Role.LABELER)
    actions = [{"kind": "point", "x": 50, "y": 50, "label": 1}, {"kind": "commit", "category_id": cup, "op_id": sql}]
    saved = calls.handle(
        {"name": "act", "args": {"image_id": image_id, "revision": 0, "actions": actions}}, person=person
    )
    assert saved["ok"], saved
    assert [one.labeler for one in workspace.instances(image_id)] == [sql]
    found = calls.handle({"name": "gallery", "args": {"of_labeler": sql}}, person=LOCAL)["result"]
    assert (len(found["ids"]), found["labelers"]) == (1, [sql])


@pytest.mark.parametrize(
    "name",
    [
        'a"b.png',
        "a\r\nSet-Cookie: x=1.png",
        "写真 – ñ.png",
        "../../etc/passwd.png",
        "a;filename=b.exe.png",
        "%0d%0a.png",
    ],
)
def test_a_pictures_name_cannot_break_a_downloads_header(
    workspace: Workspace, image_id: int, cup: int, name: str
) -> None:
    with workspace.database.write() as db_session:
        db_session.execute(text("UPDATE images SET original_name = :name"), {"name": name})
    act = [{"kind": "point", "x": 50, "y": 50, "label": 1}, {"kind": "commit", "category_id": cup}]
    workspace.act(image_id, act, labeler="local", wait_s=60)
    (instance,) = workspace.instances(image_id)
    calls = Calls(workspace)
    begun = calls.handle(
        {"name": "cutout_file", "args": {"image_id": image_id, "instance_ids": [instance.id]}}, person=LOCAL
    )["result"]
    result = workspace.jobs.get(begun["id"]).wait().result
    app = Starlette(routes=list(routes(workspace)), middleware=[Middleware(Gate, house=House(None, cookie="c"))])
    client = TestClient(app, base_url="http://127.0.0.1")
    answer = client.get(f"/annotator/cutouts/{result['token']}/{result['filename']}")
    assert answer.status_code == 200
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii() and disposition.isprintable() and disposition.count('"') in (0, 2)
    assert "/" not in disposition.replace("utf-8''", "") and "set-cookie" not in answer.headers
    for odd in ("..%2f..%2fannotator.db", "%0d%0aX: y", "a%00b", "x" * 5000):
        assert client.get(f"/annotator/cutouts/{result['token']}/{odd}").status_code == 404
        assert client.get(f"/annotator/exports/{odd}/coco.zip").status_code == 404
