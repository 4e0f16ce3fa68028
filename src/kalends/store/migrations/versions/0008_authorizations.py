"""Connecting by OAuth: people on their way to a provider, what they consented to, and who renews credentials."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column(
        "sites", sa.Column("connect_scopes", sa.Text(), nullable=False, server_default="full", comment="full or read")
    )
    op.add_column(
        "connections",
        sa.Column(
            "renewing_until",
            UtcDateTime(),
            nullable=True,
            comment="until when somebody has the right to renew the credentials",
        ),
    )
    op.add_column(
        "connections",
        sa.Column("scopes", sa.JSON(), nullable=True, comment="what was consented to; null where nobody is asked"),
    )
    op.add_column(
        "connections",
        sa.Column(
            "redirect_url",
            sa.Text(),
            nullable=True,
            comment="where its owner was sent when it was connected by OAuth",
        ),
    )
    op.create_table(
        "authorizations",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False, comment="of the token in the link to our own page"),
        sa.Column("provider_id", sa.String(36), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("redirect_url", sa.Text(), nullable=False),
        sa.Column(
            "asked_by",
            sa.JSON(),
            nullable=False,
            comment="the identity that asked: {kind, id, permissions, premium}",
        ),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=True),
        sa.Column(
            "browser_hash", sa.LargeBinary(), nullable=True, comment="of the cookie of the browser that confirmed"
        ),
        sa.Column("secrets", sa.LargeBinary(), nullable=True, comment="sealed: the verifier of PKCE, and the nonce"),
        sa.Column("insists", sa.Boolean(), nullable=False, comment="the provider was asked to ask for consent anew"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_authorizations_site_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["site_id", "schedule_id"],
            ["schedules.site_id", "schedules.id"],
            name=op.f("fk_authorizations_site_id_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_authorizations")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_authorizations_link_hash")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_authorizations_state_hash")),
    )
    op.create_index(op.f("ix_authorizations_expires_at"), "authorizations", ["expires_at"])
