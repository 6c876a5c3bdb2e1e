"""Review and assignment: who has a picture, who has submitted it, and what the reviewer said."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BEFORE = "status IN ('new', 'in_progress', 'done')"
NOW = "status IN ('new', 'in_progress', 'done', 'submitted', 'returned', 'accepted')"


def last_image_id() -> int | None:
    """SQLite forgets, with a table that is made anew, which ids it has given: those of removed pictures too."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return None
    found: int | None = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'images'").scalar()
    return found


def keep_last_image_id(last: int | None) -> None:
    if last is not None:
        connection = op.get_bind()
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'images'")
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('images', ?)", (last,))


def upgrade() -> None:
    last = last_image_id()
    with op.batch_alter_table("images", table_kwargs={"sqlite_autoincrement": True}) as images:
        images.add_column(sa.Column("review_comment", sa.Text(), server_default="", nullable=False))
        images.add_column(sa.Column("team", sa.String(length=32), server_default="", nullable=False))
        images.drop_constraint(op.f("ck_images_status"), type_="check")
        images.create_check_constraint(op.f("ck_images_status"), NOW)
        images.create_index("ix_images_team_status_position", ["team", "status", "position"])
    keep_last_image_id(last)
    op.create_table(
        "teams",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_teams")),
    )
    op.create_index("ix_teams_size", "teams", ["size"])
    op.create_table(
        "team_members",
        sa.Column("labeler", sa.String(length=200), nullable=False),
        sa.Column("team", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["team"], ["teams.key"], name=op.f("fk_team_members_team"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("labeler", "team", name=op.f("pk_team_members")),
    )
    op.create_table(
        "assignments",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("labeler", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("submitted", sa.Boolean(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_assignments_image_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "labeler", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_labeler_submitted_position", "assignments", ["labeler", "submitted", "position"])
    op.create_index("ix_assignments_submitted_until", "assignments", ["submitted", "until"])
    op.create_table(
        "assignment_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("labelers", sa.Integer(), nullable=False),
        sa.Column("lease_s", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_assignment_rule_id")),
        sa.CheckConstraint("mode IN ('all', 'single', 'several')", name=op.f("ck_assignment_rule_mode")),
        sa.CheckConstraint("labelers >= 1", name=op.f("ck_assignment_rule_labelers")),
        sa.CheckConstraint("lease_s >= 1", name=op.f("ck_assignment_rule_lease_s")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment_rule")),
    )


def downgrade() -> None:
    for table in ("assignment_rule", "assignments", "team_members", "teams"):
        op.drop_table(table)
    op.execute("UPDATE images SET status = 'done' WHERE status = 'accepted'")
    op.execute("UPDATE images SET status = 'in_progress' WHERE status IN ('submitted', 'returned')")
    last = last_image_id()
    with op.batch_alter_table("images", table_kwargs={"sqlite_autoincrement": True}) as images:
        images.drop_index("ix_images_team_status_position")
        images.drop_constraint(op.f("ck_images_status"), type_="check")
        images.create_check_constraint(op.f("ck_images_status"), BEFORE)
        images.drop_column("team")
        images.drop_column("review_comment")
    keep_last_image_id(last)
