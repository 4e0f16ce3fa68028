"""Schedules as the Calendar V3 API has them; deviations of servers, noted with their connections."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a schedule that was in its site's zone goes on following it."""
    for column in (
        sa.Column(
            "status", sa.Text(), nullable=False, server_default="ACTIVE", comment="ACTIVE, or CANCELLED for ever"
        ),
        sa.Column(
            "follows_site_zone",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="time_zone changes with the site's",
        ),
        sa.Column("external_id", sa.Text(), nullable=True, comment="what the caller knows it by"),
        sa.Column("app_id", sa.String(length=36), nullable=True, comment="whose schedule it is, by the caller's word"),
        sa.Column(
            "details",
            sa.JSON(),
            nullable=False,
            server_default="{}",
            comment="defaults for its events and extended fields, as on the wire",
        ),
        sa.Column("idempotency_key", sa.String(length=36), nullable=True),
    ):
        op.add_column("schedules", column)
    op.create_index(op.f("ix_schedules_site_id_external_id"), "schedules", ["site_id", "external_id"])
    op.create_index(
        op.f("ix_schedules_site_id_idempotency_key"), "schedules", ["site_id", "idempotency_key"], unique=True
    )
    op.execute(
        "UPDATE schedules SET follows_site_zone = true WHERE time_zone = "
        "(SELECT sites.time_zone FROM sites WHERE sites.id = schedules.site_id)"
    )
    op.add_column(
        "connections",
        sa.Column(
            "quirks",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="names of the server's deviations that were met",
        ),
    )
