"""Schedule events: bookings, classes and blocks on schedules."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    _events()
    _segments()
    _overrides()


def _events() -> None:
    op.create_table(
        "schedule_events",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("schedule_id", sa.String(36), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("app_id", sa.String(36), nullable=True, comment="the app that made it"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True, comment="from when on it is cancelled"),
        sa.Column("starts_at", UtcDateTime(), nullable=False, comment="about when the first of it begins"),
        sa.Column("ends_at", UtcDateTime(), nullable=False, comment="about when the last of it ends"),
        sa.Column("idempotency_key", sa.String(36), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_schedule_events_site_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["site_id", "schedule_id"],
            ["schedules.site_id", "schedules.id"],
            name=op.f("fk_schedule_events_site_id_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_schedule_events")),
    )
    for columns, unique in (
        (("site_id", "schedule_id", "ends_at"), False),
        (("site_id", "ends_at"), False),
        (("site_id", "idempotency_key"), True),
    ):
        op.create_index(op.f(f"ix_schedule_events_{'_'.join(columns)}"), "schedule_events", columns, unique=unique)


def _segments() -> None:
    op.create_table(
        "schedule_event_segments",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grid", sa.Integer(), nullable=False, comment="rises with each change of times or rule"),
        sa.Column("starts", sa.DateTime(), nullable=False, comment="wall time of the first instance of the rule"),
        sa.Column("ends", sa.DateTime(), nullable=False, comment="wall time of its end"),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=True, comment="in weeks; null: it does not recur"),
        sa.Column("until", sa.DateTime(), nullable=True, comment="wall time of the latest start; null: without end"),
        sa.Column(
            "from_at", UtcDateTime(), nullable=True, comment="only instances from here on; null: from the first one on"
        ),
        sa.Column(
            "before_at", UtcDateTime(), nullable=True, comment="only instances before this; null: to the last one"
        ),
        sa.Column("content", sa.JSON(), nullable=False, comment="title, notes, location and so on, as on the wire"),
        _of_event("schedule_event_segments"),
        sa.PrimaryKeyConstraint("site_id", "event_id", "ordinal", name=op.f("pk_schedule_event_segments")),
    )


def _overrides() -> None:
    op.create_table(
        "schedule_event_overrides",
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False, comment="of the segment"),
        sa.Column("original", sa.DateTime(), nullable=False, comment="wall time at which the segment puts it"),
        sa.Column("id", sa.String(64), nullable=False, comment="on the wire"),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=True, comment="with its neighbours, null: as the segment says"),
        sa.Column("ends", sa.DateTime(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("all_day", sa.Boolean(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False, comment="what differs of the content; null: taken away"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False, comment="about when it begins, as it is now"),
        sa.Column("ends_at", UtcDateTime(), nullable=False, comment="about when it ends"),
        _of_event("schedule_event_overrides"),
        sa.PrimaryKeyConstraint("site_id", "event_id", "ordinal", "original", name=op.f("pk_schedule_event_overrides")),
    )
    op.create_index(
        op.f("ix_schedule_event_overrides_site_id_id"), "schedule_event_overrides", ["site_id", "id"], unique=True
    )


def _of_event(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["site_id", "event_id"],
        ["schedule_events.site_id", "schedule_events.id"],
        name=op.f(f"fk_{table}_site_id_event_id"),
        ondelete="CASCADE",
    )
