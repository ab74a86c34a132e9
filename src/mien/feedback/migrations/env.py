"""What Alembic runs for every command: on the connection that it was given, in its transaction."""

from __future__ import annotations

from alembic import context

from mien.feedback.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter most things; its tables are made anew and copied.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
