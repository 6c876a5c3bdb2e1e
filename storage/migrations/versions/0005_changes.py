"""The history: who changed what, when, and how it was before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("labeler", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=True),
        sa.Column("instance_id", sa.Integer(), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.CheckConstraint("instances >= 0", name=op.f("ck_changes_instances")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sa.UniqueConstraint("undoes", name=op.f("uq_changes_undoes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_at", "changes", ["at"])
    op.create_index("ix_changes_labeler_id", "changes", ["labeler", "id"])
    op.create_index("ix_changes_kind_id", "changes", ["kind", "id"])
    op.create_index("ix_changes_image_id_id", "changes", ["image_id", "id"])
    op.create_index("ix_changes_category_id_id", "changes", ["category_id", "id"])


def downgrade() -> None:
    op.drop_table("changes")
