"""What has been deleted and must not come back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "deletions"
down_revision = "submissions"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "deletions",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("deletions")
