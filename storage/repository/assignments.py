"""Who gets which picture, and its way through the review."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import PictureTaken, StorageError
from storage.records import (
    OPEN,
    AssignmentMode,
    AssignmentRecord,
    AssignmentRule,
    ImageRecord,
    ImageStatus,
)
from storage.repository.images import image_record, image_row, set_status
from storage.schema import ImageRow
from storage.schema_together import AssignmentRow, AssignmentRuleRow, TeamMemberRow, TeamRow

TRIES = 5  # to give out a picture, where another process may be quicker
STALE_AT_ONCE = 50  # leases that one call of next_image ends: what is left, the next one does
NOBODY = ""  # the key of the team without members
REVIEWED = (ImageStatus.SUBMITTED, ImageStatus.DONE)  # what can be accepted


def _now() -> datetime:
    return datetime.now(UTC)


class Assignments:
    """The part of the Repository that gives pictures out. now: the clock, for tests."""

    _database: Database
    now: Callable[[], datetime] = staticmethod(_now)

    def assignment_rule(self) -> AssignmentRule:
        """As it was set last; everyone every picture where it never was."""
        with self._database.read() as db_session:
            return _rule(db_session)

    def set_assignment_rule(self, rule: AssignmentRule) -> None:
        """From now on; who has a picture keeps it. Raises StorageError for numbers below 1."""
        with self._database.write() as db_session:
            row = db_session.get(AssignmentRuleRow, 1) or AssignmentRuleRow(id=1)
            row.mode, row.labelers, row.lease_s = rule.mode.value, rule.labelers, rule.lease_s
            db_session.add(row)

    def assignments(self, image_id: int) -> list[AssignmentRecord]:
        """Who has a picture or has submitted it, by name."""
        query = select(AssignmentRow).where(AssignmentRow.image_id == image_id).order_by(AssignmentRow.labeler)
        with self._database.read() as db_session:
            return [
                AssignmentRecord(image_id=row.image_id, labeler=row.labeler, submitted=row.submitted, until=row.until)
                for row in db_session.scalars(query)
            ]

    def next_image(self, labeler: str, *, after: int | None = None) -> ImageRecord | None:
        """The next picture of the list that needs this labeler, from the beginning again at its end; None: none does.

        after: the picture they come from. Where pictures are given out, it is theirs from then on, until they have not
        touched it for lease_s. Takes no longer for more pictures.
        """
        with self._database.read() as db_session:
            start = -1 if after is None else image_row(db_session, after).position
            if _rule(db_session).mode is AssignmentMode.ALL:
                found = _first_open(db_session, start) or _first_open(db_session, -1)
                return None if found is None else image_record(found)
        for _ in range(TRIES):
            with suppress(PictureTaken), self._database.write() as db_session:
                return self._give_next(db_session, labeler, start)
        raise PictureTaken("Others were quicker at each picture that was free: try again.")

    def claim(self, image_id: int, labeler: str) -> None:
        """To be called when a labeler works on a picture: it is theirs for lease_s more, or becomes so.

        Raises PictureTaken where others have it, RecordNotFound.
        """
        with self._database.read() as db_session:
            rule = _rule(db_session)
            row = db_session.get(AssignmentRow, (image_id, labeler))
            if rule.mode is AssignmentMode.ALL or (row is not None and self._is_fresh(row, rule)):
                return
        with self._database.write() as db_session:
            self._take(db_session, image_row(db_session, image_id), labeler, rule)

    def release(self, image_id: int, labeler: str) -> None:
        """Take a picture from a labeler, so that another can have it. Nothing happens where they do not have it."""
        with self._database.write() as db_session:
            row = db_session.get(AssignmentRow, (image_id, labeler))
            if row is not None:
                db_session.delete(row)
                _form_team(db_session, image_row(db_session, image_id))

    def submit(self, image_id: int, *, labeler: str) -> ImageRecord:
        """The labeler has done it. It waits for review once all who are to label it have submitted.

        Raises PictureTaken, RecordNotFound, StorageError where it is accepted already.
        """
        with self._database.write() as db_session:
            image, rule = image_row(db_session, image_id), _rule(db_session)
            if image.status == ImageStatus.ACCEPTED:
                raise StorageError(f"{image.original_name} is accepted already: there is nothing to submit.")
            status = ImageStatus.SUBMITTED
            if rule.mode is not AssignmentMode.ALL:
                row = self._take(db_session, image, labeler, rule)
                row.submitted, row.until = True, None
                db_session.flush()
                if len(_members(db_session, image_id, submitted=True)) < rule.places:
                    status = ImageStatus.IN_PROGRESS
            set_status(db_session, image, status, labeler=labeler)
            return image_record(image)

    def accept(self, image_id: int, *, labeler: str) -> ImageRecord:
        """The review is passed. Raises StorageError where it was neither submitted nor done, RecordNotFound."""
        with self._database.write() as db_session:
            image = image_row(db_session, image_id)
            _check_reviewable(image, REVIEWED, "accepted")
            set_status(db_session, image, ImageStatus.ACCEPTED, labeler=labeler, comment="")
            return image_record(image)

    def return_image(self, image_id: int, comment: str, *, labeler: str) -> ImageRecord:
        """Back to those who submitted it, with what is to be done. Raises StorageError, RecordNotFound."""
        with self._database.write() as db_session:
            image = image_row(db_session, image_id)
            _check_reviewable(image, (*REVIEWED, ImageStatus.ACCEPTED), "returned")
            set_status(db_session, image, ImageStatus.RETURNED, labeler=labeler, comment=comment)
            return image_record(image)

    def _give_next(self, db_session: Session, labeler: str, start: int) -> ImageRecord | None:
        rule = _rule(db_session)
        self._end_stale(db_session)
        found = _first_for(db_session, labeler, rule, start) or _first_for(db_session, labeler, rule, -1)
        if found is None:
            return None
        self._take(db_session, found, labeler, rule)
        return image_record(found)

    def _is_fresh(self, row: AssignmentRow, rule: AssignmentRule) -> bool:
        """Whether its lease need not be written anew yet: not with each click."""
        return row.until is None or row.until - self.now() > timedelta(seconds=rule.lease_s) / 2

    def _take(self, db_session: Session, image: ImageRow, labeler: str, rule: AssignmentRule) -> AssignmentRow:
        """The labeler's place at the picture, with its lease begun anew. Raises PictureTaken."""
        until = self.now() + timedelta(seconds=rule.lease_s)
        row = db_session.get(AssignmentRow, (image.id, labeler))
        if row is None:
            # Where a database lets several write at once, two could take the last place: the others wait here.
            db_session.refresh(image, with_for_update=True)
            self._end_stale_of(db_session, image)
            there = _members(db_session, image.id)
            if len(there) >= rule.places:
                raise PictureTaken(f"{image.original_name} is {' and '.join(there)}'s. Go on to the next picture.")
            row = AssignmentRow(image_id=image.id, labeler=labeler, position=image.position, submitted=False)
            row.until = until
            db_session.add(row)
            _form_team(db_session, image)
        elif row.until is not None:
            row.until = until
        return row

    def _end_stale(self, db_session: Session) -> None:
        stale = select(AssignmentRow).where(AssignmentRow.submitted.is_(False), AssignmentRow.until < self.now())
        for row in db_session.scalars(stale.order_by(AssignmentRow.until).limit(STALE_AT_ONCE)).all():
            db_session.delete(row)
            _form_team(db_session, image_row(db_session, row.image_id))

    def _end_stale_of(self, db_session: Session, image: ImageRow) -> None:
        ours = AssignmentRow.image_id == image.id, AssignmentRow.submitted.is_(False), AssignmentRow.until < self.now()
        db_session.execute(delete(AssignmentRow).where(*ours))


