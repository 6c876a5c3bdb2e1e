"""Announcements: words to everybody, one at a time."""

from datetime import UTC, datetime

from sqlalchemy import Update, select, update

from storage.database import Database
from storage.records import AnnouncementRecord
from storage.schema_class import AnnouncementRow


class Announcements:
    """The part of the Repository that keeps them. All stay; the newest that has not ended counts."""

    _database: Database

    def announcement(self) -> AnnouncementRecord | None:
        """The one that is shown, None where none is."""
        query = select(AnnouncementRow).where(AnnouncementRow.ended_at.is_(None))
        with self._database.read() as db_session:
            row = db_session.scalar(query.order_by(AnnouncementRow.id.desc()).limit(1))
            return None if row is None else _record(row)

    def announce(self, text: str, *, labeler: str) -> AnnouncementRecord:
        """Show it in place of the one before."""
        now = datetime.now(UTC)
        row = AnnouncementRow(text=text, labeler=labeler, at=now, ended_at=None)
        with self._database.write() as db_session:
            db_session.execute(_ended(now))
            db_session.add(row)
            db_session.flush()
            return _record(row)

    def end_announcement(self) -> None:
        """Show none. Nothing happens where none is shown."""
        with self._database.write() as db_session:
            db_session.execute(_ended(datetime.now(UTC)))


def _ended(now: datetime) -> Update:
    return update(AnnouncementRow).where(AnnouncementRow.ended_at.is_(None)).values(ended_at=now)


def _record(row: AnnouncementRow) -> AnnouncementRecord:
    return AnnouncementRecord(id=row.id, text=row.text, labeler=row.labeler, at=row.at)
