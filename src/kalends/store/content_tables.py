"""The tables of what is read of calendars: how far, the items, and the occurrences that they were expanded to."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from kalends.store.columns import Key, UtcDateTime


def of_calendar() -> ForeignKeyConstraint:
    """Return what ties a row to its calendar."""
    return ForeignKeyConstraint(["site_id", "calendar_id"], ["calendars.site_id", "calendars.id"], ondelete="CASCADE")


def add_content_tables(metadata: MetaData) -> tuple[Table, Table, Table, Table, Table]:
    """Return the tables of readings, passes, items, groups and occurrences, which belong to the metadata then."""
    # How far each calendar was read, apart from what it is: a reading that finds nothing new writes here alone.
    readings = Table(
        "readings",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("calendar_id", String(36), primary_key=True),
        Column("cursor", Text, comment="null: the next reading is a full one"),
        Column("last_good_at", UtcDateTime),
        Column("covered_from", UtcDateTime, comment="with covered_until: what the occurrences cover"),
        Column("covered_until", UtcDateTime),
        Column("zones", Text, comment="what placed floating and all-day events"),
        Column("zone_rules", Text, comment="the version of the zone database that placed the occurrences"),
        Column("doubted_at", UtcDateTime, comment="since when most of it is missing, and not believed to be"),
        Column("doubted_items", Integer, comment="with doubted_at: how many items are missing"),
        of_calendar(),
    )

    passes = Table(
        "passes",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("calendar_id", String(36), primary_key=True),
        Column("id", String(36), nullable=False),
        Column("kind", Text, nullable=False, comment="full or incremental"),
        Column("continuation", Text),
        Column("started_at", UtcDateTime, nullable=False),
        of_calendar(),
    )

    items = Table(
        "items",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("calendar_id", String(36), primary_key=True),
        Column("item_key", Key, primary_key=True),
        Column("group_key", Key, nullable=False),
        Column("recurrence_id", Text, comment="of an exception that the provider stores apart from its master"),
        Column("version", Text, nullable=False),
        Column("payload", LargeBinary),
        Column("problem", Text, comment="why there is no payload"),
        Column("hash", LargeBinary, nullable=False),
        Column("seen_pass", String(36), nullable=False),
        of_calendar(),
        Index(None, "site_id", "calendar_id", "group_key"),
    )

    groups = Table(
        "groups",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("calendar_id", String(36), primary_key=True),
        Column("group_key", Key, primary_key=True),
        Column("expanded_until", UtcDateTime, comment="null: nothing more to come"),
        Column("floating", Boolean, nullable=False, comment="a zone of the surroundings was used"),
        Column("problems", JSON(none_as_null=True), comment="[{uid, reason}]; null where all is well"),
        of_calendar(),
        Index(None, "expanded_until"),
    )
    # Few groups have problems, and they are counted often.
    Index(
        "ix_groups_quarantined",
        groups.c.site_id,
        groups.c.calendar_id,
        sqlite_where=groups.c.problems.is_not(None),
        postgresql_where=groups.c.problems.is_not(None),
    )

    occurrences = Table(
        "occurrences",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("calendar_id", String(36), primary_key=True),
        Column("group_key", Key, primary_key=True),
        Column("key", Key, primary_key=True),
        Column("uid", Text, nullable=False),
        Column("start_at", UtcDateTime, nullable=False),
        Column("end_at", UtcDateTime, nullable=False),
        Column("start_date", Date, comment="with end_date: an all-day event"),
        Column("end_date", Date),
        Column("zone", Text),
        Column("title", Text, nullable=False),
        Column("availability", Text, nullable=False),
        of_calendar(),
        Index(None, "site_id", "calendar_id", "start_at"),
    )
    return readings, passes, items, groups, occurrences
