"""Sessions: the steps of one labeler on one image, undone and redone."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import RecordNotFound, StaleRevision
from storage.records import EventRecord, ImageStatus, SessionRecord
from storage.repository import changes
from storage.repository.images import image_row, set_status
from storage.schema import EventRow, OperationRow, SessionRow


class Sessions:
    """The session part of the Repository.

    Every recording names an op_id of the client's: the same one a second time, after a lost answer, changes nothing and
    gives the session as it is. expected_revision None: whatever it is; StaleRevision when it is another.
    """

    _database: Database
    _duplicate_iou: float

    def session(self, image_id: int, labeler: str) -> SessionRecord:
        """The labeler's session on the picture, made when there was none. Raises RecordNotFound."""
        query = select(SessionRow).where(SessionRow.image_id == image_id, SessionRow.labeler == labeler)
        with self._database.read() as db_session:
            row = db_session.scalar(query)
            if row is not None:
                return _record(db_session, row)
        with self._database.write() as db_session:
            image_row(db_session, image_id)
            row = db_session.scalar(query)
            if row is None:
                now = datetime.now(UTC)
                row = SessionRow(
                    image_id=image_id, labeler=labeler, revision=0, status="idle", created_at=now, updated_at=now
                )
                db_session.add(row)
                db_session.flush()
            return _record(db_session, row)

    def knows_operation(self, session_id: int, op_id: str) -> bool:
        """Whether this operation of the client's was recorded before."""
        with self._database.read() as db_session:
            return db_session.get(OperationRow, (session_id, op_id)) is not None

    def last_image_id(self, labeler: str) -> int | None:
        """The picture that the labeler worked on last, or else looked at; None where there is none (any more)."""
        query = select(SessionRow.image_id).where(SessionRow.labeler == labeler)
        query = query.order_by((SessionRow.revision > 0).desc(), SessionRow.updated_at.desc())
        with self._database.read() as db_session:
            return db_session.scalar(query.limit(1))

    def record_step(
        self,
        session_id: int,
        *,
        expected_revision: int | None,
        op_id: str,
        kind: str,
        payload: dict[str, Any],
        chosen_candidate: int | None,
        status: str,
    ) -> SessionRecord:
        """Take a step: append its event, drop what was undone, and do what its payload says.

        payload: may hold changes of instances and rejected proposals, see storage/repository/changes.py. Changes are
        kept with the ids of new instances filled in. A new picture becomes one in progress.
        Raises StaleRevision, RecordNotFound, InstanceChanged, StorageError; then nothing was written.
        """
        with self._database.write() as db_session:
            row = _locked(db_session, session_id)
            if not _is_done(db_session, row, op_id):
                _check_revision(row, expected_revision)
                image = image_row(db_session, row.image_id)
                payload = changes.take(
                    db_session, image, payload, labeler=row.labeler, duplicate_iou=self._duplicate_iou
                )
                _append(db_session, row, op_id, kind, payload)
                if image.status == ImageStatus.NEW:
                    set_status(db_session, image, ImageStatus.IN_PROGRESS, labeler=row.labeler)
                row.chosen_candidate, row.status = chosen_candidate, status
                row.revision += 1
                _note(db_session, row, op_id, "step")
            revision = row.revision
        return self._after(session_id, revision)

    def record_undo(
        self,
        session_id: int,
        *,
        expected_revision: int | None,
        op_id: str,
        chosen_candidate: int | None = None,
        status: str | None = None,
        seen: Mapping[int, int] | None = None,
        leave: Collection[int] = (),
    ) -> SessionRecord:
        """Undo the last step that is not undone; without one the revision stays.

        chosen_candidate and status: set when a status is given, else left. seen and leave: what happens to instances
        that were changed since the step, see storage/repository/changes.py. Raises as record_step does.
        """
        return self._move(session_id, "undo", expected_revision, op_id, chosen_candidate, status, seen or {}, leave)

    def record_redo(
        self,
        session_id: int,
        *,
        expected_revision: int | None,
        op_id: str,
        chosen_candidate: int | None = None,
        status: str | None = None,
        seen: Mapping[int, int] | None = None,
        leave: Collection[int] = (),
    ) -> SessionRecord:
        """Take the first undone step again; the rest as in record_undo."""
        return self._move(session_id, "redo", expected_revision, op_id, chosen_candidate, status, seen or {}, leave)

    def set_session_state(self, session_id: int, *, chosen_candidate: int | None, status: str) -> None:
        """What an answer brought about; no step, no new revision. Raises RecordNotFound."""
        with self._database.write() as db_session:
            row = _locked(db_session, session_id)
            row.chosen_candidate, row.status, row.updated_at = chosen_candidate, status, datetime.now(UTC)

    def _after(self, session_id: int, revision: int) -> SessionRecord:
        """The session with the revision that a write has made.

        Read after it, not in it: with each row that is read a thread waits for the interpreter, and all who write would
        wait for it. Where another was quicker meanwhile, their steps are there too; who goes on from this revision
        then gets StaleRevision, as is right.
        """
        with self._database.read() as db_session:
            record = _record(db_session, _there(db_session.get(SessionRow, session_id), session_id))
        return replace(record, revision=revision)

    def _move(
        self,
        session_id: int,
        direction: Literal["undo", "redo"],
        expected_revision: int | None,
        op_id: str,
        chosen_candidate: int | None,
        status: str | None,
        seen: Mapping[int, int],
        leave: Collection[int],
    ) -> SessionRecord:
        is_undo = direction == "undo"
        query = select(EventRow).where(EventRow.session_id == session_id, EventRow.undone != is_undo)
        query = query.order_by(EventRow.seq.desc() if is_undo else EventRow.seq).limit(1)
        with self._database.write() as db_session:
            row = _locked(db_session, session_id)
            if not _is_done(db_session, row, op_id):
                _check_revision(row, expected_revision)
                event = db_session.scalar(query)
                if event is not None:
                    event.undone = is_undo
                    changes.play(
                        db_session,
                        image_row(db_session, row.image_id),
                        event.payload,
                        labeler=row.labeler,
                        backwards=is_undo,
                        duplicate_iou=self._duplicate_iou,
                        seen=seen,
                        leave=leave,
                    )
                    if status is not None:
                        row.chosen_candidate, row.status = chosen_candidate, status
                    elif chosen_candidate is not None:
                        row.chosen_candidate = chosen_candidate
                    row.revision += 1
                # Noted also when there was nothing to do: its repetition, arriving later, must not undo a later step.
                _note(db_session, row, op_id, direction)
            revision = row.revision
        return self._after(session_id, revision)


