"""Channels, by which providers tell of changes by themselves."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns."""
    op.add_column(
        "calendars",
        sa.Column(
            "watched_until",
            UtcDateTime(),
            nullable=True,
            comment="until when the provider tells of changes by itself",
        ),
    )
    op.add_column(
        "calendars",
        sa.Column(
            "watch_after",
            UtcDateTime(),
            nullable=True,
            comment="when to ask for a channel, again or at all; null: never",
        ),
    )
    op.create_index(op.f("ix_calendars_watch_after"), "calendars", ["watch_after"])
    op.create_table(
        "channels",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False, comment="the channel's id at the provider too"),
        sa.Column("calendar_id", sa.String(36), nullable=False),
        sa.Column("connection_id", sa.String(64), nullable=False),
        sa.Column(
            "resource_id",
            sa.Text(),
            nullable=True,
            comment="the provider's name of what is watched; null until it has answered",
        ),
        sa.Column(
            "token_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of the token that comes with each notification",
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column(
            "proven_at",
            UtcDateTime(),
            nullable=True,
            comment="when it first showed that its notifications reach us",
        ),
        sa.Column(
            "stop_after",
            UtcDateTime(),
            nullable=True,
            comment="of no more use; when to ask the provider to end it",
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_channels_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_channels")),
        sa.UniqueConstraint("id", name=op.f("uq_channels_id")),
    )
    op.create_index(op.f("ix_channels_site_id_calendar_id"), "channels", ["site_id", "calendar_id"])
    op.create_index(op.f("ix_channels_site_id_connection_id"), "channels", ["site_id", "connection_id"])
    op.create_index(op.f("ix_channels_expires_at"), "channels", ["expires_at"])
    op.create_index(op.f("ix_channels_stop_after"), "channels", ["stop_after"])
