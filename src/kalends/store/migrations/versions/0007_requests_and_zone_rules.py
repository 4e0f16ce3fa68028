"""Requests of a run, the version of the zone database that placed occurrences, and an index for the latest runs."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index; what was placed before is placed anew at the next reading."""
    op.add_column(
        "runs",
        sa.Column(
            "requests",
            sa.Integer(),
            nullable=True,
            comment="sent to the provider; null: by a version that did not count them",
        ),
    )
    op.create_index(op.f("ix_runs_ended_at"), "runs", ["ended_at"])
    op.add_column(
        "readings",
        sa.Column(
            "zone_rules",
            sa.Text(),
            nullable=True,
            comment="the version of the zone database that placed the occurrences",
        ),
    )
