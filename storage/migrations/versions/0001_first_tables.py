"""The first tables: images, categories, sessions with their events and operations, instances."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("live_name", sa.String(length=240), nullable=True),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("supercategory", sa.String(length=80), nullable=False),
        sa.Column("is_thing", sa.Boolean(), nullable=False),
        sa.Column("key", sa.String(length=1), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("deleted = (live_name IS NULL)", name=op.f("ck_categories_live_name")),
        sa.CheckConstraint("key IS NULL OR NOT deleted", name=op.f("ck_categories_key")),
        sa.CheckConstraint("merged_into IS NULL OR deleted", name=op.f("ck_categories_merged_into")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_categories_position")),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["categories.id"], name=op.f("fk_categories_merged_into"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("key", name=op.f("uq_categories_key")),
        sa.UniqueConstraint("live_name", name=op.f("uq_categories_live_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "images",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("stored_name", sa.String(length=255), nullable=False),
        sa.Column("original_name", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("exif_orientation", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('new', 'in_progress', 'done')", name=op.f("ck_images_status")),
        sa.CheckConstraint("exif_orientation BETWEEN 1 AND 8", name=op.f("ck_images_exif_orientation")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_images_position")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_images_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("sha256", name=op.f("uq_images_sha256")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_images_stored_name")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_images_position", "images", ["position"])
    op.create_index("ix_images_status_position", "images", ["status", "position"])
    op.create_table(
        "instances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("rle_height", sa.Integer(), nullable=False),
        sa.Column("rle_width", sa.Integer(), nullable=False),
        sa.Column("rle_counts", sa.Text(), nullable=False),
        sa.Column("bbox_x", sa.Integer(), nullable=False),
        sa.Column("bbox_y", sa.Integer(), nullable=False),
        sa.Column("bbox_width", sa.Integer(), nullable=False),
        sa.Column("bbox_height", sa.Integer(), nullable=False),
        sa.Column("area", sa.Integer(), nullable=False),
        sa.Column("predicted_iou", sa.Double(), nullable=True),
        sa.Column("stability_score", sa.Double(), nullable=True),
        sa.Column("model", sa.String(length=80), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("labeler", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.JSON(), nullable=False),
        sa.Column("is_crowd", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("origin IN ('click', 'auto', 'import')", name=op.f("ck_instances_origin")),
        sa.CheckConstraint("area BETWEEN 0 AND bbox_width * bbox_height", name=op.f("ck_instances_area")),
        sa.CheckConstraint(
            "bbox_x >= 0 AND bbox_y >= 0 AND bbox_x + bbox_width <= rle_width AND bbox_y + bbox_height <= rle_height",
            name=op.f("ck_instances_bbox"),
        ),
        sa.CheckConstraint("rle_height > 0 AND rle_width > 0", name=op.f("ck_instances_size")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_instances_category_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_instances_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instances")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_instances_category_id_deleted_at", "instances", ["category_id", "deleted_at"])
    op.create_index("ix_instances_image_id_deleted_at", "instances", ["image_id", "deleted_at"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("labeler", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("chosen_candidate", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('open', 'idle')", name=op.f("ck_sessions_status")),
        sa.CheckConstraint("chosen_candidate BETWEEN 0 AND 2", name=op.f("ck_sessions_chosen_candidate")),
        sa.CheckConstraint("revision >= 0", name=op.f("ck_sessions_revision")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_sessions_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("image_id", "labeler", name=op.f("uq_sessions_image_id_labeler")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "operations",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("op_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('step', 'undo', 'redo')", name=op.f("ck_operations_kind")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_operations_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "op_id", name=op.f("pk_operations")),
    )
    op.create_table(
        "prompt_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("op_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_prompt_events_seq")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_prompt_events_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_events")),
        sa.UniqueConstraint("session_id", "seq", name=op.f("uq_prompt_events_session_id_seq")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in ("prompt_events", "operations", "sessions", "instances", "images", "categories"):
        op.drop_table(table)
