"""What the storage tests put into a database: masks, instances' values, and a labeler at work."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import event

from storage.database import Database
from storage.records import CategoryRecord, ImageRecord, InstanceRecord, JobRecord, SessionRecord
from storage.repository import Repository
from storage.rle import Rle

WIDTH, HEIGHT = 16, 12


def mask(x: int, y: int, width: int, height: int) -> Rle:
    """A filled rectangle."""
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[y : y + height, x : x + width] = True
    return Rle.encode(pixels)


def values(category: CategoryRecord, covered: Rle | None = None, **others: Any) -> dict[str, Any]:
    """All that is said about an instance when it is saved."""
    return {
        "category_id": category.id,
        "rle": (covered or mask(1, 2, 3, 4)).to_coco(),
        "predicted_iou": 0.9,
        "stability_score": 0.8,
        "model": "builtin",
        "origin": "click",
        "prompt": [{"kind": "point", "at": [2.0, 3.0], "label": 1, "choice": None}],
        "is_crowd": False,
    } | others


def job_record(job_id: str, **others: Any) -> JobRecord:
    """What a process tells of its job: about picture 3, just begun."""
    told: dict[str, Any] = {
        "kind": job_id.partition("-")[0],
        "state": "running",
        "done": 0,
        "total": 0,
        "message": "",
        "lines": (),
        "result": None,
        "subject": (3,),
        "owner": "",
        "seconds_left": None,
        "seen_at": datetime.now(UTC),
    }
    return JobRecord(id=job_id, **told | others)


def without_waiting_for_the_disk(database: Database) -> Database:
    """Commits are not synced: what a test of anything but durability waits for otherwise, most of its time."""
    with database.read() as db_session:
        engine = db_session.connection().engine
        event.listen(engine.pool, "checkout", lambda connection, *_: connection.execute("PRAGMA synchronous=OFF"))
    return database


class Labeler:
    """A client of one session: makes up operation ids and sends steps."""

    def __init__(self, repository: Repository, image: ImageRecord, name: str = "ann") -> None:
        self.repository = repository
        self.image = image
        self.session_id = repository.session(image.id, name).id
        self.name = name
        self.operations = 0

    def op(self) -> dict[str, Any]:
        self.operations += 1
        return {"expected_revision": None, "op_id": f"{self.name}-{self.operations}"}

    def step(self, kind: str = "point", payload: dict[str, Any] | None = None, **others: Any) -> SessionRecord:
        given = self.op() | {"chosen_candidate": None, "status": "open"} | others
        return self.repository.record_step(self.session_id, kind=kind, payload=payload or {"x": 1, "y": 2}, **given)

    def change(self, instance_id: int | None, before: Any, after: Any, **others: Any) -> SessionRecord:
        return self.step("commit", {"changes": [{"id": instance_id, "before": before, "after": after}]}, **others)

    def undo(self, **others: Any) -> SessionRecord:
        return self.repository.record_undo(self.session_id, **self.op() | others)

    def redo(self, **others: Any) -> SessionRecord:
        return self.repository.record_redo(self.session_id, **self.op() | others)

    def instances(self) -> list[InstanceRecord]:
        return self.repository.instances(self.image.id)
