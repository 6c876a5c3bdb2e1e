"""Proposals: masks that a grid of points found on a picture, and the runs that find them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import proposals_gone
from storage.records import ImageRecord, ProposalRecord, ProposalRunRecord, RunState
from storage.repository.images import image_record, image_row
from storage.repository.masks import assign_mask, mask_of
from storage.rle import Rle, iou_matrix
from storage.schema import ImageRow, InstanceRow, ProposalRow, ProposalRunRow

DUPLICATE_IOU = 0.8  # two masks that overlap so much are of one object
IDS_AT_ONCE = 500  # of one IN (...); databases limit the number of values


@dataclass(frozen=True, kw_only=True)
class NewProposal:
    """A mask as it was found; point_xy and shown as in ProposalRecord."""

    rle: Rle
    predicted_iou: float
    stability_score: float
    point_xy: tuple[float, float]
    shown: bool


class Proposals:
    """The proposal part of the Repository.

    A picture has at most one run that is done, whose proposals it shows, and one that waits. Accepting and rejecting
    are steps of a session (storage/repository/changes.py), so that they are undone like any other.
    """

    _database: Database
    _duplicate_iou: float

    @property
    def duplicate_iou(self) -> float:
        """Two masks of one picture whose IoU reaches this are of one object."""
        return self._duplicate_iou

    def proposals(self, image_id: int) -> list[ProposalRecord]:
        """Those of one picture, best predicted IoU first, rejected ones too; [] also where there is no such picture."""
        query = select(ProposalRow).where(ProposalRow.image_id == image_id)
        query = query.order_by(ProposalRow.predicted_iou.desc(), ProposalRow.id)
        with self._database.read() as db_session:
            return [_record(row) for row in db_session.scalars(query)]

    def proposal_runs(self, image_id: int) -> dict[RunState, ProposalRunRecord]:
        """The picture's run that is done and the one that waits, where there are such."""
        query = select(ProposalRunRow).where(ProposalRunRow.image_id == image_id)
        with self._database.read() as db_session:
            return {RunState(row.state): _run_record(row) for row in db_session.scalars(query)}

    def all_proposal_runs(self, state: RunState) -> list[ProposalRunRecord]:
        """Those of every picture in that state, in the order of the pictures' list."""
        query = select(ProposalRunRow).join(ImageRow, ImageRow.id == ProposalRunRow.image_id)
        query = query.where(ProposalRunRow.state == state.value).order_by(ImageRow.position, ImageRow.id)
        with self._database.read() as db_session:
            return [_run_record(row) for row in db_session.scalars(query)]

    def proposal_counts(self) -> dict[int, int]:
        """image_id -> number of its open proposals (see ProposalRunRecord); pictures without any are not in it."""
        query = select(ProposalRunRow.image_id, ProposalRunRow.open_count)
        query = query.where(ProposalRunRow.state == RunState.DONE.value, ProposalRunRow.open_count > 0)
        with self._database.read() as db_session:
            return {image_id: int(count) for image_id, count in db_session.execute(query)}

    def proposal_count(self, image_id: int) -> int:
        """The same of one picture."""
        query = select(ProposalRunRow.open_count)
        query = query.where(ProposalRunRow.image_id == image_id, ProposalRunRow.state == RunState.DONE.value)
        with self._database.read() as db_session:
            return db_session.scalar(query) or 0

    def queue_proposals(
        self, image_ids: Sequence[int], *, fingerprint: str, model: str, settings: dict[str, Any]
    ) -> None:
        """Note that these pictures wait for a run, in place of one they waited for before. Raises RecordNotFound."""
        with self._database.write() as db_session:
            for image_id in image_ids:
                image_row(db_session, image_id)
                row = _run(db_session, image_id, RunState.WAITING) or _new_run(db_session, image_id, RunState.WAITING)
                _describe_run(row, fingerprint=fingerprint, model=model, settings=settings)

    def drop_waiting_proposals(self, image_ids: Collection[int], *, fingerprint: str, settings: dict[str, Any]) -> None:
        """These pictures wait no longer for that run; one that waits for another run goes on waiting for it."""
        with self._database.write() as db_session:
            for image_id in image_ids:
                _drop_waiting(db_session, image_id, fingerprint=fingerprint, settings=settings)

    def pictures_with_runs(
        self, *, after: ImageRecord | None, limit: int
    ) -> list[tuple[ImageRecord, ProposalRunRecord | None]]:
        """At most `limit` pictures behind one in the list (None: from its start), each with its run that is done.

        For lists too long to be held: the time that a page takes does not grow with what stands before it.
        """
        is_done = and_(ProposalRunRow.image_id == ImageRow.id, ProposalRunRow.state == RunState.DONE.value)
        query = select(ImageRow, ProposalRunRow).outerjoin(ProposalRunRow, is_done)
        if after is not None:
            behind = or_(ImageRow.position > after.position, ImageRow.id > after.id)
            query = query.where(ImageRow.position >= after.position, behind)
        query = query.order_by(ImageRow.position, ImageRow.id).limit(limit)
        with self._database.read() as db_session:
            rows = db_session.execute(query).all()
            return [(image_record(image), None if run is None else _run_record(run)) for image, run in rows]

    def save_proposals(
        self,
        image_id: int,
        found: Sequence[NewProposal],
        *,
        fingerprint: str,
        model: str,
        settings: dict[str, Any],
        once: bool = False,
    ) -> int | None:
        """Put what a run found in the place of the picture's open proposals; the run is done then.

        Rejected ones stay, and what is found that (nearly) equals one of them is left out: it is not offered again.
        once: where the same run is done already, whoever did it, nothing is written, and None returned. Returns the
        number of open ones. Raises RecordNotFound, StorageError.
        """
        with self._database.write() as db_session:
            if once:  # where writers do not wait for one another anyway (PostgreSQL), they do for this picture
                db_session.get(ImageRow, image_id, with_for_update=True)
            done = _run(db_session, image_id, RunState.DONE) if once else None
            if done is not None and _run_record(done).same_work(fingerprint=fingerprint, settings=settings):
                return None
            image = image_row(db_session, image_id)
            ours = ProposalRow.image_id == image_id
            db_session.execute(delete(ProposalRow).where(ours, ProposalRow.rejected.is_(False)))
            rejected = [mask_of(row) for row in db_session.scalars(select(ProposalRow).where(ours))]
            overlap = iou_matrix([one.rle for one in found], rejected).max(axis=1, initial=0.0)
            now = datetime.now(UTC)
            for one, overlaps in zip(found, overlap, strict=True):
                if overlaps >= self._duplicate_iou:
                    continue
                row = ProposalRow(
                    image_id=image_id,
                    predicted_iou=float(one.predicted_iou),
                    stability_score=float(one.stability_score),
                    model=model,
                    point_x=float(one.point_xy[0]),
                    point_y=float(one.point_xy[1]),
                    shown=bool(one.shown),
                    rejected=False,
                    created_at=now,
                )
                assign_mask(image, row, one.rle)
                db_session.add(row)
            db_session.flush()
            _finish(db_session, image_id, fingerprint=fingerprint, model=model, settings=settings, message="")
            return recount(db_session, image_id, duplicate_iou=self._duplicate_iou)

    def fail_proposals(
        self, image_id: int, *, fingerprint: str, model: str, settings: dict[str, Any], message: str
    ) -> None:
        """Note why a run found nothing; what an earlier one found stays. Raises RecordNotFound."""
        with self._database.write() as db_session:
            image_row(db_session, image_id)
            _finish(db_session, image_id, fingerprint=fingerprint, model=model, settings=settings, message=message)


