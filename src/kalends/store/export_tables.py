"""The tables of exports: copies in people's calendars, and what is still to be brought about there."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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


def _of_connection() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["site_id", "connection_id"], ["connections.site_id", "connections.id"], ondelete="CASCADE"
    )


def add_export_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Return the tables of copies and intentions, which belong to the metadata from then on."""
    copies = Table(
        "copies",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("key", String(52), primary_key=True),
        Column("connection_id", String(64), nullable=False),
        Column("event_id", String(36), nullable=False),
        Column("ordinal", Integer, nullable=False, comment="of the segment; below zero: the time after it"),
        Column("generation", Integer, nullable=False),
        Column("calendar_id", Key, nullable=False, comment="the provider's id of the calendar"),
        Column("moving_to", Key, comment="to where it is being moved: it may be there already"),
        Column("state", Text, nullable=False, comment="unsure, there or gone"),
        Column("ref", Key, comment="how the provider addresses it"),
        Column("version", Text, nullable=False),
        Column("echo", Text, nullable=False, comment="a digest of what the provider stores of it"),
        Column("written", LargeBinary, comment="a digest of what was last written"),
        Column("revision", Integer, comment="of the event, when that was"),
        Column("error", Text, comment="why it cannot be written as it should be"),
        _of_connection(),
        Index(None, "site_id", "connection_id", "event_id"),
        Index(None, "site_id", "ref"),
    )
    intentions = Table(
        "intentions",
        metadata,
        Column("site_id", String(36), primary_key=True),
        Column("connection_id", String(64), primary_key=True),
        Column("event_id", String(36), primary_key=True),
        Column("rev", BigInteger, nullable=False, comment="rises each time that it is meant anew"),
        Column("due_at", UtcDateTime, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("look", Boolean, nullable=False, comment="somebody may have changed a copy at the provider"),
        _of_connection(),
    )
    return copies, intentions
