"""The tables of people working together. As in storage/schema.py, a change needs a migration beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.schema import NO_REUSE, Base


class ChangeRow(Base):
    """Who changed what and when, with what is needed to take it back.

    It refers to pictures, instances and categories by their ids alone: a history outlives what it tells of, and no id
    is given twice.
    """

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    labeler: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    image_id: Mapped[int | None]
    instance_id: Mapped[int | None]
    category_id: Mapped[int | None]
    instances: Mapped[int]
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    undoes: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("undoes"),  # a change is taken back once; to take it again is to take that back
        CheckConstraint("instances >= 0", name="instances"),
        Index(None, "at"),
        Index(None, "labeler", "id"),
        Index(None, "kind", "id"),
        Index(None, "image_id", "id"),
        Index(None, "category_id", "id"),
        NO_REUSE,
    )


class AssignmentRow(Base):
    """A labeler has a picture, or has submitted it. position: the picture's, which never changes."""

    __tablename__ = "assignments"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    labeler: Mapped[str] = mapped_column(String(200), primary_key=True)
    position: Mapped[int]
    submitted: Mapped[bool]
    until: Mapped[datetime | None]

    __table_args__ = (Index(None, "labeler", "submitted", "position"), Index(None, "submitted", "until"))


class TeamRow(Base):
    """Labelers who have a picture together. Pictures that the same ones have are found at once, however many."""

    __tablename__ = "teams"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    size: Mapped[int]

    __table_args__ = (Index(None, "size"),)


class TeamMemberRow(Base):
    """A labeler of a team."""

    __tablename__ = "team_members"

    labeler: Mapped[str] = mapped_column(String(200), primary_key=True)
    team: Mapped[str] = mapped_column(ForeignKey("teams.key", ondelete="CASCADE"), primary_key=True)


class AssignmentRuleRow(Base):
    """How pictures are given out: one row, or none for the default."""

    __tablename__ = "assignment_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(16))
    labelers: Mapped[int]
    lease_s: Mapped[int]

    __table_args__ = (
        CheckConstraint("id = 1", name="id"),
        CheckConstraint("mode IN ('all', 'single', 'several')", name="mode"),
        CheckConstraint("labelers >= 1", name="labelers"),
        CheckConstraint("lease_s >= 1", name="lease_s"),
    )


class JobRow(Base):
    """Background work of one process, for the others that serve the same database."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(16))
    done: Mapped[int] = mapped_column(BigInteger)  # it may count bytes
    total: Mapped[int] = mapped_column(BigInteger)
    message: Mapped[str]
    lines: Mapped[list[str]] = mapped_column(JSON)
    result: Mapped[Any] = mapped_column(JSON)
    subject: Mapped[list[int]] = mapped_column(JSON)
    owner: Mapped[str] = mapped_column(String(200))
    seconds_left: Mapped[float | None]
    stop_asked: Mapped[bool]
    seen_at: Mapped[datetime]

    __table_args__ = (Index(None, "kind", "state"), Index(None, "seen_at"))