def open_proposal_rows(db_session: Session, image_id: int, proposal_ids: Sequence[object]) -> list[ProposalRow]:
    """The rows in the order of their ids. Raises RecordNotFound for one that is gone, rejected, or elsewhere."""
    rows = [
        row
        for proposal_id in proposal_ids
        if isinstance(proposal_id, int) and (row := db_session.get(ProposalRow, proposal_id)) is not None
        if row.image_id == image_id and not row.rejected
    ]
    if len(rows) < len(proposal_ids):
        found = {row.id for row in rows}
        raise proposals_gone([proposal_id for proposal_id in proposal_ids if proposal_id not in found])
    return rows


def mark_rejected(db_session: Session, image_id: int, proposal_ids: Sequence[int], *, rejected: bool) -> None:
    """Undo or redo of a rejection; proposals that a later run replaced meanwhile stay gone."""
    for start in range(0, len(proposal_ids), IDS_AT_ONCE):
        some = proposal_ids[start : start + IDS_AT_ONCE]
        query = update(ProposalRow).where(ProposalRow.image_id == image_id, ProposalRow.id.in_(some))
        db_session.execute(query.values(rejected=rejected))


def recount(db_session: Session, image_id: int, *, duplicate_iou: float) -> int:
    """Bring the run's open_count up to date with the picture's proposals and instances, and return it.

    To be called by whatever changes one of them, within its transaction.
    """
    run = _run(db_session, image_id, RunState.DONE)
    if run is None:
        return 0
    db_session.flush()
    is_open = and_(ProposalRow.image_id == image_id, ProposalRow.shown, ProposalRow.rejected.is_(False))
    total = db_session.scalar(select(func.count()).where(is_open)) or 0
    # Masks whose IoU reaches a threshold have boxes that meet and areas that differ by no more than it; few pairs do.
    live, proposed = InstanceRow, ProposalRow
    near = and_(
        live.image_id == proposed.image_id,
        live.deleted_at.is_(None),
        proposed.area >= live.area * duplicate_iou,
        live.area >= proposed.area * duplicate_iou,
        proposed.bbox_x < live.bbox_x + live.bbox_width,
        live.bbox_x < proposed.bbox_x + proposed.bbox_width,
        proposed.bbox_y < live.bbox_y + live.bbox_height,
        live.bbox_y < proposed.bbox_y + proposed.bbox_height,
    )
    columns = (proposed.id, proposed.rle_height, proposed.rle_width, proposed.rle_counts, live.rle_counts)
    covered = set()
    for proposal_id, height, width, counts, others in db_session.execute(
        select(*columns).join(live, near).where(is_open)
    ):
        pair = [Rle((height, width), counts)], [Rle((height, width), others)]
        if iou_matrix(*pair)[0, 0] >= duplicate_iou:
            covered.add(proposal_id)
    run.open_count = total - len(covered)
    return run.open_count


