"""Cleaning up at the provider after a connection was disconnected."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column(
        "connections",
        sa.Column(
            "cleanup_until",
            UtcDateTime(),
            nullable=True,
            comment="until when what is left at the provider is tried to be taken away",
        ),
    )
    op.create_index(op.f("ix_connections_cleanup_until"), "connections", ["cleanup_until"])
    held = sa.text("credentials IS NOT NULL")
    op.create_index(
        op.f("ix_connections_account_key"), "connections", ["account_key"], sqlite_where=held, postgresql_where=held
    )
