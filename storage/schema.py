"""The tables. A change here needs a migration beside it (storage/migrations); a test holds the two together."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# A row's id is never given to another row after a removal: a page that still shows the old one must not write to the
# new one.
NO_REUSE = {"sqlite_autoincrement": True}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also where the database knows no zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every constraint has a name, because a migration can only change what it can name."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), str: Text()}  # noqa: RUF012 - SQLAlchemy reads it off the class


class ImageRow(Base):
    """A picture."""

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    stored_name: Mapped[str] = mapped_column(String(255), unique=True)
    original_name: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    exif_orientation: Mapped[int]
    position: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    review_comment: Mapped[str] = mapped_column(server_default="")
    team: Mapped[str] = mapped_column(String(32), server_default="")  # who has it: the key of a TeamRow

    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size"),
        CheckConstraint("exif_orientation BETWEEN 1 AND 8", name="exif_orientation"),
        CheckConstraint("position >= 0", name="position"),
        CheckConstraint("status IN ('new', 'in_progress', 'done', 'submitted', 'returned', 'accepted')", name="status"),
        Index(None, "position"),
        Index(None, "status", "position"),
        Index(None, "team", "status", "position"),
        NO_REUSE,
    )


class CategoryRow(Base):
    """A class. A deleted one stays, because instances in the undo history still name it."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    # The name as it is compared, NULL once deleted: names are unique among the live ones, in every database.
    live_name: Mapped[str | None] = mapped_column(String(240), unique=True)
    color: Mapped[str] = mapped_column(String(7))
    position: Mapped[int]
    supercategory: Mapped[str] = mapped_column(String(80))
    is_thing: Mapped[bool]
    key: Mapped[str | None] = mapped_column(String(1), unique=True)
    deleted: Mapped[bool]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("categories.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("deleted = (live_name IS NULL)", name="live_name"),
        CheckConstraint("merged_into IS NULL OR deleted", name="merged_into"),
        CheckConstraint("key IS NULL OR NOT deleted", name="key"),
        CheckConstraint("position >= 0", name="position"),
        NO_REUSE,
    )


class SessionRow(Base):
    """The prompts of one labeler on one image."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    labeler: Mapped[str] = mapped_column(String(200))
    revision: Mapped[int]
    chosen_candidate: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("image_id", "labeler"),
        CheckConstraint("revision >= 0", name="revision"),
        CheckConstraint("chosen_candidate BETWEEN 0 AND 2", name="chosen_candidate"),
        CheckConstraint("status IN ('open', 'idle')", name="status"),
        Index(None, "updated_at"),
        NO_REUSE,
    )


class EventRow(Base):
    """One step of a session; its undone ones are always the last."""

    __tablename__ = "prompt_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    seq: Mapped[int]
    op_id: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    undone: Mapped[bool]
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("session_id", "seq"),
        CheckConstraint("seq >= 1", name="seq"),
        NO_REUSE,
    )


class OperationRow(Base):
    """What a client asked for and got, kept for good: the same op_id a second time changes nothing."""

    __tablename__ = "operations"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    op_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    revision: Mapped[int]  # of the session afterwards
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("kind IN ('step', 'undo', 'redo')", name="kind"),)


class ProposalRow(Base):
    """A mask that the grid found, not (yet) an instance. Rejected ones stay, so that they are known again."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    rle_height: Mapped[int]
    rle_width: Mapped[int]
    rle_counts: Mapped[str]
    bbox_x: Mapped[int]
    bbox_y: Mapped[int]
    bbox_width: Mapped[int]
    bbox_height: Mapped[int]
    area: Mapped[int]
    predicted_iou: Mapped[float]
    stability_score: Mapped[float]
    model: Mapped[str] = mapped_column(String(80))
    point_x: Mapped[float]
    point_y: Mapped[float]
    shown: Mapped[bool]
    rejected: Mapped[bool]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("rle_height > 0 AND rle_width > 0", name="size"),
        CheckConstraint(
            "bbox_x >= 0 AND bbox_y >= 0 AND bbox_x + bbox_width <= rle_width AND bbox_y + bbox_height <= rle_height",
            name="bbox",
        ),
        CheckConstraint("area BETWEEN 1 AND bbox_width * bbox_height", name="area"),
        Index(None, "image_id", "rejected"),
        NO_REUSE,
    )


class ProposalRunRow(Base):
    """The grid on one picture: the run that made its proposals, and beside it perhaps one that waits."""

    __tablename__ = "proposal_runs"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(200))
    model: Mapped[str] = mapped_column(String(80))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    message: Mapped[str]
    open_count: Mapped[int]
    updated_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'done')", name="state"),
        CheckConstraint("open_count >= 0", name="open_count"),
    )


class SplitRow(Base):
    """What a picture was given out for, by one way of splitting. It stays so, however many pictures are added."""

    __tablename__ = "splits"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    scheme: Mapped[str] = mapped_column(String(200), primary_key=True)
    split: Mapped[str] = mapped_column(String(16))

    __table_args__ = (
        CheckConstraint("split IN ('train', 'val', 'test')", name="split"),
        Index(None, "scheme", "split"),
    )


class InstanceRow(Base):
    """A saved mask. A deleted one stays, so that undo brings back the same id."""

    __tablename__ = "instances"

    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id", ondelete="RESTRICT"))
    rle_height: Mapped[int]
    rle_width: Mapped[int]
    rle_counts: Mapped[str]
    bbox_x: Mapped[int]
    bbox_y: Mapped[int]
    bbox_width: Mapped[int]
    bbox_height: Mapped[int]
    area: Mapped[int]
    predicted_iou: Mapped[float | None]
    stability_score: Mapped[float | None]
    model: Mapped[str | None] = mapped_column(String(80))
    origin: Mapped[str] = mapped_column(String(16))
    labeler: Mapped[str] = mapped_column(String(200))
    prompt: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    is_crowd: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0, server_default="0")  # the id of its last change; 0: none is known

    __table_args__ = (
        CheckConstraint("rle_height > 0 AND rle_width > 0", name="size"),
        CheckConstraint(
            "bbox_x >= 0 AND bbox_y >= 0 AND bbox_x + bbox_width <= rle_width AND bbox_y + bbox_height <= rle_height",
            name="bbox",
        ),
        CheckConstraint("area BETWEEN 0 AND bbox_width * bbox_height", name="area"),
        CheckConstraint("origin IN ('click', 'auto', 'import')", name="origin"),
        # Two columns in each, so that counting per image or category reads the index alone.
        Index(None, "image_id", "deleted_at"),
        Index(None, "category_id", "deleted_at"),
        Index(None, "created_at", "labeler", "deleted_at"),  # who has made how many lately
        NO_REUSE,
    )


class SignInRow(Base):
    """Someone who signed in with a code. Of the token that their browser keeps, only the SHA-256 is here."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role IN ('labeler', 'instructor')", name="role"),
        Index(None, "seen_at"),
        NO_REUSE,
    )
