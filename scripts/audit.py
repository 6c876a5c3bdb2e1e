"""Ask whether the installed libraries have known holes: pip-audit over what requirements.txt brought in.

A hole fails the audit where a release that fits all bounds mends it. One that no such release mends (Gradio holds
Pillow below 13, say) is named, and fails nothing: nobody could do anything about it here. Where the data about holes
cannot be reached, that is said, and fails nothing either.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, distributions, version
from pathlib import Path
from typing import Any

import httpx
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
DATA = "https://pypi.org/pypi/{name}/{version}/json"  # where pip-audit asks too
PROBE_S = 5.0


class AuditError(Exception):
    """pip-audit itself failed; the text is what it said."""


@dataclass(frozen=True)
class Hole:
    """A known hole in an installed library. fixes: the releases that mend it and fit."""

    name: str
    version: str
    ids: tuple[str, ...]
    fixes: tuple[str, ...]

    def __str__(self) -> str:
        do = f"upgrade to {' or '.join(self.fixes)}" if self.fixes else "no release that fits mends it yet"
        return f"{self.name} {self.version}: {', '.join(self.ids)}; {do}"


def unreachable() -> str:
    """Why the data cannot be reached, "" where it can."""
    address = DATA.format(name="pip", version=version("pip"))
    try:
        answer = httpx.get(address, timeout=PROBE_S, follow_redirects=True)
        if answer.status_code == 200 and "vulnerabilities" in answer.json():
            return ""
    except (httpx.HTTPError, ValueError) as error:
        return f"{address}: {error}"
    return f"{address} answers {answer.status_code}, without a word of vulnerabilities"


def brought_in(requirements: Path) -> dict[str, str]:
    """The installed versions of what a requirements file asks for, and of all that those ask for."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    waiting = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    found: dict[str, str] = {}
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in found or not (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue  # an extra, or for another system
        found[name] = there.version
        waiting += map(Requirement, there.requires or ())
    return dict(sorted(found.items()))


def bounds() -> dict[str, list[Requirement]]:
    """What the installed libraries and our own files ask of each library."""
    asked: dict[str, list[Requirement]] = {}
    ours = [
        Requirement(line)
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-"))
    ]
    theirs = [Requirement(line) for one in distributions() for line in one.requires or ()]
    for one in [*ours, *theirs]:
        if one.marker is None or one.marker.evaluate({"extra": ""}):
            asked.setdefault(canonicalize_name(one.name), []).append(one)
    return asked


def ask(pins: dict[str, str]) -> dict[str, Any]:
    """pip-audit's own JSON about these versions. Raises AuditError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pins.txt"
        path.write_text("".join(f"{name}=={one.partition('+')[0]}\n" for name, one in pins.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--no-deps", "--disable-pip"]
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True
        )
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise AuditError(f"pip-audit ended with status {done.returncode}: {done.stderr.strip()[-2000:]}") from error
    return answer


def holes(answer: dict[str, Any], asked: dict[str, list[Requirement]]) -> list[Hole]:
    """What pip-audit found, with those of the mending releases that everybody's bounds let in."""
    return [
        Hole(
            one["name"],
            one["version"],
            (hole["id"], *hole.get("aliases", ())),
            tuple(fix for fix in hole["fix_versions"] if fits(fix, asked.get(canonicalize_name(one["name"]), ()))),
        )
        for one in answer["dependencies"]
        for hole in one.get("vulns", ())
    ]


def fits(release: str, asked: Iterable[Requirement]) -> bool:
    return all(one.specifier.contains(release, prereleases=False) for one in asked)


def not_looked_at(answer: dict[str, Any]) -> Iterator[str]:
    """Libraries that nothing is known of: not on PyPI, or not reached."""
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            yield one["name"]


def main() -> int:
    """0 where nothing can be done about anything, 1 for a hole that a release mends, 2 where pip-audit fails."""
    why = unreachable()
    if why:
        print(f"Nothing was audited: the data about known holes cannot be reached ({why}).")
        return 0
    pins = brought_in(ROOT / "requirements.txt")
    try:
        answer = ask(pins)
    except AuditError as error:
        print(error, file=sys.stderr)
        return 2
    found, skipped = holes(answer, bounds()), list(not_looked_at(answer))
    for hole in found:
        print(hole)
    if skipped:
        print(f"Not looked at, for PyPI does not know these releases: {', '.join(skipped)}")
    print(f"{len(pins) - len(skipped)} libraries audited, {len(found)} known holes.")
    return 1 if any(hole.fixes for hole in found) else 0


if __name__ == "__main__":
    sys.exit(main())
