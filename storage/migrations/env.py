"""Run by Alembic: applies migrations inside the transaction that storage/migration.py holds."""

from typing import Any, Literal

from alembic import context

from storage import schema_class, schema_together
from storage.schema import Base, UtcDateTime

assert schema_class and schema_together  # their tables are in Base.metadata once they are imported


def without_our_types(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """A script stays as it is when the code changes, so it names none of our types."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=without_our_types,
    render_as_batch=True,  # SQLite can hardly alter a table: it is made anew and filled
)
with context.begin_transaction():
    context.run_migrations()
