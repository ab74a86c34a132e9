"""The corrections."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "submissions"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "submissions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("landmarks", sa.LargeBinary(), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=True),
    )
    op.create_index("ix_submissions_person", "submissions", ["person"])
    op.create_index("ix_submissions_time", "submissions", ["time"])


def downgrade() -> None:
    """Drop it, with all that was said."""
    op.drop_index("ix_submissions_time", "submissions")
    op.drop_index("ix_submissions_person", "submissions")
    op.drop_table("submissions")
