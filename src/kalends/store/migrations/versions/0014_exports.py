"""Exports: what is written into people's calendars, and what is still to be written."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import Key, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and what connections and sites say about exports."""
    for column in (
        sa.Column("export_enabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("export_target", sa.Text(), nullable=True, comment="primary or dedicated; null: never chosen"),
        sa.Column("export_privacy", sa.Text(), nullable=False, server_default="full", comment="full, title or busy"),
        sa.Column("dedicated_calendar", sa.Text(), nullable=True, comment="the provider's id of the one we made"),
        sa.Column("export_problem", sa.Text(), nullable=True, comment="why nothing is exported: an error reason"),
        sa.Column("export_due_at", UtcDateTime(), nullable=True, comment="when to export; null: nothing is to be done"),
        sa.Column("export_failures", sa.Integer(), nullable=False, server_default="0", comment="in a row"),
        sa.Column("export_error", sa.Text(), nullable=True, comment="why exporting was last put off"),
        sa.Column("copies_cursor", sa.JSON(none_as_null=True), nullable=True, comment="how far the target was watched"),
    ):
        op.add_column("connections", column)
    due = sa.text("export_due_at IS NOT NULL")
    op.create_index(
        op.f("ix_connections_export_due_at"), "connections", ["export_due_at"], sqlite_where=due, postgresql_where=due
    )
    for column in (
        sa.Column("copy_title", sa.Text(), nullable=False, server_default="{title}", comment="a template"),
        sa.Column("copy_link", sa.Text(), nullable=True, comment="a template of the address a copy leads to"),
        sa.Column("copy_changes", sa.Text(), nullable=False, server_default="restore", comment="restore or accept"),
        sa.Column(
            "copy_buffer",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="minutes that are blocked after copies",
        ),
    ):
        op.add_column("sites", column)
    op.create_table(
        "copies",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("key", sa.String(52), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="of the segment; below zero: the time after it"),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("calendar_id", Key, nullable=False, comment="the provider's id of the calendar"),
        sa.Column("moving_to", Key, nullable=True, comment="to where it is being moved: it may be there already"),
        sa.Column("state", sa.Text(), nullable=False, comment="unsure, there or gone"),
        sa.Column("ref", Key, nullable=True, comment="how the provider addresses it"),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("echo", sa.Text(), nullable=False, comment="a digest of what the provider stores of it"),
        sa.Column("written", sa.LargeBinary(), nullable=True, comment="a digest of what was last written"),
        sa.Column("revision", sa.Integer(), nullable=True, comment="of the event, when that was"),
        sa.Column("error", sa.Text(), nullable=True, comment="why it cannot be written as it should be"),
        sa.ForeignKeyConstraint(
            ["site_id", "connection_id"],
            ["connections.site_id", "connections.id"],
            name=op.f("fk_copies_site_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "key", name=op.f("pk_copies")),
    )
    op.create_index(
        op.f("ix_copies_site_id_connection_id_event_id"), "copies", ["site_id", "connection_id", "event_id"]
    )
    op.create_index(op.f("ix_copies_site_id_ref"), "copies", ["site_id", "ref"])
    op.create_table(
        "intentions",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False, comment="rises each time that it is meant anew"),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("look", sa.Boolean(), nullable=False, comment="somebody may have changed a copy at the provider"),
        sa.ForeignKeyConstraint(
            ["site_id", "connection_id"],
            ["connections.site_id", "connections.id"],
            name=op.f("fk_intentions_site_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "connection_id", "event_id", name=op.f("pk_intentions")),
    )
