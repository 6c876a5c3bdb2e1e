"""How far labelers are: read along indexes of time, so that it costs what was done lately, not what there is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select, union

from storage.database import Database
from storage.records import ChangeKind, ImageStatus
from storage.schema import InstanceRow, SessionRow
from storage.schema_together import AssignmentRow, ChangeRow

MOST_READ = 50_000  # rows of one answer: an hour of forty labelers who save one instance every three seconds


@dataclass(frozen=True, kw_only=True)
class Touched:
    """A picture that a labeler has had open."""

    labeler: str
    image_id: int
    at: datetime  # of their last step there, or when they opened it
    worked: bool  # whether they have done any step there, ever
    submitted: bool  # where pictures are given out: whether they have handed it in


class Progress:
    """The part of the Repository that knows who has done what since a moment. The newest MOST_READ count."""

    _database: Database

    def saved_since(self, moment: datetime) -> list[tuple[str, datetime]]:
        """(labeler, when) of each instance that was made since and still stands, oldest first."""
        query = (
            select(InstanceRow.labeler, InstanceRow.created_at)
            .where(InstanceRow.created_at >= moment, InstanceRow.deleted_at.is_(None))
            .order_by(InstanceRow.created_at.desc())
            .limit(MOST_READ)
        )
        with self._database.read() as db_session:
            return [(labeler, at) for labeler, at in reversed(db_session.execute(query).all())]

    def touched_since(self, moment: datetime) -> list[Touched]:
        """The pictures that labelers have opened or worked on since, oldest first."""
        ours = and_(AssignmentRow.image_id == SessionRow.image_id, AssignmentRow.labeler == SessionRow.labeler)
        query = (
            select(
                SessionRow.labeler,
                SessionRow.image_id,
                SessionRow.updated_at.label("at"),
                (SessionRow.revision > 0).label("worked"),
                func.coalesce(AssignmentRow.submitted, False).label("submitted"),
            )
            .outerjoin(AssignmentRow, ours)
            .where(SessionRow.updated_at >= moment)
            .order_by(SessionRow.updated_at.desc())
            .limit(MOST_READ)
        )
        with self._database.read() as db_session:
            return [Touched(**row) for row in reversed(db_session.execute(query).mappings().all())]

    def statuses_since(self, moment: datetime) -> list[tuple[str, int, ImageStatus]]:
        """(labeler, image_id, status) of each status that somebody has given a picture since, oldest first."""
        first = select(ChangeRow.id).where(ChangeRow.at >= moment).order_by(ChangeRow.at, ChangeRow.id).limit(1)
        query = (
            select(ChangeRow.labeler, ChangeRow.image_id, ChangeRow.after)
            .where(ChangeRow.kind == ChangeKind.STATUS.value, ChangeRow.id >= first.scalar_subquery())
            .order_by(ChangeRow.id.desc())
            .limit(MOST_READ)
        )
        with self._database.read() as db_session:
            found = reversed(db_session.execute(query).all())
            return [
                (labeler, image_id, ImageStatus(after["status"]))
                for labeler, image_id, after in found
                if image_id is not None and "status" in after
            ]

    def pictures_of_several(self, *, nobodys: frozenset[str], most: int) -> list[int]:
        """The pictures on which at least two have instances or that two have handed in: at most so many, newest first.

        nobodys: names under which instances are kept that no labeler has made.
        """
        made = select(InstanceRow.image_id, InstanceRow.labeler).where(
            InstanceRow.deleted_at.is_(None), InstanceRow.labeler.not_in(nobodys)
        )
        handed_in = select(AssignmentRow.image_id, AssignmentRow.labeler).where(AssignmentRow.submitted)
        both = union(made, handed_in).subquery()  # each picture and labeler once
        query = select(both.c.image_id).group_by(both.c.image_id).having(func.count() > 1)
        with self._database.read() as db_session:
            return list(db_session.scalars(query.order_by(both.c.image_id.desc()).limit(most)))
