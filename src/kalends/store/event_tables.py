"""The tables of schedule events: events, what they look like for some time, and instances that differ.

Wall times are kept without a zone, which stands beside them: instants are worked out from them with the zone rules of
the day. The instants that are stored only narrow down what is looked at.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from kalends.store.columns import UtcDateTime


def _of_event() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["site_id", "event_id"], ["schedule_events.site_id", "schedule_events.id"], ondelete="CASCADE"
    )


def add_event_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Return the tables of events, segments and overrides, which belong to the metadata from then on."""
    events = Table(
        "schedule_events",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("id", String(36), primary_key=True),
        Column("schedule_id", String(36), nullable=False),
        Column("type", Text, nullable=False),
        Column("app_id", String(36), comment="the app that made it"),
        Column("revision", Integer, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
        Column("cancelled_at", UtcDateTime, comment="from when on it is cancelled"),
        Column("starts_at", UtcDateTime, nullable=False, comment="about when the first of it begins"),
        Column("ends_at", UtcDateTime, nullable=False, comment="about when the last of it ends"),
        Column("idempotency_key", String(36)),
        ForeignKeyConstraint(["site_id"], ["sites.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["site_id", "schedule_id"], ["schedules.site_id", "schedules.id"], ondelete="CASCADE"),
        Index(None, "site_id", "schedule_id", "ends_at"),
        Index(None, "site_id", "ends_at"),
        Index(None, "site_id", "idempotency_key", unique=True),
    )
    segments = Table(
        "schedule_event_segments",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("event_id", String(36), primary_key=True),
        Column("ordinal", Integer, primary_key=True, autoincrement=False),
        Column("grid", Integer, nullable=False, comment="rises with each change of times or rule"),
        Column("starts", DateTime, nullable=False, comment="wall time of the first instance of the rule"),
        Column("ends", DateTime, nullable=False, comment="wall time of its end"),
        Column("time_zone", Text, nullable=False),
        Column("all_day", Boolean, nullable=False),
        Column("interval", Integer, comment="in weeks; null: it does not recur"),
        Column("until", DateTime, comment="wall time of the latest start; null: without end"),
        Column("from_at", UtcDateTime, comment="only instances from here on; null: from the first one on"),
        Column("before_at", UtcDateTime, comment="only instances before this; null: to the last one"),
        Column("content", JSON, nullable=False, comment="title, notes, location and so on, as on the wire"),
        _of_event(),
    )
    overrides = Table(
        "schedule_event_overrides",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("event_id", String(36), primary_key=True),
        Column("ordinal", Integer, primary_key=True, autoincrement=False, comment="of the segment"),
        Column("original", DateTime, primary_key=True, comment="wall time at which the segment puts it"),
        Column("id", String(64), nullable=False, comment="on the wire"),
        Column("cancelled", Boolean, nullable=False),
        Column("starts", DateTime, comment="with its neighbours, null: as the segment says"),
        Column("ends", DateTime),
        Column("time_zone", Text),
        Column("all_day", Boolean),
        Column("changes", JSON, nullable=False, comment="what differs of the content; null: taken away"),
        Column("revision", Integer, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
        Column("starts_at", UtcDateTime, nullable=False, comment="about when it begins, as it is now"),
        Column("ends_at", UtcDateTime, nullable=False, comment="about when it ends"),
        _of_event(),
        Index(None, "site_id", "id", unique=True),
    )
    return events, segments, overrides
