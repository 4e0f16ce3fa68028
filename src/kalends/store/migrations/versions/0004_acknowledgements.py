"""Acknowledgements of broken connections, the audit of who gave them, and an index for counting what is quarantined."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, the table and the index."""
    op.add_column(
        "connections",
        sa.Column(
            "acknowledgement",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="who said that it is known to be broken, and when",
        ),
    )
    op.create_table(
        "audit",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column(
            "connection_id",
            sa.String(length=64),
            nullable=False,
            comment="no foreign key: what was done outlives it",
        ),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_audit_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_site_id_connection_id_at"), "audit", ["site_id", "connection_id", "at"])
    has_problems = sa.text("problems IS NOT NULL")
    op.create_index(
        "ix_groups_quarantined",
        "groups",
        ["site_id", "calendar_id"],
        sqlite_where=has_problems,
        postgresql_where=has_problems,
    )
