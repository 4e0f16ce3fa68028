"""The first schema."""

import sqlalchemy as sa
from alembic import op

from kalends.store.columns import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "apps",
        sa.Column("id", sa.String(length=36), nullable=False, comment="the client id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
    )
    op.create_table(
        "servers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("beat_at", UtcDateTime(), nullable=False, comment="when this process last said that it runs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_servers")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("titles", sa.Text(), nullable=False),
        sa.Column("redirect_origins", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_table(
        "api_keys",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_api_keys_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    op.create_table(
        "installations",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False, comment="the instance id"),
        sa.Column("app_id", sa.String(length=36), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column(
            "premium",
            sa.Boolean(),
            nullable=False,
            comment="False: external calendars answer PREMIUM_FEATURE_NOT_ENABLED",
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name=op.f("fk_installations_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_installations_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_installations")),
        sa.UniqueConstraint("site_id", "app_id", name=op.f("uq_installations_site_id_app_id")),
    )
    op.create_index(op.f("ix_installations_app_id"), "installations", ["app_id"], unique=False)
    op.create_table(
        "providers",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_providers_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_providers")),
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("token_id", sa.String(length=36), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_revoked_tokens_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "token_id", name=op.f("pk_revoked_tokens")),
    )
    op.create_table(
        "users",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_users_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("site_id", "email", name=op.f("uq_users_site_id_email")),
    )
    op.create_table(
        "schedules",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id", "owner_id"], ["users.site_id", "users.id"], name=op.f("fk_schedules_site_id_owner_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_schedules_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_schedules")),
    )
    op.create_index(op.f("ix_schedules_site_id_owner_id"), "schedules", ["site_id", "owner_id"], unique=False)
    op.create_table(
        "connections",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("schedule_id", sa.String(length=36), nullable=False),
        sa.Column("app_id", sa.String(length=36), nullable=True),
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("account_email", sa.Text(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=True, comment="sealed; null once erased"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=True),
        sa.Column("import_enabled", sa.Boolean(), nullable=False),
        sa.Column("import_choice", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disconnected_at", UtcDateTime(), nullable=True),
        sa.Column("wanted_rev", sa.BigInteger(), nullable=False),
        sa.Column("done_rev", sa.BigInteger(), nullable=False),
        sa.Column("next_sync_at", UtcDateTime(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("last_read_at", UtcDateTime(), nullable=True),
        sa.Column("last_good_read_at", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, comment="failed syncs since the last good one"),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id", "schedule_id"],
            ["schedules.site_id", "schedules.id"],
            name=op.f("fk_connections_site_id_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_connections_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "site_id",
            "schedule_id",
            "provider_id",
            "account_key",
            name=op.f("uq_connections_site_id_schedule_id_provider_id_account_key"),
        ),
    )
    op.create_index(op.f("ix_connections_next_sync_at"), "connections", ["next_sync_at"], unique=False)
    op.create_table(
        "calendars",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("writable", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=False, comment="chosen for import"),
        sa.Column("gone_at", UtcDateTime(), nullable=True, comment="when the provider no longer had it"),
        sa.ForeignKeyConstraint(
            ["site_id", "connection_id"],
            ["connections.site_id", "connections.id"],
            name=op.f("fk_calendars_site_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_calendars_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_calendars")),
        sa.UniqueConstraint(
            "site_id", "connection_id", "external_id", name=op.f("uq_calendars_site_id_connection_id_external_id")
        ),
    )
    op.create_table(
        "runs",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False, comment="asked or poll"),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="done or failed"),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site_id", "connection_id"],
            ["connections.site_id", "connections.id"],
            name=op.f("fk_runs_site_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_runs_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site_id", "id", name=op.f("pk_runs")),
    )
    op.create_index(
        op.f("ix_runs_site_id_connection_id_started_at"),
        "runs",
        ["site_id", "connection_id", "started_at"],
        unique=False,
    )
    op.create_table(
        "groups",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("calendar_id", sa.String(length=36), nullable=False),
        sa.Column("group_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("expanded_until", UtcDateTime(), nullable=True, comment="null: nothing more to come"),
        sa.Column("floating", sa.Boolean(), nullable=False, comment="a zone of the surroundings was used"),
        sa.Column(
            "problems", sa.JSON(none_as_null=True), nullable=True, comment="[{uid, reason}]; null where all is well"
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_groups_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "calendar_id", "group_key", name=op.f("pk_groups")),
    )
    op.create_index(op.f("ix_groups_expanded_until"), "groups", ["expanded_until"], unique=False)
    op.create_table(
        "items",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("calendar_id", sa.String(length=36), nullable=False),
        sa.Column("item_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("group_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "recurrence_id",
            sa.Text(),
            nullable=True,
            comment="of an exception that the provider stores apart from its master",
        ),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True, comment="why there is no payload"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("seen_pass", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_items_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "calendar_id", "item_key", name=op.f("pk_items")),
    )
    op.create_index(
        op.f("ix_items_site_id_calendar_id_group_key"), "items", ["site_id", "calendar_id", "group_key"], unique=False
    )
    op.create_table(
        "occurrences",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("calendar_id", sa.String(length=36), nullable=False),
        sa.Column("group_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("start_at", UtcDateTime(), nullable=False),
        sa.Column("end_at", UtcDateTime(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=True, comment="with end_date: an all-day event"),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("availability", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_occurrences_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "calendar_id", "group_key", "key", name=op.f("pk_occurrences")),
    )
    op.create_index(
        op.f("ix_occurrences_site_id_calendar_id_start_at"),
        "occurrences",
        ["site_id", "calendar_id", "start_at"],
        unique=False,
    )
    op.create_table(
        "passes",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("calendar_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="full or incremental"),
        sa.Column("continuation", sa.Text(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_passes_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "calendar_id", name=op.f("pk_passes")),
    )
    op.create_table(
        "readings",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("calendar_id", sa.String(length=36), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True, comment="null: the next reading is a full one"),
        sa.Column("last_good_at", UtcDateTime(), nullable=True),
        sa.Column(
            "covered_from", UtcDateTime(), nullable=True, comment="with covered_until: what the occurrences cover"
        ),
        sa.Column("covered_until", UtcDateTime(), nullable=True),
        sa.Column("zones", sa.Text(), nullable=True, comment="what placed floating and all-day events"),
        sa.ForeignKeyConstraint(
            ["site_id", "calendar_id"],
            ["calendars.site_id", "calendars.id"],
            name=op.f("fk_readings_site_id_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site_id", "calendar_id", name=op.f("pk_readings")),
    )
