"""How far labelers are: read along indexes of time, so that it costs what was done lately, not what there is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select, union

from storage.database import Database
from storage.records import ChangeKind, ImageStatus
from storage.schema import ImageRow, InstanceRow, SessionRow
from storage.schema_together import AssignmentRow, ChangeRow

LAST_SAVES = 60  # of each labeler, from which is told how long one takes


@dataclass(frozen=True, kw_only=True)
class Saves:
    """The instances that a labeler made since a moment and that still stand."""

    count: int
    lately: int  # of these, since the later moment
    first_lately: datetime | None  # when the first of these was made
    last: tuple[datetime, ...]  # when the last LAST_SAVES were made, oldest first


@dataclass(frozen=True, kw_only=True)
class Visits:
    """The pictures that a labeler has had open since a moment."""

    worked: int  # those on which they have ever done a step
    handed_in: int  # where pictures are given out: those that they have handed in, and not marked as done
    last_image_id: int
    last_at: datetime  # of their last step, or when they opened the last one


class Progress:
    """The part of the Repository that knows who has done what since a moment: counted by the database."""

    _database: Database

    def saves_since(self, moment: datetime, *, lately: datetime) -> dict[str, Saves]:
        """labeler -> what they have made since. lately: a later moment, whose part is told too."""
        made = InstanceRow.created_at >= moment, InstanceRow.deleted_at.is_(None)
        new = case((InstanceRow.created_at >= lately, InstanceRow.created_at))
        counts = (
            select(InstanceRow.labeler, func.count(), func.count(new), func.min(new))
            .where(*made)
            .group_by(InstanceRow.labeler)
        )
        place = func.row_number().over(partition_by=InstanceRow.labeler, order_by=InstanceRow.created_at.desc())
        ranked = select(InstanceRow.labeler, InstanceRow.created_at, place.label("place")).where(*made).subquery()
        newest = select(ranked.c.labeler, ranked.c.created_at).where(ranked.c.place <= LAST_SAVES)
        last: dict[str, list[datetime]] = {}
        with self._database.read() as db_session:
            for labeler, at in db_session.execute(newest.order_by(ranked.c.created_at)):
                last.setdefault(labeler, []).append(at)
            return {
                labeler: Saves(count=count, lately=some, first_lately=first, last=tuple(last[labeler]))
                for labeler, count, some, first in db_session.execute(counts)
            }

    def visits_since(self, moment: datetime) -> dict[str, Visits]:
        """labeler -> the pictures that they have opened or worked on since."""
        ours = and_(AssignmentRow.image_id == SessionRow.image_id, AssignmentRow.labeler == SessionRow.labeler)
        handed_in = and_(AssignmentRow.submitted, ImageRow.status != ImageStatus.DONE.value)
        worked = func.count(case((SessionRow.revision > 0, 1))).over(partition_by=SessionRow.labeler)
        place = func.row_number().over(partition_by=SessionRow.labeler, order_by=SessionRow.updated_at.desc())
        ranked = (
            select(
                SessionRow.labeler,
                worked.label("worked"),
                func.count(case((handed_in, 1))).over(partition_by=SessionRow.labeler).label("handed_in"),
                SessionRow.image_id.label("last_image_id"),
                SessionRow.updated_at.label("last_at"),
                place.label("place"),
            )
            .join(ImageRow, ImageRow.id == SessionRow.image_id)
            .outerjoin(AssignmentRow, ours)
            .where(SessionRow.updated_at >= moment)
            .subquery()
        )
        names = [column for column in ranked.c if column.name != "place"]
        with self._database.read() as db_session:
            found = db_session.execute(select(*names).where(ranked.c.place == 1)).mappings()
            return {row["labeler"]: Visits(**{k: v for k, v in row.items() if k != "labeler"}) for row in found}

    def statuses_since(self, moment: datetime) -> list[tuple[str, int, ImageStatus]]:
        """(labeler, image_id, status) of each status that somebody has given a picture since, oldest first."""
        first = select(ChangeRow.id).where(ChangeRow.at >= moment).order_by(ChangeRow.at, ChangeRow.id).limit(1)
        status = ChangeRow.after["status"].as_string()
        query = (
            select(ChangeRow.labeler, ChangeRow.image_id, status)
            .where(ChangeRow.kind == ChangeKind.STATUS.value, ChangeRow.id >= first.scalar_subquery())
            .order_by(ChangeRow.id)
        )
        with self._database.read() as db_session:
            found = db_session.execute(query.where(status.is_not(None), ChangeRow.image_id.is_not(None)))
            return [(labeler, image_id, ImageStatus(given)) for labeler, image_id, given in found]

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
