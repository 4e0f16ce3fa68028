"""Update the sync config of a connection: which calendars are imported, and to which one events are exported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kalends.accounts.directory import ProviderDirectory
from kalends.accounts.sessions import Accounts
from kalends.connections.authorizing import Authorizing
from kalends.connections.calendars import AccountCalendars, not_connected
from kalends.connections.finding import find_connection
from kalends.connections.views import ConnectionView, Failures
from kalends.jobs.wanting import Wanting
from kalends.model.clock import Clock
from kalends.model.connection import (
    Connection,
    ExportConfig,
    ExportTarget,
    ImportChoice,
    Status,
)
from kalends.model.errors import Invalid, Rule, Violation, not_supported_by_provider
from kalends.model.identity import Identity, Permission
from kalends.model.provider import ExportFeature, Provider
from kalends.providers.base import ProviderKind, TellsOfChanges, became_at
from kalends.store.calendars import Calendars, StoredCalendar
from kalends.store.channels import Channels
from kalends.store.connections import Connections
from kalends.store.database import Database, Transaction
from kalends.sync.export.target import primary_of
from kalends.sync.selection import imported

CALENDARS_FIELD = "syncConfig.listEventFromCalendars.calendars.calendars"


@dataclass(frozen=True, slots=True)
class ImportChange:
    """A change of `listEventFromCalendars`; None leaves as it was. `calendar_ids` goes with the choice `CALENDARS`."""

    enabled: bool | None = None
    choice: ImportChoice | None = None
    calendar_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportChange:
    """A change of `syncToCalendar`; None leaves as it was."""

    enabled: bool | None = None
    target: ExportTarget | None = None


@dataclass(frozen=True, slots=True)
class SyncConfigChange:
    """A change of either side; a side that is None stays as it was."""

    imports: ImportChange | None = None
    exports: ExportChange | None = None


class SyncConfigs:
    """Changes sync configs."""

    def __init__(
        self,
        database: Database,
        directory: ProviderDirectory,
        calendars: AccountCalendars,
        accounts: Accounts,
        authorizing: Authorizing,
        wanting: Wanting,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._calendars = calendars
        self._accounts = accounts
        self._authorizing = authorizing
        self._wanting = wanting
        self._clock = clock

    async def update(self, identity: Identity, connection_id: str, change: SyncConfigChange) -> ConnectionView:
        """Change the config and ask for a sync where that makes a difference.

        What is no longer imported is deleted here at once, what is no longer exported soon there. Raises `NotFound`,
        `PermissionDenied`, `Invalid` for a calendar that the account does not have, `PreconditionFailed`
        (`NOT_SUPPORTED_BY_PROVIDER`, `CONNECTION_NOT_CONNECTED`); then nothing is changed.
        """
        async with self._database.read() as reader:
            connection = await find_connection(reader, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
            provider = (await self._directory.known(reader, identity.site_id)).get(connection.provider_id)
        if provider is None:
            raise Failures.of([connection]).error()
        if connection.status is Status.DISCONNECTED:
            raise not_connected()
        await self._check_consent(identity, connection, provider, change)
        _check_supported(provider, change)
        kind = self._directory.kind(provider)
        if change.imports is not None and change.imports.choice is not None:
            await self._check_calendars(connection, change.imports, kind)
        if change.imports is not None or change.exports is not None:
            await self._change(connection, change, provider, kind)
        async with self._database.read() as reader:
            changed = await find_connection(reader, identity, connection_id, Permission.MANAGE_ALL_CONNECTIONS)
        return ConnectionView(changed, provider)

    async def _check_consent(
        self, identity: Identity, connection: Connection, provider: Provider, change: SyncConfigChange
    ) -> None:
        """Raise the error that says how to consent, where exporting is wanted and was not consented to."""
        if connection.scopes is None or not _wants_export(change):
            return
        if self._accounts.oauth(provider).consented(connection.scopes).exporting:
            return
        url = await self._authorizing.reconnect(identity, connection)
        raise not_supported_by_provider(
            f"The owner of the account has not consented to what exporting events to {provider.name} needs.",
            data={"reason": "CONSENT_REQUIRED"} | ({"reconnectUrl": url} if url else {}),
        )

    async def _change(
        self, connection: Connection, change: SyncConfigChange, provider: Provider, kind: ProviderKind
    ) -> None:
        """Change both sides, or neither."""
        async with self._database.write() as writer:
            connections = Connections(writer, connection.site_id)
            await connections.lock(connection.id)
            before = await connections.get(connection.id)
            if before is None or before.status is Status.DISCONNECTED:
                raise not_connected()
            if change.exports is not None:
                await self._change_exports(writer, before, change.exports, provider)
            if change.imports is not None:
                await self._change_imports(writer, before, change.imports, kind)

    async def _change_imports(
        self, writer: Transaction, before: Connection, change: ImportChange, kind: ProviderKind
    ) -> None:
        connections, calendars = Connections(writer, before.site_id), Calendars(writer, before.site_id)
        were_imported = imported(before, await calendars.of_connection(before.id))
        config = before.import_config
        await connections.set_import(
            before.id,
            enabled=config.enabled if change.enabled is None else change.enabled,
            choice=change.choice or config.choice,
        )
        if change.choice is ImportChoice.CALENDARS:
            await calendars.select(before.id, change.calendar_ids)
        after = await connections.get(before.id)
        are_imported = imported(after, await calendars.of_connection(before.id)) if after else []
        now_ids = {one.id for one in are_imported}
        dropped = [one.id for one in were_imported if one.id not in now_ids]
        if {one.id for one in were_imported} == now_ids:
            return
        await connections.void_lease(before.id)
        await calendars.forget_contents(dropped)
        if isinstance(kind, TellsOfChanges):
            await Channels(writer).settle(before.key, self._clock.now())
        if before.status is not Status.ERROR:
            await connections.set_status(before.id, Status.SYNC_IN_PROGRESS)
        await self._wanting.sync(writer, before.key)

    async def _change_exports(
        self, writer: Transaction, before: Connection, change: ExportChange, provider: Provider
    ) -> None:
        config = _changed(before.export_config, change, provider)
        if config.enabled and config.target is ExportTarget.PRIMARY:
            calendars = await Calendars(writer, before.site_id).of_connection(before.id)
            if primary_of(calendars) is None:
                raise not_supported_by_provider("The account has no primary calendar that can be written to.")
        stopped = config.enabled and before.export.problem is not None
        if config == before.export_config and not stopped:
            return
        await Connections(writer, before.site_id).set_export(before.id, config)
        if config.enabled or before.export_config.enabled:
            await self._wanting.export(writer, before.key)

    async def _check_calendars(self, connection: Connection, change: ImportChange, kind: ProviderKind) -> None:
        async with self._database.read() as reader:
            stored = await Calendars(reader, connection.site_id).of_connection(connection.id)
        if _lacks(change, stored):
            # made at the provider since the last look
            listed = await self._calendars.of(connection)
            async with self._database.write() as writer:
                # one at a time, as a sync does it: two that saw the same new calendar would both insert it
                await Connections(writer, connection.site_id).lock(connection.id)
                calendars = Calendars(writer, connection.site_id)
                await calendars.see(connection.id, listed, became=became_at(kind))
                stored = await calendars.of_connection(connection.id)
        if change.choice is ImportChoice.PRIMARY:
            if _lacks(change, stored):
                raise not_supported_by_provider("The account has no primary calendar; name calendars instead.")
            return
        missing = _missing(change, stored)
        if missing:
            raise Invalid(
                [
                    Violation(
                        f"{CALENDARS_FIELD}[{index}].id",
                        "The account has no such calendar.",
                        Rule.OTHER,
                        name="CALENDAR_NOT_FOUND",
                    )
                    for index in missing
                ]
            )


def _lacks(change: ImportChange, stored: Sequence[StoredCalendar]) -> bool:
    if change.choice is ImportChoice.PRIMARY:
        return not any(one.calendar.primary and one.gone_at is None for one in stored)
    return bool(_missing(change, stored))


def _missing(change: ImportChange, stored: Sequence[StoredCalendar]) -> list[int]:
    there = {one.calendar.id for one in stored if one.gone_at is None}
    return [index for index, wanted in enumerate(change.calendar_ids) if wanted not in there]


def _changed(before: ExportConfig, change: ExportChange, provider: Provider) -> ExportConfig:
    """Return the config that a change leads to; where no target was ever chosen, it is what the provider does best."""
    enabled = before.enabled if change.enabled is None else change.enabled
    target = change.target or before.target
    if enabled and target is None:
        dedicated = provider.features.sync_to_calendar is ExportFeature.DEDICATED_CALENDAR
        target = ExportTarget.DEDICATED if dedicated else ExportTarget.PRIMARY
    return replace(before, enabled=enabled, target=target)


def _wants_export(change: SyncConfigChange) -> bool:
    return change.exports is not None and bool(change.exports.enabled)


def _check_supported(provider: Provider, change: SyncConfigChange) -> None:
    if not provider.features.update_sync_config:
        raise not_supported_by_provider(f"{provider.name} has no sync config to change.")
    if change.exports is None:
        return
    can = provider.features.sync_to_calendar
    if _wants_export(change) and can is ExportFeature.NOT_SUPPORTED:
        raise not_supported_by_provider(f"Events cannot be exported to {provider.name}.")
    if change.exports.target is ExportTarget.DEDICATED and can is ExportFeature.PRIMARY_CALENDAR_ONLY:
        raise not_supported_by_provider(f"No calendar can be made for exports at {provider.name}.")
