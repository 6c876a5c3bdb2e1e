"""What has changed since somebody looked last: found by ids that rise, however much there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from storage.database import Database
from storage.records import ChangeKind, ImageRecord, RunState
from storage.repository.images import image_record
from storage.schema import ImageRow, InstanceRow, ProposalRunRow, SessionRow
from storage.schema_together import ChangeRow

# Where several write at once, a change may be committed after one with a higher id. So much longer it is looked for.
LATE = timedelta(seconds=2)
_OF_CATEGORIES = [kind.value for kind in ChangeKind if kind.value.startswith("categor")]


@dataclass(frozen=True, kw_only=True)
class Marks:
    """How far things are. The ids are 0 where there is nothing."""

    change_id: int  # the last change
    image_id: int  # the last picture that was added, as far as it is there
    revision: int | None  # of the labeler's session on the picture that was asked about
    picture_change_id: int  # the last change on that picture


@dataclass(frozen=True, kw_only=True)
class Touched:
    """What some changes were about."""

    image_ids: tuple[int, ...]  # pictures that are there
    removed: tuple[int, ...]  # ids of pictures that are not there any more
    categories: bool
    looked_to: int  # the change from which on to look next


@dataclass(frozen=True, kw_only=True)
class CountedImage:
    """A picture, with how many instances and open proposals it has."""

    image: ImageRecord
    instances: int
    proposals: int


class News:
    """The part of the Repository that tells what is new."""

    _database: Database

    def marks(self, *, image_id: int | None = None, labeler: str = "") -> Marks:
        """One statement of look-ups in indexes: many ask each second, mostly for nothing."""
        session = select(SessionRow.revision).where(SessionRow.image_id == image_id, SessionRow.labeler == labeler)
        query = select(
            select(func.max(ChangeRow.id)).scalar_subquery(),
            select(func.max(ImageRow.id)).scalar_subquery(),
            session.scalar_subquery(),
            select(func.max(ChangeRow.id)).where(ChangeRow.image_id == image_id).scalar_subquery(),
        )
        with self._database.read() as db_session:
            change, image, revision, of_picture = db_session.execute(query).one()
        return Marks(change_id=change or 0, image_id=image or 0, revision=revision, picture_change_id=of_picture or 0)

    def last_change_id(self, image_id: int) -> int:
        """Of one picture; 0 where nothing was changed there."""
        with self._database.read() as db_session:
            return db_session.scalar(select(func.max(ChangeRow.id)).where(ChangeRow.image_id == image_id)) or 0

    def changed_since(self, change_id: int, *, up_to: int) -> Touched:
        """What the changes after the one, and up to the other, were about."""
        those = ChangeRow.id > change_id, ChangeRow.id <= up_to
        pictures = select(ChangeRow.image_id).where(*those, ChangeRow.image_id.is_not(None)).distinct()
        with self._database.read() as db_session:
            touched = {int(one) for one in db_session.scalars(pictures) if one is not None}
            there = set(db_session.scalars(select(ImageRow.id).where(ImageRow.id.in_(pictures))))
            of_categories = select(ChangeRow.id).where(*those, ChangeRow.kind.in_(_OF_CATEGORIES)).limit(1)
            categories = db_session.scalar(of_categories) is not None
            looked_to = up_to
            if self._database.path is None:  # SQLite has one writer at a time, so its changes come in order
                old = select(func.max(ChangeRow.id)).where(*those, ChangeRow.at < datetime.now(UTC) - LATE)
                looked_to = db_session.scalar(old) or change_id
        return Touched(
            image_ids=tuple(sorted(there)),
            removed=tuple(sorted(touched - there)),
            categories=categories,
            looked_to=looked_to,
        )

    def images_added_since(self, image_id: int, *, most: int) -> list[int]:
        """The ids of pictures after that one, at most so many."""
        with self._database.read() as db_session:
            query = select(ImageRow.id).where(ImageRow.id > image_id).order_by(ImageRow.id).limit(most)
            return list(db_session.scalars(query))

    def counted_images(self, image_ids: Sequence[int]) -> list[CountedImage]:
        """Those that are there, in the list's order; for some hundred at once."""
        of_one = InstanceRow.image_id.in_(image_ids), InstanceRow.deleted_at.is_(None)
        counts = select(InstanceRow.image_id, func.count()).where(*of_one).group_by(InstanceRow.image_id)
        done = ProposalRunRow.image_id.in_(image_ids), ProposalRunRow.state == RunState.DONE.value
        with self._database.read() as db_session:
            instances = {int(one): int(number) for one, number in db_session.execute(counts)}
            runs = db_session.execute(select(ProposalRunRow.image_id, ProposalRunRow.open_count).where(*done))
            proposals = {int(one): int(number) for one, number in runs}
            rows = db_session.scalars(
                select(ImageRow).where(ImageRow.id.in_(image_ids)).order_by(ImageRow.position, ImageRow.id)
            )
            return [
                CountedImage(
                    image=image_record(row), instances=instances.get(row.id, 0), proposals=proposals.get(row.id, 0)
                )
                for row in rows
            ]
