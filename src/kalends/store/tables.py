"""The tables. Every row that belongs to a tenant carries `site_id`; every key and foreign key begins with it."""

from sqlalchemy import (
    JSON,
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
    UniqueConstraint,
    false,
    text,
)

from kalends.store.columns import UtcDateTime
from kalends.store.content_tables import add_content_tables, of_calendar
from kalends.store.event_tables import add_event_tables
from kalends.store.export_tables import add_export_tables

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_site() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site_id"], ["sites.id"], ondelete="CASCADE")


sites = Table(
    "sites",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("titles", Text, nullable=False),
    Column("redirect_origins", JSON, nullable=False),
    Column("connect_scopes", Text, nullable=False, server_default="full", comment="full or read"),
    Column("copy_title", Text, nullable=False, server_default="{title}", comment="a template"),
    Column("copy_link", Text, comment="a template of the address a copy leads to"),
    Column("copy_changes", Text, nullable=False, server_default="restore", comment="restore or accept"),
    Column("copy_buffer", Integer, nullable=False, server_default="0", comment="minutes that are blocked after copies"),
    Column("created_at", UtcDateTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    _of_site(),
    UniqueConstraint("site_id", "email"),
)

apps = Table(
    "apps",
    metadata,
    Column("id", String(36), primary_key=True, comment="the client id"),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

installations = Table(
    "installations",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True, comment="the instance id"),
    Column("app_id", String(36), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("premium", Boolean, nullable=False, comment="False: external calendars answer PREMIUM_FEATURE_NOT_ENABLED"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    _of_site(),
    ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE"),
    UniqueConstraint("site_id", "app_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    _of_site(),
    UniqueConstraint("hash"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("owner_id", String(36)),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("status", Text, nullable=False, comment="ACTIVE, or CANCELLED for ever"),
    Column("follows_site_zone", Boolean, nullable=False, comment="time_zone changes with the site's"),
    Column("external_id", Text, comment="what the caller knows it by"),
    Column("app_id", String(36), comment="whose schedule it is, by the caller's word"),
    Column("details", JSON, nullable=False, comment="defaults for its events and extended fields, as on the wire"),
    Column("idempotency_key", String(36)),
    _of_site(),
    ForeignKeyConstraint(["site_id", "owner_id"], ["users.site_id", "users.id"]),
    Index(None, "site_id", "owner_id"),
    Index(None, "site_id", "external_id"),
    Index(None, "site_id", "idempotency_key", unique=True),
)

providers = Table(
    "providers",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("secrets", LargeBinary, comment="sealed; null where there are none, and once removed"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    _of_site(),
)

connections = Table(
    "connections",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("provider_id", String(36), nullable=False),
    Column("schedule_id", String(36), nullable=False),
    Column("app_id", String(36)),
    Column("account_key", Text, nullable=False),
    Column("account_email", Text, nullable=False),
    Column("addresses", JSON, nullable=False),
    Column("credentials", LargeBinary, comment="sealed; null once erased"),
    Column("renewing_until", UtcDateTime, comment="until when somebody has the right to renew the credentials"),
    Column("scopes", JSON(none_as_null=True), comment="what was consented to; null where nobody is asked"),
    Column("redirect_url", Text, comment="where its owner was sent when it was connected by OAuth"),
    Column("status", Text, nullable=False),
    Column("error_reason", Text),
    Column("import_enabled", Boolean, nullable=False),
    Column("import_choice", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disconnected_at", UtcDateTime),
    Column("cleanup_until", UtcDateTime, comment="until when what is left at the provider is tried to be taken away"),
    # to where events are exported, and when the next of them are
    Column("export_enabled", Boolean, nullable=False, server_default=false()),
    Column("export_target", Text, comment="primary or dedicated; null: never chosen"),
    Column("export_privacy", Text, nullable=False, server_default="full", comment="full, title or busy"),
    Column("dedicated_calendar", Text, comment="the provider's id of the one we made"),
    Column("export_problem", Text, comment="why nothing is exported: an error reason"),
    Column("export_due_at", UtcDateTime, comment="when to export; null: nothing is to be done"),
    Column("export_failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("export_error", Text, comment="why exporting was last put off"),
    Column("copies_cursor", JSON(none_as_null=True), comment="how far the target was watched"),
    # asking for a sync, and having done it
    Column("wanted_rev", BigInteger, nullable=False),
    Column("done_rev", BigInteger, nullable=False),
    Column("next_sync_at", UtcDateTime),
    # the right to sync
    Column("lease_owner", Text),
    Column("lease_until", UtcDateTime),
    Column("fence", BigInteger, nullable=False),
    # how it went
    Column("last_read_at", UtcDateTime),
    Column("last_good_read_at", UtcDateTime),
    Column("failures", Integer, nullable=False, comment="failed syncs since the last good one"),
    Column("last_error", Text),
    Column("quirks", JSON(none_as_null=True), comment="names of the server's deviations that were met"),
    Column("acknowledgement", JSON(none_as_null=True), comment="who said that it is known to be broken, and when"),
    # what says how soon to look again
    Column("changed_at", UtcDateTime, comment="when a sync last found that something had changed"),
    Column("looked_at", UtcDateTime, comment="about when its events were last asked for"),
    _of_site(),
    ForeignKeyConstraint(["site_id", "schedule_id"], ["schedules.site_id", "schedules.id"], ondelete="CASCADE"),
    UniqueConstraint("site_id", "schedule_id", "provider_id", "account_key"),
    Index(None, "next_sync_at"),
    Index(None, "lease_until"),
    Index(None, "cleanup_until"),
    Index(
        None,
        "export_due_at",
        sqlite_where=text("export_due_at IS NOT NULL"),
        postgresql_where=text("export_due_at IS NOT NULL"),
    ),
    Index(
        None,
        "account_key",
        sqlite_where=text("credentials IS NOT NULL"),
        postgresql_where=text("credentials IS NOT NULL"),
    ),
    # what a worker looks for every few seconds: a handful of rows among many
    Index(
        "ix_connections_wanted",
        "site_id",
        "id",
        sqlite_where=text("wanted_rev > done_rev"),
        postgresql_where=text("wanted_rev > done_rev"),
    ),
)

authorizations = Table(
    "authorizations",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("link_hash", LargeBinary, nullable=False, comment="of the token in the link to our own page"),
    Column("provider_id", String(36), nullable=False),
    Column("schedule_id", String(36), nullable=False),
    Column("redirect_url", Text, nullable=False),
    Column("asked_by", JSON, nullable=False, comment="the identity that asked: {kind, id, permissions, premium}"),
    Column("expires_at", UtcDateTime, nullable=False),
    # from the confirmation on
    Column("state_hash", LargeBinary),
    Column("browser_hash", LargeBinary, comment="of the cookie of the browser that confirmed"),
    Column("secrets", LargeBinary, comment="sealed: the verifier of PKCE, and the nonce"),
    Column("insists", Boolean, nullable=False, comment="the provider was asked to ask for consent anew"),
    _of_site(),
    ForeignKeyConstraint(["site_id", "schedule_id"], ["schedules.site_id", "schedules.id"], ondelete="CASCADE"),
    UniqueConstraint("link_hash"),
    UniqueConstraint("state_hash"),
    Index(None, "expires_at"),
)
"""People who are on their way to a provider and back, for minutes."""

calendars = Table(
    "calendars",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("connection_id", String(64), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("color", Text),
    Column("time_zone", Text),
    Column("is_primary", Boolean, nullable=False),
    Column("own", Boolean, nullable=False),
    Column("writable", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("selected", Boolean, nullable=False, comment="chosen for import"),
    Column("gone_at", UtcDateTime, comment="when the provider no longer had it"),
    Column("watched_until", UtcDateTime, comment="until when the provider tells of changes by itself"),
    Column("watch_after", UtcDateTime, comment="when to ask for a channel, again or at all; null: never"),
    _of_site(),
    ForeignKeyConstraint(["site_id", "connection_id"], ["connections.site_id", "connections.id"], ondelete="CASCADE"),
    UniqueConstraint("site_id", "connection_id", "external_id"),
    Index(None, "watch_after"),
)


channels = Table(
    "channels",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True, comment="the channel's id at the provider too"),
    Column("calendar_id", String(36), nullable=False),
    Column("connection_id", String(64), nullable=False),
    Column("resource_id", Text, comment="the provider's name of what is watched; null until it has answered"),
    Column("token_hash", LargeBinary, nullable=False, comment="of the token that comes with each notification"),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("proven_at", UtcDateTime, comment="when it first showed that its notifications reach us"),
    Column("stop_after", UtcDateTime, comment="of no more use; when to ask the provider to end it"),
    of_calendar(),
    UniqueConstraint("id"),
    Index(None, "site_id", "calendar_id"),
    Index(None, "site_id", "connection_id"),
    Index(None, "expires_at"),
    Index(None, "stop_after"),
)
"""Push subscriptions at providers."""

readings, passes, items, groups, occurrences = add_content_tables(metadata)

runs = Table(
    "runs",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("connection_id", String(64), nullable=False),
    Column("cause", Text, nullable=False, comment="asked or poll"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False, comment="done or failed"),
    Column("counts", JSON, nullable=False),
    Column("requests", Integer, comment="sent to the provider; null: by a version that did not count them"),
    Column("error", Text),
    _of_site(),
    ForeignKeyConstraint(["site_id", "connection_id"], ["connections.site_id", "connections.id"], ondelete="CASCADE"),
    Index(None, "site_id", "connection_id", "started_at"),
    # the latest of all sites, and those that have had their time
    Index(None, "ended_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("connection_id", String(64), nullable=False, comment="no foreign key: what was done outlives it"),
    Column("details", JSON, nullable=False),
    _of_site(),
    Index(None, "site_id", "connection_id", "at"),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("site_id", String(36), primary_key=True),
    Column("token_id", String(36), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    _of_site(),
)

servers = Table(
    "servers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("beat_at", UtcDateTime, nullable=False, comment="when this process last said that it runs"),
)
"""Processes that take up syncs at present; belongs to no tenant."""

budgets = Table(
    "budgets",
    metadata,
    Column("key", String(64), primary_key=True, comment="a keyed hash of whose it is, and the limit"),
    Column(
        "spent_until",
        BigInteger,
        comment="the theoretical arrival time, in microseconds since 1970 by the clock of the database",
    ),
    Column("rests_until", UtcDateTime, comment="until when the server wants to be left alone"),
    Index(None, "rests_until"),
)
"""What all processes together spent of the budgets for requests to calendar servers; belongs to no tenant."""

places = Table(
    "places",
    metadata,
    Column("key", String(64), primary_key=True, comment="a keyed hash of whose it is"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(16), nullable=False),
    Column(
        "kept_until",
        BigInteger,
        nullable=False,
        comment="when it is free again, in microseconds since 1970 by the clock of the database",
    ),
)
"""Requests to calendar servers that are under way, where only so many may be at once; belongs to no tenant."""

schedule_events, schedule_event_segments, schedule_event_overrides = add_event_tables(metadata)
copies, intentions = add_export_tables(metadata)
