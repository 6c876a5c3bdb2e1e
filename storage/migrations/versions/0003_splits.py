"""Splits: which pictures are for training, which for validation, which for the test."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "splits",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.String(length=200), nullable=False),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.CheckConstraint("split IN ('train', 'val', 'test')", name=op.f("ck_splits_split")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_splits_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "scheme", name=op.f("pk_splits")),
    )
    op.create_index("ix_splits_scheme_split", "splits", ["scheme", "split"])


def downgrade() -> None:
    op.drop_table("splits")
