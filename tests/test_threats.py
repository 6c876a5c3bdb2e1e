"""The table of threats says what is true: each of them is there, and each test that it names."""

import ast
import re
from functools import cache

from tests.sources import ROOT

TABLE = ROOT / "docs" / "threats.md"
KNOWN = range(1, 36)  # those of the list that the table began as; more may stand behind
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def lines() -> dict[int, str]:
    found = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    return {int(line.split("|")[1]): line for line in found}


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_threat_is_in_the_table_once_with_a_promise_and_a_test():
    table = lines()
    assert list(table) == list(range(1, len(table) + 1))
    assert set(KNOWN) <= set(table)
    for number, line in table.items():
        _, _, threat, promise, shown, _ = (cell.strip() for cell in re.split(r"(?<!\\)\|", line))
        assert threat and promise, number
        assert _NAMED.findall(shown), number


def test_every_test_that_the_table_names_exists():
    missing = [
        f"{path}::{name}"
        for line in lines().values()
        for path, name in _NAMED.findall(line)
        if not (ROOT / path).is_file() or name not in names_in(path)
    ]
    assert missing == []


def test_the_page_on_security_leads_to_the_table():
    assert "docs/threats.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
