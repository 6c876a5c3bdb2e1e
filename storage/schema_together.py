"""The tables of people working together. As in storage/schema.py, a change needs a migration beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
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
