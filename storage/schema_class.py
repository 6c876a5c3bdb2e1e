"""The tables of a class at work. As in storage/schema.py, a change needs a migration beside it."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.schema import NO_REUSE, Base


class LockRow(Base):
    """Something that labelers may not change while it is locked; nothing is locked that has no row."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    labeler: Mapped[str] = mapped_column(String(200))  # who has locked it
    at: Mapped[datetime]


class AnnouncementRow(Base):
    """Words to everybody. The newest that has not ended is shown."""

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    labeler: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "ended_at", "id"), NO_REUSE)
