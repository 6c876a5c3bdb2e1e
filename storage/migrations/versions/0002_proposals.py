"""Proposals: masks found by a grid of points, and the runs that find them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proposal_runs",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'done')", name=op.f("ck_proposal_runs_state")),
        sa.CheckConstraint("open_count >= 0", name=op.f("ck_proposal_runs_open_count")),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_proposal_runs_image_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "state", name=op.f("pk_proposal_runs")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("rle_height", sa.Integer(), nullable=False),
        sa.Column("rle_width", sa.Integer(), nullable=False),
        sa.Column("rle_counts", sa.Text(), nullable=False),
        sa.Column("bbox_x", sa.Integer(), nullable=False),
        sa.Column("bbox_y", sa.Integer(), nullable=False),
        sa.Column("bbox_width", sa.Integer(), nullable=False),
        sa.Column("bbox_height", sa.Integer(), nullable=False),
        sa.Column("area", sa.Integer(), nullable=False),
        sa.Column("predicted_iou", sa.Double(), nullable=False),
        sa.Column("stability_score", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("point_x", sa.Double(), nullable=False),
        sa.Column("point_y", sa.Double(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("area BETWEEN 1 AND bbox_width * bbox_height", name=op.f("ck_proposals_area")),
        sa.CheckConstraint(
            "bbox_x >= 0 AND bbox_y >= 0 AND bbox_x + bbox_width <= rle_width AND bbox_y + bbox_height <= rle_height",
            name=op.f("ck_proposals_bbox"),
        ),
        sa.CheckConstraint("rle_height > 0 AND rle_width > 0", name=op.f("ck_proposals_size")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_proposals_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proposals_image_id_rejected", "proposals", ["image_id", "rejected"])


def downgrade() -> None:
    for table in ("proposals", "proposal_runs"):
        op.drop_table(table)
