"""The audit of the libraries: what it makes of pip-audit's answer, and, where data is reached, the answer itself."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import audit

ANSWER = {
    "dependencies": [
        {"name": "sound", "version": "1.0", "vulns": []},
        {"name": "unknown", "skip_reason": "Dependency not found on PyPI and could not be audited: unknown (1.0)"},
        {
            "name": "Pillow",
            "version": "12.3.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["13.0.0"], "aliases": []}],
        },
        {
            "name": "starlette",
            "version": "1.0.0",
            "vulns": [{"id": "PYSEC-2", "fix_versions": ["0.9.9", "1.0.1"], "aliases": ["CVE-2"]}],
        },
    ]
}
ASKED = {"pillow": [Requirement("pillow<13,>=8")], "starlette": [Requirement("starlette>=1,<2")]}


def test_a_hole_is_told_with_the_releases_that_fit():
    held, mended = audit.holes(ANSWER, ASKED)
    assert (held.name, held.fixes) == ("Pillow", ())
    assert "no release that fits" in str(held)
    assert (mended.ids, mended.fixes) == (("PYSEC-2", "CVE-2"), ("1.0.1",))
    assert "upgrade to 1.0.1" in str(mended)
    assert list(audit.not_looked_at(ANSWER)) == ["unknown"]


@pytest.mark.parametrize(
    ("reason", "answer", "status", "said"),
    [
        ("no network", None, 0, "Nothing was audited"),
        ("", ANSWER, 1, "upgrade to 1.0.1"),
        ("", {"dependencies": ANSWER["dependencies"][:3]}, 0, "1 known holes"),
        ("", {"dependencies": []}, 0, "0 known holes"),
    ],
)
def test_only_what_can_be_mended_fails(reason, answer, status, said, monkeypatch, capsys):
    monkeypatch.setattr(audit, "unreachable", lambda: reason)
    monkeypatch.setattr(audit, "ask", lambda pins: answer)
    monkeypatch.setattr(audit, "bounds", lambda: ASKED)
    assert audit.main() == status
    assert said in capsys.readouterr().out


def test_a_failure_of_the_tool_itself_is_told_apart(monkeypatch, capsys):
    def fail(pins):
        raise audit.AuditError("pip-audit ended with status 2: it stumbled")

    monkeypatch.setattr(audit, "unreachable", lambda: "")
    monkeypatch.setattr(audit, "ask", fail)
    assert audit.main() == 2
    assert "it stumbled" in capsys.readouterr().err


def test_what_the_tool_needs_is_audited_with_all_that_it_brings(tmp_path: Path):
    pins = audit.brought_in(audit.ROOT / "requirements.txt")
    assert {"gradio", "pillow", "uvicorn", "python-multipart", "torch"} <= set(pins)
    assert "pytest" not in pins


@pytest.mark.slow  # some sixty questions over the network
def test_no_library_has_a_hole_that_a_release_which_fits_mends():
    why = audit.unreachable()
    if why:
        pytest.skip(f"the data about known holes cannot be reached: {why}")
    try:
        answer = audit.ask(audit.brought_in(audit.ROOT / "requirements.txt"))
    except audit.AuditError as error:
        pytest.skip(f"the data about known holes was not reached: {error}")
    assert [str(hole) for hole in audit.holes(answer, audit.bounds()) if hole.fixes] == []