def _append(db_session: Session, row: SessionRow, op_id: str, kind: str, payload: dict[str, Any]) -> None:
    """A new event at the end; what was undone is gone for good."""
    db_session.execute(delete(EventRow).where(EventRow.session_id == row.id, EventRow.undone))
    last = db_session.scalar(select(func.max(EventRow.seq)).where(EventRow.session_id == row.id)) or 0
    db_session.add(
        EventRow(
            session_id=row.id,
            seq=last + 1,
            op_id=op_id,
            kind=kind,
            payload=payload,
            undone=False,
            created_at=datetime.now(UTC),
        )
    )


def _locked(db_session: Session, session_id: int) -> SessionRow:
    """The row, kept from other writers until the transaction ends (SQLite has one writer at a time anyway)."""
    return _there(db_session.get(SessionRow, session_id, with_for_update=True), session_id)


def _there(row: SessionRow | None, session_id: int) -> SessionRow:
    if row is None:
        raise RecordNotFound(f"There is no session with the id {session_id} (any more): open the picture again.")
    return row


def _is_done(db_session: Session, row: SessionRow, op_id: str) -> bool:
    return db_session.get(OperationRow, (row.id, op_id)) is not None


def _check_revision(row: SessionRow, expected: int | None) -> None:
    if expected is not None and expected != row.revision:
        raise StaleRevision(expected=expected, actual=row.revision)


def _note(db_session: Session, row: SessionRow, op_id: str, kind: str) -> None:
    row.updated_at = datetime.now(UTC)
    db_session.add(
        OperationRow(session_id=row.id, op_id=op_id, kind=kind, revision=row.revision, created_at=row.updated_at)
    )


def _record(db_session: Session, row: SessionRow) -> SessionRecord:
    columns = (EventRow.seq, EventRow.op_id, EventRow.kind, EventRow.payload, EventRow.undone, EventRow.created_at)
    events = db_session.execute(select(*columns).where(EventRow.session_id == row.id).order_by(EventRow.seq))
    return SessionRecord(
        id=row.id,
        image_id=row.image_id,
        labeler=row.labeler,
        revision=row.revision,
        chosen_candidate=row.chosen_candidate,
        status=row.status,
        events=tuple(EventRecord(**event) for event in events.mappings()),
    )