def _run(db_session: Session, image_id: int, state: RunState) -> ProposalRunRow | None:
    return db_session.get(ProposalRunRow, (image_id, state.value))


def _new_run(db_session: Session, image_id: int, state: RunState) -> ProposalRunRow:
    row = ProposalRunRow(image_id=image_id, state=state.value, open_count=0)
    db_session.add(row)
    return row


def _describe_run(
    row: ProposalRunRow, *, fingerprint: str, model: str, settings: Mapping[str, Any], message: str = ""
) -> None:
    row.fingerprint, row.model, row.settings, row.message = fingerprint, model, dict(settings), message
    row.updated_at = datetime.now(UTC)


def _finish(
    db_session: Session, image_id: int, *, fingerprint: str, model: str, settings: dict[str, Any], message: str
) -> None:
    row = _run(db_session, image_id, RunState.DONE) or _new_run(db_session, image_id, RunState.DONE)
    _describe_run(row, fingerprint=fingerprint, model=model, settings=settings, message=message)
    _drop_waiting(db_session, image_id, fingerprint=fingerprint, settings=settings)
    db_session.flush()


def _drop_waiting(db_session: Session, image_id: int, *, fingerprint: str, settings: Mapping[str, Any]) -> None:
    row = _run(db_session, image_id, RunState.WAITING)
    if row is not None and (row.fingerprint, row.settings) == (fingerprint, settings):
        db_session.delete(row)


def _record(row: ProposalRow) -> ProposalRecord:
    return ProposalRecord(
        id=row.id,
        image_id=row.image_id,
        rle=mask_of(row),
        bbox_xywh=(row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height),
        area=row.area,
        predicted_iou=row.predicted_iou,
        stability_score=row.stability_score,
        model=row.model,
        point_xy=(row.point_x, row.point_y),
        shown=row.shown,
        rejected=row.rejected,
        created_at=row.created_at,
    )


def _run_record(row: ProposalRunRow) -> ProposalRunRecord:
    return ProposalRunRecord(
        image_id=row.image_id,
        state=RunState(row.state),
        fingerprint=row.fingerprint,
        model=row.model,
        settings=row.settings,
        message=row.message,
        open_count=row.open_count,
        updated_at=row.updated_at,
    )
