"""What the server acknowledged, as the clients saw it; in the end it is compared with the rows of the database."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from storage.schema import EventRow, InstanceRow, OperationRow, SessionRow


@dataclass(frozen=True)
class Step:
    """A step that counts. payload: what was asked for, as far as the row must say the same."""

    op_id: str
    kind: str
    payload: dict[str, Any]


@dataclass
class Page:
    """One labeler's ledger of one picture."""

    revision: int = 0
    operations: dict[str, int] = field(default_factory=dict)  # op_id -> revision afterwards
    taken: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)  # the last undone first
    doubtful: set[str] = field(default_factory=set)  # sent, and not answered (yet)

    @property
    def points(self) -> list[tuple[float, float, int]]:
        """The prompt as it stands."""
        points: list[tuple[float, float, int]] = []
        for step in self.taken:
            if step.kind == "point":
                points.append((step.payload["x"], step.payload["y"], step.payload["label"]))
            elif step.kind in ("commit", "clear"):
                points = []
        return points

    @property
    def saved(self) -> int:
        """How many instances there are."""
        return sum(step.kind == "commit" for step in self.taken)

    def send(self, op_id: str) -> None:
        """An operation goes out; until it is acknowledged, nobody knows."""
        if op_id not in self.operations:
            self.doubtful.add(op_id)

    def refuse(self, op_id: str) -> None:
        """The server said no: it must not be in the database."""
        self.doubtful.discard(op_id)

    def acknowledge(self, action: dict[str, Any], revision: int) -> None:
        """The server said yes. The same one again changes nothing."""
        op_id = action["op_id"]
        self.doubtful.discard(op_id)
        if op_id in self.operations:
            return
        self.operations[op_id] = self.revision = revision
        if action["kind"] == "undo":
            if self.taken:
                self.undone.insert(0, self.taken.pop())
        elif action["kind"] == "redo":
            if self.undone:
                self.taken.append(self.undone.pop(0))
        else:
            payload = {key: value for key, value in action.items() if key not in ("op_id", "kind")}
            self.taken.append(Step(op_id, action["kind"], payload))
            self.undone = []


@dataclass
class Findings:
    """What is wrong, a line each. lost: acknowledged and not there; doubled: there more than once; foreign: there and
    nobody's who could have asked for it; different: there with another content or revision."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.foreign, *self.different]


class Ledger:
    """The pages of all labelers, by (labeler, picture's id)."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, int], Page] = {}

    def page(self, labeler: str, image_id: int) -> Page:
        """Empty where nothing was done yet."""
        return self.pages.setdefault((labeler, image_id), Page())

    @property
    def acknowledged(self) -> int:
        return sum(len(page.operations) for page in self.pages.values())

    def compare(self, url: str) -> Findings:
        """With the database at that SQLAlchemy URL, row by row. Doubtful operations may be there or not."""
        found = Findings()
        engine = create_engine(url)
        try:
            labelers = {labeler for labeler, _ in self.pages}
            rows = _Rows(engine, labelers)
        finally:
            engine.dispose()
        for key in sorted(rows.revisions.keys() - self.pages.keys()):
            found.foreign.append(f"{key[0]} has a session on picture {key[1]}, which they never touched")
        for key, page in self.pages.items():
            _compare_page(f"{key[0]} on picture {key[1]}", page, rows, key, found)
        return found


class _Rows:
    """What the database has of these labelers, by (labeler, picture's id)."""

    def __init__(self, engine: Engine, labelers: Iterable[str]) -> None:
        names = list(labelers)
        self.revisions: dict[tuple[str, int], int] = {}
        self.operations: dict[tuple[str, int], dict[str, int]] = {}
        self.events: dict[tuple[str, int], list[EventRow]] = {}
        self.instances: Counter[tuple[str, int]] = Counter()
        with Session(engine) as db_session:
            keys = {}
            for row in db_session.scalars(select(SessionRow).where(SessionRow.labeler.in_(names))):
                keys[row.id] = row.labeler, row.image_id
                self.revisions[keys[row.id]] = row.revision
            for operation in db_session.scalars(select(OperationRow)):
                if operation.session_id in keys:
                    of = self.operations.setdefault(keys[operation.session_id], {})
                    of[operation.op_id] = operation.revision
            for event in db_session.scalars(select(EventRow).order_by(EventRow.session_id, EventRow.seq)):
                if event.session_id in keys:
                    self.events.setdefault(keys[event.session_id], []).append(event)
            live = select(InstanceRow.labeler, InstanceRow.image_id).where(
                InstanceRow.deleted_at.is_(None), InstanceRow.labeler.in_(names)
            )
            self.instances.update((labeler, image_id) for labeler, image_id in db_session.execute(live))


def _compare_page(where: str, page: Page, rows: _Rows, key: tuple[str, int], found: Findings) -> None:
    there = rows.operations.get(key, {})
    for op_id, revision in page.operations.items():
        if op_id not in there:
            found.lost.append(f"{where}: {op_id} was acknowledged and is not there")
        elif there[op_id] != revision:
            found.different.append(f"{where}: {op_id} made revision {revision}, and {there[op_id]} in the database")
    for op_id in there.keys() - page.operations.keys() - page.doubtful:
        found.foreign.append(f"{where}: {op_id} is there, and nobody had it acknowledged")
    if there.keys() & page.doubtful:  # its effect cannot be told from here; the next answer says which it was
        return
    if rows.revisions.get(key, 0) != page.revision:
        found.different.append(f"{where}: revision {rows.revisions.get(key, 0)} in place of {page.revision}")
    events = rows.events.get(key, [])
    ids = Counter(event.op_id for event in events)
    found.doubled += [f"{where}: {op_id} is there {times} times" for op_id, times in ids.items() if times > 1]
    expected = [(step.op_id, step.kind, False) for step in page.taken]
    expected += [(step.op_id, step.kind, True) for step in page.undone]
    got = [(event.op_id, event.kind, event.undone) for event in events]
    for missing in sorted({one[0] for one in expected} - ids.keys()):
        found.lost.append(f"{where}: the step of {missing} is not there")
    if got != expected and {one[0] for one in expected} <= ids.keys():
        found.different.append(f"{where}: the steps are {got[-3:]} in the end in place of {expected[-3:]}")
    steps = {step.op_id: step for step in [*page.taken, *page.undone]}
    for event in events:
        step = steps.get(event.op_id)
        if step and any(event.payload.get(name) != value for name, value in step.payload.items()):
            found.different.append(f"{where}: {event.op_id} has {event.payload} in place of {step.payload}")
    if rows.instances[key] != page.saved:
        kind = found.lost if rows.instances[key] < page.saved else found.doubled
        kind.append(f"{where}: {rows.instances[key]} instances in place of {page.saved}")