def _rule(db_session: Session) -> AssignmentRule:
    row = db_session.get(AssignmentRuleRow, 1)
    if row is None:
        return AssignmentRule()
    return AssignmentRule(mode=AssignmentMode(row.mode), labelers=row.labelers, lease_s=row.lease_s)


def _check_reviewable(image: ImageRow, statuses: Sequence[ImageStatus], deed: str) -> None:
    if image.status not in statuses:
        state = image.status.replace("_", " ")
        raise StorageError(f"{image.original_name} is {state}: it can be {deed} once it is submitted.")


def _members(db_session: Session, image_id: int, *, submitted: bool | None = None) -> list[str]:
    query = select(AssignmentRow.labeler).where(AssignmentRow.image_id == image_id).order_by(AssignmentRow.labeler)
    if submitted is not None:
        query = query.where(AssignmentRow.submitted.is_(submitted))
    return list(db_session.scalars(query))


def _form_team(db_session: Session, image: ImageRow) -> None:
    """Write with the picture who has it."""
    db_session.flush()
    members = _members(db_session, image.id)
    key = blake2b("\n".join(members).encode(), digest_size=16).hexdigest() if members else NOBODY
    if members and db_session.get(TeamRow, key) is None:
        db_session.add(TeamRow(key=key, size=len(members)))
        db_session.flush()
        db_session.add_all(TeamMemberRow(labeler=one, team=key) for one in members)
    image.team = key
    db_session.flush()


def _first_open(db_session: Session, start: int) -> ImageRow | None:
    """The first picture after that position that needs a labeler."""
    found = [
        db_session.scalar(_in_order(select(ImageRow).where(ImageRow.status == status.value), start)) for status in OPEN
    ]
    return min((one for one in found if one is not None), key=lambda one: one.position, default=None)


def _first_for(db_session: Session, labeler: str, rule: AssignmentRule, start: int) -> ImageRow | None:
    """The first one after that position that this labeler has, or that has a place for them.

    For each team that is not complete and that they are not in, and for each status, the index is looked into once.
    """
    own = select(AssignmentRow.image_id).where(
        AssignmentRow.labeler == labeler, AssignmentRow.submitted.is_(False), AssignmentRow.position > start
    )
    ids = [db_session.scalar(own.order_by(AssignmentRow.position).limit(1))]
    theirs = select(TeamMemberRow.team).where(TeamMemberRow.labeler == labeler)
    teams = select(TeamRow.key).where(TeamRow.size < rule.places, TeamRow.key.not_in(theirs))
    for status in OPEN:
        alone = ImageRow.team == NOBODY, ImageRow.status == status.value
        ids.append(db_session.scalar(_in_order(select(ImageRow.id).where(*alone), start)))
        if rule.places > 1:
            ours = ImageRow.team == TeamRow.key, ImageRow.status == status.value
            first = _in_order(select(ImageRow.id).where(*ours), start).correlate(TeamRow).scalar_subquery()
            ids += db_session.scalars(teams.with_only_columns(first))
    found = [db_session.get(ImageRow, one) for one in ids if one is not None]
    return min((one for one in found if one is not None), key=lambda one: one.position, default=None)


def _in_order(query: Select, start: int) -> Select:
    return query.where(ImageRow.position > start).order_by(ImageRow.position).limit(1)
